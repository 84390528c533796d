-- Who lost service and may be told. One row a customer, by their preferred contact, else the oldest, of those on which they did not opt out;
-- told of an outage within the day and not yet of its end counts as told, under whatever incident: two incidents that turn out to be one tell
-- nobody twice.
-- name: outage_recipients
SELECT DISTINCT ON (customer.id) customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone,
       area.name AS area, incident.cause, lost.lost_at, lost.restored_at, contact.quiet_from, contact.quiet_until
  FROM itsm.incident
  JOIN itsm.incident_subscriber AS lost ON lost.incident_id = incident.id AND lost.restored_at IS NULL
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id AND subscriber.state = 'active'
  JOIN crm.customer ON customer.id = subscriber.customer_id AND customer.state = 'active'
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until FROM crm.contact AS one
                  LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.purpose = 'service' AND consent.channel = one.channel
                 WHERE one.customer_id = customer.id AND consent.is_given IS DISTINCT FROM false
                 ORDER BY one.is_preferred DESC, one.id LIMIT 1) AS contact ON true
 WHERE incident.id = %(incident_id)s AND incident.state = 'inProgress' AND incident.is_outage
   AND NOT EXISTS (
       SELECT 1 FROM helpdesk.notice AS told
        WHERE told.customer_id = customer.id AND told.purpose = 'outage'
          AND (told.incident_id = incident.id OR told.queued_at > %(now)s - interval '1 day')
          AND NOT EXISTS (SELECT 1 FROM helpdesk.notice AS back
                           WHERE back.customer_id = customer.id AND back.purpose = 'restored' AND back.queued_at > told.queued_at))
   -- Who was told that it is over and lost it again hears of that too; whose line comes and goes has heard enough after three times.
   AND (SELECT count(*) FROM helpdesk.notice AS before
         WHERE before.customer_id = customer.id AND before.purpose = 'outage' AND before.incident_id = incident.id) < 3
 ORDER BY customer.id, subscriber.id;

-- Who was told of the outage and is back with every line: not those whom another incident still holds.
-- name: restored_recipients
SELECT DISTINCT ON (customer.id) customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone,
       area.name AS area, ended.cause, back.lost_at, back.restored_at, contact.quiet_from, contact.quiet_until
  FROM itsm.incident_subscriber AS back
  JOIN itsm.incident AS ended ON ended.id = back.incident_id
  JOIN crm.subscriber ON subscriber.id = back.subscriber_id AND subscriber.state = 'active'
  JOIN crm.customer ON customer.id = subscriber.customer_id AND customer.state = 'active'
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until FROM crm.contact AS one
                  LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.purpose = 'service' AND consent.channel = one.channel
                 WHERE one.customer_id = customer.id AND consent.is_given IS DISTINCT FROM false
                 ORDER BY one.is_preferred DESC, one.id LIMIT 1) AS contact ON true
 WHERE back.incident_id = %(incident_id)s AND back.restored_at IS NOT NULL
   AND EXISTS (
       SELECT 1 FROM helpdesk.notice AS told
        WHERE told.customer_id = customer.id AND told.purpose = 'outage' AND told.state <> 'failed'
          AND (told.incident_id = back.incident_id OR told.queued_at > %(now)s - interval '1 day')
          AND NOT EXISTS (SELECT 1 FROM helpdesk.notice AS over
                           WHERE over.customer_id = customer.id AND over.purpose = 'restored'
                             AND (over.queued_at > told.queued_at
                                  OR (over.incident_id = back.incident_id AND told.incident_id IS DISTINCT FROM back.incident_id))))
   AND NOT EXISTS (
       SELECT 1 FROM crm.subscriber AS other
         JOIN itsm.incident_subscriber AS still ON still.subscriber_id = other.id AND still.restored_at IS NULL
         JOIN itsm.incident ON incident.id = still.incident_id AND incident.state = 'inProgress' AND incident.is_outage
        WHERE other.customer_id = customer.id)
 ORDER BY customer.id, subscriber.id;

