-- name: columns
SELECT n.nspname || '.' || c.relname AS table_name, a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS is_required, a.atthasdef OR a.attidentity <> '' AS has_default,
       coalesce((SELECT con.confrelid::regclass::text FROM pg_constraint AS con
                  WHERE con.contype = 'f' AND con.conrelid = c.oid AND con.conkey = ARRAY[a.attnum]), '') AS refers_to,
       coalesce((SELECT (regexp_match(pg_get_constraintdef(con.oid), '^CHECK \(\(' || a.attname || ' = ANY \(ARRAY\[''([^'']*)'''))[1]
                   FROM pg_constraint AS con WHERE con.contype = 'c' AND con.conrelid = c.oid AND con.conkey = ARRAY[a.attnum] LIMIT 1), '') AS first_choice,
       coalesce(a.attnum = ANY (key.conkey), false) AS is_key
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
  LEFT JOIN pg_constraint AS key ON key.conrelid = c.oid AND key.contype = 'p'
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname = ANY (%(schemas)s)
 ORDER BY table_name, a.attnum;
