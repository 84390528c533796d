-- One statement, so that an incident is there with all it holds or not at all; no row where one of the alarms is another's already. Who is
-- behind the cut devices is read here, from the same snapshot that is written: who hangs from one, and who is spoken for by one, for an OLT
-- that is gone takes its splitters with it.
-- name: open_incident
WITH claimed AS MATERIALIZED (
    SELECT id, correlation_id FROM actions.action WHERE id = (SELECT actions.claimed())
), opened AS (
    INSERT INTO itsm.incident (cause, is_outage, root_device_id, root_link_id, root_site_id, root_conduit_id, confidence, hypotheses,
                               first_alarm_at, opened_at, correlation_id, action_id)
    SELECT %(cause)s, %(is_outage)s, %(root_device_id)s, %(root_link_id)s, %(root_site_id)s, %(root_conduit_id)s, %(confidence)s,
           %(hypotheses)s::jsonb, %(first_alarm_at)s, %(at)s, claimed.correlation_id, claimed.id
      FROM claimed
     WHERE NOT EXISTS (SELECT 1 FROM itsm.incident_alarm AS held WHERE held.alarm_id = ANY(%(alarms)s::bigint[]) AND held.left_at IS NULL)
    RETURNING id, action_id
), alarms AS (
    INSERT INTO itsm.incident_alarm (incident_id, alarm_id, joined_at, action_id)
    SELECT opened.id, alarm.id, %(at)s, opened.action_id
      FROM opened, unnest(%(alarms)s::bigint[]) AS alarm (id)
    RETURNING 1
), devices AS (
    INSERT INTO itsm.incident_device (incident_id, device_id, lost_at, action_id)
    SELECT opened.id, device.id, %(first_alarm_at)s, opened.action_id
      FROM opened, cmdb.device WHERE device.id = ANY(%(devices)s::bigint[])
    RETURNING device_id
), subscribers AS (
    INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, action_id)
    SELECT opened.id, line.subscriber_id, %(first_alarm_at)s, opened.action_id
      FROM opened, (
        SELECT access.subscriber_id FROM cmdb.access WHERE access.device_id = ANY(%(devices)s::bigint[])
         UNION
        SELECT access.subscriber_id FROM cmdb.access WHERE access.reported_by_device_id = ANY(%(devices)s::bigint[])
         UNION
        SELECT access.subscriber_id FROM cmdb.access WHERE access.subscriber_id = ANY(%(lines)s::bigint[])
      ) AS line
      JOIN crm.subscriber ON subscriber.id = line.subscriber_id AND subscriber.state = 'active'
    RETURNING 1
), size AS MATERIALIZED (
    SELECT (SELECT count(*) FROM alarms) AS alarms,
           (SELECT count(*) FROM devices JOIN cmdb.device ON device.id = device_id WHERE kind NOT IN ('pon_port', 'splitter')) AS devices,
           (SELECT count(*) FROM subscribers) AS subscribers
), told AS (
    INSERT INTO itsm.incident_event (incident_id, at, kind, detail, action_id)
    SELECT opened.id, %(at)s, 'opened', %(detail)s::jsonb || to_jsonb(size), opened.action_id FROM opened, size
)
SELECT opened.id AS incident_id, size.alarms, size.devices, size.subscribers FROM opened, size;

