-- Whoever is named in what staff say is found by their whole name, before a model of somebody else's reads it.
CREATE INDEX customer_by_name ON crm.customer (lower(name));

-- Everything that one action wrote: its rows in each table that takes rows from actions only.
CREATE FUNCTION actions.effects_of(p_action_id bigint, p_most int) RETURNS TABLE (place text, content jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'require_claim_before' AND has_table_privilege(tgrelid, 'SELECT')
                ORDER BY tgrelid::regclass::text LOOP
        RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(written) FROM (SELECT * FROM %s WHERE action_id = $1 LIMIT $2) AS written', one::text, one)
            USING p_action_id, p_most;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION actions.effects_of TO bedrock_executor;

-- A key for each zone's principals: whoever has one zone's can sign for that zone and for no other.
CREATE TABLE atlas.zone_key (
    zone      text PRIMARY KEY,
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL
);
ALTER TABLE atlas.zone_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE atlas.zone_key FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON atlas.zone_key TO CURRENT_USER USING (true) WITH CHECK (true);
DROP TABLE atlas.principal_key CASCADE;

CREATE OR REPLACE FUNCTION atlas.principal_part(part int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    setting text := current_setting('bedrock.principal', true);
    claimed text[];
    message text;
    key     atlas.zone_key;
BEGIN
    IF setting IS NULL OR setting = '' THEN RETURN NULL; END IF;
    claimed := string_to_array(setting, '|');
    IF array_length(claimed, 1) <> 8 THEN RETURN NULL; END IF;
    message := array_to_string(claimed[1:7], '|');
    SELECT * INTO key FROM atlas.zone_key WHERE zone = claimed[1];
    IF NOT FOUND
       OR encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(message, 'UTF8'))), 'hex') <> claimed[8]
       OR claimed[5] <> pg_backend_pid()::text
       OR claimed[6]::bigint < extract(epoch FROM clock_timestamp())
       OR 'bedrock_' || claimed[1] <> session_user
    THEN RETURN NULL; END IF;
    RETURN nullif(claimed[part], '');
END $$;
