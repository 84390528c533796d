-- name: record_consent
INSERT INTO crm.consent (customer_id, purpose, channel, is_given, recorded_at, source, action_id)
VALUES (%(customer_id)s, %(purpose)s, %(channel)s, %(is_given)s, %(at)s, %(source)s, actions.claimed())
ON CONFLICT (customer_id, purpose, channel) DO UPDATE
   SET is_given = excluded.is_given, recorded_at = excluded.recorded_at, source = excluded.source, action_id = excluded.action_id
 WHERE consent.recorded_at <= excluded.recorded_at;

-- name: unset_preferred_contact
UPDATE crm.contact SET is_preferred = false, changed_at = %(at)s
 WHERE customer_id = %(customer_id)s AND is_preferred AND channel <> %(channel)s;

-- name: set_preferred_contact
UPDATE crm.contact SET is_preferred = true, changed_at = %(at)s
 WHERE id = (SELECT coalesce(min(contact.id) FILTER (WHERE contact.is_preferred), min(contact.id))
               FROM crm.contact
              WHERE contact.customer_id = %(customer_id)s AND contact.channel = %(channel)s);

-- name: set_quiet_hours
UPDATE crm.contact SET quiet_from = %(quiet_from)s, quiet_until = %(quiet_until)s, changed_at = %(at)s
 WHERE customer_id = %(customer_id)s;

-- name: record_interaction
INSERT INTO crm.interaction (customer_id, at, kind, channel, summary)
VALUES (%(customer_id)s, %(at)s, %(kind)s, %(channel)s, %(summary)s);

-- name: move_plan
UPDATE crm.subscriber SET offering_version_id = %(after)s, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.offering_version_id = %(before)s;

-- name: suspend_subscribers
UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment', action_id = actions.claimed(), version = version + 1
 WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
   AND subscriber.state = 'active'
RETURNING subscriber.id;

-- name: begin_line
INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, action_id)
VALUES (%(customer_id)s, %(premise_id)s, %(offering_version_id)s, 'created', actions.claimed())
RETURNING id;

-- name: move_line
UPDATE crm.subscriber
   SET state = %(state)s, action_id = actions.claimed(), version = version + 1,
       activated_at = CASE WHEN %(state)s = 'active' THEN coalesce(subscriber.activated_at, %(at)s) ELSE subscriber.activated_at END, suspended_for = NULL
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.state = ANY (%(was)s::text[]);