-- name: incident_standing
SELECT floor(incident.confidence * 10 + 0.000001) / 10 AS confidence,
       incident.is_outage AND incident.cause NOT IN ('monitoring', 'unknown') AS is_confirmed,
       (SELECT count(*) FROM helpdesk.notice WHERE notice.incident_id = incident.id AND notice.purpose = %(purpose)s) AS told_before
  FROM itsm.incident
 WHERE incident.id = %(incident_id)s;

-- name: told_in_incident
SELECT notice.purpose, notice.channel, notice.language, notice.words, count(*) AS customers,
       count(*) FILTER (WHERE notice.state IN ('sent', 'delivered')) AS sent, count(*) FILTER (WHERE notice.state = 'failed') AS failed,
       min(notice.queued_at) AS first_queued_at, max(notice.sent_at) AS last_sent_at
  FROM helpdesk.notice
 WHERE notice.incident_id = %(incident_id)s
 GROUP BY notice.purpose, notice.channel, notice.language, notice.words
 ORDER BY min(notice.queued_at), customers DESC
 LIMIT %(most)s;

-- name: told_to_customer
SELECT notice.id AS notice_id, notice.customer_id, notice.incident_id, notice.purpose, notice.channel, notice.language, notice.words,
       notice.state, notice.queued_at, notice.sent_at
  FROM helpdesk.notice
 WHERE notice.customer_id = %(customer_id)s AND notice.purpose <> 'reply'
 ORDER BY notice.queued_at DESC
 LIMIT %(most)s;

-- name: conversation
SELECT conversation.id AS conversation_id, conversation.thread, conversation.customer_id, conversation.staff_id, conversation.channel,
       conversation.address, conversation.owner, conversation.handed_over_because, conversation.opened_at, conversation.last_at,
       coalesce((SELECT max(message.id) FROM helpdesk.message WHERE message.conversation_id = conversation.id), 0) AS last_message_id,
       (SELECT max(message.at) FROM helpdesk.message WHERE message.conversation_id = conversation.id AND NOT message.is_from_us) AS last_inbound_at
  FROM helpdesk.conversation
 WHERE (conversation.id = %(conversation_id)s OR conversation.thread = %(thread)s OR conversation.customer_id = %(customer_id)s
        OR conversation.staff_id = %(staff_id)s)
 ORDER BY conversation.last_at DESC
 LIMIT 1;

-- name: messages
SELECT latest.message_id, latest.at, latest.is_from_us, latest.author, latest.words, latest.trace
  FROM (SELECT message.id AS message_id, message.at, message.is_from_us, message.author, message.words, message.trace
          FROM helpdesk.message
         WHERE message.conversation_id = %(conversation_id)s
         ORDER BY message.id DESC LIMIT %(most)s) AS latest
 ORDER BY latest.message_id;

-- name: messages_of_staff
SELECT latest.message_id, latest.at, latest.is_from_us, latest.author, latest.words, latest.trace
  FROM (SELECT message.id AS message_id, message.at, message.is_from_us, message.author, message.words, message.trace
          FROM helpdesk.conversation
          JOIN helpdesk.message ON message.conversation_id = conversation.id
         WHERE conversation.staff_id = %(staff_id)s AND message.id > %(after)s AND message.id < %(before)s
         ORDER BY message.id DESC LIMIT %(most)s) AS latest
 ORDER BY latest.message_id;

-- name: being_done_for_staff
SELECT inbox.message_id, inbox.step
  FROM helpdesk.conversation
  JOIN helpdesk.inbox ON inbox.conversation_id = conversation.id
 WHERE conversation.staff_id = %(staff_id)s AND inbox.state = 'received' AND inbox.kind = 'message'
 ORDER BY inbox.id;

