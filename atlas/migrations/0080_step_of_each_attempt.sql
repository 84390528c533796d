-- outside a transaction
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS step_of_each_attempt ON billing.dunning_step (customer_id, oldest_due_on, step, attempt);
