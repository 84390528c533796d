-- Staff write in the console and their words go the way of everybody's. Whoever waits there is shown what is being done meanwhile.
ALTER TABLE helpdesk.inbox ADD COLUMN step text NOT NULL DEFAULT '';
COMMENT ON COLUMN helpdesk.inbox.step IS 'what is being done about it just now, as module or module.tool: nobody''s words';
CALL atlas.announce_changes(ARRAY['helpdesk.inbox']::regclass[]);
