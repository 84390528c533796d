-- Everything that one action wrote: its rows in each table that takes rows from actions only and says of each row whose it is. Links of the plant
-- do not: what an import drew is in the outcome of its action, and who changed a link in its history.
CREATE OR REPLACE FUNCTION actions.effects_of(p_action_id bigint, p_most int) RETURNS TABLE (place text, content jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE one regclass;
BEGIN
    FOR one IN SELECT tgrelid::regclass FROM pg_trigger
                 JOIN pg_attribute AS its ON its.attrelid = tgrelid AND its.attname = 'action_id' AND NOT its.attisdropped
                WHERE tgname = 'require_claim_before' AND has_table_privilege(tgrelid, 'SELECT')
                ORDER BY tgrelid::regclass::text LOOP
        RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(written) FROM (SELECT * FROM %s WHERE action_id = $1 LIMIT $2) AS written', one::text, one)
            USING p_action_id, p_most;
    END LOOP;
END $$;
