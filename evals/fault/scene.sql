-- name: cut_link
SELECT link.id AS link_id, link.name, link.from_device_id, link.from_port, link.to_device_id, link.to_port
  FROM cmdb.link
 WHERE link.name = %(name)s;

-- name: gear
SELECT device.id AS device_id, device.name, device.kind, host(device.management_address) AS address
  FROM cmdb.device
 WHERE device.id = ANY(%(device_ids)s::bigint[])
   AND device.management_address IS NOT NULL
 ORDER BY device.id;

-- name: line_groups
SELECT speaker.id AS device_id, host(speaker.management_address) AS address, speaker.name AS device, device.name AS hangs_from, count(*) AS lines
  FROM cmdb.access
  JOIN cmdb.device ON device.id = access.device_id
  JOIN cmdb.device AS speaker ON speaker.id = CASE WHEN device.management_address IS NULL THEN access.reported_by_device_id ELSE device.id END
 WHERE access.reported_by_device_id = ANY(%(device_ids)s::bigint[])
 GROUP BY speaker.id, device.id
 ORDER BY device.id;

-- name: gear_elsewhere
SELECT device.id AS device_id, device.name, device.kind, host(device.management_address) AS address
  FROM cmdb.device
 WHERE device.kind IN ('core', 'metro', 'bng', 'aggregation', 'olt', 'tower')
   AND device.is_monitored
   AND NOT device.id = ANY(%(device_ids)s::bigint[])
 ORDER BY device.id
 LIMIT 200;