-- name: queue
SELECT conversation.id AS conversation_id, conversation.customer_id, customer.name AS customer,
       coalesce(customer.is_vulnerable, false) AS is_vulnerable, conversation.channel, conversation.handed_over_because AS because,
       conversation.last_at AS since,
       coalesce((SELECT message.words FROM helpdesk.message WHERE message.conversation_id = conversation.id AND NOT message.is_from_us
                  ORDER BY message.id DESC LIMIT 1), '') AS last_words,
       coalesce(customer.has_emergency_line, false) AS has_emergency_line, lately.lately, lately.unanswered,
       EXISTS (SELECT FROM helpdesk.message AS told
                WHERE told.conversation_id = conversation.id AND told.trace ? 'flags'
                  AND NOT EXISTS (SELECT FROM helpdesk.message AS ours WHERE ours.conversation_id = told.conversation_id AND ours.id > told.id
                                     AND ours.author LIKE 'staff:%%')) AS is_flagged
  FROM helpdesk.conversation
  LEFT JOIN crm.customer ON customer.id = conversation.customer_id
  LEFT JOIN LATERAL (SELECT coalesce(array_agg(one.words ORDER BY one.id DESC), '{}') AS lately, count(*) FILTER (WHERE one.is_unanswered) AS unanswered
                       FROM (SELECT message.id, left(message.words, 500) AS words,
                                    NOT EXISTS (SELECT FROM helpdesk.message AS ours WHERE ours.conversation_id = message.conversation_id
                                                   AND ours.id > message.id AND ours.is_from_us) AS is_unanswered
                               FROM helpdesk.message
                              WHERE message.conversation_id = conversation.id AND NOT message.is_from_us
                              ORDER BY message.id DESC LIMIT 5) AS one) AS lately ON conversation.owner = 'queue'
 WHERE conversation.owner = 'queue'
 ORDER BY coalesce(customer.is_vulnerable, false) DESC, conversation.last_at
 LIMIT %(most)s;

-- name: overdue_promises
SELECT promise.id AS promise_id, promise.customer_id, promise.promised, promise.due_at, promise.kept_at
  FROM helpdesk.promise
 WHERE promise.kept_at IS NULL AND promise.due_at < %(now)s
 ORDER BY promise.due_at, promise.id
 LIMIT %(most)s;

-- name: latest_told_incident
SELECT notice.incident_id FROM helpdesk.notice WHERE notice.incident_id IS NOT NULL ORDER BY notice.id DESC LIMIT 1;

-- name: own_conversation
SELECT own.conversation_id, own.thread, own.customer_id, own.staff_id, own.channel, own.address, own.owner, own.handed_over_because,
       own.opened_at, own.last_at, own.last_message_id, own.last_inbound_at
  FROM helpdesk.own_conversation() AS own;

-- name: asked_for_in
SELECT action.conversation_id FROM actions.action WHERE action.id = (SELECT actions.claimed());

-- name: is_asked_by_customer
SELECT action.proposer LIKE 'customer:%%' FROM actions.action WHERE action.id = (SELECT actions.claimed());

-- name: came_from
SELECT ARRAY[message.channel, message.address] FROM helpdesk.message
 WHERE message.id = %(message_id)s AND message.conversation_id = %(conversation_id)s AND message.channel IS NOT NULL AND message.address IS NOT NULL;

-- name: letters_since
SELECT count(*) FROM helpdesk.message
 WHERE message.conversation_id = %(conversation_id)s AND NOT message.is_from_us AND message.channel = %(channel)s AND message.address = %(address)s
   AND message.at > (SELECT max(latest.at) FROM helpdesk.message AS latest WHERE latest.conversation_id = %(conversation_id)s) - interval '1 hour';

-- name: awaits_code
SELECT helpdesk.awaits_code(%(channel)s, %(address)s);

-- name: unanswered
SELECT inbox.id AS inbox_id, message.id AS message_id, message.at, message.words, message.channel, coalesce(message.address, '') AS address,
       jsonb_array_length(inbox.media) AS media,
       inbox.tries, inbox.tries = 0 OR inbox.tried_at < clock_timestamp() - interval '2 seconds' * (1 << least(inbox.tries - 1, 4)) AS is_due, inbox.code_mac,
       conversation.id AS conversation_id, conversation.thread,
       message.customer_id, coalesce(customer.language, 'en') AS language, conversation.owner, inbox.is_choice,
       coalesce(conversation.verified_until > clock_timestamp() AND conversation.verified_channel = message.channel
                AND conversation.verified_address = message.address, false) AS is_verified, conversation.staff_id
  FROM helpdesk.inbox
  JOIN helpdesk.message ON message.id = inbox.message_id
  JOIN helpdesk.conversation ON conversation.id = inbox.conversation_id
  LEFT JOIN crm.customer ON customer.id = message.customer_id
 WHERE inbox.conversation_id = %(conversation_id)s AND inbox.kind = 'message' AND inbox.state = 'received'
 ORDER BY inbox.id
 LIMIT 20;

