-- name: erase
SELECT privacy.erase(%(customer_id)s, %(threads)s::text[]);

-- name: place_hold
INSERT INTO privacy.legal_hold (customer_id, reason, placed_at) VALUES (%(customer_id)s, %(reason)s, %(at)s) ON CONFLICT DO NOTHING;

-- name: lift_hold
UPDATE privacy.legal_hold SET lifted_at = %(at)s WHERE customer_id = %(customer_id)s AND lifted_at IS NULL;

-- name: apply_retention
SELECT privacy.apply_retention(%(rule)s, %(most)s);

-- name: prove_retention
SELECT privacy.prove_retention(%(rule)s, %(removed)s);
