-- What an action does to devices stays within what was judged of it, as with money: an order that touches none changes none, whoever claims it.
CREATE FUNCTION cmdb.keep_within_what_was_judged() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    claimed bigint;
    judged  bigint;
    moved   bigint := (SELECT count(*) FROM changed);
BEGIN
    IF session_user <> 'bedrock_executor' OR moved = 0 THEN RETURN NULL; END IF;
    claimed := actions.claimed();
    SELECT coalesce((facts ->> 'devices')::bigint, 0) INTO judged FROM actions.action WHERE id = claimed;
    IF moved > judged
    THEN RAISE EXCEPTION 'action % was judged for % devices and changes %', claimed, judged, moved USING ERRCODE = '42501'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER keep_within_what_was_judged AFTER UPDATE ON cmdb.device REFERENCING NEW TABLE AS changed FOR EACH STATEMENT
    EXECUTE FUNCTION cmdb.keep_within_what_was_judged();
