-- name: standing
SELECT ARRAY(SELECT atlas.migrations()) AS applied, (SELECT digest FROM actions.matrix_in_force) AS matrix_digest;

-- name: standing_of_schema
SELECT ARRAY(SELECT atlas.migrations()) AS applied, NULL::text AS matrix_digest;
