-- name: charges
WITH billed AS (
    SELECT line.subscriber_id, invoice.customer_id, line.offering_version_id, min(invoice.period_from) AS first_day
      FROM billing.invoice_line AS line
      JOIN billing.invoice ON invoice.id = line.invoice_id
     WHERE line.kind = 'recurring'
     GROUP BY line.subscriber_id, invoice.customer_id, line.offering_version_id
), one_after_another AS (
    SELECT billed.subscriber_id, billed.customer_id, billed.offering_version_id, billed.first_day,
           row_number() OVER (PARTITION BY billed.subscriber_id ORDER BY billed.first_day) AS place,
           lead(billed.first_day) OVER (PARTITION BY billed.subscriber_id ORDER BY billed.first_day) AS ends_on
      FROM billed
)
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, starts_on, ends_on, evidence, evidence_at, stopped_because, action_id)
SELECT charged.customer_id, charged.subscriber_id, charged.offering_version_id,
       CASE charged.place WHEN 1 THEN least(charged.first_day, line.activated_at::date) ELSE charged.first_day END, charged.ends_on,
       'accounting_start:' || charged.subscriber_id, line.activated_at, CASE WHEN charged.ends_on IS NULL THEN '' ELSE 'renewed' END, %(action_id)s
  FROM one_after_another AS charged
  JOIN crm.subscriber AS line ON line.id = charged.subscriber_id
 ORDER BY charged.subscriber_id, charged.place;

-- name: days_billed
INSERT INTO billing.billed_days (charge_id, price_id, days)
SELECT charge.id, price.id, datemultirange(daterange(charge.starts_on, coalesce(charge.ends_on, billed.until)))
  FROM billing.charge
  JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.kind = 'recurring'
  JOIN (SELECT invoice.customer_id, max(invoice.period_to) AS until FROM billing.invoice GROUP BY invoice.customer_id) AS billed
    ON billed.customer_id = charge.customer_id;

-- name: lines_tied
UPDATE billing.invoice_line AS line
   SET charge_id = charge.id, price_id = price.id, period_from = invoice.period_from, period_to = invoice.period_to,
       of_days = invoice.period_to - invoice.period_from, unit_minor = price.amount_minor, tax_category = price.tax_category,
       tax_percent = %(tax_percent)s,
       formula = price.amount_minor || ' * ' || (invoice.period_to - invoice.period_from) || ' / ' || (invoice.period_to - invoice.period_from)
  FROM billing.invoice, billing.charge, catalogue.price
 WHERE invoice.id = line.invoice_id
   AND line.kind = 'recurring'
   AND charge.subscriber_id = line.subscriber_id AND charge.offering_version_id = line.offering_version_id
   AND price.offering_version_id = charge.offering_version_id AND price.kind = 'recurring' AND price.amount_minor = line.amount_minor;

-- name: bills_totalled
UPDATE billing.invoice SET total_net_minor = made.net, total_tax_minor = made.tax
  FROM (SELECT line.invoice_id, sum(line.amount_minor)::bigint AS net, sum(line.tax_minor)::bigint AS tax
          FROM billing.invoice_line AS line GROUP BY line.invoice_id) AS made
 WHERE made.invoice_id = invoice.id;

-- name: numbers_moved_past
UPDATE billing.series SET next_number = (SELECT max(invoice.number) + 1 FROM billing.invoice) WHERE series.code = 'invoices';
