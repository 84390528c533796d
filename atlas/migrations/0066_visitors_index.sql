-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS message_of_visitor ON helpdesk.message (address, id) WHERE channel = 'chat';