-- A try that failed is made again after 2, 4, 8, 16 seconds: by then whatever was away is back, or it was the message.
-- name: conversations_waiting
SELECT inbox.conversation_id
  FROM helpdesk.inbox
 WHERE inbox.state = 'received' AND inbox.kind = 'message'
   AND coalesce(inbox.tried_at, inbox.received_at) < clock_timestamp() - interval '2 seconds' * (1 << least(greatest(inbox.tries - 1, 0), 4))
 GROUP BY inbox.conversation_id
 ORDER BY min(inbox.id)
 LIMIT 1000;

-- name: question_before
SELECT message.words
  FROM helpdesk.message
  JOIN helpdesk.message AS latest ON latest.id = %(message_id)s AND message.at > latest.at - interval '1 hour'
 WHERE message.conversation_id = %(conversation_id)s AND message.id < %(message_id)s AND NOT message.is_from_us
   AND message.words !~* '^[[:space:]]*(code|verify)[[:space:][:punct:]]*$' AND message.words NOT LIKE '%%······%%'
 ORDER BY message.id DESC
 LIMIT 1;

-- name: set_aside
SELECT inbox.id AS inbox_id, inbox.provider, inbox.provider_id, inbox.kind, inbox.state, inbox.tries, inbox.error_kind, inbox.received_at,
       inbox.conversation_id
  FROM helpdesk.inbox
 WHERE inbox.state IN ('parked', 'quarantined')
 ORDER BY inbox.id DESC
 LIMIT %(most)s;

-- name: code_contact
SELECT contact.channel, contact.address, customer.language
  FROM crm.contact
  JOIN crm.customer ON customer.id = contact.customer_id
  LEFT JOIN crm.consent ON consent.customer_id = contact.customer_id AND consent.channel = contact.channel AND consent.purpose = 'service'
 WHERE contact.customer_id = %(customer_id)s AND contact.channel <> %(not_channel)s
   AND contact.changed_at < clock_timestamp() - %(settled)s::interval
   AND consent.is_given IS DISTINCT FROM false
   AND NOT EXISTS (SELECT FROM crm.moved_number AS moved
                    WHERE moved.address = contact.address AND moved.noticed_at > clock_timestamp() - %(moved)s::interval)
 ORDER BY contact.address <> %(not_address)s DESC, contact.channel = 'whatsapp', contact.is_preferred DESC, contact.id
 LIMIT 1;

-- An address that somebody typed, as one of this customer's where a code may go; not one that changed lately, and not one they said no to.
-- name: sign_in_contact
SELECT contact.id
  FROM crm.contact
  LEFT JOIN crm.consent ON consent.customer_id = contact.customer_id AND consent.channel = contact.channel AND consent.purpose = 'service'
 WHERE contact.customer_id = %(customer_id)s AND contact.address = ANY (%(addresses)s::text[]) AND contact.channel <> 'voice'
   AND contact.changed_at < clock_timestamp() - %(settled)s::interval
   AND consent.is_given IS DISTINCT FROM false
   AND NOT EXISTS (SELECT FROM crm.moved_number AS moved
                    WHERE moved.address = contact.address AND moved.noticed_at > clock_timestamp() - %(moved)s::interval)
 ORDER BY contact.channel = 'whatsapp', contact.id
 LIMIT 1;

-- name: settled_contact
SELECT contact.channel, contact.address, customer.language
  FROM crm.contact
  JOIN crm.customer ON customer.id = contact.customer_id
 WHERE contact.id = %(contact_id)s AND contact.customer_id = %(customer_id)s AND contact.channel <> 'voice'
   AND contact.changed_at < clock_timestamp() - %(settled)s::interval
   AND NOT EXISTS (SELECT FROM crm.moved_number AS moved
                    WHERE moved.address = contact.address AND moved.noticed_at > clock_timestamp() - %(moved)s::interval);

-- name: visitor
SELECT helpdesk.visitor(%(visitor)s::text);