-- Sets what the incident is held to be, and its membership to exactly what is given. The version is the lock: whoever revises from an older one
-- gets no row and touches none. NOT IN, because it is hashed whatever the planner believes of the sizes; as an anti-join twenty thousand lines
-- took half a minute. Who comes back into it counts as lost without a break: whoever flaps has no service.
-- name: revise_incident
WITH claimed AS MATERIALIZED (
    SELECT actions.claimed() AS id
), revised AS (
    UPDATE itsm.incident
       SET cause = %(cause)s, is_outage = %(is_outage)s, root_device_id = %(root_device_id)s, root_link_id = %(root_link_id)s,
           root_site_id = %(root_site_id)s, root_conduit_id = %(root_conduit_id)s, confidence = %(confidence)s,
           hypotheses = %(hypotheses)s::jsonb, version = incident.version + 1
      FROM claimed
     WHERE incident.id = %(incident_id)s AND incident.version = %(version)s AND incident.state = 'inProgress'
       AND NOT EXISTS (SELECT 1 FROM itsm.incident_alarm AS held
                        WHERE held.alarm_id = ANY(%(alarms)s::bigint[]) AND held.left_at IS NULL AND held.incident_id <> %(incident_id)s)
    RETURNING incident.id, claimed.id AS action_id
), wanted_alarms AS MATERIALIZED (
    SELECT alarm.id FROM unnest(%(alarms)s::bigint[]) AS alarm (id)
), wanted_devices AS MATERIALIZED (
    SELECT device.id FROM cmdb.device WHERE device.id = ANY(%(devices)s::bigint[])
), wanted_lines AS MATERIALIZED (
    SELECT line.subscriber_id AS id FROM (
        SELECT access.subscriber_id FROM cmdb.access WHERE access.device_id = ANY(%(devices)s::bigint[])
         UNION
        SELECT access.subscriber_id FROM cmdb.access WHERE access.reported_by_device_id = ANY(%(devices)s::bigint[])
         UNION
        SELECT access.subscriber_id FROM cmdb.access WHERE access.subscriber_id = ANY(%(lines)s::bigint[])
      ) AS line
      JOIN crm.subscriber ON subscriber.id = line.subscriber_id AND subscriber.state = 'active'
), alarms_left AS (
    UPDATE itsm.incident_alarm AS held SET left_at = %(at)s
      FROM revised
     WHERE held.incident_id = revised.id AND held.left_at IS NULL
       AND held.alarm_id NOT IN (SELECT wanted_alarms.id FROM wanted_alarms)
    RETURNING 1
), alarms_joined AS (
    INSERT INTO itsm.incident_alarm (incident_id, alarm_id, joined_at, action_id)
    SELECT revised.id, wanted_alarms.id, %(at)s, revised.action_id FROM revised, wanted_alarms
     WHERE wanted_alarms.id NOT IN (SELECT held.alarm_id FROM itsm.incident_alarm AS held
                                     WHERE held.incident_id = %(incident_id)s AND held.left_at IS NULL)
    ON CONFLICT (incident_id, alarm_id) DO UPDATE SET left_at = NULL WHERE incident_alarm.left_at IS NOT NULL
    RETURNING 1
), devices_left AS (
    UPDATE itsm.incident_device AS lost SET restored_at = %(at)s
      FROM revised
     WHERE lost.incident_id = revised.id AND lost.restored_at IS NULL
       AND lost.device_id NOT IN (SELECT wanted_devices.id FROM wanted_devices)
    RETURNING lost.device_id
), devices_joined AS (
    INSERT INTO itsm.incident_device (incident_id, device_id, lost_at, action_id)
    SELECT revised.id, wanted_devices.id, %(at)s, revised.action_id FROM revised, wanted_devices
     WHERE wanted_devices.id NOT IN (SELECT lost.device_id FROM itsm.incident_device AS lost
                                      WHERE lost.incident_id = %(incident_id)s AND lost.restored_at IS NULL)
    ON CONFLICT (incident_id, device_id) DO UPDATE SET restored_at = NULL WHERE incident_device.restored_at IS NOT NULL
    RETURNING device_id
), subscribers_left AS (
    UPDATE itsm.incident_subscriber AS lost SET restored_at = %(at)s
      FROM revised
     WHERE lost.incident_id = revised.id AND lost.restored_at IS NULL
       AND lost.subscriber_id NOT IN (SELECT wanted_lines.id FROM wanted_lines)
    RETURNING 1
), subscribers_joined AS (
    INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, action_id)
    SELECT revised.id, wanted_lines.id, %(at)s, revised.action_id FROM revised, wanted_lines
     WHERE wanted_lines.id NOT IN (SELECT lost.subscriber_id FROM itsm.incident_subscriber AS lost
                                    WHERE lost.incident_id = %(incident_id)s AND lost.restored_at IS NULL)
    ON CONFLICT (incident_id, subscriber_id) DO UPDATE SET restored_at = NULL WHERE incident_subscriber.restored_at IS NOT NULL
    RETURNING 1
), change AS MATERIALIZED (
    SELECT (SELECT count(*) FROM alarms_joined) AS alarms_joined, (SELECT count(*) FROM alarms_left) AS alarms_left,
           (SELECT count(*) FROM devices_joined JOIN cmdb.device ON device.id = device_id WHERE kind NOT IN ('pon_port', 'splitter')) AS devices_joined,
           (SELECT count(*) FROM devices_left JOIN cmdb.device ON device.id = device_id WHERE kind NOT IN ('pon_port', 'splitter')) AS devices_left,
           (SELECT count(*) FROM subscribers_joined) AS subscribers_joined, (SELECT count(*) FROM subscribers_left) AS subscribers_left
), told AS (
    -- More alarms of what is known already are worth less of a reader's time than more people.
    INSERT INTO itsm.incident_event (incident_id, at, kind, detail, action_id)
    SELECT revised.id, %(at)s,
           CASE WHEN change.subscribers_left + change.devices_left > 0 THEN 'shrank'
                WHEN change.subscribers_joined + change.devices_joined > 0 THEN 'grew' ELSE 'alarms_joined' END,
           %(detail)s::jsonb || to_jsonb(change), revised.action_id
      FROM revised, change
)
SELECT change.alarms_joined, change.alarms_left, change.devices_joined, change.devices_left, change.subscribers_joined, change.subscribers_left
  FROM revised, change;

