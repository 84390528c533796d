-- name: areas
SELECT area.id, area.name, count(premise.id) AS premises, area.latitude, area.longitude
  FROM gis.area
  LEFT JOIN gis.premise ON premise.area_id = area.id
 GROUP BY area.id
 ORDER BY area.name;

-- name: premise
SELECT premise.id, premise.unit, premise.number, premise.street, premise.town, premise.postcode, area.name AS area, premise.latitude,
       premise.longitude, count(DISTINCT subscriber.customer_id) AS customers, count(subscriber.id) AS subscribers
  FROM gis.premise
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN crm.subscriber ON subscriber.premise_id = premise.id AND subscriber.state IN ('active', 'suspended')
 WHERE premise.id = %(premise_id)s
 GROUP BY premise.id, area.id;

-- name: premises_like
SELECT premise.id, premise.unit, premise.number, premise.street, premise.town, premise.postcode, area.name AS area, premise.latitude,
       premise.longitude, count(DISTINCT subscriber.customer_id) AS customers, count(subscriber.id) AS subscribers
  FROM (SELECT found.id
          FROM gis.premise AS found
         WHERE (found.postcode = %(postcode)s OR lower(found.street) = ANY (%(streets)s::text[]))
           AND (%(building)s::text = '' OR found.number ~ ('^' || %(building)s::text || '[A-Za-z]?$'))
         ORDER BY found.postcode = %(postcode)s DESC, found.id
         LIMIT %(most)s) AS near
  JOIN gis.premise ON premise.id = near.id
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN crm.subscriber ON subscriber.premise_id = premise.id AND subscriber.state IN ('active', 'suspended')
 GROUP BY premise.id, area.id
 ORDER BY premise.id;

-- name: areas_of_lines
SELECT premise.id AS premise_id, area.name AS area, premise.street, premise.town
  FROM crm.subscriber
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')
 ORDER BY subscriber.id;

-- name: addresses_like
SELECT found.id, found.unit, found.number, found.street, found.town, found.postcode, found.area, found.building, found.is_provisional
  FROM gis.premises_like(%(postcode)s, %(streets)s::text[], %(building)s, %(most)s) AS found
 ORDER BY found.id;

-- name: street_names
SELECT name FROM gis.street_names() AS name;

-- name: site
SELECT place.premise_id, place.unit, place.number, place.street, place.town, place.postcode, place.area_id, place.area, place.latitude,
       place.longitude, place.kind, place.is_provisional, place.building, place.consent
  FROM gis.place_of(%(premise_id)s) AS place;

-- name: plant_around
SELECT point.device_id, point.name, point.kind, point.technology, point.area, point.ports, point.lines, point.reserved, point.reserved_here,
       point.latitude, point.longitude, point.down_kbps, point.up_kbps, point.reach_m, point.azimuth_deg, point.beamwidth_deg, point.split,
       point.budget_db, point.ready_on, point.operational_state, point.drop_m, point.feeder_m, point.is_fed, point.incidents,
       point.median_power_dbm, point.installs_failed, point.installs_failed_on_light
  FROM gis.plant_around(%(premise_id)s, %(latitude)s, %(longitude)s) AS point
 ORDER BY point.device_id;

-- name: coverage_around
SELECT drawn.id, drawn.name, drawn.technology, drawn.down_kbps, drawn.up_kbps, drawn.ready_on, drawn.geometry
  FROM gis.coverage_around(%(latitude)s, %(longitude)s) AS drawn
 ORDER BY drawn.id;

-- name: coverage_planned
SELECT planned.name, planned.technology, planned.ready_on, planned.away_km
  FROM gis.coverage_planned(%(latitude)s, %(longitude)s, %(today)s) AS planned
 ORDER BY planned.ready_on, planned.technology;

-- name: technologies_drawn
SELECT technology FROM gis.technologies_drawn() AS technology;

-- name: reservation_of
SELECT held.id, held.device_id, device.name AS device, held.port, held.premise_id, held.key, held.expires_at
  FROM gis.reservation AS held
  JOIN cmdb.device ON device.id = held.device_id
 WHERE held.key = %(key)s
   AND held.ended_at IS NULL
   AND held.expires_at > clock_timestamp();

-- name: way_up
WITH RECURSIVE way (device_id, port, length_m, steps, seen) AS (
    SELECT %(device_id)s::bigint, '', NULL::int, 0, ARRAY[%(device_id)s::bigint]
     UNION ALL
    SELECT link.from_device_id, link.from_port, link.length_m, way.steps + 1, way.seen || link.from_device_id
      FROM way
      JOIN cmdb.device AS here ON here.id = way.device_id
      JOIN cmdb.link ON link.to_device_id = way.device_id
     WHERE here.kind IN ('splitter', 'pon_port', 'sector', 'docsis_node')
       AND link.from_device_id <> ALL (way.seen)
       AND way.steps < 8
)
SELECT way.device_id, device.name AS device, device.kind, way.port, way.length_m
  FROM way
  JOIN cmdb.device ON device.id = way.device_id
 ORDER BY way.steps, way.device_id;

