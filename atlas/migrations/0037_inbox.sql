-- Who has a conversation is watched by everybody whose inbox is open.
CALL atlas.announce_changes(ARRAY['helpdesk.conversation']::regclass[]);
CREATE INDEX conversation_with_people ON helpdesk.conversation (owner, last_at) WHERE owner <> 'agents';