-- Restores whatever it still holds. A ticket on hold stays: somebody put it there to be looked at after the incident. So does what a customer
-- asked of a person. No row where it is not in progress.
-- name: resolve_incident
WITH resolved AS (
    UPDATE itsm.incident
       SET state = 'resolved', resolved_at = %(at)s, version = incident.version + 1
     WHERE incident.id = %(incident_id)s AND incident.state = 'inProgress'
    RETURNING incident.id
), alarms_left AS (
    UPDATE itsm.incident_alarm AS held SET left_at = %(at)s FROM resolved WHERE held.incident_id = resolved.id AND held.left_at IS NULL
), devices_left AS (
    UPDATE itsm.incident_device AS lost SET restored_at = %(at)s FROM resolved WHERE lost.incident_id = resolved.id AND lost.restored_at IS NULL
    RETURNING lost.device_id
), subscribers_left AS (
    UPDATE itsm.incident_subscriber AS lost SET restored_at = %(at)s FROM resolved WHERE lost.incident_id = resolved.id AND lost.restored_at IS NULL
    RETURNING 1
), tickets AS (
    UPDATE itsm.ticket
       SET state = 'resolved', resolved_at = %(at)s
      FROM resolved
     WHERE ticket.incident_id = resolved.id AND ticket.kind = 'incident' AND ticket.state IN ('acknowledged', 'pending', 'inProgress')
    RETURNING 1
), outcome AS MATERIALIZED (
    SELECT (SELECT count(*) FROM subscribers_left) AS subscribers,
           (SELECT count(*) FROM devices_left JOIN cmdb.device ON device.id = device_id WHERE kind NOT IN ('pon_port', 'splitter')) AS devices,
           (SELECT count(*) FROM tickets) AS tickets
), told AS (
    INSERT INTO itsm.incident_event (incident_id, at, kind, detail, action_id)
    SELECT resolved.id, %(at)s, 'resolved', to_jsonb(outcome), actions.claimed() FROM resolved, outcome
)
SELECT outcome.subscribers, outcome.devices, outcome.tickets FROM resolved, outcome;

-- name: close_incident
UPDATE itsm.incident
   SET state = 'closed', closed_at = %(at)s, version = version + 1
 WHERE id = %(incident_id)s AND state = 'resolved';

-- name: close_tickets
UPDATE itsm.ticket
   SET state = 'closed', closed_at = %(at)s
 WHERE incident_id = %(incident_id)s AND kind = 'incident' AND state = 'resolved';

-- name: record_event
INSERT INTO itsm.incident_event (incident_id, at, kind, detail)
VALUES (%(incident_id)s, %(at)s, %(kind)s, %(detail)s::jsonb);

