-- name: arrange_action
INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
VALUES ('import_history', '{}', '{}', ''::bytea, gen_random_uuid()::text, 'system:kills', 'arranged', gen_random_uuid(), 'done')
RETURNING id;

-- name: arrange_notice
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, action_id)
VALUES (%(customer_id)s, 'outage', gen_random_uuid()::text, 'sms', %(address)s, 'en', 'outage.en', %(words)s, %(action_id)s)
RETURNING id;

-- name: arrange_errand
INSERT INTO actions.errand (port, operation, arguments, key, action_id)
VALUES (%(port)s, %(operation)s, %(arguments)s::jsonb, gen_random_uuid()::text, %(action_id)s)
RETURNING id;

-- name: arrange_incident
WITH made AS (
    INSERT INTO itsm.incident (cause, state, is_outage, confidence, hypotheses, first_alarm_at, resolved_at, correlation_id, action_id)
    VALUES ('feeder', 'resolved', true, 1, '[]', now() - interval '3 days', now() - interval '1 hour', gen_random_uuid(), %(action_id)s)
    RETURNING id
)
INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, restored_at, action_id)
SELECT made.id, %(line)s, now() - interval '20 hours', now() - interval '1 hour', %(action_id)s FROM made
RETURNING incident_id;

-- name: arrange_question
WITH opened AS (
    INSERT INTO helpdesk.conversation (customer_id, channel, address) VALUES (%(customer_id)s, 'sms', %(address)s) RETURNING id
)
INSERT INTO helpdesk.message (conversation_id, customer_id, is_from_us, author, words)
SELECT opened.id, %(customer_id)s, false, 'customer', 'Is it down?' FROM opened
RETURNING conversation_id, id AS message_id;

-- name: arrange_order
INSERT INTO oms.product_order (customer_id, subscriber_id, kind, offering_version_id, wanted_on, action_id)
SELECT %(customer_id)s, %(line)s, 'modify', other.id, current_date, %(action_id)s
  FROM catalogue.offering_version AS held
  JOIN catalogue.offering_version AS other ON other.id <> held.id AND other.down_kbps <> held.down_kbps
 WHERE held.id = %(version)s
 ORDER BY other.id
 LIMIT 1
RETURNING product_order.id;

-- name: credits
SELECT count(*) FROM billing.credit WHERE credit.subscriber_id = %(line)s AND credit.cause LIKE 'incident:' || %(incident)s || '%%';

-- name: visits
SELECT count(*) FROM field_service.job WHERE job.customer_id = %(customer_id)s AND job.state = 'acknowledged';

-- name: replies
SELECT count(*) FROM helpdesk.message WHERE message.conversation_id = %(conversation)s AND message.is_from_us;

-- name: order_now
SELECT ordered.state AS order_state, line.offering_version_id = ordered.offering_version_id AS is_moved,
       (SELECT count(*) FROM oms.order_event WHERE order_event.order_id = ordered.id) AS events
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
 WHERE ordered.id = %(order)s;

-- name: forget_visits
UPDATE field_service.job SET state = 'cancelled' WHERE job.customer_id = %(customer_id)s AND job.state = 'acknowledged';

-- A further line of the same customer at the same place, as the order for it was placed.
-- name: arrange_line_order
WITH line AS (
    INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state)
    SELECT %(customer_id)s, near.premise_id, %(version)s, 'created' FROM crm.subscriber AS near WHERE near.id = %(near)s
    RETURNING id, customer_id, premise_id, offering_version_id
), placed AS (
    INSERT INTO oms.product_order (customer_id, subscriber_id, kind, offering_version_id, premise_id, monthly_minor, needs_visit, action_id)
    SELECT line.customer_id, line.id, 'add', line.offering_version_id, line.premise_id, 0, %(needs_visit)s, %(action_id)s FROM line
    RETURNING id, subscriber_id
), itemised AS (
    INSERT INTO oms.order_item (order_id, position, action, offering_version_id, action_id) SELECT placed.id, 1, 'add', %(version)s, %(action_id)s FROM placed
)
SELECT placed.id, placed.subscriber_id FROM placed;

-- name: visit_made
UPDATE field_service.job SET state = 'completed', completed_at = now(), findings = 'laid'
  FROM oms.order_visit AS visit
 WHERE visit.job_id = job.id AND visit.order_id = %(order)s AND job.state = 'acknowledged';

-- name: visits_of_order
SELECT count(*) FROM oms.order_visit AS visit JOIN field_service.job ON job.id = visit.job_id AND job.state = 'completed'
 WHERE visit.order_id = %(order)s;

-- name: line_now
SELECT ordered.state, line.state,
       (SELECT count(*) FROM billing.charge WHERE charge.subscriber_id = line.id)::int,
       (SELECT count(*) FROM cmdb.allotment JOIN cmdb.pool ON pool.id = allotment.pool_id AND pool.kind = 'address' WHERE allotment.subscriber_id = line.id)::int,
       (SELECT count(*) FROM cmdb.asset WHERE asset.subscriber_id = line.id)::int,
       (SELECT count(*) FROM cmdb.access WHERE access.subscriber_id = line.id)::int,
       (SELECT count(*) FROM gis.reservation AS kept WHERE kept.key = 'order:' || ordered.id AND kept.ended_at IS NULL)::int
  FROM oms.product_order AS ordered JOIN crm.subscriber AS line ON line.id = %(line)s
 WHERE ordered.id = %(order)s;

-- The next order finds the warehouse, the plant and the pools as full as this one did: the ISP is small, and a campaign orders more than it has.
-- name: take_line_back
WITH box AS (
    UPDATE cmdb.asset SET state = 'stock', subscriber_id = NULL WHERE asset.subscriber_id = %(line)s
), place AS (
    DELETE FROM cmdb.access WHERE access.subscriber_id = %(line)s
)
UPDATE cmdb.allotment SET state = 'free', subscriber_id = NULL, until = NULL WHERE allotment.subscriber_id = %(line)s;
