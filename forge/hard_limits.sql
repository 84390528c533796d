-- name: matrix_in_force
SELECT digest FROM actions.matrix_in_force;

-- name: set_hard_limits
SELECT actions.set_hard_limits(%(limits)s::jsonb, %(matrix_digest)s);
