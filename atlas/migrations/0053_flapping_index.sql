-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS alarm_flapping ON nms.alarm (id) WHERE reopened >= 3;
