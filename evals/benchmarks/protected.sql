-- name: hot_rows
-- What the demo's history leaves out, for everybody, so that no read is timed over an empty table.
WITH outage AS (
    INSERT INTO itsm.incident (cause, is_outage, confidence, hypotheses, first_alarm_at, correlation_id)
    VALUES ('feeder', true, 1, '[]', %(now)s, gen_random_uuid())
    RETURNING id
), lost AS (
    INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at)
    SELECT outage.id, subscriber.id, %(now)s FROM outage, crm.subscriber WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
), talk AS (
    INSERT INTO helpdesk.conversation (customer_id, channel) SELECT id, 'sms' FROM crm.customer
    RETURNING id, customer_id
), said AS (
    INSERT INTO helpdesk.message (conversation_id, customer_id, is_from_us, author, words)
    SELECT talk.id, talk.customer_id, number %% 2 = 0, 'customer', 'When is it back?' FROM talk, generate_series(1, 4) AS number
), told AS (
    INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words)
    SELECT id, 'billing', 'hot:' || id, 'sms', '+447700900000', 'en', 'bill', 'Your bill is ready.' FROM crm.customer
), visit AS (
    INSERT INTO field_service.job (kind, customer_id, latitude, longitude, skill, window_from, window_until)
    SELECT 'repair', id, 50.7, -3.5, 'fibre', %(now)s::timestamptz, %(now)s::timestamptz + interval '2 hours' FROM crm.customer
), complained AS (
    INSERT INTO itsm.ticket (kind, customer_id, impact, urgency, title) SELECT 'complaint', id, 4, 3, 'No picture' FROM crm.customer
), agreed AS (
    INSERT INTO crm.consent (customer_id, purpose, channel, is_given, source) SELECT id, 'billing', 'sms', true, 'contract' FROM crm.customer ON CONFLICT DO NOTHING
), spoke AS (
    INSERT INTO crm.interaction (customer_id, kind, channel, summary) SELECT id, 'call', 'voice', 'Asked about a bill' FROM crm.customer
), article AS (
    INSERT INTO knowledge.passage (kind, module, words, model, vector)
    SELECT 'article', 'helpdesk', 'Passage ' || number, 'any',
           (SELECT array_agg(sin(number * place)) FROM generate_series(1, 384) AS place)::vector
      FROM generate_series(1, 3000) AS number
)
INSERT INTO oms.product_order (customer_id, kind) SELECT id, 'modify' FROM crm.customer;

-- name: credits
SELECT billing.post_credits('hot', array_agg(customer_id ORDER BY id), array_agg(id ORDER BY id), array_agg(500::bigint), array_agg('flat'::text), %(now)s)
  FROM crm.subscriber WHERE customer_id = ANY (%(customer_ids)s::bigint[]);

-- name: acting
SELECT set_config('bedrock.action', (SELECT min(id)::text FROM actions.action), false);

-- name: numbers_of
-- What else a read about this customer may be asked with.
SELECT (SELECT max(id) FROM helpdesk.conversation WHERE customer_id = %(customer_id)s) AS conversation_id,
       (SELECT max(id) FROM itsm.ticket WHERE customer_id = %(customer_id)s) AS ticket_id,
       (SELECT min(name) FROM cmdb.device) AS name;

-- name: ticket_by_reference
SELECT ticket.id, ticket.kind, ticket.state, ticket.title, ticket.priority, ticket.opened_at, ticket.due_at, ticket.resolved_at
  FROM itsm.ticket
 WHERE ticket.id = %(ticket_id)s;

-- name: size_of
SELECT reltuples::bigint FROM pg_class WHERE oid = %(name)s::regclass;
