-- name: record_steps
INSERT INTO billing.dunning_step (customer_id, step, oldest_due_on, owed_minor, taken_at, announced_for, attempt)
SELECT one.customer_id, %(step)s, one.oldest_due_on, one.owed_minor, %(at)s, %(announced_for)s::date, %(attempt)s
  FROM unnest(%(customer_ids)s::bigint[], %(oldest)s::date[], %(owed)s::bigint[]) AS one (customer_id, oldest_due_on, owed_minor)
    ON CONFLICT DO NOTHING
RETURNING customer_id;

-- name: promise
INSERT INTO billing.promise_to_pay (customer_id, amount_minor, due_on, made_at)
VALUES (%(customer_id)s, %(amount_minor)s, %(due_on)s, %(at)s)
ON CONFLICT (customer_id, due_on) DO NOTHING;

-- name: open_dispute
INSERT INTO billing.dispute (customer_id, invoice_id, label, amount_minor, reason, opened_at)
VALUES (%(customer_id)s, %(invoice_id)s, %(label)s, %(amount_minor)s, %(reason)s, %(at)s)
RETURNING id;

-- name: close_dispute
UPDATE billing.dispute SET closed_at = %(at)s, outcome = %(outcome)s WHERE dispute.id = %(dispute_id)s AND dispute.closed_at IS NULL;

-- name: charge_late_fees
-- A category without a rate where the customer is taxed could never be billed: it is refused here, not lost there.
INSERT INTO billing.one_off (customer_id, subscriber_id, label, amount_minor, tax_category, charged_on, cause)
SELECT invoice.customer_id, one.subscriber_id, replace(called.label, '{number}', invoice.number::text), %(amount_minor)s, %(tax_category)s,
       (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date, 'late_fee:invoice:' || invoice.id
  FROM unnest(%(invoice_ids)s::bigint[], %(subscriber_ids)s::bigint[]) AS one (invoice_id, subscriber_id)
  JOIN billing.invoice ON invoice.id = one.invoice_id
  JOIN crm.customer ON customer.id = invoice.customer_id
  JOIN unnest(%(languages)s::text[], %(labels)s::text[]) AS called (language, label) ON called.language = customer.language
 CROSS JOIN billing.convention
 CROSS JOIN LATERAL (SELECT coalesce((SELECT own.region FROM billing.tax_region AS own WHERE own.customer_id = customer.id
                                       ORDER BY own.valid_from DESC LIMIT 1), convention.home_region) AS region) AS place
 WHERE EXISTS (SELECT FROM billing.tax_rate WHERE tax_rate.region = place.region AND tax_rate.category = %(tax_category)s)
 ORDER BY invoice.id
    ON CONFLICT (cause) DO NOTHING
RETURNING substr(one_off.cause, 18)::bigint;

-- name: waive_late_fee
UPDATE billing.one_off SET waived_at = %(at)s, waived_by_action_id = actions.claimed()
 WHERE one_off.cause = 'late_fee:invoice:' || %(invoice_id)s::bigint
   AND one_off.waived_at IS NULL
   AND NOT EXISTS (SELECT FROM billing.invoice_line AS line WHERE line.one_off_id = one_off.id);
