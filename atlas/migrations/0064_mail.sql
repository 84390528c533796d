-- Mail: what a letter was about, so that its answer says so too; and which of ours were handed to a mail server, which keeps no list to ask.
ALTER TABLE helpdesk.inbox ADD COLUMN subject text NOT NULL DEFAULT '';
COMMENT ON COLUMN helpdesk.inbox.subject IS 'of a letter, in its sender''s words; empty for every other message';

CREATE TABLE helpdesk.handed_letter (
    key         text PRIMARY KEY CHECK (key <> ''),
    begun_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    accepted_at timestamptz
);
COMMENT ON TABLE helpdesk.handed_letter IS 'a row from before a letter is handed over until it was surely refused: one without accepted_at may have left';
COMMENT ON COLUMN helpdesk.handed_letter.key IS 'the outbox'' own key for the message';

CALL atlas.protect('helpdesk.handed_letter');
GRANT SELECT, INSERT, UPDATE, DELETE ON helpdesk.handed_letter TO bedrock_executor;
