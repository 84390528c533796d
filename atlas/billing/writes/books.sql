-- name: record_invariant
INSERT INTO billing.invariant_result (checked_at, invariant, broken, examples)
VALUES (%(at)s, %(invariant)s, %(broken)s, %(examples)s::jsonb);

-- name: set_currency
SELECT billing.set_currency(%(code)s);
