-- Where we come next: of each technology the polygon that is ready soonest within thirty kilometres of a place, and how far away its box is.
CREATE FUNCTION gis.coverage_planned(p_latitude double precision, p_longitude double precision, p_today date)
RETURNS TABLE (name text, technology text, ready_on date, away_km int)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT ON (near.technology) near.name, near.technology, near.ready_on, round(near.away)::int
      FROM (SELECT drawn.name, drawn.technology, drawn.ready_on,
                   sqrt(power(greatest(drawn.south - p_latitude, p_latitude - drawn.north, 0) * 111.2, 2)
                      + power(greatest(drawn.west - p_longitude, p_longitude - drawn.east, 0) * 111.2 * cos(radians(p_latitude)), 2)) AS away
              FROM gis.coverage AS drawn
             WHERE drawn.ready_on > p_today) AS near
     WHERE near.away <= 30
     ORDER BY near.technology, near.ready_on, near.away, near.name
$$;
REVOKE EXECUTE ON FUNCTION gis.coverage_planned FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gis.coverage_planned TO bedrock_customer, bedrock_staff, bedrock_executor;
