-- Lean on purpose: it is asked after every change while the platform is being timed.
-- name: told
SELECT count(*)
  FROM helpdesk.notice
  JOIN itsm.incident ON incident.id = notice.incident_id
 WHERE incident.opened_at >= %(since)s AND notice.purpose = 'outage';

-- name: may_be_told
SELECT count(DISTINCT subscriber.customer_id)
  FROM cmdb.access
  JOIN crm.subscriber ON subscriber.id = access.subscriber_id AND subscriber.state = 'active'
  -- Who refused their preferred channel is told on another one.
  JOIN crm.contact ON contact.customer_id = subscriber.customer_id
 WHERE access.reported_by_device_id = ANY(%(device_ids)s::bigint[])
   AND NOT EXISTS (SELECT 1 FROM crm.consent
                    WHERE consent.customer_id = contact.customer_id AND consent.channel = contact.channel
                      AND consent.purpose = 'service' AND NOT consent.is_given);