-- name: devices_of_premise
SELECT access.device_id
  FROM crm.subscriber
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
 WHERE subscriber.premise_id = %(premise_id)s
   AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')
 UNION
SELECT laid.device_id
  FROM gis.drop AS laid
 WHERE laid.premise_id = %(premise_id)s
 ORDER BY 1;

-- name: premises_behind
WITH RECURSIVE below (device_id) AS (
    SELECT %(device_id)s::bigint
     UNION
    SELECT link.to_device_id
      FROM below
      JOIN cmdb.link ON link.from_device_id = below.device_id
      JOIN cmdb.device ON device.id = link.to_device_id
     WHERE device.kind IN ('pon_port', 'splitter', 'sector', 'docsis_node')
), hanging (premise_id, device_id, lines) AS (
    SELECT subscriber.premise_id, access.device_id, count(*)
      FROM below
      JOIN cmdb.access ON access.device_id = below.device_id
      JOIN crm.subscriber ON subscriber.id = access.subscriber_id AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')
     GROUP BY subscriber.premise_id, access.device_id
     UNION ALL
    SELECT laid.premise_id, laid.device_id, 0
      FROM below
      JOIN gis.drop AS laid ON laid.device_id = below.device_id
)
SELECT premise.id AS premise_id, premise.unit, premise.number, premise.street, premise.town, premise.postcode, min(device.name) AS device,
       sum(hanging.lines)::bigint AS subscribers
  FROM hanging
  JOIN gis.premise ON premise.id = hanging.premise_id
  JOIN cmdb.device ON device.id = hanging.device_id
 GROUP BY premise.id
 ORDER BY premise.street, premise.number, premise.unit, premise.id;

-- name: premises_beside
SELECT premise.id, premise.number, premise.unit, premise.street, premise.town, premise.postcode, area.name AS area,
       coalesce(building.name, '') AS building, premise.kind, coalesce(premise.external_id, '') AS external_id, premise.is_provisional,
       premise.latitude, premise.longitude, count(DISTINCT subscriber.customer_id) AS customers,
       premise.corrected_by_action_id IS NOT NULL AS is_corrected
  FROM gis.premise
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN gis.building ON building.id = premise.building_id
  LEFT JOIN crm.subscriber ON subscriber.premise_id = premise.id AND subscriber.state IN ('active', 'suspended')
 WHERE upper(premise.postcode) = ANY (%(postcodes)s::text[])
    OR premise.external_id = ANY (%(external_ids)s::text[])
 GROUP BY premise.id, area.id, building.id
 ORDER BY premise.id;

-- name: premises_placed
SELECT premise.number, premise.unit, premise.street, premise.town, premise.postcode, area.name AS area, coalesce(building.name, '') AS building,
       premise.kind, coalesce(premise.external_id, '') AS external_id, premise.is_provisional, premise.latitude, premise.longitude
  FROM gis.premise
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN gis.building ON building.id = premise.building_id
 ORDER BY premise.postcode COLLATE "C", premise.street COLLATE "C", premise.number COLLATE "C", premise.unit COLLATE "C";

-- name: coverage_drawn
SELECT drawn.id, drawn.name, drawn.technology, drawn.down_kbps, drawn.up_kbps, drawn.ready_on, drawn.geometry
  FROM gis.coverage AS drawn
 ORDER BY drawn.name COLLATE "C";

-- name: plant_placed
SELECT device.name, device.kind, point.technology, area.name AS area, point.ports, point.down_kbps, point.up_kbps, point.reach_m,
       point.azimuth_deg, point.beamwidth_deg, point.split, point.budget_db, point.ready_on, point.latitude, point.longitude
  FROM gis.serving_point AS point
  JOIN cmdb.device ON device.id = point.device_id
  JOIN gis.area ON area.id = device.area_id
 ORDER BY device.name COLLATE "C";

-- name: point_position
SELECT point.latitude, point.longitude FROM gis.serving_point AS point WHERE point.device_id = %(device_id)s;

-- name: building_of
SELECT building.id, building.name, area.name AS area, building.consent
  FROM gis.premise
  JOIN gis.building ON building.id = premise.building_id
  JOIN gis.area ON area.id = building.area_id
 WHERE premise.id = %(premise_id)s;

-- name: locations
SELECT premise.id AS premise_id, concat_ws(', ', nullif(premise.unit, ''), premise.number || ' ' || premise.street, premise.town, premise.postcode) AS address,
       coalesce(premise.external_id, '') AS external_id, premise.is_provisional
  FROM gis.premise
 ORDER BY premise.external_id COLLATE "C" NULLS LAST, premise.id;
