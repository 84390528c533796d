-- name: record_steps
INSERT INTO billing.dunning_step (customer_id, step, oldest_due_on, owed_minor, taken_at)
SELECT one.customer_id, %(step)s, one.oldest_due_on, one.owed_minor, %(at)s
  FROM unnest(%(customer_ids)s::bigint[], %(oldest)s::date[], %(owed)s::bigint[]) AS one (customer_id, oldest_due_on, owed_minor)
    ON CONFLICT (customer_id, oldest_due_on, step) DO NOTHING
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
