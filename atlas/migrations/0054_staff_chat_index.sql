-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS conversation_of_staff ON helpdesk.conversation (staff_id, last_at DESC) WHERE staff_id IS NOT NULL;
