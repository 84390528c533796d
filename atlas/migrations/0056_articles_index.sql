-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS passage_document ON knowledge.passage USING gin (document) WHERE kind = 'article';
