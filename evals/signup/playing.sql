-- A home beside a fibre line with room on its splitter, in a building of its own, that nobody of ours lives in.
-- name: empty_home
SELECT premise.id AS premise_id, premise.number || ' ' || premise.street || ', ' || premise.town || ' ' || premise.postcode AS address, point.device_id
  FROM gis.premise
  JOIN gis.serving_point AS point ON point.technology = 'fibre' AND point.latitude = premise.latitude AND point.longitude = premise.longitude
 WHERE premise.number LIKE '%%B' AND premise.unit = ''
   AND NOT EXISTS (SELECT FROM crm.subscriber AS line WHERE line.premise_id = premise.id)
   AND point.ports - 4 > (SELECT count(*) FROM cmdb.access WHERE access.device_id = point.device_id)
 ORDER BY premise.id LIMIT 1;

-- The last metres are there from whoever lived there before.
-- name: lay_drop
INSERT INTO gis.drop (premise_id, device_id, length_m, action_id)
SELECT %(premise_id)s, %(device_id)s, 12, min(action.id) FROM actions.action;

-- name: a_bng
SELECT device.id FROM cmdb.device WHERE device.kind = 'bng' ORDER BY device.id LIMIT 1;

-- name: said_since
SELECT message.id, message.at, message.is_from_us, message.words
  FROM helpdesk.message
  JOIN helpdesk.conversation ON conversation.id = message.conversation_id AND conversation.address = %(address)s
 WHERE message.id > %(after)s
 ORDER BY message.id;

-- name: order_signed_up
SELECT (action.outcome ->> 'order')::bigint
  FROM actions.action
  JOIN helpdesk.conversation ON conversation.id = action.conversation_id AND conversation.address = %(address)s
 WHERE action.name = 'sign_up' AND action.state = 'done';

-- When the box at the customer's was set up by the network, and may sign in.
-- name: set_up_at
SELECT max(errand.finished_at)
  FROM actions.errand
  JOIN actions.action ON action.id = errand.action_id AND action.name = 'configure_line' AND (action.arguments ->> 'order')::bigint = %(order_id)s
 WHERE errand.operation = 'activate' AND errand.state = 'done';

-- Each of the whitepaper's ten steps: from when to when, by Atlas' own clock.
-- name: ten_steps
WITH ordered AS (
    SELECT product_order.id, product_order.customer_id, product_order.subscriber_id, product_order.ordered_at, product_order.action_id,
           product_order.needs_visit
      FROM oms.product_order WHERE product_order.id = %(order_id)s
), asked AS (
    SELECT action.proposed_at, action.finished_at, action.conversation_id FROM actions.action JOIN ordered ON ordered.action_id = action.id
), said AS (
    SELECT message.id, message.at, message.is_from_us, message.words
      FROM helpdesk.message JOIN asked ON asked.conversation_id = message.conversation_id
), moved AS (
    SELECT min(event.at) FILTER (WHERE event.state = 'pending') AS cleared_at, min(event.at) FILTER (WHERE event.state = 'inProgress') AS began_at
      FROM oms.order_event AS event JOIN ordered ON ordered.id = event.order_id
), network AS (
    SELECT max(errand.finished_at) AS set_up_at
      FROM actions.errand JOIN actions.action ON action.id = errand.action_id
      JOIN ordered ON action.name = 'configure_line' AND (action.arguments ->> 'order')::bigint = ordered.id
     WHERE errand.operation = 'activate'
), accept AS (
    SELECT held.accepted_at, held.username FROM cmdb.credential AS held JOIN ordered USING (subscriber_id)
), charged AS (
    SELECT charging.finished_at, charge.evidence
      FROM billing.charge JOIN ordered ON ordered.id = charge.started_by_order_id JOIN actions.action AS charging ON charging.id = charge.action_id
), welcome AS (
    SELECT notice.queued_at, notice.sent_at, notice.channel FROM helpdesk.notice JOIN ordered ON notice.key LIKE 'order:' || ordered.id || ':%%'
)
SELECT step.place, step.step, step.from_at, step.to_at, step.what
  FROM ordered, asked, moved, network, accept, charged, welcome
 CROSS JOIN LATERAL (VALUES
    (1, 'Address serviceability check', (SELECT min(said.at) FROM said WHERE NOT said.is_from_us), (SELECT min(said.at) FROM said WHERE said.is_from_us),
     'from plant: splitter, port, drop, light'),
    (2, 'Customer record creation', asked.proposed_at, asked.finished_at, 'a prospect, reached where they wrote from'),
    (3, 'Order creation', asked.proposed_at, asked.finished_at, 'in the same transaction as the record'),
    (4, 'Credit check', ordered.ordered_at, moved.cleared_at, 'our own rule; silence would hold the order'),
    (5, 'Service provisioning', moved.began_at, network.set_up_at, 'port, numbers, box, credential, OLT (recorded network)'),
    (6, 'RADIUS authentication', network.set_up_at, accept.accepted_at, 'Access-Accept for ' || accept.username || ' by FreeRADIUS'),
    (7, 'Billing activation', accept.accepted_at, charged.finished_at, 'from ' || charged.evidence),
    (8, 'Welcome communication', charged.finished_at, welcome.sent_at, 'by ' || welcome.channel),
    (9, 'Helpdesk ticket (if needed)', NULL::timestamptz, NULL::timestamptz, 'none was needed'),
    (10, 'Field dispatch (if needed)', NULL, NULL, CASE WHEN ordered.needs_visit THEN 'a visit' ELSE 'none: the drop is laid' END))
    AS step (place, step, from_at, to_at, what)
 ORDER BY step.place;

-- name: first_bill
SELECT invoice.number, invoice.total_net_minor + invoice.total_tax_minor AS gross, invoice.issued_at
  FROM billing.invoice JOIN oms.product_order AS ordered ON ordered.id = %(order_id)s AND ordered.customer_id = invoice.customer_id
 WHERE invoice.number IS NOT NULL
 ORDER BY invoice.id LIMIT 1;
