-- name: move_premise
UPDATE gis.premise SET latitude = %(latitude)s, longitude = %(longitude)s, corrected_by_action_id = actions.claimed()
 WHERE premise.id = %(premise_id)s
   AND premise.latitude = %(was_latitude)s
   AND premise.longitude = %(was_longitude)s;

-- name: record_areas
INSERT INTO gis.area (name, latitude, longitude)
SELECT name, latitude, longitude FROM unnest(%(names)s::text[], %(latitudes)s::float8[], %(longitudes)s::float8[]) AS area (name, latitude, longitude)
ON CONFLICT (name) DO NOTHING;
