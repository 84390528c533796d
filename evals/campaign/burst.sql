-- name: make_devices
WITH place AS (INSERT INTO gis.area (name, latitude, longitude) VALUES ('Burst', 50, -3) RETURNING id)
INSERT INTO cmdb.device (name, kind, area_id, management_address)
SELECT made.name, 'olt', place.id, made.address
  FROM place, unnest(%(names)s::text[], %(addresses)s::inet[]) AS made (name, address);

-- name: kept
SELECT door, count(*) FROM nms.alarm GROUP BY door;
