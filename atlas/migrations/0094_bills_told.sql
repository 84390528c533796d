-- Whoever has a bill is told of it when it is issued, once: its number is in the key of the notice. They are sent it again when they ask for it.
INSERT INTO actions.may_write (effect, action) VALUES ('helpdesk.notice', 'send_bills'), ('helpdesk.notice', 'send_bill_copy');
