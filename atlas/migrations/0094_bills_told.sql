-- Whoever has a bill is told of it when it is issued, once: its number is in the key of the notice.
INSERT INTO actions.may_write (effect, action) VALUES ('helpdesk.notice', 'send_bills');
