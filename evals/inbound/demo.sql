-- name: said_after
SELECT message.id AS message_id, message.words, message.author
  FROM helpdesk.message
 WHERE message.id > %(after)s AND message.is_from_us
   AND message.conversation_id IN (SELECT theirs.conversation_id FROM helpdesk.message AS theirs
                                    WHERE NOT theirs.is_from_us AND theirs.channel = %(channel)s AND theirs.address = %(address)s)
 ORDER BY message.id LIMIT 1;

-- name: held
SELECT conversation.id FROM helpdesk.conversation WHERE conversation.owner = 'queue' AND conversation.address = ANY (%(addresses)s::text[]);

-- name: newest_message
SELECT coalesce(max(message.id), 0) FROM helpdesk.message;

-- What the recorded messenger handed to the customer's other address: they would read the digits there.
-- name: code_handed_over
SELECT sent.words FROM helpdesk.recorded_message AS sent WHERE sent.key LIKE 'code:%%' AND sent.at >= %(since)s ORDER BY sent.at DESC LIMIT 1;

-- name: kept
SELECT theirs.channel, count(DISTINCT inbox.id) AS heard, count(DISTINCT inbox.id) FILTER (WHERE inbox.state = 'answered') AS answered,
       count(DISTINCT theirs.conversation_id) AS conversations,
       (SELECT count(*) FROM helpdesk.notice
         WHERE notice.purpose = 'reply' AND notice.channel = theirs.channel AND notice.queued_at >= %(since)s) AS sent_on,
       count(DISTINCT asked.id) AS asked_of_forge
  FROM helpdesk.inbox
  JOIN helpdesk.message AS theirs ON theirs.id = inbox.message_id
  JOIN helpdesk.conversation ON conversation.id = theirs.conversation_id
  LEFT JOIN actions.action AS asked ON asked.name NOT IN ('send_message') AND asked.proposed_at >= %(since)s
       AND (asked.conversation_id = conversation.id OR asked.proposer = 'staff:' || conversation.staff_id)
 WHERE inbox.received_at >= %(since)s AND inbox.kind = 'message'
 GROUP BY theirs.channel
 ORDER BY array_position(ARRAY['whatsapp', 'sms', 'voice', 'console'], theirs.channel);

-- A headend that feeds few enough to be restarted on a colleague's word, at every size of the demo ISP.
-- name: a_device
SELECT device.name
  FROM cmdb.device
  JOIN cmdb.access ON access.reported_by_device_id = device.id
  JOIN crm.subscriber AS line ON line.id = access.subscriber_id AND line.state = 'active'
  JOIN crm.customer ON customer.id = line.customer_id
 WHERE device.kind = 'olt'
 GROUP BY device.id
 ORDER BY bool_or(customer.has_emergency_line), count(*), device.name LIMIT 1;

-- Whoever asked for something may not rule on it.
-- name: other_who_may
SELECT member.id AS staff_id, member.name, array_agg(held.role ORDER BY held.role) AS roles
  FROM staff.member
  JOIN staff.role_held AS held ON held.staff_id = member.id AND (held.valid_until IS NULL OR held.valid_until > now())
 WHERE member.is_active AND member.email <> %(asked_by)s
 GROUP BY member.id
HAVING array_agg(held.role) && %(roles)s::text[]
 ORDER BY EXISTS (SELECT FROM staff.shift WHERE shift.staff_id = member.id AND shift.starts_at <= now() AND shift.ends_at > now()) DESC, member.id
 LIMIT 1;
