-- name: waiting
CREATE TEMP TABLE IF NOT EXISTS heard (
    row_number       int NOT NULL,
    device           text NOT NULL,
    address          inet,
    managed_object   text NOT NULL,
    probable_cause   text NOT NULL,
    alarm_type       text NOT NULL,
    severity         text NOT NULL,
    specific_problem text NOT NULL,
    text             text NOT NULL,
    door             text NOT NULL,
    raised_at        timestamptz,
    cleared_at       timestamptz,
    first_received_at timestamptz NOT NULL,
    last_received_at timestamptz NOT NULL,
    times            int NOT NULL
) ON COMMIT DELETE ROWS;

-- name: hear
COPY heard FROM STDIN;

-- name: record_heard
-- `before` locks the alarms that move, in the order of their keys, and says how they stood; the insert waits for it by joining it.
WITH named AS MATERIALIZED (
    SELECT heard.*, coalesce(by_name.id, by_address.id) AS device_id
      FROM heard
      LEFT JOIN cmdb.device AS by_name ON by_name.name = heard.device
      LEFT JOIN cmdb.device AS by_address ON by_address.management_address = heard.address
), keyed AS MATERIALIZED (
    -- One device heard by name and by address is one alarm.
    SELECT device_id, managed_object, probable_cause,
           max(raised_at) AS raised_at,
           max(cleared_at) AS cleared_at,
           min(first_received_at) AS first_received_at,
           max(last_received_at) AS last_received_at,
           sum(times)::int AS times,
           (array_agg(row_number ORDER BY raised_at DESC NULLS LAST, cleared_at DESC NULLS LAST))[1] AS row_number
      FROM named
     WHERE device_id IS NOT NULL
     GROUP BY device_id, managed_object, probable_cause
), before AS MATERIALIZED (
    SELECT alarm.id, alarm.device_id, alarm.managed_object, alarm.probable_cause, alarm.is_open, alarm.severity
      FROM nms.alarm
      JOIN keyed USING (device_id, managed_object, probable_cause)
     ORDER BY alarm.device_id, alarm.managed_object, alarm.probable_cause
       FOR UPDATE OF alarm
), merged AS (
    INSERT INTO nms.alarm AS alarm (
           device_id, managed_object, probable_cause, alarm_type, severity, specific_problem, text, door,
           raised_at, cleared_at, first_received_at, last_received_at, times, link_id, subscriber_id)
    SELECT keyed.device_id, keyed.managed_object, keyed.probable_cause, named.alarm_type,
           named.severity, named.specific_problem, named.text, named.door,
           keyed.raised_at, keyed.cleared_at, keyed.first_received_at, keyed.last_received_at, keyed.times,
           coalesce(leaving.id, arriving.id), access.subscriber_id
      FROM keyed
      JOIN named USING (row_number)
      LEFT JOIN before ON before.device_id = keyed.device_id
                      AND before.managed_object = keyed.managed_object
                      AND before.probable_cause = keyed.probable_cause
      LEFT JOIN cmdb.link AS leaving ON before.id IS NULL AND leaving.from_device_id = keyed.device_id AND leaving.from_port = keyed.managed_object
      LEFT JOIN cmdb.link AS arriving ON before.id IS NULL AND arriving.to_device_id = keyed.device_id AND arriving.to_port = keyed.managed_object
      LEFT JOIN cmdb.access ON before.id IS NULL
                           AND access.reported_by_device_id = keyed.device_id AND access.managed_object = keyed.managed_object
     ORDER BY keyed.device_id, keyed.managed_object, keyed.probable_cause
        ON CONFLICT (device_id, managed_object, probable_cause) DO UPDATE
       SET raised_at = greatest(alarm.raised_at, excluded.raised_at),
           cleared_at = greatest(alarm.cleared_at, excluded.cleared_at),
           first_received_at = least(alarm.first_received_at, excluded.first_received_at),
           last_received_at = greatest(alarm.last_received_at, excluded.last_received_at),
           times = alarm.times + excluded.times,
           severity = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity') THEN excluded.severity ELSE alarm.severity END,
           text = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity') THEN excluded.text ELSE alarm.text END,
           specific_problem = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity')
                                   THEN excluded.specific_problem ELSE alarm.specific_problem END
    RETURNING alarm.device_id, alarm.managed_object, alarm.probable_cause, alarm.is_open, alarm.severity
)
SELECT (SELECT count(*) FROM merged)::int AS alarms,
       (SELECT count(*)
          FROM merged
          LEFT JOIN before USING (device_id, managed_object, probable_cause)
         WHERE merged.is_open IS DISTINCT FROM coalesce(before.is_open, false)
            OR (merged.is_open AND merged.severity IS DISTINCT FROM before.severity))::int AS changed,
       ARRAY(SELECT row_number FROM named WHERE device_id IS NULL ORDER BY row_number) AS unknown;

-- name: quarantine
INSERT INTO nms.quarantine (received_at, door, source_address, device, reason, raw, event, times)
VALUES (%(received_at)s, %(door)s, %(source_address)s, %(device)s, %(reason)s, %(raw)s, %(event)s::jsonb, %(times)s);

-- name: released
-- What was set aside for want of a device that is known now, oldest first, each to one releaser only.
SELECT quarantine.id, quarantine.event
  FROM nms.quarantine
 WHERE quarantine.replayed_at IS NULL
   AND quarantine.event IS NOT NULL
   AND EXISTS (SELECT 1 FROM cmdb.device
                WHERE device.name = quarantine.device OR host(device.management_address) = quarantine.device)
 ORDER BY quarantine.id
 LIMIT %(most)s
   FOR UPDATE SKIP LOCKED;

-- name: mark_replayed
UPDATE nms.quarantine SET replayed_at = %(now)s WHERE id = ANY(%(ids)s);

-- name: age_out
-- What happened and was over at once has stood long enough to be seen.
UPDATE nms.alarm
   SET cleared_at = alarm.raised_at + momentary.stands_for
  FROM unnest(%(causes)s::text[], %(stand_for)s::interval[]) AS momentary (probable_cause, stands_for)
 WHERE alarm.is_open
   AND alarm.probable_cause = momentary.probable_cause
   AND alarm.raised_at + momentary.stands_for <= %(now)s;

-- name: acknowledge_alarms
UPDATE nms.alarm
   SET acknowledged_by_action_id = actions.claimed()
 WHERE id = ANY(%(alarms)s) AND is_open AND acknowledged_by_action_id IS NULL;

-- name: set_maintenance_window
INSERT INTO nms.maintenance_window (device_id, starts_at, ends_at, reason)
SELECT device.id, %(starts_at)s, %(ends_at)s, %(reason)s
  FROM cmdb.device
 WHERE device.id = ANY(%(devices)s);
