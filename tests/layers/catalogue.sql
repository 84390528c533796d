-- name: tables
SELECT n.nspname || '.' || c.relname AS name, c.relkind::text AS kind, c.relrowsecurity AS is_protected, c.relforcerowsecurity AS is_forced,
       c.relispartition AS is_partition, coalesce('security_invoker=true' = ANY (c.reloptions), false) AS is_invoker,
       array(SELECT r.rolname::text FROM pg_policy AS p JOIN pg_roles AS r ON r.oid = ANY (p.polroles) WHERE p.polrelid = c.oid) AS policies,
       array(SELECT coalesce(r.rolname::text, 'PUBLIC') || ' ' || g.privilege_type
               FROM aclexplode(c.relacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee WHERE g.grantee <> c.relowner
              UNION
             SELECT coalesce(r.rolname::text, 'PUBLIC') || ' ' || g.privilege_type
               FROM pg_attribute AS a CROSS JOIN aclexplode(a.attacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee
              WHERE a.attrelid = c.oid AND g.grantee <> c.relowner) AS grants
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
 ORDER BY name;

-- name: functions
SELECT n.nspname || '.' || p.proname AS name, p.prosecdef AS is_definer, p.proleakproof AS is_leakproof, l.lanname::text AS language,
       coalesce((SELECT substr(setting, 13) FROM unnest(p.proconfig) AS setting WHERE setting LIKE 'search\_path=%%'),
                -- A body in SQL itself was bound to its names when it was made: no path is looked along when it runs.
                CASE WHEN p.prosqlbody IS NOT NULL AND NOT p.prosecdef THEN 'bound' ELSE '' END) AS search_path,
       array(SELECT coalesce(r.rolname::text, 'PUBLIC') FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS g
               LEFT JOIN pg_roles AS r ON r.oid = g.grantee WHERE g.grantee <> p.proowner) AS may_call,
       p.prosrc AS text
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_language AS l ON l.oid = p.prolang
 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
   AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = p.oid AND deptype = 'e')
 ORDER BY name;

-- name: sequences
SELECT n.nspname || '.' || c.relname AS name, 'S' AS kind, false AS is_protected, false AS is_forced, false AS is_partition, false AS is_invoker,
       ARRAY[]::text[] AS policies,
       array(SELECT coalesce(r.rolname::text, 'PUBLIC') || ' ' || g.privilege_type
               FROM aclexplode(c.relacl) AS g LEFT JOIN pg_roles AS r ON r.oid = g.grantee WHERE g.grantee <> c.relowner) AS grants
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S'
 ORDER BY name;

-- name: logins
SELECT rolname::text AS name, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls AS is_mighty, rolinherit AS inherits,
       array(SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = r.oid) AS member_of,
       array(SELECT pg_get_userbyid(member)::text FROM pg_auth_members WHERE roleid = r.oid) AS members,
       (SELECT count(*)::int FROM pg_shdepend AS d
         WHERE d.refobjid = r.oid AND d.deptype = 'o' AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) AS owns,
       array(SELECT nspname::text FROM pg_namespace WHERE has_schema_privilege(r.oid, oid, 'CREATE') AND nspname NOT LIKE 'pg\_temp%%') AS creates_in
  FROM pg_roles AS r
 WHERE rolname LIKE 'bedrock\_%%'
 ORDER BY rolname;
