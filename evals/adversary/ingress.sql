-- name: text_columns
SELECT format('%%I.%%I', namespace.nspname, class.relname) AS place, attribute.attname::text AS name, format_type(attribute.atttypid, NULL) AS kind
  FROM pg_attribute AS attribute
  JOIN pg_class AS class ON class.oid = attribute.attrelid AND class.relkind IN ('r', 'p') AND NOT class.relispartition
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE attribute.attnum > 0 AND NOT attribute.attisdropped AND attribute.attgenerated = ''
   AND format_type(attribute.atttypid, NULL) IN ('text', 'text[]', 'jsonb', 'json', 'bytea', 'character varying')
   AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'jobs', 'checkpoints') AND namespace.nspname NOT LIKE 'pg\_%%'
   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS listed
                    WHERE listed.conrelid = class.oid AND listed.contype = 'c' AND attribute.attnum = ANY (listed.conkey)
                      AND pg_get_constraintdef(listed.oid) LIKE '%%ANY (ARRAY[%%')
 ORDER BY 1, attribute.attnum;
