-- name: lines_of_month
SELECT line.invoice_id, line.label, sum(line.amount_minor + line.tax_minor)::bigint AS amount
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id
 WHERE invoice.customer_id = %(customer_id)s
   AND invoice.month = %(month)s
   AND invoice.issued_at IS NOT NULL
 GROUP BY line.invoice_id, line.label
 ORDER BY line.label;

-- name: months_billed
SELECT invoice.month
  FROM billing.invoice
 WHERE invoice.customer_id = %(customer_id)s
   AND invoice.issued_at IS NOT NULL
   AND invoice.month < %(before)s
 ORDER BY invoice.month DESC
 LIMIT %(most)s;

-- name: invoice_of_month
SELECT invoice.id, invoice.number, invoice.month, invoice.period_from, invoice.period_to, invoice.issued_at, invoice.due_on, invoice.state,
       invoice.is_disputed,
       (SELECT coalesce(sum(line.amount_minor + line.tax_minor), 0)::bigint
          FROM billing.invoice_line AS line WHERE line.invoice_id = invoice.id) AS total,
       (SELECT coalesce(sum(allocation.amount_minor), 0)::bigint
          FROM billing.allocation
         WHERE allocation.to_journal_id = invoice.journal_id
           AND EXISTS (SELECT FROM billing.payment
                        WHERE payment.customer_id = invoice.customer_id
                          AND allocation.from_journal_id IN (payment.journal_id, payment.matched_journal_id))) AS paid
  FROM billing.invoice
 WHERE invoice.customer_id = %(customer_id)s
   AND invoice.month = %(month)s
   AND invoice.issued_at IS NOT NULL;

-- name: invoices_named
SELECT invoice.id AS invoice_id, invoice.number, invoice.customer_id, customer.name, invoice.month, invoice.due_on, invoice.state, invoice.is_disputed,
       (SELECT coalesce(sum(line.amount_minor + line.tax_minor), 0)::bigint FROM billing.invoice_line AS line WHERE line.invoice_id = invoice.id) AS total
  FROM billing.invoice
  JOIN crm.customer ON customer.id = invoice.customer_id
 WHERE invoice.id = ANY (%(invoice_ids)s::bigint[]) AND invoice.issued_at IS NOT NULL;

-- name: bills_to_tell
-- What runs issued of late and nobody was written to about. What the customer has with us already pays its part of it. Whoever was made one with
-- another since is told as that one.
SELECT invoice.id AS invoice_id, invoice.number, coalesce(customer.merged_into_id, customer.id) AS customer_id, invoice.due_on, invoice.total_net_minor + invoice.total_tax_minor AS total,
       least(coalesce(item.open_minor, 0), greatest(coalesce(account.owed, 0), 0))::bigint AS to_pay
  FROM billing.invoice
  JOIN crm.customer ON customer.id = invoice.customer_id
  LEFT JOIN billing.open_item AS item ON item.journal_id = invoice.journal_id
  LEFT JOIN LATERAL (SELECT sum(open.open_minor) AS owed FROM billing.open_item AS open
                      WHERE open.customer_id = invoice.customer_id AND open.open_minor <> 0) AS account ON true
 WHERE invoice.issued_at > %(since)s AND invoice.run_id IS NOT NULL
   AND (%(invoice_ids)s::bigint[] IS NULL OR invoice.id = ANY (%(invoice_ids)s::bigint[]))
   AND NOT EXISTS (SELECT FROM helpdesk.notice WHERE notice.key = 'bill:' || invoice.id)
   -- Where a payer could not be reached the customer is told.
   AND NOT EXISTS (SELECT FROM helpdesk.notice WHERE notice.key = 'bill:' || invoice.id || ':payer' AND notice.state <> 'failed')
 ORDER BY invoice.id;

-- name: balance
SELECT coalesce((SELECT balance.amount_minor
                   FROM billing.balance
                  WHERE balance.customer_id = %(customer_id)s AND balance.ledger_account = 'receivable'), 0) AS owed,
       (SELECT coalesce(sum(item.open_minor), 0)::bigint
          FROM billing.open_item AS item
          LEFT JOIN billing.invoice ON invoice.journal_id = item.journal_id
         WHERE item.customer_id = %(customer_id)s
           AND item.open_minor > 0
           AND (invoice.due_on < %(today)s OR invoice.id IS NULL)) AS overdue,
       last.amount_minor AS last_payment,
       last.received_at AS last_paid_at
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (SELECT payment.amount_minor, payment.received_at
                       FROM billing.payment
                      WHERE payment.customer_id = %(customer_id)s
                      ORDER BY payment.received_at DESC
                      LIMIT 1) AS last ON true;

-- name: currency
SELECT currency.code FROM billing.currency;
