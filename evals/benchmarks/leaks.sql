-- The demo ISP has lines that are faster than what is charged, to be seen on its pages: here only what is sown is to be found.
-- name: as_charged
DELETE FROM cmdb.observed_profile;

-- name: healthy_lines
SELECT subscriber.id
  FROM crm.subscriber
  JOIN cmdb.session ON session.subscriber_id = subscriber.id AND session.ended_at IS NULL
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
  JOIN billing.charge ON charge.subscriber_id = subscriber.id AND charge.ends_on IS NULL
 WHERE subscriber.state = 'active'
 ORDER BY subscriber.id;

-- name: found
SELECT found.kind, found.subscriber_id FROM billing.leak_found AS found WHERE found.gone_at IS NULL;

-- name: session_without_charge
UPDATE billing.charge SET ends_on = greatest(current_date, starts_on), stopped_because = 'by mistake' WHERE charge.subscriber_id = %(line)s AND charge.ends_on IS NULL;

-- name: charge_without_session
UPDATE cmdb.session SET started_at = now() - interval '60 days', ended_at = now() - interval '31 days' WHERE session.subscriber_id = %(line)s;

-- name: speed_differs
INSERT INTO cmdb.observed_profile (subscriber_id, down_kbps, up_kbps, since, seen_at)
SELECT subscriber.id, version.down_kbps * 2, version.up_kbps, now(), now()
  FROM crm.subscriber JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
 WHERE subscriber.id = %(line)s;

-- name: suspended_but_online
UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE subscriber.id = %(line)s;

-- name: held_by_no_line
-- The line is gone, its session over and its charge stopped: only its port is still held.
WITH stopped AS (
    UPDATE billing.charge SET ends_on = greatest(current_date, starts_on), stopped_because = 'ended' WHERE charge.subscriber_id = %(line)s AND charge.ends_on IS NULL
), over AS (
    UPDATE cmdb.session SET ended_at = now() WHERE session.subscriber_id = %(line)s
)
UPDATE crm.subscriber SET state = 'terminated' WHERE subscriber.id = %(line)s;
