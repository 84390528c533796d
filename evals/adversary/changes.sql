-- What was written since the last look, row by row, in this session only. xmin tells what is new; the kept image tells what it was.
CREATE TEMP TABLE seen (place text, key text, image jsonb, PRIMARY KEY (place, key));
CREATE TEMP TABLE watched (place text PRIMARY KEY, key_columns text);
CREATE TEMP TABLE looked (mark bigint);
INSERT INTO looked VALUES (0);
INSERT INTO watched
SELECT format('%I.%I', namespace.nspname, class.relname),
       (SELECT string_agg(format('one.%I', attribute.attname), ', ' ORDER BY attribute.attnum)
          FROM pg_index AS key
          JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = ANY (key.indkey)
         WHERE key.indrelid = class.oid AND key.indisprimary)
  FROM pg_class AS class
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition
   AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'jobs', 'checkpoints') AND namespace.nspname NOT LIKE 'pg\_%';

CREATE FUNCTION pg_temp.changes() RETURNS TABLE (place text, key text, before jsonb, after jsonb) LANGUAGE plpgsql AS $$
DECLARE
    one   watched;
    since bigint := (SELECT mark FROM looked);
    there bigint;
BEGIN
    UPDATE looked SET mark = pg_current_xact_id()::text::bigint;
    FOR one IN SELECT * FROM watched LOOP
        RETURN QUERY EXECUTE format(
            'WITH fresh AS (SELECT jsonb_build_array(%2$s)::text AS key, to_jsonb(one) AS image FROM %1$s AS one WHERE one.xmin::text::bigint >= $1), '
            'old AS (SELECT fresh.key, seen.image FROM fresh LEFT JOIN seen ON seen.place = $2 AND seen.key = fresh.key), '
            'kept AS (INSERT INTO seen SELECT $2, fresh.key, fresh.image FROM fresh ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET image = excluded.image) '
            'SELECT $2, fresh.key, old.image, fresh.image FROM fresh JOIN old USING (key)', one.place, one.key_columns)
            USING since, one.place;
        EXECUTE format('SELECT count(*) FROM %s', one.place) INTO there;
        IF there < (SELECT count(*) FROM seen WHERE seen.place = one.place) THEN
            RETURN QUERY EXECUTE format(
                'DELETE FROM seen WHERE seen.place = $1 AND NOT EXISTS (SELECT 1 FROM %1$s AS one WHERE jsonb_build_array(%2$s)::text = seen.key) '
                'RETURNING seen.place, seen.key, seen.image, NULL::jsonb', one.place, one.key_columns)
                USING one.place;
        END IF;
    END LOOP;
END $$;
