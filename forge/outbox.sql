-- name: lease_notices
-- Ours until the lease ends. An attempt beyond the first means that somebody may have sent it and died before saying so.
UPDATE helpdesk.notice
   SET state = 'leased', leased_until = clock_timestamp() + %(lease)s::interval, attempts = notice.attempts + 1
  FROM (SELECT waiting.id,
               waiting.purpose = 'reply' OR coalesce(consent.is_given, waiting.purpose <> 'marketing') AS may_send
          FROM helpdesk.notice AS waiting
          LEFT JOIN crm.consent
                 ON consent.customer_id = waiting.customer_id
                AND consent.channel = waiting.channel
                AND consent.purpose = CASE WHEN waiting.purpose IN ('credit', 'credit_days', 'billing') THEN 'billing'
                                           WHEN waiting.purpose = 'marketing' THEN 'marketing' ELSE 'service' END
         WHERE waiting.not_before <= clock_timestamp()
           AND NOT EXISTS (SELECT 1 FROM actions.kill_switch AS stopped
                            WHERE stopped.is_on AND stopped.scope = 'channel' AND stopped.name IN (waiting.channel, '*'))
           AND (waiting.state = 'queued' OR (waiting.state = 'leased' AND waiting.leased_until < clock_timestamp()))
         ORDER BY waiting.not_before, waiting.id
         LIMIT %(most)s
           FOR UPDATE OF waiting SKIP LOCKED) AS taken
 WHERE notice.id = taken.id
RETURNING notice.id, notice.key, notice.channel, notice.address, notice.words, notice.queued_at, notice.attempts, taken.may_send;

-- name: mark
-- Only what is still ours: whoever outlived their lease says nothing about what another has taken over.
UPDATE helpdesk.notice
   SET state = told.state,
       -- Two of one household at one address may be found as one message: the second needs no reference of its own.
       provider_reference = CASE WHEN EXISTS (SELECT 1 FROM helpdesk.notice AS other WHERE other.provider_reference = told.reference) THEN NULL
                                 WHEN told.nth > 1 THEN NULL ELSE told.reference END,
       failure = told.failure,
       sent_at = CASE WHEN told.state = 'sent' THEN clock_timestamp() END,
       not_before = CASE WHEN told.state = 'queued' THEN clock_timestamp() + told.again_after ELSE notice.not_before END,
       attempts = CASE WHEN told.state = 'queued' THEN 0 ELSE notice.attempts END,
       leased_until = CASE WHEN told.state = 'leased' THEN notice.leased_until END
  FROM (SELECT each.id, each.attempt, each.state, each.reference, each.failure, each.again_after,
               row_number() OVER (PARTITION BY each.reference ORDER BY each.id) AS nth
          FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(references)s::text[], %(failures)s::text[],
                      %(again_after)s::interval[]) AS each (id, attempt, state, reference, failure, again_after)) AS told
 WHERE notice.id = told.id
   AND notice.attempts = told.attempt
   AND notice.state = 'leased';
