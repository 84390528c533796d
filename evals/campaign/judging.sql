-- name: alarms
SELECT device.name, alarm.managed_object, alarm.is_open
  FROM nms.alarm
  JOIN cmdb.device ON device.id = alarm.device_id
 WHERE alarm.managed_object LIKE 'campaign %%';

-- name: notices
-- What Atlas says of each text to each address that goes by the provider.
SELECT CASE channel WHEN 'whatsapp' THEN 'whatsapp:' ELSE '' END || address AS there, words,
       count(*)::int AS notices,
       (count(*) FILTER (WHERE state IN ('sent', 'delivered')))::int AS sent,
       (count(*) FILTER (WHERE state = 'in_doubt'))::int AS in_doubt
  FROM helpdesk.notice
 WHERE channel IN ('sms', 'whatsapp')
 GROUP BY 1, 2;

-- name: messages
SELECT provider_id FROM helpdesk.inbox WHERE kind = 'message' AND message_id IS NOT NULL;

-- name: approved
SELECT 'A-' || id || ' is ' || state
  FROM actions.action
 WHERE id = ANY (%(approved)s::bigint[]) AND state NOT IN ('done', 'failed', 'superseded', 'refused', 'expired');

-- name: in_doubt
SELECT (SELECT count(*) FROM helpdesk.notice WHERE state = 'in_doubt') + (SELECT count(*) FROM actions.errand WHERE state = 'in_doubt');

-- name: sizes
SELECT (SELECT count(*) FROM itsm.incident)::int, (SELECT count(*) FROM helpdesk.notice)::int, (SELECT count(*) FROM billing.credit)::int,
       (SELECT count(*) FROM actions.action)::int;

-- name: whole
-- Of the incident that stands: outages, alarms, lines, tickets, and people who may be told by what carries messages and were not.
SELECT (SELECT count(*) FROM itsm.incident WHERE state = 'inProgress' AND is_outage)::int,
       (SELECT count(*) FROM itsm.incident_alarm AS held JOIN itsm.incident ON id = incident_id WHERE state = 'inProgress')::int,
       (SELECT count(*) FROM itsm.incident_subscriber JOIN itsm.incident ON id = incident_id WHERE state = 'inProgress')::int,
       (SELECT count(*) FROM itsm.ticket JOIN itsm.incident ON incident.id = incident_id WHERE incident.state = 'inProgress')::int,
       (SELECT count(*) FROM itsm.incident_subscriber AS lost
          JOIN itsm.incident ON incident.id = lost.incident_id
          JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
          JOIN crm.contact ON contact.customer_id = subscriber.customer_id AND contact.is_preferred
                          AND contact.channel IN ('sms', 'whatsapp')
          LEFT JOIN crm.consent ON consent.customer_id = contact.customer_id AND consent.channel = contact.channel AND consent.purpose = 'service'
         WHERE incident.state = 'inProgress' AND coalesce(consent.is_given, true)
           AND NOT EXISTS (SELECT FROM helpdesk.notice
                            WHERE notice.incident_id = incident.id AND notice.customer_id = subscriber.customer_id
                              AND notice.purpose = 'outage' AND notice.state IN ('sent', 'delivered', 'in_doubt')))::int;
