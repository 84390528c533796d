-- name: schemas
SELECT namespace.nspname AS name
  FROM pg_namespace AS namespace
 WHERE namespace.nspname = ANY (%(schemas)s::text[])
 ORDER BY array_position(%(schemas)s::text[], namespace.nspname::text);

-- name: tables
SELECT class.oid::bigint AS oid, class.relname::text AS name, coalesce(obj_description(class.oid, 'pg_class'), '') AS comment
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE namespace.nspname = %(schema)s
   AND class.relkind = 'r'
 ORDER BY class.relname;

-- name: columns
SELECT attribute.attname::text AS name, format_type(attribute.atttypid, attribute.atttypmod) AS type, attribute.attnotnull AS is_required,
       attribute.attidentity <> '' AS is_identity, attribute.attgenerated <> '' AS is_generated,
       coalesce(pg_get_expr(initial.adbin, initial.adrelid), '') AS initial,
       coalesce(col_description(attribute.attrelid, attribute.attnum), '') AS comment
  FROM pg_attribute AS attribute
  LEFT JOIN pg_attrdef AS initial ON initial.adrelid = attribute.attrelid AND initial.adnum = attribute.attnum
 WHERE attribute.attrelid = %(table)s::bigint::oid
   AND attribute.attnum > 0
   AND NOT attribute.attisdropped
 ORDER BY attribute.attnum;

-- name: constraints
SELECT pg_get_constraintdef(constraint_.oid)
  FROM pg_constraint AS constraint_
 WHERE constraint_.conrelid = %(table)s::bigint::oid
   AND constraint_.contype IN ('p', 'u', 'f', 'c', 'x')
 ORDER BY array_position(ARRAY['p', 'u', 'c', 'f', 'x'], constraint_.contype::text), pg_get_constraintdef(constraint_.oid);

-- name: indexes
SELECT pg_get_indexdef(index.indexrelid)
  FROM pg_index AS index
 WHERE index.indrelid = %(table)s::bigint::oid
   AND NOT EXISTS (SELECT 1 FROM pg_constraint AS constraint_ WHERE constraint_.conindid = index.indexrelid AND constraint_.conrelid = index.indrelid)
 ORDER BY pg_get_indexdef(index.indexrelid);

-- name: rules_of_rows
SELECT policy.polname || ': ' || coalesce(pg_get_expr(policy.polqual, policy.polrelid), 'true')
  FROM pg_policy AS policy
 WHERE policy.polrelid = %(table)s::bigint::oid
   AND policy.polname NOT IN ('owner', 'staff', 'intake', 'executor')
 ORDER BY policy.polname;

-- name: triggers
SELECT regexp_replace(pg_get_triggerdef(trigger.oid), '^CREATE TRIGGER ', '')
  FROM pg_trigger AS trigger
 WHERE trigger.tgrelid = %(table)s::bigint::oid
   AND NOT trigger.tgisinternal
 ORDER BY trigger.tgname;

-- name: functions
SELECT function.proname || '(' || pg_get_function_identity_arguments(function.oid) || ')'
       || coalesce(' RETURNS ' || pg_get_function_result(function.oid), '') || CASE WHEN function.prosecdef THEN ' SECURITY DEFINER' ELSE '' END
  FROM pg_proc AS function
  JOIN pg_namespace AS namespace ON namespace.oid = function.pronamespace
 WHERE namespace.nspname = %(schema)s
 ORDER BY function.proname, pg_get_function_identity_arguments(function.oid);
