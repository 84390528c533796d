-- The key makes a repeat harmless: customer, incident and purpose.
-- name: queue_notices
-- Once for each time that it is lost in the incident: whoever was told that it is over may lose it again.
INSERT INTO helpdesk.notice (customer_id, incident_id, purpose, key, channel, address, language, template, words, not_before, queued_at, action_id)
SELECT told.customer_id, %(incident_id)s, %(purpose)s, 'incident:' || %(incident_id)s || ':' || %(purpose)s || ':' || told.customer_id || coalesce(':' || nullif(over.times, 0), ''),
       told.channel, told.address, told.language, %(purpose)s || '.' || told.language, told.words, told.not_before, clock_timestamp(), claimed.id
  FROM (SELECT actions.claimed() AS id) AS claimed,
       unnest(%(customer_ids)s::bigint[], %(channels)s::text[], %(addresses)s::text[], %(languages)s::text[], %(words)s::text[],
              %(not_befores)s::timestamptz[]) AS told (customer_id, channel, address, language, words, not_before)
 CROSS JOIN LATERAL (SELECT count(*) AS times FROM helpdesk.notice AS one
                      WHERE one.customer_id = told.customer_id AND one.incident_id = %(incident_id)s AND one.purpose = 'restored') AS over
ON CONFLICT (key) DO NOTHING;

-- name: queue_order_notice
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, not_before)
VALUES (%(customer_id)s, %(purpose)s, %(key)s, %(channel)s, %(address)s, %(language)s, %(purpose)s || '.' || %(language)s, %(words)s, %(at)s)
ON CONFLICT (key) DO NOTHING;

-- name: queue_bill_notices
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, not_before, queued_at, action_id)
SELECT told.customer_id, %(purpose)s, told.key, told.channel, told.address, told.language, %(purpose)s || '.' || told.language, told.words,
       told.not_before, clock_timestamp(), claimed.id
  FROM (SELECT actions.claimed() AS id) AS claimed,
       unnest(%(keys)s::text[], %(customer_ids)s::bigint[], %(channels)s::text[], %(addresses)s::text[], %(languages)s::text[], %(words)s::text[],
              %(not_befores)s::timestamptz[]) AS told (key, customer_id, channel, address, language, words, not_before)
ON CONFLICT (key) DO NOTHING;

-- name: queue_reply
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, not_before)
VALUES (%(customer_id)s, 'reply', %(key)s, %(channel)s, %(address)s, %(language)s, '', %(words)s, %(at)s)
ON CONFLICT (key) DO NOTHING;

-- name: lock_correspondent
SELECT pg_advisory_xact_lock(hashtextextended(%(correspondent)s, 0));

-- name: message_of_provider
SELECT message.conversation_id, conversation.thread, message.id AS message_id, false AS is_new
  FROM helpdesk.message
  JOIN helpdesk.conversation ON conversation.id = message.conversation_id
 WHERE message.provider_reference = %(provider_reference)s;

-- name: resumed_conversation
UPDATE helpdesk.conversation
   SET last_at = greatest(last_at, %(at)s), channel = %(channel)s, address = %(address)s
 WHERE id = (SELECT candidate.id FROM helpdesk.conversation AS candidate
              WHERE candidate.last_at > %(at)s - %(same_case)s::interval
                AND (candidate.customer_id = %(customer_id)s OR candidate.staff_id = %(staff_id)s
                     OR (candidate.customer_id IS NULL AND candidate.staff_id IS NULL AND candidate.channel = %(channel)s
                         AND candidate.address = %(address)s AND %(customer_id)s::bigint IS NULL AND %(staff_id)s::bigint IS NULL))
              ORDER BY candidate.last_at DESC LIMIT 1)
RETURNING id;

-- name: open_conversation
INSERT INTO helpdesk.conversation (customer_id, staff_id, channel, address, opened_at, last_at)
VALUES (%(customer_id)s, %(staff_id)s, %(channel)s, %(address)s, %(at)s, %(at)s)
RETURNING id;

-- name: record_inbound
WITH written AS (
    INSERT INTO helpdesk.message (conversation_id, customer_id, at, is_from_us, author, words, channel, address, provider_reference)
    VALUES (%(conversation_id)s, %(customer_id)s, %(at)s, false, %(author)s, %(words)s, %(channel)s, %(address)s, %(provider_reference)s)
    RETURNING id
)
SELECT conversation.id AS conversation_id, conversation.thread, written.id AS message_id, true AS is_new
  FROM written, helpdesk.conversation
 WHERE conversation.id = %(conversation_id)s;