-- name: open_parent_ticket
INSERT INTO itsm.ticket (kind, state, incident_id, impact, urgency, title, opened_at)
VALUES ('incident', 'inProgress', %(incident_id)s, %(impact)s, %(urgency)s, %(title)s, %(at)s)
ON CONFLICT (incident_id) WHERE incident_id IS NOT NULL AND parent_id IS NULL AND customer_id IS NULL
DO UPDATE SET impact = least(ticket.impact, excluded.impact), urgency = least(ticket.urgency, excluded.urgency)
RETURNING id;

-- name: open_child_tickets
INSERT INTO itsm.ticket (kind, state, parent_id, incident_id, area_id, impact, urgency, title, opened_at)
SELECT 'incident', 'inProgress', %(parent_id)s, %(incident_id)s, child.area_id, child.impact, child.urgency, child.title, %(at)s
  FROM unnest(%(area_ids)s::bigint[], %(impacts)s::int[], %(urgencies)s::int[], %(titles)s::text[]) AS child (area_id, impact, urgency, title)
ON CONFLICT (parent_id, area_id) WHERE area_id IS NOT NULL AND parent_id IS NOT NULL DO NOTHING;

-- Whoever asks for a person while an open fault holds their line is joined to that fault's ticket, by topology and not by what they said.
-- name: open_request
INSERT INTO itsm.ticket (kind, customer_id, incident_id, parent_id, impact, urgency, title, opened_at)
SELECT 'request', %(customer_id)s, fault.incident_id, fault.parent_id, 4, %(urgency)s, %(title)s, %(at)s
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (
       SELECT incident.id AS incident_id, parent.id AS parent_id
         FROM crm.subscriber
         JOIN itsm.incident_subscriber AS lost ON lost.subscriber_id = subscriber.id AND lost.restored_at IS NULL
         JOIN itsm.incident ON incident.id = lost.incident_id AND incident.state = 'inProgress'
         JOIN itsm.ticket AS parent ON parent.incident_id = incident.id AND parent.parent_id IS NULL AND parent.customer_id IS NULL
        WHERE subscriber.customer_id = %(customer_id)s
        ORDER BY incident.is_outage DESC, incident.id LIMIT 1) AS fault ON true
RETURNING id;

-- name: open_problem
INSERT INTO itsm.ticket (kind, impact, urgency, title, opened_at)
VALUES ('problem', %(impact)s, %(urgency)s, %(title)s, %(at)s)
RETURNING id;

-- name: close_problem
UPDATE itsm.ticket SET state = 'closed', resolved_at = coalesce(resolved_at, %(at)s), closed_at = %(at)s
 WHERE ticket.id = %(ticket_id)s AND ticket.kind = 'problem' AND ticket.state NOT IN ('closed', 'cancelled', 'rejected');

-- name: set_due
UPDATE itsm.ticket SET due_at = due.at
  FROM unnest(%(ticket_ids)s::bigint[], %(dues)s::timestamptz[]) AS due (ticket_id, at)
 WHERE ticket.id = due.ticket_id AND ticket.due_at IS DISTINCT FROM due.at;

-- name: pause_clock
WITH paused AS (
    INSERT INTO itsm.pause (ticket_id, reason, note, paused_at, until)
    VALUES (%(ticket_id)s, %(reason)s, %(note)s, %(at)s, %(until)s)
    ON CONFLICT DO NOTHING
    RETURNING id, ticket_id
), put_off AS (
    UPDATE itsm.ticket SET state = 'pending' FROM paused WHERE ticket.id = paused.ticket_id
)
SELECT paused.id FROM paused;

-- name: resume_clock
WITH resumed AS (
    UPDATE itsm.pause SET resumed_at = %(at)s, resumed_because = %(because)s
     WHERE pause.ticket_id = %(ticket_id)s AND pause.resumed_at IS NULL AND pause.paused_at <= %(at)s
    RETURNING id, ticket_id
), taken_up AS (
    UPDATE itsm.ticket SET state = 'inProgress' FROM resumed WHERE ticket.id = resumed.ticket_id AND ticket.state = 'pending'
)
SELECT resumed.id FROM resumed;
