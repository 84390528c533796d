-- name: begin_batch
INSERT INTO nms.writer (id, batch)
VALUES (%(writer)s, %(batch)s)
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, written_at = clock_timestamp() WHERE writer.batch < excluded.batch;

-- name: forget_writers
DELETE FROM nms.writer WHERE written_at < clock_timestamp() - interval '1 day';

-- name: record_heard
-- No row is locked before it is merged, and all in the order of their keys. `stood` is how they stood; where somebody else moved
-- one meanwhile, its count gives that away and it counts as changed.
WITH heard AS MATERIALIZED (
    SELECT line.*
      -- Held until the batch is committed: whoever looks at the network can tell that some of it is on its way.
  FROM (SELECT pg_advisory_xact_lock_shared(hashtextextended('nms.storing', 0))) AS storing,
       json_to_recordset(%(heard)s::json) AS line (
               row_number int, device text, address inet, managed_object text, probable_cause text, alarm_type text, severity text,
               specific_problem text, text text, door text, raised_at timestamptz, cleared_at timestamptz,
               first_received_at timestamptz, last_received_at timestamptz, times int)
), named AS MATERIALIZED (
    SELECT heard.row_number, coalesce(by_name.id, by_address.id) AS device_id, heard.managed_object, heard.probable_cause,
           heard.raised_at, heard.cleared_at, heard.first_received_at, heard.last_received_at, heard.times
      FROM heard
      LEFT JOIN cmdb.device AS by_name ON by_name.name = heard.device
      LEFT JOIN cmdb.device AS by_address ON by_address.management_address = heard.address
), keyed AS MATERIALIZED (
    -- One device heard by name and by address is one alarm; the last line has the last word.
    SELECT device_id, managed_object, probable_cause,
           max(raised_at) AS raised_at,
           max(cleared_at) AS cleared_at,
           min(first_received_at) AS first_received_at,
           max(last_received_at) AS last_received_at,
           sum(times)::int AS times,
           max(row_number) AS row_number
      FROM named
     WHERE device_id IS NOT NULL
     GROUP BY device_id, managed_object, probable_cause
), stood AS MATERIALIZED (
    -- An outer join, so that the planner expects as many rows as it gets.
    SELECT keyed.*, alarm.id AS alarm_id, alarm.is_open AS was_open, alarm.severity AS severity_before, alarm.times AS times_before
      FROM keyed
      LEFT JOIN nms.alarm USING (device_id, managed_object, probable_cause)
), merged AS (
    INSERT INTO nms.alarm AS alarm (
           device_id, managed_object, probable_cause, alarm_type, severity, specific_problem, text, door,
           raised_at, cleared_at, first_received_at, last_received_at, times, link_id, subscriber_id)
    SELECT stood.device_id, stood.managed_object, stood.probable_cause, heard.alarm_type,
           heard.severity, heard.specific_problem, heard.text, heard.door,
           stood.raised_at, stood.cleared_at, stood.first_received_at, stood.last_received_at, stood.times,
           coalesce(leaving.id, arriving.id), access.subscriber_id
      FROM stood
      JOIN heard USING (row_number)
      LEFT JOIN cmdb.link AS leaving ON stood.alarm_id IS NULL
                                    AND leaving.from_device_id = stood.device_id AND leaving.from_port = stood.managed_object
      LEFT JOIN cmdb.link AS arriving ON stood.alarm_id IS NULL
                                     AND arriving.to_device_id = stood.device_id AND arriving.to_port = stood.managed_object
      LEFT JOIN cmdb.access ON stood.alarm_id IS NULL
                           AND access.reported_by_device_id = stood.device_id AND access.managed_object = stood.managed_object
     ORDER BY stood.device_id, stood.managed_object, stood.probable_cause
        ON CONFLICT (device_id, managed_object, probable_cause) DO UPDATE
       SET raised_at = greatest(alarm.raised_at, excluded.raised_at),
           cleared_at = greatest(alarm.cleared_at, excluded.cleared_at),
           first_received_at = least(alarm.first_received_at, excluded.first_received_at),
           last_received_at = greatest(alarm.last_received_at, excluded.last_received_at),
           times = alarm.times + excluded.times,
           -- It went away and came back, within minutes of the time before: that often makes it one that flaps.
           reopened = CASE WHEN alarm.cleared_at >= alarm.raised_at AND alarm.cleared_at < excluded.raised_at
                             OR excluded.cleared_at >= alarm.raised_at AND excluded.cleared_at < excluded.raised_at
                           THEN CASE WHEN alarm.reopened_at > excluded.raised_at - %(flaps_within)s::interval THEN alarm.reopened + 1 ELSE 1 END
                           ELSE alarm.reopened END,
           reopened_at = CASE WHEN alarm.cleared_at >= alarm.raised_at AND alarm.cleared_at < excluded.raised_at
                                OR excluded.cleared_at >= alarm.raised_at AND excluded.cleared_at < excluded.raised_at
                              THEN excluded.raised_at ELSE alarm.reopened_at END,
           severity = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity') THEN excluded.severity ELSE alarm.severity END,
           text = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity') THEN excluded.text ELSE alarm.text END,
           specific_problem = CASE WHEN excluded.raised_at >= coalesce(alarm.raised_at, '-infinity')
                                   THEN excluded.specific_problem ELSE alarm.specific_problem END
    RETURNING alarm.device_id, alarm.managed_object, alarm.probable_cause, alarm.is_open, alarm.severity, alarm.times
)
SELECT count(*)::int AS alarms,
       (count(*) FILTER (WHERE merged.is_open <> coalesce(stood.was_open, false)
                            OR merged.times <> stood.times + coalesce(stood.times_before, 0)
                            OR (merged.is_open AND merged.severity <> stood.severity_before)))::int AS changed,
       ARRAY(SELECT row_number FROM named WHERE device_id IS NULL ORDER BY row_number) AS unknown
  FROM merged
  JOIN stood USING (device_id, managed_object, probable_cause);