-- name: code_of_visitor
SELECT code.conversation_id FROM helpdesk.one_time_code AS code
 WHERE code.channel = 'chat' AND code.address = %(visitor)s AND code.used_at IS NULL AND code.expires_at > clock_timestamp()
 ORDER BY code.id DESC
 LIMIT 1;

-- What was said from one browser within half a day, and what was answered there: an answer is for whoever asked last before it.
-- Of two that are written at once the lower number may be committed last: what is so new is read again, and told apart by its number.
-- name: said_to_visitor
WITH own AS (
    SELECT DISTINCT message.conversation_id FROM helpdesk.message
     WHERE message.channel = 'chat' AND message.address = %(visitor)s AND message.at > clock_timestamp() - interval '12 hours'
)
SELECT message.id AS message_id, message.at, message.is_from_us, message.author, message.words, message.trace
  FROM own
  JOIN helpdesk.message ON message.conversation_id = own.conversation_id
 WHERE (message.id > %(after)s OR message.at > clock_timestamp() - %(late)s::interval) AND message.at > clock_timestamp() - interval '12 hours'
   AND CASE WHEN message.is_from_us
            THEN (SELECT asked.channel = 'chat' AND asked.address = %(visitor)s FROM helpdesk.message AS asked
                   WHERE asked.conversation_id = message.conversation_id AND asked.id < message.id AND NOT asked.is_from_us
                   ORDER BY asked.id DESC LIMIT 1)
            ELSE message.channel = 'chat' AND message.address = %(visitor)s END
 ORDER BY message.id
 LIMIT %(most)s;

-- name: being_done_for_visitor
SELECT inbox.message_id, inbox.so_far
  FROM helpdesk.message
  JOIN helpdesk.inbox ON inbox.message_id = message.id
 WHERE message.channel = 'chat' AND message.address = %(visitor)s AND message.at > clock_timestamp() - interval '12 hours'
   AND inbox.state = 'received' AND inbox.kind = 'message'
 ORDER BY inbox.id;

-- Several customers may write from one address: whom of them it was last, within half a day.
-- name: chosen_at
SELECT conversation.customer_id FROM helpdesk.conversation
 WHERE conversation.customer_id = ANY (%(customer_ids)s::bigint[]) AND conversation.channel = %(channel)s AND conversation.address = %(address)s
   AND conversation.last_at > %(now)s - interval '12 hours'
 ORDER BY conversation.last_at DESC
 LIMIT 1;

-- name: left_to_say
SELECT latest.trace ->> 'more'
  FROM (SELECT message.trace, message.is_from_us FROM helpdesk.message
         WHERE message.conversation_id = %(conversation_id)s AND message.id < %(message_id)s ORDER BY message.id DESC LIMIT 1) AS latest
 WHERE latest.is_from_us;

-- name: asked_which_at
SELECT EXISTS (SELECT FROM helpdesk.conversation
                 JOIN helpdesk.message ON message.conversation_id = conversation.id AND message.is_from_us
                WHERE conversation.customer_id IS NULL AND conversation.staff_id IS NULL AND conversation.channel = %(channel)s
                  AND conversation.address = %(address)s AND conversation.last_at > %(now)s - interval '1 hour'
                  AND message.at > %(now)s - interval '1 hour' AND message.trace -> 'route' ->> 'certain' = 'which_of_you');

-- name: asked_as_nobody
SELECT message.words
  FROM helpdesk.conversation
  JOIN helpdesk.message ON message.conversation_id = conversation.id AND NOT message.is_from_us
 WHERE conversation.customer_id IS NULL AND conversation.staff_id IS NULL AND conversation.channel = %(channel)s
   AND conversation.address = %(address)s AND message.at > %(now)s - interval '1 hour'
 ORDER BY message.id DESC
 LIMIT 1;

-- name: is_verified_at
SELECT conversation.verified_until > clock_timestamp() FROM helpdesk.conversation
 WHERE conversation.id = %(conversation_id)s AND conversation.verified_channel = %(channel)s AND conversation.verified_address = %(address)s;

-- name: call
SELECT call.id AS call_id, call.provider_id, call.address, call.customer_id, call.conversation_id, call.language, call.turns, call.spoken_up_to,
       call.began_at, call.connected_at, call.transferred_at, call.ended_at, call.staff_id, call.staff_known_at
  FROM helpdesk.call
 WHERE call.provider_id = %(provider_id)s::text;

