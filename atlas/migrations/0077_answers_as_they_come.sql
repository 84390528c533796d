-- Whoever waits at the chat of our site reads what is grounded of an answer while the rest is being made.
ALTER TABLE helpdesk.inbox ADD COLUMN so_far text NOT NULL DEFAULT '';
COMMENT ON COLUMN helpdesk.inbox.so_far IS 'of the answer that is being made to it: what every figure is known of. Empty once it was answered: the message says it then';
