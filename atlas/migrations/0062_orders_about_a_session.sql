-- outside a transaction
CREATE INDEX CONCURRENTLY IF NOT EXISTS errand_about_session ON actions.errand (((arguments -> 'session' ->> 'accounting')::bigint))
    WHERE port = 'provisioner';