-- name: record_reply
INSERT INTO helpdesk.message (conversation_id, customer_id, at, is_from_us, author, words, trace, action_id)
SELECT conversation.id, conversation.customer_id, %(at)s, true, %(author)s, %(words)s, %(trace)s::jsonb, actions.claimed()
  FROM helpdesk.conversation
 WHERE conversation.id = %(conversation_id)s
RETURNING id;

-- name: change_owner
UPDATE helpdesk.conversation
   SET owner = %(owner)s, handed_over_because = coalesce(%(because)s, handed_over_because)
 WHERE id = %(conversation_id)s AND owner <> %(owner)s;

-- name: record_promise
INSERT INTO helpdesk.promise (customer_id, promised, due_at)
VALUES (%(customer_id)s, %(promised)s, %(due_at)s)
RETURNING id;

-- What a notice says we will do is a promise to each who got it in this very action.
-- name: promise_news
INSERT INTO helpdesk.promise (customer_id, promised, due_at, action_id)
SELECT notice.customer_id, %(promised)s, %(due_at)s, claimed.id
  FROM (SELECT actions.claimed() AS id) AS claimed
  JOIN helpdesk.notice ON notice.action_id = claimed.id
 WHERE notice.incident_id = %(incident_id)s AND notice.customer_id IS NOT NULL;

-- IS TRUE keeps this a hashed list: as a join over rows of this very minute the planner tried every promise against every notice.
-- name: keep_promise_of_news
UPDATE helpdesk.promise
   SET kept_at = %(at)s
 WHERE promise.kept_at IS NULL AND promise.promised = %(promised)s
   AND (promise.customer_id IN (SELECT notice.customer_id FROM helpdesk.notice
                                 WHERE notice.incident_id = %(incident_id)s AND notice.action_id = (SELECT actions.claimed()))) IS TRUE;

-- name: note_step
UPDATE helpdesk.inbox SET step = %(step)s WHERE id = %(inbox_id)s AND state = 'received';

-- Nothing is shown of an answer that would not be sent: one that was switched off is not read before it is refused.
-- name: note_so_far
UPDATE helpdesk.inbox
   SET so_far = CASE WHEN actions.is_stopped('action', 'send_message') OR actions.is_stopped('agent', %(agent)s) THEN '' ELSE %(words)s END
 WHERE id = %(inbox_id)s AND state = 'received';

-- name: take_in
INSERT INTO helpdesk.inbox (provider, provider_id, kind, state, profile_name, media, carrier_error, subject)
VALUES (%(provider)s, %(provider_id)s, %(kind)s, %(state)s, %(profile_name)s, %(media)s::jsonb, %(carrier_error)s, %(subject)s)
ON CONFLICT (provider, provider_id, kind) DO NOTHING
RETURNING id;

-- name: note_robot
INSERT INTO helpdesk.inbox (provider, provider_id, kind, state, error_kind, answered_by)
VALUES (%(provider)s, %(provider_id)s, 'message', 'answered', %(why)s, 'nobody')
ON CONFLICT (provider, provider_id, kind) DO NOTHING;

-- name: leave_unanswered
UPDATE helpdesk.inbox SET state = 'answered' WHERE id = %(inbox_id)s AND state = 'received';

-- name: file_message
UPDATE helpdesk.inbox SET conversation_id = %(conversation_id)s, message_id = %(message_id)s, code_mac = %(code_mac)s, is_choice = %(is_choice)s
 WHERE id = %(inbox_id)s;

-- name: merge_delivery
SELECT helpdesk.merge_delivery(%(provider)s::text, %(provider_id)s::text);

-- name: begin_try
UPDATE helpdesk.inbox SET tries = tries + 1, tried_at = clock_timestamp(), so_far = '' WHERE id = ANY (%(inbox_ids)s::bigint[]) AND state = 'received';

-- name: note_failure
UPDATE helpdesk.inbox SET error_kind = %(error_kind)s, so_far = '' WHERE id = ANY (%(inbox_ids)s::bigint[]) AND state = 'received';

-- name: park_exhausted
UPDATE helpdesk.inbox
   SET state = 'parked', so_far = '', error_kind = CASE WHEN error_kind = '' THEN 'ProcessDied' ELSE error_kind END
 WHERE conversation_id = %(conversation_id)s AND kind = 'message' AND state = 'received' AND tries >= %(most)s;

