-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS notice_of_action ON helpdesk.notice (action_id);
