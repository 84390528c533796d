-- name: post_credits
SELECT given.customer_id, given.subscriber_id, given.amount, given.formula
  FROM billing.post_credits(%(cause)s::text, %(customer_ids)s::bigint[], %(subscriber_ids)s::bigint[], %(amounts_minor)s::bigint[],
                            %(formulas)s::text[], %(at)s::timestamptz) AS given;

-- name: record_invariant
INSERT INTO billing.invariant_result (checked_at, invariant, broken, examples)
VALUES (%(at)s, %(invariant)s, %(broken)s, %(examples)s::jsonb);

-- name: set_currency
SELECT billing.set_currency(%(code)s);