-- name: retry_parked
UPDATE helpdesk.inbox SET state = 'received', tries = 0, tried_at = NULL, error_kind = ''
 WHERE id = %(inbox_id)s AND state = 'parked'
RETURNING conversation_id;

-- name: mark_answered
UPDATE helpdesk.inbox SET state = 'answered', answered_at = clock_timestamp(), answered_by = %(by)s, code_mac = NULL, so_far = ''
 WHERE id = ANY (%(inbox_ids)s::bigint[]) AND state = 'received';

-- name: make_code
INSERT INTO helpdesk.one_time_code (customer_id, conversation_id, channel, address, sent_channel)
SELECT %(customer_id)s, %(conversation_id)s, %(channel)s, %(address)s, %(sent_channel)s
 WHERE (SELECT count(*) FROM helpdesk.one_time_code AS earlier
         WHERE earlier.customer_id = %(customer_id)s AND earlier.made_at > clock_timestamp() - interval '1 day') < %(most)s
RETURNING id;

-- An answer to somebody who asked: it goes now or not at all, and never another way than the one that was chosen.
-- name: queue_code
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words)
VALUES (%(customer_id)s, 'reply', %(key)s, %(channel)s, %(address)s, %(language)s, 'one_time_code.' || %(language)s, %(words)s);

-- name: try_code
SELECT tried.code_id, tried.seed FROM helpdesk.try_code(%(conversation_id)s, %(channel)s, %(address)s) AS tried;

-- name: confirm_code
SELECT helpdesk.confirm_code(%(code_id)s);

-- name: verify_visit
SELECT helpdesk.verify_visit(%(conversation_id)s::bigint, %(visitor)s::text);

-- name: begin_call
INSERT INTO helpdesk.call (provider_id, address, customer_id, language, staff_id)
VALUES (%(provider_id)s::text, %(address)s, %(customer_id)s, %(language)s, field_service.engineer_at(%(address)s))
ON CONFLICT (provider_id) DO NOTHING;

-- name: try_pin
SELECT field_service.try_pin(%(provider_id)s::text, %(mac)s::bytea);

-- name: connect_call
UPDATE helpdesk.call SET session_id = %(session_id)s::text, connected_at = clock_timestamp()
 WHERE provider_id = %(provider_id)s::text AND session_id IS NULL AND ended_at IS NULL AND began_at > clock_timestamp() - interval '5 minutes';

-- name: take_turn
UPDATE helpdesk.call SET turns = turns + 1, conversation_id = %(conversation_id)s, language = %(language)s,
       spoken_up_to = greatest(spoken_up_to, %(message_id)s)
 WHERE id = %(call_id)s;

-- name: mark_spoken
UPDATE helpdesk.call SET spoken_up_to = greatest(spoken_up_to, %(message_id)s) WHERE id = %(call_id)s;

-- name: mark_interrupted
UPDATE helpdesk.call SET interruptions = interruptions + 1 WHERE id = %(call_id)s;

-- name: mark_transferred
UPDATE helpdesk.call SET transferred_at = coalesce(transferred_at, clock_timestamp()) WHERE id = %(call_id)s;

-- name: end_call
UPDATE helpdesk.call SET ended_at = clock_timestamp() WHERE provider_id = %(provider_id)s::text AND ended_at IS NULL;

-- Whoever the action is of holds it: no argument says who.
-- name: take_conversation
UPDATE helpdesk.conversation SET owner = action.proposer
  FROM actions.action
 WHERE action.id = (SELECT actions.claimed()) AND action.proposer LIKE 'staff:%%'
   AND conversation.id = %(conversation_id)s AND conversation.owner = %(from_whom)s AND conversation.owner <> action.proposer
RETURNING conversation.owner;

-- name: hand_back
UPDATE helpdesk.conversation SET owner = 'agents', handed_over_because = NULL
  FROM actions.action
 WHERE action.id = (SELECT actions.claimed()) AND conversation.id = %(conversation_id)s AND conversation.owner = action.proposer
RETURNING action.proposer;

-- name: queue_ruling
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words)
VALUES (%(customer_id)s, 'ruling', %(key)s, %(channel)s, %(address)s, %(language)s, %(template)s, %(words)s)
ON CONFLICT (key) DO NOTHING;
