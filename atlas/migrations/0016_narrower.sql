-- What is sent and what is done outside is decided when its row is written, under an action; afterwards only what became of it is written down.
-- Whoever could rewrite an old row's words, address or arguments would need no action.
REVOKE UPDATE ON actions.errand, helpdesk.notice FROM bedrock_executor;
GRANT UPDATE (state, attempts, leased_until, not_before, finished_at, answer) ON actions.errand TO bedrock_executor;
GRANT UPDATE (state, attempts, leased_until, not_before, channel, address, tried, failure, provider_reference, sent_at)
    ON helpdesk.notice TO bedrock_executor;

-- No login makes objects of its own, not even for a moment: a definer's function could be led to one.
DO $$ BEGIN EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$;
