-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS journal_gives_back ON billing.journal (gives_back_id) WHERE gives_back_id IS NOT NULL;
