-- name: lease_notices
-- Ours until the lease ends. An attempt beyond the first means that somebody may have sent it and died before saying so. What is switched off
-- stays where it is; may_send asks again, of each that was leased.
UPDATE helpdesk.notice
   SET state = 'leased', leased_until = clock_timestamp() + %(lease)s::interval, attempts = notice.attempts + 1
  FROM (SELECT waiting.id, action.correlation_id
          FROM helpdesk.notice AS waiting
          JOIN actions.action ON action.id = waiting.action_id
         WHERE waiting.not_before <= clock_timestamp()
           AND NOT EXISTS (SELECT 1 FROM actions.kill_switch AS stopped
                            WHERE stopped.is_on
                              AND ((stopped.scope = 'channel' AND stopped.name IN (waiting.channel, '*'))
                                   OR (stopped.scope = 'action' AND stopped.name IN (action.name, '*'))
                                   OR (stopped.scope = 'agent' AND action.proposer ~ '^(agent|system):'
                                       AND stopped.name IN (split_part(action.proposer, ':', 2), '*'))))
           AND (waiting.state = 'queued' OR (waiting.state = 'leased' AND waiting.leased_until < clock_timestamp()))
           AND (%(can_wait)s OR waiting.purpose <> ALL (%(in_bulk)s::text[]))
         ORDER BY waiting.not_before, waiting.id
         LIMIT %(most)s
           FOR UPDATE OF waiting SKIP LOCKED) AS taken
 WHERE notice.id = taken.id
RETURNING notice.id, notice.key, notice.channel, notice.address, notice.template, notice.words, notice.queued_at, notice.attempts,
          cardinality(notice.tried) AS ways_tried, taken.correlation_id,
          CASE WHEN notice.attempts > 1 THEN ARRAY(
              SELECT other.provider_reference FROM helpdesk.notice AS other
               WHERE other.address = notice.address AND other.channel = notice.channel AND other.words = notice.words AND other.id <> notice.id
                 AND other.provider_reference IS NOT NULL AND other.queued_at > notice.queued_at - interval '1 hour') ELSE '{}' END AS others;

-- name: turn
-- The customer's next way, by their own order, and a letter after all others where what is said has a legal effect. Whether we may use it is may_send's
-- to say, once it is due. A reply goes where it was asked for, and from WhatsApp, which takes no free words any more, to the same number as a text; a
-- code never goes another way than the one that was chosen.
UPDATE helpdesk.notice
   SET state = 'queued', channel = next.channel, address = next.address, tried = notice.tried || (notice.channel || ':' || notice.address),
       failure = next.failure, attempts = 0, not_before = clock_timestamp(), leased_until = NULL
  FROM (SELECT DISTINCT ON (own.id) own.id, way.channel, way.address, turned.failure
          FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(failures)s::text[]) AS turned (id, attempt, failure)
          JOIN helpdesk.notice AS own ON own.id = turned.id AND own.attempts = turned.attempt AND own.state = 'leased'
         CROSS JOIN LATERAL (
              SELECT contact.channel, contact.address, contact.is_preferred, contact.id FROM crm.contact
               WHERE contact.customer_id = own.customer_id AND own.purpose <> 'reply' AND own.purpose <> ALL (%(one_way)s::text[])
               UNION ALL
              SELECT 'letter', post.address, false, NULL FROM helpdesk.letter_address(own.customer_id) AS post (address)
               WHERE post.address IS NOT NULL AND own.purpose = ANY (%(by_letter)s::text[])
               UNION ALL
              SELECT 'sms', own.address, true, 0 WHERE own.purpose = 'reply' AND own.channel = 'whatsapp' AND own.template = '') AS way
         WHERE way.channel || ':' || way.address <> ALL (own.tried || (own.channel || ':' || own.address))
         ORDER BY own.id, way.is_preferred DESC, way.id NULLS LAST) AS next
 WHERE notice.id = next.id
RETURNING notice.id;

-- name: mark
-- Only what is still ours: whoever outlived their lease says nothing about what another has taken over. A carrier that knows no keys may show two
-- askers one message at once: whose reference it is not asks again.
UPDATE helpdesk.notice
   SET state = CASE WHEN told.is_anothers THEN 'queued' ELSE told.state END,
       provider_reference = CASE WHEN NOT told.is_anothers THEN told.reference END,
       failure = told.failure,
       sent_at = CASE WHEN told.state = 'sent' AND NOT told.is_anothers THEN clock_timestamp() END,
       not_before = CASE WHEN told.state = 'queued' THEN clock_timestamp() + told.again_after ELSE notice.not_before END,
       -- What may have left before stays an attempt: the carrier is asked for it before anything is sent.
       attempts = CASE WHEN told.state = 'queued' THEN least(notice.attempts - 1, 1) ELSE notice.attempts END,
       leased_until = CASE WHEN told.state = 'leased' THEN notice.leased_until END
  FROM (SELECT each.id, each.attempt, each.state, each.reference, each.failure, each.again_after,
               each.reference IS NOT NULL
               AND (row_number() OVER (PARTITION BY each.reference ORDER BY each.id) > 1
                    OR EXISTS (SELECT 1 FROM helpdesk.notice AS other WHERE other.provider_reference = each.reference AND other.id <> each.id))
                   AS is_anothers
          FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(states)s::text[], %(references)s::text[], %(failures)s::text[],
                      %(again_after)s::interval[]) AS each (id, attempt, state, reference, failure, again_after)) AS told
 WHERE notice.id = told.id
   AND notice.attempts = told.attempt
   AND notice.state = 'leased';
