-- Whoever is named in what staff say is found by their whole name, before a model of somebody else's reads it.
CREATE INDEX customer_by_name ON crm.customer (lower(name));

-- Everything that one action wrote: its rows in each table that takes rows from actions only.
CREATE FUNCTION actions.effects_of(p_action_id bigint, p_most int) RETURNS TABLE (place text, content jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'require_claim_before' ORDER BY tgrelid::regclass::text LOOP
        RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(written) FROM (SELECT * FROM %s WHERE action_id = $1 LIMIT $2) AS written', one::text, one)
            USING p_action_id, p_most;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION actions.effects_of TO bedrock_executor;