-- name: quarantine
INSERT INTO nms.quarantine (received_at, door, source_address, device, reason, raw, event, times)
VALUES (%(received_at)s, %(door)s, %(source_address)s, %(device)s, %(reason)s, %(raw)s, %(event)s::jsonb, %(times)s);

-- name: set_aside
-- Of an alarm that waits for its device only the latest raise and the latest clear matter: an unknown device that keeps talking fills no table.
WITH again AS (
    UPDATE nms.quarantine
       SET times = quarantine.times + %(times)s,
           received_at = greatest(quarantine.received_at, %(received_at)s),
           event = CASE WHEN coalesce(quarantine.event ->> 'event_at', quarantine.event ->> 'received_at')::timestamptz < %(happened_at)s
                        THEN %(event)s::jsonb ELSE quarantine.event END
     WHERE quarantine.replayed_at IS NULL
       AND quarantine.device = %(device)s
       AND quarantine.event ->> 'managed_object' = %(managed_object)s
       AND quarantine.event ->> 'probable_cause' = %(probable_cause)s
       AND (quarantine.event ->> 'severity' = 'cleared') = %(is_clear)s
 RETURNING quarantine.id
)
INSERT INTO nms.quarantine (received_at, door, source_address, device, reason, raw, event, times)
SELECT %(received_at)s, %(door)s, %(device)s, %(device)s, %(reason)s, %(raw)s, %(event)s::jsonb, %(times)s
 WHERE NOT EXISTS (SELECT FROM again);

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

-- name: end_hold_down
-- Quiet for long enough: it stands or it does not, as it says, and its next flaps are counted anew.
UPDATE nms.alarm
   SET reopened = 0
 WHERE reopened >= 3
   AND last_received_at <= %(now)s - %(hold_down)s::interval;

-- name: acknowledge_alarms
UPDATE nms.alarm
   SET acknowledged_by_action_id = actions.claimed()
 WHERE id = ANY(%(alarms)s) AND is_open AND acknowledged_by_action_id IS NULL;

-- name: set_maintenance_window
INSERT INTO nms.maintenance_window (device_id, starts_at, ends_at, reason)
SELECT device.id, %(starts_at)s, %(ends_at)s, %(reason)s
  FROM cmdb.device
 WHERE device.id = ANY(%(devices)s);