-- name: replies_after
SELECT message.id AS message_id, message.at, message.is_from_us, message.author, message.words, message.trace
  FROM helpdesk.message
 WHERE message.conversation_id = %(conversation_id)s AND message.id > %(message_id)s AND message.is_from_us
 ORDER BY message.id;

-- name: replies_to
SELECT message.id AS message_id, message.at, message.is_from_us, message.author, message.words, message.trace
  FROM helpdesk.message AS asked
  JOIN helpdesk.message ON message.conversation_id = asked.conversation_id AND message.id > asked.id AND message.is_from_us
 WHERE asked.provider_reference = %(reference)s
 ORDER BY message.id;

-- The agents hand over in the middle of making an answer: as long as it is on its way it is still theirs.
-- name: conversation_owner
SELECT CASE WHEN conversation.owner = 'queue'
             AND EXISTS (SELECT 1 FROM helpdesk.inbox
                          WHERE inbox.conversation_id = conversation.id AND inbox.state = 'received' AND inbox.kind = 'message')
            THEN 'agents' ELSE conversation.owner END
  FROM helpdesk.conversation
 WHERE conversation.id = %(conversation_id)s;

-- A summary that was kept with the agents' last words says more than the reason alone; one of an earlier hand-over says nothing any more.
-- name: handed_over_because
SELECT coalesce((SELECT ours.trace ->> 'summary'
                   FROM (SELECT message.trace FROM helpdesk.message
                          WHERE message.conversation_id = conversation.id AND message.is_from_us AND message.author LIKE 'agents:%%'
                          ORDER BY message.id DESC LIMIT 1) AS ours),
                conversation.handed_over_because)
  FROM helpdesk.conversation
 WHERE conversation.id = %(conversation_id)s;

-- A carrier that never says that a call is over is not believed for longer than any call lasts.
-- name: is_on_the_line
SELECT EXISTS (SELECT 1 FROM helpdesk.call
                WHERE call.conversation_id = %(conversation_id)s AND call.ended_at IS NULL AND call.transferred_at IS NULL
                  AND call.began_at > clock_timestamp() - interval '1 hour');

-- name: last_inbound
SELECT max(message.id) FROM helpdesk.message WHERE message.conversation_id = %(conversation_id)s AND NOT message.is_from_us;

-- The language of our last answer says what was spoken; before there is one, the customer's own.
-- name: language_spoken
SELECT coalesce((SELECT message.trace ->> 'language' FROM helpdesk.message
                  WHERE message.conversation_id = conversation.id AND message.is_from_us AND message.trace ? 'language'
                  ORDER BY message.id DESC LIMIT 1), customer.language, 'en')
  FROM helpdesk.conversation
  LEFT JOIN crm.customer ON customer.id = conversation.customer_id
 WHERE conversation.id = %(conversation_id)s;

-- name: short_name
SELECT split_part(member.name, ' ', 1) FROM staff.member WHERE 'staff:' || member.id = %(reference)s;

