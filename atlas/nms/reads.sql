-- name: open_alarms
SELECT alarm.id AS alarm_id,
       coalesce(access.device_id, alarm.device_id) AS device_id,
       alarm.link_id,
       alarm.subscriber_id,
       alarm.probable_cause,
       alarm.severity,
       alarm.raised_at,
       alarm.times,
       alarm.managed_object
  FROM nms.alarm
  LEFT JOIN cmdb.access ON access.subscriber_id = alarm.subscriber_id
 -- One that flaps stands until it has been quiet: see end_hold_down.
 WHERE alarm.is_open OR alarm.reopened >= 3
 ORDER BY alarm.raised_at, alarm.id;

-- name: open_windows
SELECT device_id, starts_at, ends_at, reason
  FROM nms.maintenance_window
 WHERE starts_at <= now() AND ends_at > now()
 ORDER BY device_id, id;

-- name: alarm_pulse
SELECT (SELECT count(*) FROM nms.alarm WHERE is_open OR reopened >= 3)::int AS open_alarms,
       (SELECT count(*) FROM nms.quarantine WHERE replayed_at IS NULL)::int AS quarantined;

-- name: newest_alarm
SELECT max(last_received_at) AS heard_at, coalesce(clock_timestamp() - max(last_received_at), interval '1 day') AS age,
       count(*) AS standing, NOT pg_try_advisory_xact_lock(hashtextextended('nms.storing', 0)) AS more_to_come
  FROM nms.alarm
 WHERE is_open;

-- name: quarantined
SELECT door, received_at, source_address, reason, raw
  FROM nms.quarantine
 WHERE replayed_at IS NULL
 ORDER BY received_at DESC, id DESC
 LIMIT %(most)s;

-- name: alarms_of_incident
SELECT alarm.id AS alarm_id, device.name AS device, alarm.managed_object, alarm.probable_cause, alarm.severity, alarm.text, alarm.raised_at,
       alarm.cleared_at, alarm.is_open, alarm.reopened >= 3 AS is_flapping, alarm.times, alarm.acknowledged_by_action_id IS NOT NULL AS is_acknowledged, held.incident_id,
       EXISTS (SELECT FROM nms.maintenance_window AS work
                WHERE work.device_id = alarm.device_id AND alarm.raised_at BETWEEN work.starts_at AND work.ends_at) AS is_in_maintenance
  FROM itsm.incident_alarm AS held
  JOIN nms.alarm ON alarm.id = held.alarm_id
  JOIN cmdb.device ON device.id = alarm.device_id
 WHERE held.incident_id = %(incident_id)s AND alarm.raised_at IS NOT NULL
 ORDER BY alarm.is_open DESC, alarm.raised_at, alarm.id
 LIMIT %(most)s;

-- name: standing_alarms
SELECT alarm.id AS alarm_id, device.name AS device, alarm.managed_object, alarm.probable_cause, alarm.severity, alarm.text, alarm.raised_at,
       alarm.cleared_at, alarm.is_open, alarm.reopened >= 3 AS is_flapping, alarm.times, alarm.acknowledged_by_action_id IS NOT NULL AS is_acknowledged, held.incident_id,
       EXISTS (SELECT FROM nms.maintenance_window AS work
                WHERE work.device_id = alarm.device_id AND alarm.raised_at BETWEEN work.starts_at AND work.ends_at) AS is_in_maintenance
  FROM nms.alarm
  JOIN cmdb.device ON device.id = alarm.device_id
  LEFT JOIN itsm.incident_alarm AS held ON held.alarm_id = alarm.id AND held.left_at IS NULL
 WHERE (alarm.is_open OR alarm.reopened >= 3) AND (%(device)s::text IS NULL OR device.name = %(device)s)
 ORDER BY array_position(ARRAY['critical', 'major', 'minor', 'warning', 'indeterminate'], alarm.severity), alarm.raised_at DESC, alarm.id
 LIMIT %(most)s;

-- name: port_doubts
SELECT doubt.nas_device_id AS device_id, device.name AS bng, doubt.circuit_id, doubt.remote_id, doubt.station, doubt.reason, doubt.first_seen_at,
       doubt.last_seen_at, doubt.times
  FROM cmdb.port_doubt AS doubt
  JOIN cmdb.device ON device.id = doubt.nas_device_id
 WHERE doubt.last_seen_at > clock_timestamp() - %(within)s::interval
 ORDER BY device.name, doubt.last_seen_at DESC, doubt.circuit_id
 LIMIT %(most)s;
