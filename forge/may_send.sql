-- Two who share an address and would read the same are told once: the one that was queued first goes.
-- name: notice_standings
SELECT notice.id, notice.purpose, notice.channel, notice.template, coalesce(customer.state, '') AS customer_state,
       coalesce(customer.timezone, 'UTC') AS timezone, contact.quiet_from, contact.quiet_until,
       ARRAY(SELECT said.purpose FROM crm.consent AS said
              WHERE said.customer_id = notice.customer_id AND said.channel = notice.channel AND said.is_given) AS agreed,
       ARRAY(SELECT said.purpose FROM crm.consent AS said
              WHERE said.customer_id = notice.customer_id AND said.channel = notice.channel AND NOT said.is_given) AS declined,
       CASE WHEN notice.channel = 'whatsapp' THEN
           (SELECT max(message.at) FROM helpdesk.conversation JOIN helpdesk.message ON message.conversation_id = conversation.id
             WHERE conversation.channel = 'whatsapp' AND conversation.address = notice.address AND NOT message.is_from_us) END AS last_wrote_at,
       coalesce(twin.is_told, false) AS is_told, coalesce(twin.is_being_told, false) AS is_being_told,
       (SELECT stopped.reason FROM actions.kill_switch AS stopped
         WHERE stopped.is_on
           AND ((stopped.scope = 'channel' AND stopped.name IN (notice.channel, '*'))
                OR (stopped.scope = 'action' AND stopped.name IN (action.name, '*'))
                OR (stopped.scope = 'agent' AND action.proposer ~ '^(agent|system):' AND stopped.name IN (split_part(action.proposer, ':', 2), '*')))
         LIMIT 1) AS stopped_because,
       clock_timestamp() AS now,
       notice.purpose = ANY (%(of_a_debt)s::text[])
           AND NOT EXISTS (SELECT FROM billing.open_item AS item
                             LEFT JOIN billing.invoice ON invoice.journal_id = item.journal_id
                             LEFT JOIN billing.journal ON journal.id = item.journal_id
                            WHERE item.customer_id = notice.customer_id AND item.open_minor > 0
                              AND (invoice.due_on < current_date OR (invoice.id IS NULL AND journal.kind = 'opening'))) AS owes_nothing_overdue,
       -- Of those that are leased together the one that was queued first counts before the others.
       CASE WHEN %(most)s > 0 AND notice.purpose <> ALL (%(not_counted)s::text[]) THEN
           ARRAY(SELECT coalesce(earlier.sent_at, clock_timestamp()) AS at FROM helpdesk.notice AS earlier
                  WHERE earlier.address = notice.address AND earlier.channel = notice.channel AND earlier.id <> notice.id
                    AND earlier.purpose <> ALL (%(not_counted)s::text[])
                    AND (earlier.sent_at > clock_timestamp() - %(within)s::interval
                         OR (earlier.state IN ('leased', 'in_doubt') AND earlier.id < notice.id AND earlier.queued_at > clock_timestamp() - %(within)s::interval))
                  ORDER BY at DESC LIMIT %(most)s)
           ELSE '{}' END AS counted_at
  FROM helpdesk.notice
  JOIN actions.action ON action.id = notice.action_id
  LEFT JOIN crm.customer ON customer.id = notice.customer_id
  LEFT JOIN crm.contact ON contact.customer_id = notice.customer_id AND contact.channel = notice.channel AND contact.address = notice.address
  LEFT JOIN LATERAL (
      SELECT bool_or(other.state IN ('sent', 'delivered')) AS is_told, bool_or(other.state IN ('queued', 'leased', 'in_doubt')) AS is_being_told
        FROM helpdesk.notice AS other
       WHERE other.address = notice.address AND other.channel = notice.channel AND other.purpose = notice.purpose
         AND other.words = notice.words AND other.id < notice.id AND other.queued_at > notice.queued_at - interval '1 day') AS twin ON true
 WHERE notice.id = ANY (%(ids)s::bigint[]);

-- name: errand_standings
SELECT errand.id,
       (SELECT stopped.reason FROM actions.kill_switch AS stopped
         WHERE stopped.is_on
           AND ((stopped.scope = 'channel' AND stopped.name IN (errand.port, '*'))
                OR (stopped.scope = 'action' AND stopped.name IN (action.name, '*'))
                OR (stopped.scope = 'agent' AND action.proposer ~ '^(agent|system):' AND stopped.name IN (split_part(action.proposer, ':', 2), '*')))
         LIMIT 1) AS stopped_because
  FROM actions.errand
  JOIN actions.action ON action.id = errand.action_id
 WHERE errand.id = ANY (%(ids)s::bigint[]);
