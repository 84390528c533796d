-- name: make_area
INSERT INTO gis.area (name, latitude, longitude) VALUES ('Drill', 50, -3) ON CONFLICT DO NOTHING;

-- name: make_device
INSERT INTO cmdb.device (name, kind, area_id) SELECT %(name)s, 'olt', min(area.id) FROM gis.area ON CONFLICT DO NOTHING;

-- name: alarm_numbers
SELECT split_part(alarm.managed_object, ' ', 2)::bigint
  FROM nms.alarm
  JOIN cmdb.device ON device.id = alarm.device_id
 WHERE device.name = %(device)s;

-- name: action_numbers
SELECT action.reason::bigint FROM actions.action WHERE action.proposer = %(proposer)s AND action.state = 'done';
