-- name: hire
WITH hired AS (
    INSERT INTO staff.member (name, email) VALUES ('Drill Lead', 'drill.lead@example.com')
        ON CONFLICT (email) DO UPDATE SET name = excluded.name RETURNING id
), holding AS (
    INSERT INTO staff.role_held (staff_id, role) SELECT id, 'noc_lead' FROM hired ON CONFLICT DO NOTHING
)
SELECT id FROM hired;

-- name: queue_notices
WITH asked AS (
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
    VALUES ('send_message', '{}', '{}', 'drill', gen_random_uuid()::text, 'system:drill', 'a drill', gen_random_uuid(), 'done') RETURNING id
), known AS (
    INSERT INTO crm.customer (kind, name, given_name, customer_since)
    SELECT 'individual', 'Drill ' || n, 'Drill', current_date FROM generate_series(1, %(notices)s) AS n RETURNING id
), reached AS (
    INSERT INTO crm.contact (customer_id, channel, address, is_preferred)
    SELECT known.id, 'sms', '+44770090' || lpad((known.id %% 1000000)::text, 6, '0'), true FROM known RETURNING customer_id, address
)
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, action_id)
SELECT reached.customer_id, 'outage', gen_random_uuid()::text, 'sms', reached.address, 'en', 'outage.en', 'A drill: line ' || reached.customer_id,
       asked.id
  FROM reached, asked;

-- name: standing
SELECT (SELECT count(*) FROM helpdesk.notice WHERE state IN ('sent', 'delivered'))::int AS sent,
       (SELECT coalesce(max(times), 0) FROM helpdesk.recorded_message)::int AS times,
       (SELECT count(*) FROM jobs.procrastinate_jobs WHERE status IN ('todo', 'doing', 'failed')
           AND task_name IN ('forge.outbox', 'forge.errands'))::int AS jobs_left;
