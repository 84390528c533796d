-- name: run
SELECT run.id, run.run_type, run.since, run.billed_on, run.state, run.accounts, count(batch.number) AS batches,
       count(batch.drafts) AS drafted, count(batch.issued) AS issued
  FROM billing.bill_run AS run
  LEFT JOIN billing.bill_run_batch AS batch ON batch.run_id = run.id
 WHERE run.id = %(run_id)s
 GROUP BY run.id;

-- name: open_run
SELECT run.id FROM billing.bill_run AS run WHERE run.state <> 'done';

-- name: last_billed_on
SELECT max(run.billed_on) FROM billing.bill_run AS run WHERE run.run_type = 'onCycle';

-- name: batches_to_draft
SELECT batch.number FROM billing.bill_run_batch AS batch WHERE batch.run_id = %(run_id)s AND batch.drafts IS NULL ORDER BY batch.number;

-- name: batches_to_issue
SELECT batch.number FROM billing.bill_run_batch AS batch WHERE batch.run_id = %(run_id)s AND batch.issued IS NULL ORDER BY batch.number;

-- name: run_totals
SELECT count(*) FILTER (WHERE invoice.state = 'validated') AS bills,
       coalesce(sum(invoice.total_net_minor + invoice.total_tax_minor) FILTER (WHERE invoice.state = 'validated'), 0)::bigint AS total,
       coalesce(max(invoice.total_net_minor + invoice.total_tax_minor) FILTER (WHERE invoice.state = 'validated'), 0) AS largest,
       count(*) FILTER (WHERE invoice.state = 'onHold' AND invoice.total_net_minor + invoice.total_tax_minor > 0) AS held,
       coalesce(sum(invoice.total_net_minor + invoice.total_tax_minor) FILTER (WHERE invoice.state = 'onHold' AND invoice.total_net_minor + invoice.total_tax_minor > 0), 0)::bigint AS held_total,
       count(*) FILTER (WHERE invoice.state = 'onHold' AND invoice.total_net_minor + invoice.total_tax_minor <= 0) AS carried
  FROM billing.invoice
 WHERE invoice.run_id = %(run_id)s
   AND invoice.number IS NULL;

-- name: batch_totals
SELECT count(*) AS bills, coalesce(sum(invoice.total_net_minor + invoice.total_tax_minor), 0)::bigint AS total,
       coalesce(max(invoice.total_net_minor + invoice.total_tax_minor), 0) AS largest
  FROM billing.bill_run_batch AS batch
  JOIN billing.invoice ON invoice.run_id = batch.run_id AND invoice.customer_id = ANY (batch.customer_ids)
 WHERE batch.run_id = %(run_id)s
   AND batch.number = %(number)s
   AND invoice.number IS NULL
   AND invoice.state = 'validated';

-- name: held_bills
SELECT invoice.id AS invoice_id, invoice.customer_id, customer.name, invoice.anomalies, invoice.total_net_minor + invoice.total_tax_minor AS total,
       (SELECT before.total_net_minor + before.total_tax_minor FROM billing.invoice AS before
         WHERE before.customer_id = invoice.customer_id AND before.number IS NOT NULL ORDER BY before.month DESC, before.id DESC LIMIT 1) AS last
  FROM billing.invoice
  JOIN crm.customer ON customer.id = invoice.customer_id
 WHERE invoice.number IS NULL
   AND invoice.state = 'onHold'
   AND (%(run_id)s::bigint IS NULL OR invoice.run_id = %(run_id)s::bigint)
   AND (%(invoice_ids)s::bigint[] IS NULL OR invoice.id = ANY (%(invoice_ids)s::bigint[]))
 ORDER BY abs(invoice.total_net_minor + invoice.total_tax_minor) DESC, invoice.id
 LIMIT %(most)s;

