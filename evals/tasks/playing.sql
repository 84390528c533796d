-- name: callers
-- A customer of ours for every call: each has a day's budget of their own.
INSERT INTO crm.customer (kind, name, given_name, customer_since)
SELECT 'individual', %(name)s, split_part(%(name)s, ' ', 1), DATE '2024-01-01' FROM generate_series(1, %(many)s)
RETURNING id;
