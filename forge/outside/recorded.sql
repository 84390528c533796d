-- name: record_message
-- A second sending under one key is counted, not kept twice: what the law about one key is checked against.
INSERT INTO helpdesk.recorded_message (key, reference, channel, address, words)
VALUES (%(key)s, 'RM' || md5(%(key)s), %(channel)s, %(address)s, %(words)s)
    ON CONFLICT (key) DO UPDATE SET times = recorded_message.times + 1
RETURNING reference;

-- name: recorded_reference
SELECT reference FROM helpdesk.recorded_message WHERE key = %(key)s;

-- name: device_state
SELECT operational_state FROM cmdb.device WHERE name = %(device)s;

-- name: has_open_alarm
SELECT EXISTS (SELECT 1
                 FROM nms.alarm
                 JOIN cmdb.device ON device.id = alarm.device_id
                WHERE device.name = %(device)s AND alarm.is_open AND alarm.severity IN ('critical', 'major'));

-- name: record_call
INSERT INTO actions.recorded_call (key, port, operation, arguments)
VALUES (%(key)s, %(port)s, %(operation)s, %(arguments)s::jsonb)
    ON CONFLICT (key) DO UPDATE SET times = recorded_call.times + 1
RETURNING at;

-- name: was_called
SELECT EXISTS (SELECT 1 FROM actions.recorded_call WHERE recorded_call.key = %(key)s);

-- name: recorded_refunds
SELECT (call.arguments ->> 'amount_minor')::bigint AS amount, call.at
  FROM actions.recorded_call AS call
 WHERE call.key = %(key)s AND call.port = 'payments';
