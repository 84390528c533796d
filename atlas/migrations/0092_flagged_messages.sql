-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS message_flagged ON helpdesk.message (conversation_id, id) WHERE trace ? 'flags';
