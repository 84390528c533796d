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
       (SELECT coalesce(sum(payment.amount_minor), 0)::bigint
          FROM billing.payment WHERE payment.invoice_id = invoice.id) AS paid
  FROM billing.invoice
 WHERE invoice.customer_id = %(customer_id)s
   AND invoice.month = %(month)s
   AND invoice.issued_at IS NOT NULL;

-- name: balance
SELECT ledger.owed,
       greatest(0, ledger.owed - ahead.minor) AS overdue,
       last.amount_minor AS last_payment,
       last.received_at AS last_paid_at
  FROM (SELECT coalesce(sum(amount_minor), 0)::bigint AS owed
          FROM billing.posting
         WHERE customer_id = %(customer_id)s AND ledger_account = 'receivable') AS ledger
 CROSS JOIN (SELECT coalesce(sum(line.amount_minor + line.tax_minor), 0)::bigint AS minor
               FROM billing.invoice
               JOIN billing.invoice_line AS line ON line.invoice_id = invoice.id
              WHERE invoice.customer_id = %(customer_id)s AND invoice.issued_at IS NOT NULL AND invoice.due_on >= %(today)s) AS ahead
  LEFT JOIN LATERAL (SELECT payment.amount_minor, payment.received_at
                       FROM billing.payment
                      WHERE payment.customer_id = %(customer_id)s
                      ORDER BY payment.received_at DESC
                      LIMIT 1) AS last ON true;

-- name: credits_given
SELECT credit.subscriber_id, credit.cause, credit.amount_minor AS amount, credit.formula, credit.granted_at
  FROM billing.credit
 WHERE credit.customer_id = %(customer_id)s
   AND credit.granted_at >= %(since)s
 ORDER BY credit.granted_at DESC, credit.id DESC;

-- name: outages_suffered
SELECT subscriber.customer_id, subscriber.id AS subscriber_id,
       coalesce(lost.restored_at, greatest(%(now)s::timestamptz, lost.lost_at)) - lost.lost_at AS lasted,
       price.minor AS monthly_price,
       rate.minimum_outage, rate.flat_minor AS flat, rate.monthly_share_per_day,
       given.minor AS given, given.kinds AS kinds_given
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id AND subscriber.state = 'active'
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN (SELECT offering_version_id, sum(amount_minor)::bigint AS minor
          FROM catalogue.price
         WHERE kind = 'recurring'
         GROUP BY offering_version_id) AS price ON price.offering_version_id = version.id
  JOIN LATERAL (SELECT compensation_rate.minimum_outage, compensation_rate.flat_minor, compensation_rate.monthly_share_per_day
                  FROM billing.compensation_rate
                 WHERE compensation_rate.segment = offering.segment AND compensation_rate.valid_from <= lost.lost_at::date
                 ORDER BY compensation_rate.valid_from DESC
                 LIMIT 1) AS rate ON true
 CROSS JOIN LATERAL (SELECT coalesce(sum(credit.amount_minor), 0)::bigint AS minor,
                            coalesce(array_agg(CASE credit.cause WHEN %(goodwill_cause)s::text THEN 'goodwill' ELSE 'duration' END)
                                     FILTER (WHERE credit.id IS NOT NULL), '{}') AS kinds
                       FROM billing.credit
                      WHERE credit.subscriber_id = subscriber.id
                        AND credit.cause IN (%(goodwill_cause)s::text, %(duration_cause)s::text)) AS given
 WHERE lost.incident_id = %(incident_id)s
 ORDER BY subscriber.id;

-- name: bill_contacts
SELECT customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone, contact.quiet_from, contact.quiet_until
  FROM crm.customer
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until
                  FROM crm.contact AS one
                  LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.purpose = 'billing' AND consent.channel = one.channel
                 WHERE one.customer_id = customer.id
                   AND consent.is_given IS DISTINCT FROM false
                 ORDER BY one.is_preferred DESC, one.id
                 LIMIT 1) AS contact ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
   AND customer.state = 'active'
 ORDER BY customer.id;

-- name: lost_since
SELECT subscriber.customer_id, min(lost.lost_at) AS lost_at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
 WHERE lost.incident_id = %(incident_id)s
 GROUP BY subscriber.customer_id;

-- name: last_incident_of
SELECT lost.incident_id
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
  JOIN itsm.incident ON incident.id = lost.incident_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND incident.is_outage
   AND lost.lost_at >= %(since)s
 ORDER BY lost.lost_at DESC
 LIMIT 1;

-- name: overdue_invoices
WITH owing AS (
    SELECT posting.customer_id, sum(posting.amount_minor)::bigint AS owed
      FROM billing.posting
     WHERE posting.ledger_account = 'receivable'
       AND (%(customer_ids)s::bigint[] IS NULL OR posting.customer_id = ANY (%(customer_ids)s::bigint[]))
     GROUP BY posting.customer_id
    HAVING sum(posting.amount_minor) > 0
), billed AS (
    SELECT invoice.id, invoice.customer_id, invoice.due_on, invoice.is_disputed, sum(line.amount_minor + line.tax_minor)::bigint AS total
      FROM owing
      JOIN billing.invoice ON invoice.customer_id = owing.customer_id AND invoice.issued_at IS NOT NULL
      JOIN billing.invoice_line AS line ON line.invoice_id = invoice.id
     GROUP BY invoice.id
), open AS (
    -- What is still owed belongs to the newest bills: money received settled the oldest.
    SELECT billed.customer_id, billed.due_on, billed.is_disputed,
           least(billed.total, owing.owed + billed.total - sum(billed.total) OVER newest_first) AS outstanding
      FROM billed
      JOIN owing ON owing.customer_id = billed.customer_id
    WINDOW newest_first AS (PARTITION BY billed.customer_id ORDER BY billed.due_on DESC, billed.id DESC)
)
SELECT open.customer_id, customer.name, open.due_on, open.outstanding::bigint AS outstanding,
       coalesce(held.subscriber_ids, '{}') AS subscriber_ids, customer.is_vulnerable, customer.has_emergency_line,
       customer.state = 'deceased' AS is_deceased, open.is_disputed
  FROM open
  JOIN crm.customer ON customer.id = open.customer_id
  LEFT JOIN LATERAL (SELECT array_agg(subscriber.id ORDER BY subscriber.id) AS subscriber_ids
                       FROM crm.subscriber
                      WHERE subscriber.customer_id = open.customer_id AND subscriber.state = 'active') AS held ON true
 WHERE open.outstanding > 0
   AND open.due_on < %(today)s
 ORDER BY open.customer_id, open.due_on;
