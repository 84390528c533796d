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

-- name: move_lines
UPDATE crm.subscriber SET offering_version_id = %(after)s, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.id = ANY (%(subscriber_ids)s::bigint[]);

-- name: suspend_subscribers
UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment', action_id = actions.claimed(), version = version + 1
 WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
   AND subscriber.state = 'active'
RETURNING subscriber.id;

-- name: suspend_line
UPDATE crm.subscriber SET state = 'suspended', suspended_for = %(why)s, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s AND subscriber.version = %(version)s
   AND subscriber.state = 'active';

-- name: resume_line
UPDATE crm.subscriber SET state = 'active', suspended_for = NULL, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s AND subscriber.version = %(version)s
   AND subscriber.suspended_for IN ('voluntary', 'abuse', 'fraud');

-- name: begin_line
INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, action_id)
VALUES (%(customer_id)s, %(premise_id)s, %(offering_version_id)s, 'created', actions.claimed())
RETURNING id;

-- name: move_line
UPDATE crm.subscriber
   SET state = %(state)s, action_id = actions.claimed(), version = version + 1,
       activated_at = CASE WHEN %(state)s = 'active' THEN coalesce(subscriber.activated_at, %(at)s) ELSE subscriber.activated_at END, suspended_for = NULL
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.state = ANY (%(was)s::text[]);

-- name: register_customer
INSERT INTO crm.customer (kind, name, given_name, language, timezone, state, customer_since, birth_date)
VALUES (%(kind)s, %(name)s, %(given_name)s, %(language)s, %(timezone)s, 'prospect', %(customer_since)s, %(birth_date)s)
RETURNING id;

-- name: add_contact
INSERT INTO crm.contact (customer_id, channel, address, is_preferred, changed_at)
VALUES (%(customer_id)s, %(channel)s, %(address)s, %(is_preferred)s, %(at)s)
ON CONFLICT (customer_id, channel, address) DO NOTHING;

-- name: amend_customer
UPDATE crm.customer
   SET name = coalesce(%(name)s, name), given_name = coalesce(%(given_name)s, given_name), language = coalesce(%(language)s, language),
       state = coalesce(%(state)s, state), is_vulnerable = coalesce(%(is_vulnerable)s, is_vulnerable),
       vulnerability = coalesce(%(vulnerability)s, vulnerability), birth_date = coalesce(%(birth_date)s, birth_date),
       is_sanctioned = coalesce(%(is_sanctioned)s, is_sanctioned), version = version + 1
 WHERE customer.id = %(customer_id)s AND customer.version = %(version)s;

-- name: give_role
INSERT INTO crm.party_role (customer_id, role, name, channel, address, may, valid_from, valid_until)
VALUES (%(customer_id)s, %(role)s, %(name)s, %(channel)s, %(address)s, %(may)s, %(at)s, %(valid_until)s)
RETURNING id;

-- name: end_authority
UPDATE crm.party_role SET valid_until = greatest(valid_from, %(at)s)
 WHERE id = %(role_id)s AND customer_id = %(customer_id)s AND role = 'delegate' AND (valid_until IS NULL OR valid_until > %(at)s);

-- name: note_moved_number
INSERT INTO crm.moved_number (address, kind, noticed_at) VALUES (%(address)s, %(kind)s, %(noticed_at)s)
RETURNING id;

-- name: merge_customers
SELECT crm.merge_customers(%(customer_id)s, %(absorbed_id)s, %(at)s);

-- name: undo_merge
SELECT crm.undo_merge(%(merge_id)s, %(at)s);

-- name: restore_subscribers
UPDATE crm.subscriber
   SET state = CASE suspended_for WHEN 'non_payment' THEN 'active' ELSE state END, suspended_for = nullif(suspended_for, 'non_payment'),
       restricted_for = NULL, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
   AND (subscriber.suspended_for = 'non_payment' OR subscriber.restricted_for = 'non_payment')
   AND subscriber.state IN ('active', 'suspended')
RETURNING subscriber.id;

-- name: restrict_subscribers
UPDATE crm.subscriber SET restricted_for = 'non_payment', action_id = actions.claimed(), version = version + 1
 WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
   AND subscriber.state = 'active' AND subscriber.restricted_for IS NULL
RETURNING subscriber.id;

-- name: terminate_subscribers
UPDATE crm.subscriber
   SET state = 'pendingTerminate', suspended_for = NULL, restricted_for = NULL, action_id = actions.claimed(), version = version + 1
 WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
   AND subscriber.state = 'suspended' AND subscriber.suspended_for = 'non_payment'
RETURNING subscriber.id;
