-- Lays a watch into a copy of the world, as its owner: every row written, in the order written, with what it was before.
-- Triggers see what no comparison of tables does: what was deleted, and what came and went again.
CREATE SCHEMA evals;

CREATE TABLE evals.change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    place text NOT NULL,
    key jsonb NOT NULL,
    before jsonb,
    after jsonb
);

CREATE FUNCTION evals.noted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
DECLARE
    was jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    becomes jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
    named jsonb := coalesce(becomes, was);
BEGIN
    IF was IS DISTINCT FROM becomes THEN
        INSERT INTO evals.change (place, key, before, after)
        VALUES (TG_ARGV[0], (SELECT coalesce(jsonb_agg(named -> name), '[]') FROM unnest(TG_ARGV[1:]) AS name), was, becomes);
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION evals.emptied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
    INSERT INTO evals.change (place, key, before) VALUES (TG_ARGV[0], '["every row"]', '{}');
    RETURN NULL;
END $$;

DO $laying$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT format('%I.%I', namespace.nspname, class.relname) AS place, class.relkind,
               coalesce((SELECT string_agg(', ' || quote_literal(attribute.attname), '' ORDER BY attribute.attnum)
                           FROM pg_index AS key
                           JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid AND attribute.attnum = ANY (key.indkey)
                          WHERE key.indrelid = class.oid AND key.indisprimary), '') AS key
          FROM pg_class AS class
          JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
         WHERE class.relkind IN ('r', 'p') AND NOT class.relispartition
           -- Jobs and checkpoints are how work is done, not what is true; LangGraph's and procrastinate's own tables say so themselves.
           AND namespace.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'jobs', 'checkpoints', 'evals')
           AND namespace.nspname NOT LIKE 'pg\_%'
    LOOP
        EXECUTE format('CREATE TRIGGER zz_evals AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION evals.noted(%L%s)',
                       one.place, one.place, one.key);
        EXECUTE format('CREATE TRIGGER zz_evals_emptied AFTER TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION evals.emptied(%L)',
                       one.place, one.place);
    END LOOP;
END $laying$;

-- Takes back everything noted: each row as it was before the first change, by its own key. Triggers sleep meanwhile (foreign keys too).
CREATE FUNCTION evals.undone() RETURNS bigint LANGUAGE plpgsql SET session_replication_role = replica AS $$
DECLARE
    one record;
    columns text;
    named text;
    rows bigint := 0;
BEGIN
    IF EXISTS (SELECT 1 FROM evals.change WHERE key = '["every row"]') THEN
        RAISE EXCEPTION 'a table was emptied: that is not taken back row by row';
    END IF;
    FOR one IN
        SELECT DISTINCT ON (place, key) place, first_value(before) OVER by_row AS was, last_value(after) OVER by_row AS is_now
          FROM evals.change
        WINDOW by_row AS (PARTITION BY place, key ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attgenerated = ''),
               string_agg(quote_ident(attname), ', ' ORDER BY attnum) FILTER (WHERE attnum = ANY (key.indkey))
          INTO columns, named
          FROM pg_attribute
          JOIN pg_index AS key ON key.indrelid = attrelid AND key.indisprimary
         WHERE attrelid = one.place::regclass AND attnum > 0 AND NOT attisdropped;
        IF one.is_now IS NOT NULL THEN
            EXECUTE format('DELETE FROM %1$s AS one USING jsonb_populate_record(NULL::%1$s, $1) AS noted WHERE (%2$s) = (%3$s)', one.place,
                           'one.' || replace(named, ', ', ', one.'), 'noted.' || replace(named, ', ', ', noted.')) USING one.is_now;
        END IF;
        IF one.was IS NOT NULL THEN
            EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM jsonb_populate_record(NULL::%1$s, $1)',
                           one.place, columns) USING one.was;
        END IF;
        rows := rows + 1;
    END LOOP;
    DELETE FROM evals.change;
    RETURN rows;
END $$;
