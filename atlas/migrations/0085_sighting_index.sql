-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS sighting_of_subscriber ON cmdb.mac_sighting (subscriber_id) WHERE subscriber_id IS NOT NULL;
