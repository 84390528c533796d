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
 WHERE alarm.is_open
 ORDER BY alarm.raised_at, alarm.id;

-- name: alarm_pulse
SELECT (SELECT count(*) FROM nms.alarm WHERE is_open)::int AS open_alarms,
       (SELECT count(*) FROM nms.quarantine WHERE replayed_at IS NULL)::int AS quarantined;

-- name: quarantined
SELECT door, received_at, source_address, reason, raw
  FROM nms.quarantine
 WHERE replayed_at IS NULL
 ORDER BY received_at DESC, id DESC
 LIMIT %(most)s;
