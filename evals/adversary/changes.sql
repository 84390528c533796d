-- What was written since the last look, row by row, in this session only. xmin tells what is new; the kept image tells what it was.
CREATE TEMP TABLE seen (place text, key text, image jsonb, PRIMARY KEY (place, key));
CREATE TEMP TABLE looked (mark bigint);
INSERT INTO looked VALUES (0);

-- One function with two statements for each table, written here from the catalogue: PostgreSQL plans them once a session, not at every look.
DO $making$
DECLARE
    statements text;
BEGIN
    SELECT string_agg(format($statements$
        RETURN QUERY
        WITH fresh AS (SELECT jsonb_build_array(%2$s)::text AS key, to_jsonb(one) AS image FROM %1$s AS one WHERE one.xmin::text::bigint >= last_look),
             old AS (SELECT fresh.key, seen.image FROM fresh LEFT JOIN seen ON seen.place = %1$L AND seen.key = fresh.key),
             kept AS (INSERT INTO seen SELECT %1$L, fresh.key, fresh.image FROM fresh
                      ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET image = excluded.image)
        SELECT %1$L, fresh.key, old.image, fresh.image FROM fresh JOIN old ON old.key = fresh.key;
        IF (SELECT count(*) FROM %1$s) < (SELECT count(*) FROM seen WHERE seen.place = %1$L) THEN
            RETURN QUERY
            DELETE FROM seen WHERE seen.place = %1$L AND NOT EXISTS (SELECT 1 FROM %1$s AS one WHERE jsonb_build_array(%2$s)::text = seen.key)
            RETURNING seen.place, seen.key, seen.image, NULL::jsonb;
        END IF;
    $statements$, format('%I.%I', namespace.nspname, class.relname),
        (SELECT string_agg(format('one.%I', attribute.attname), ', ' ORDER BY attribute.attnum)
           FROM pg_index AS key
           JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = ANY (key.indkey)
          WHERE key.indrelid = class.oid AND key.indisprimary)), '' ORDER BY class.oid)
      INTO statements
      FROM pg_class AS class
      JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
     WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition
       AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'jobs', 'checkpoints') AND namespace.nspname NOT LIKE 'pg\_%';
    EXECUTE format('CREATE FUNCTION pg_temp.changes() RETURNS TABLE (place text, key text, before jsonb, after jsonb) LANGUAGE plpgsql '
                   'SET plan_cache_mode = force_generic_plan AS %L',
                   'DECLARE last_look bigint := (SELECT mark FROM looked); BEGIN UPDATE looked SET mark = pg_current_xact_id()::text::bigint; '
                   || statements || ' END');
END $making$;
