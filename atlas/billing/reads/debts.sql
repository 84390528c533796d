-- name: overdue_invoices
SELECT item.customer_id, customer.name, invoice.due_on, item.open_minor - disputed.minor AS outstanding,
       coalesce(held.subscriber_ids, '{}') AS subscriber_ids, customer.is_vulnerable, customer.has_emergency_line,
       customer.state = 'deceased' AS is_deceased, invoice.is_disputed
  FROM billing.open_item AS item
  JOIN billing.invoice ON invoice.journal_id = item.journal_id
  JOIN billing.balance ON balance.customer_id = item.customer_id AND balance.ledger_account = 'receivable'
  JOIN crm.customer ON customer.id = item.customer_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(dispute.amount_minor), 0)::bigint AS minor
                       FROM billing.dispute WHERE dispute.invoice_id = invoice.id AND dispute.closed_at IS NULL) AS disputed
  LEFT JOIN LATERAL (SELECT array_agg(subscriber.id ORDER BY subscriber.id) AS subscriber_ids
                       FROM crm.subscriber
                      WHERE subscriber.customer_id = item.customer_id AND subscriber.state = 'active') AS held ON true
 WHERE (%(customer_ids)s::bigint[] IS NULL OR item.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND item.open_minor > disputed.minor
   AND balance.amount_minor > 0
   AND invoice.due_on < %(today)s
 ORDER BY item.customer_id, invoice.due_on;
