-- name: put_in_force
SELECT actions.put_in_force(%(matrix)s::jsonb, %(digest)s, %(source)s);