-- name: lines_derived
SELECT line.id AS line_id, line.label, line.kind, line.amount_minor AS net, line.tax_minor AS tax, line.tax_percent, line.period_from, line.period_to,
       line.period_to - line.period_from AS days, line.of_days, CASE WHEN line.of_days IS NOT NULL THEN abs(line.unit_minor) END AS price, line.units,
       coalesce(price.unit, '') AS unit, price.allowance_units,
       CASE line.kind WHEN 'usage' THEN (SELECT count(*) FROM billing.usage_record AS record
                                          WHERE record.charge_id = line.charge_id AND record.price_id = line.price_id AND record.state <> 'rejected'
                                            AND record.period_from = (SELECT total.period_from FROM billing.usage_total AS total
                                                                       WHERE total.charge_id = line.charge_id AND total.price_id = line.price_id
                                                                         AND total.period_from <= line.period_from
                                                                       ORDER BY total.period_from DESC LIMIT 1)) ELSE 0 END AS usage_records,
       coalesce(offering.code, '') AS catalogue_code, version.valid_from AS catalogue_version_from, charge.started_by_order_id AS order_id, line.cause,
       line.formula, line.subscriber_id, spell.days AS suspended_days, spell.charged AS suspended_charged, spell.reasons AS suspended_for
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id
  LEFT JOIN billing.charge ON charge.id = line.charge_id
  LEFT JOIN catalogue.price ON price.id = line.price_id
  LEFT JOIN catalogue.offering_version AS version ON version.id = line.offering_version_id
  LEFT JOIN catalogue.offering ON offering.id = version.offering_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(upper(part.days) - lower(part.days)), 0)::int AS days,
                            coalesce(sum(upper(part.days) - lower(part.days)) FILTER (WHERE part.is_charged), 0)::int AS charged,
                            coalesce(array_agg(DISTINCT part.reason), '{}') AS reasons
                       FROM (SELECT daterange(pause.paused_on, pause.resumed_on) * rule.days * daterange(invoice.period_from, invoice.period_to) AS days,
                                    rule.is_charged, rule.reason
                               FROM billing.pause JOIN billing.suspension_rule AS rule ON rule.reason = pause.paused_for
                              WHERE pause.subscriber_id = line.subscriber_id AND line.of_days IS NOT NULL) AS part
                      WHERE NOT isempty(part.days)) AS spell
 WHERE invoice.customer_id = %(customer_id)s
   AND invoice.month = %(month)s
   AND invoice.number IS NOT NULL
   AND (%(label)s::text IS NULL OR line.label = %(label)s::text)
 ORDER BY line.id;

-- name: suspended_in_run
SELECT part.reason, count(DISTINCT part.subscriber_id) AS lines,
       coalesce(sum(upper(part.days) - lower(part.days)) FILTER (WHERE part.is_charged), 0) AS charged,
       coalesce(sum(upper(part.days) - lower(part.days)) FILTER (WHERE NOT part.is_charged), 0) AS spared
  FROM (SELECT pause.subscriber_id, rule.reason, rule.is_charged,
               daterange(pause.paused_on, pause.resumed_on) * rule.days * daterange(invoice.period_from, invoice.period_to) AS days
          FROM billing.pause
          JOIN billing.suspension_rule AS rule ON rule.reason = pause.paused_for
          JOIN crm.subscriber ON subscriber.id = pause.subscriber_id
          JOIN billing.invoice ON invoice.customer_id = subscriber.customer_id AND invoice.run_id = %(run_id)s AND invoice.number IS NULL) AS part
 WHERE NOT isempty(part.days)
 GROUP BY part.reason
 ORDER BY part.reason;

-- name: suspension_rules
SELECT rule.reason, lower(rule.days) AS valid_from, rule.is_charged
  FROM billing.suspension_rule AS rule
 WHERE NOT isempty(rule.days)
 ORDER BY rule.reason, lower(rule.days) NULLS FIRST;

-- name: creditable_lines
SELECT line.id AS line_id, line.label, line.amount_minor - coalesce(given.net, 0) AS net_left,
       line.amount_minor + line.tax_minor - coalesce(given.net + given.tax, 0) AS gross_left
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id AND invoice.number IS NOT NULL
 CROSS JOIN LATERAL (SELECT sum(one.amount_minor)::bigint AS net, sum(one.tax_minor)::bigint AS tax
                       FROM billing.credit_note_line AS one WHERE one.invoice_line_id = line.id) AS given
 WHERE line.invoice_id = %(invoice_id)s
   AND invoice.customer_id = %(customer_id)s
   AND line.amount_minor <> coalesce(given.net, 0)
 ORDER BY line.id;
