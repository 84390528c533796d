-- Active people with one live line, who may be written to by text about anything, at any hour.
-- name: people
SELECT customer.id AS customer_id, min(line.id) AS line, min(contact.address) AS address, min(access.cpe_serial) AS serial,
       min(line.offering_version_id) AS version
  FROM crm.customer
  JOIN crm.subscriber AS line ON line.customer_id = customer.id AND line.state = 'active'
  JOIN crm.contact ON contact.customer_id = customer.id AND contact.channel = 'sms' AND contact.is_preferred AND contact.quiet_from IS NULL
  JOIN cmdb.access ON access.subscriber_id = line.id
 WHERE customer.state = 'active' AND NOT customer.is_vulnerable AND NOT customer.has_emergency_line AND customer.kind = 'individual'
   AND NOT EXISTS (SELECT 1 FROM crm.consent WHERE consent.customer_id = customer.id AND NOT consent.is_given)
   AND NOT EXISTS (SELECT 1 FROM itsm.incident_subscriber AS lost WHERE lost.subscriber_id = line.id AND lost.restored_at IS NULL)
 GROUP BY customer.id
HAVING count(DISTINCT line.id) = 1
 ORDER BY customer.id;

-- What nobody has finished yet, of whatever kind: while there is any, the one who took over goes on.
-- name: unfinished
SELECT (SELECT count(*) FROM helpdesk.notice WHERE notice.state IN ('queued', 'leased') AND notice.id > %(notice_id)s)
     + (SELECT count(*) FROM actions.errand WHERE errand.state IN ('queued', 'leased') AND errand.id > %(errand_id)s)
     + (SELECT count(*) FROM actions.action WHERE action.state IN ('proposed', 'allowed', 'approved', 'executing') AND action.id > %(action_id)s)
     + (SELECT count(*) FROM actions.sequence WHERE sequence.state IN ('running', 'undoing'));

-- name: in_doubt
SELECT (SELECT count(*) FROM helpdesk.notice WHERE notice.state = 'in_doubt') + (SELECT count(*) FROM actions.errand WHERE errand.state = 'in_doubt')
     + (SELECT count(*) FROM actions.sequence WHERE sequence.state = 'in_doubt');

-- name: newest
SELECT coalesce((SELECT max(notice.id) FROM helpdesk.notice), 0) AS notice_id, coalesce((SELECT max(errand.id) FROM actions.errand), 0) AS errand_id,
       coalesce((SELECT max(action.id) FROM actions.action), 0) AS action_id;

-- Allowances are for days and months; a campaign is one afternoon.
-- name: let_time_pass
UPDATE actions.action SET judged_at = judged_at - interval '90 days' WHERE action.judged_at > now() - interval '1 day';
