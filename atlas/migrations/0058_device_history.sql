-- Every field of a device, a link or a serving point that changed: what it was, what it became, when, and by which action (who, and why). A change
-- without one came with a plan of the network that somebody imported. Append-only: nobody but the triggers writes here.
CREATE TABLE cmdb.ci_change (
    id        bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    ci        text NOT NULL CHECK (ci IN ('device', 'link', 'serving_point')),
    ci_id     bigint NOT NULL,
    field     text NOT NULL,
    was       text,
    became    text,
    at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    action_id bigint REFERENCES actions.action
);
COMMENT ON COLUMN cmdb.ci_change.ci_id IS 'of a serving point it is its device';
CREATE INDEX ci_change_of ON cmdb.ci_change (ci, ci_id, id);

-- Once a statement, not once a row: a plan of the network that comes in again changes thousands.
CREATE FUNCTION cmdb.note_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO cmdb.ci_change (ci, ci_id, field, was, became, action_id)
    SELECT TG_TABLE_NAME, (after.fields ->> TG_ARGV[0])::bigint, now.field, before.fields ->> now.field, now.became,
           nullif(current_setting('bedrock.action', true), '')::bigint
      FROM (SELECT to_jsonb(new_row) AS fields FROM new_rows AS new_row) AS after
      JOIN (SELECT to_jsonb(old_row) AS fields FROM old_rows AS old_row) AS before ON before.fields ->> TG_ARGV[0] = after.fields ->> TG_ARGV[0]
     CROSS JOIN LATERAL jsonb_each_text(after.fields) AS now (field, became)
     WHERE before.fields ->> now.field IS DISTINCT FROM now.became
       AND now.field NOT IN ('action_id', 'state_changed_at')
     ORDER BY 2, 3;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION cmdb.note_changes FROM PUBLIC;
CREATE TRIGGER note_changes AFTER UPDATE ON cmdb.device REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('id');
CREATE TRIGGER note_changes AFTER UPDATE ON cmdb.link REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('id');
CREATE TRIGGER note_changes AFTER UPDATE ON gis.serving_point REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION cmdb.note_changes('device_id');
CALL atlas.protect('cmdb.ci_change');