-- What a person looks at first: who waits for one, the most vulnerable before the longest waiting; then what colleagues hold; then of the agents'
-- what nobody of us looked at yet though orders were given in it; then the newest.
-- name: inbox
SELECT listed.conversation_id, listed.customer_id, listed.customer, listed.is_vulnerable, listed.channel, listed.owner, holder.name AS holder,
       listed.because, listed.since, coalesce(latest.words, '') AS last_words, coalesce(latest.is_from_us, false) AS is_answered,
       EXISTS (SELECT 1 FROM helpdesk.call WHERE call.conversation_id = listed.conversation_id AND call.ended_at IS NULL AND call.transferred_at IS NULL
                  AND call.began_at > clock_timestamp() - interval '1 hour') AS is_on_the_line,
       listed.has_emergency_line, lately.lately, lately.unanswered, listed.is_flagged
  FROM (SELECT conversation.id AS conversation_id, conversation.customer_id, customer.name AS customer,
               coalesce(customer.is_vulnerable, false) AS is_vulnerable, conversation.channel, conversation.owner,
               conversation.handed_over_because AS because, conversation.last_at AS since,
               coalesce(customer.has_emergency_line, false) AS has_emergency_line, looked.is_flagged,
               row_number() OVER (ORDER BY CASE conversation.owner WHEN 'queue' THEN 0 WHEN 'agents' THEN 2 ELSE 1 END,
                                           coalesce(customer.is_vulnerable, false) DESC, looked.is_flagged DESC,
                                           CASE conversation.owner WHEN 'queue' THEN conversation.last_at END, conversation.last_at DESC) AS place
          FROM helpdesk.conversation
          LEFT JOIN crm.customer ON customer.id = conversation.customer_id
         CROSS JOIN LATERAL (SELECT EXISTS (
              SELECT FROM helpdesk.message AS told
               WHERE told.conversation_id = conversation.id AND told.trace ? 'flags'
                 AND NOT EXISTS (SELECT FROM helpdesk.message AS ours WHERE ours.conversation_id = told.conversation_id AND ours.id > told.id
                                    AND ours.author LIKE 'staff:%%')) AS is_flagged) AS looked
         WHERE conversation.staff_id IS NULL AND (conversation.owner <> 'agents' OR conversation.last_at > %(since)s)
         ORDER BY place
         LIMIT %(most)s) AS listed
  LEFT JOIN staff.member AS holder ON 'staff:' || holder.id = listed.owner
  LEFT JOIN LATERAL (SELECT message.words, message.is_from_us FROM helpdesk.message WHERE message.conversation_id = listed.conversation_id
                      ORDER BY message.id DESC LIMIT 1) AS latest ON true
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(one.words ORDER BY one.id DESC), '{}') AS lately, count(*) FILTER (WHERE one.is_unanswered) AS unanswered
                       FROM (SELECT message.id, left(message.words, 500) AS words,
                                    NOT EXISTS (SELECT FROM helpdesk.message AS ours WHERE ours.conversation_id = message.conversation_id
                                                   AND ours.id > message.id AND ours.is_from_us) AS is_unanswered
                               FROM helpdesk.message
                              WHERE message.conversation_id = listed.conversation_id AND NOT message.is_from_us
                              ORDER BY message.id DESC LIMIT 5) AS one) AS lately
 ORDER BY listed.place;

-- name: correspondent
SELECT customer.name FROM helpdesk.conversation JOIN crm.customer ON customer.id = conversation.customer_id WHERE conversation.id = %(conversation_id)s;

-- What a customer asked for, that waited for a person and has ended, and that they have not been told of. An action that was proposed anew has
-- no conversation of its own: it is the one in which the first of its line was asked for.
-- name: rulings_to_tell
WITH RECURSIVE line AS (
    SELECT ended.id AS ended_id, ended.id, ended.supersedes_id, ended.conversation_id, ended.proposer
      FROM actions.action AS ended
     WHERE ended.finished_at > clock_timestamp() - %(within)s::interval AND ended.state IN ('done', 'rejected', 'expired', 'failed')
       AND ended.approvals_needed > 0 AND ended.proposed_for IS NOT NULL AND (%(action_id)s::bigint IS NULL OR ended.id = %(action_id)s)
     UNION ALL
    SELECT line.ended_id, before.id, before.supersedes_id, before.conversation_id, before.proposer
      FROM line JOIN actions.action AS before ON before.id = line.supersedes_id
     WHERE line.conversation_id IS NULL
)
SELECT ended.id AS action_id, ended.name AS action, ended.state, customer.id AS customer_id, customer.language,
       conversation.id AS conversation_id, conversation.channel, conversation.address
  FROM line
  JOIN actions.action AS ended ON ended.id = line.ended_id
  JOIN helpdesk.conversation ON conversation.id = line.conversation_id AND conversation.customer_id = ended.proposed_for
  JOIN crm.customer ON customer.id = ended.proposed_for
 WHERE line.proposer = 'customer:' || customer.id
   -- Whoever is about to tell asks for this one by its number, and has asked for the telling already.
   AND (%(action_id)s::bigint IS NOT NULL OR NOT EXISTS (SELECT FROM actions.action AS told WHERE told.operation_key = 'tell_ruling:' || ended.id))
 ORDER BY ended.finished_at, ended.id
 LIMIT %(most)s;
