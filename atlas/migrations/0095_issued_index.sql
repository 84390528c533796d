-- outside a transaction
-- What was issued of late is looked for after every run. A summary of ranges costs a run nothing: bills are issued in the order in which they lie.
CREATE INDEX CONCURRENTLY IF NOT EXISTS invoice_issued ON billing.invoice USING brin (issued_at) WITH (autosummarize = on);
