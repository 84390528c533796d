-- name: orders_of
SELECT ordered.id, ordered.customer_id, ordered.subscriber_id, ordered.kind, ordered.state, offering.name AS plan, ordered.wanted_on,
       ordered.ordered_at, ordered.state_changed_at, last.reason AS last_reason
  FROM oms.product_order AS ordered
  LEFT JOIN catalogue.offering_version AS version ON version.id = ordered.offering_version_id
  LEFT JOIN catalogue.offering ON offering.id = version.offering_id
  LEFT JOIN LATERAL (SELECT event.reason
                       FROM oms.order_event AS event
                      WHERE event.order_id = ordered.id
                      ORDER BY event.id DESC
                      LIMIT 1) AS last ON true
 WHERE ordered.customer_id = %(customer_id)s
   AND (%(order_id)s::bigint IS NULL OR ordered.id = %(order_id)s::bigint)
 ORDER BY ordered.ordered_at DESC, ordered.id DESC
 LIMIT %(most)s;

-- name: fulfilment
SELECT ordered.id AS order_id, ordered.customer_id, ordered.subscriber_id, ordered.state, line.offering_version_id AS version_before,
       ordered.offering_version_id AS version_after, held.name AS plan_before, wanted.name AS plan_after, was.down_kbps AS down_kbps_before,
       was.up_kbps AS up_kbps_before, becomes.down_kbps AS down_kbps_after, becomes.up_kbps AS up_kbps_after
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN catalogue.offering_version AS was ON was.id = line.offering_version_id
  JOIN catalogue.offering AS held ON held.id = was.offering_id
  JOIN catalogue.offering_version AS becomes ON becomes.id = ordered.offering_version_id
  JOIN catalogue.offering AS wanted ON wanted.id = becomes.offering_id
 WHERE ordered.id = %(order_id)s AND ordered.kind = 'modify';

-- name: plan_changes
SELECT line.customer_id, line.id AS subscriber_id, line.state AS line_state, held.name AS plan_before, wanted.name AS plan_after, wanted.code,
       offered.id AS offering_version_id, wanted.lifecycle_status AS offering_status, offered.id = current_version.id AS is_same_version,
       wanted.technology = held.technology AS is_same_technology, wanted.segment = held.segment AS is_same_segment,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = current_version.id AND price.kind = 'recurring') AS monthly_before,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = offered.id AND price.kind = 'recurring') AS monthly_after,
       (SELECT max(ordered.id) FROM oms.product_order AS ordered WHERE ordered.subscriber_id = line.id) AS latest_order_id,
       (SELECT min(ordered.id)
          FROM oms.product_order AS ordered
         WHERE ordered.subscriber_id = line.id
           AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')) AS open_order_id, '{}'::text[] AS loses
  FROM crm.subscriber AS line
  JOIN catalogue.offering_version AS current_version ON current_version.id = line.offering_version_id
  JOIN catalogue.offering AS held ON held.id = current_version.offering_id
 CROSS JOIN catalogue.offering AS wanted
  JOIN catalogue.offering_version AS offered ON offered.offering_id = wanted.id
   AND offered.valid_from <= %(day)s AND (offered.valid_to IS NULL OR offered.valid_to > %(day)s)
 WHERE line.customer_id = %(customer_id)s
   AND (%(subscriber_id)s::bigint IS NULL OR line.id = %(subscriber_id)s::bigint)
   AND line.state NOT IN ('terminated', 'cancelled', 'aborted')
   AND lower(%(code)s) IN (lower(wanted.code), lower(wanted.name))
 ORDER BY line.id;

-- Reached by a customer's own agent: only tables whose rows the customer may see. What is neither on sale nor held is no row.
-- name: add_ons
SELECT line.customer_id, line.id AS subscriber_id, line.state AS line_state, plan.name AS plan, plan.code AS plan_code, extra.code, extra.name,
       sold.id AS offering_version_id, extra.lifecycle_status AS offering_status, extra.technology IN ('any', plan.technology) AS is_for_line,
       extra.segment = plan.segment AS is_for_them,
       NOT EXISTS (SELECT FROM catalogue.sold_in AS here WHERE here.offering_id = extra.id)
       OR EXISTS (SELECT FROM catalogue.sold_in AS here JOIN gis.premise ON premise.area_id = here.area_id
                   WHERE here.offering_id = extra.id AND premise.id = line.premise_id) AS is_sold_here,
       coalesce(price.monthly, 0)::bigint AS monthly, coalesce(price.one_off, 0)::bigint AS one_off,
       had.offering_version_id AS held_version, had.held_from,
       ARRAY(SELECT other.code FROM catalogue.add_on_held AS held
               JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id
               JOIN catalogue.offering AS other ON other.id = version.offering_id
              WHERE held.subscriber_id = line.id AND held.held_until IS NULL AND other.id <> extra.id ORDER BY other.code) AS beside,
       (SELECT max(ordered.id) FROM oms.product_order AS ordered WHERE ordered.subscriber_id = line.id) AS latest_order_id,
       (SELECT min(ordered.id)
          FROM oms.product_order AS ordered
         WHERE ordered.subscriber_id = line.id
           AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')) AS open_order_id
  FROM crm.subscriber AS line
  JOIN catalogue.offering_version AS current_version ON current_version.id = line.offering_version_id
  JOIN catalogue.offering AS plan ON plan.id = current_version.offering_id
  JOIN catalogue.offering AS extra ON extra.category = 'add_on'
  LEFT JOIN catalogue.offering_version AS sold ON sold.offering_id = extra.id AND extra.lifecycle_status IN ('active', 'launched')
   AND sold.valid_from <= %(day)s AND (sold.valid_to IS NULL OR sold.valid_to > %(day)s)
  LEFT JOIN LATERAL (SELECT held.offering_version_id, held.held_from
                       FROM catalogue.add_on_held AS held
                       JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id AND version.offering_id = extra.id
                      WHERE held.subscriber_id = line.id AND held.held_until IS NULL
                      ORDER BY held.id LIMIT 1) AS had ON true
  LEFT JOIN LATERAL (SELECT sum(one.amount_minor) FILTER (WHERE one.kind = 'recurring') AS monthly,
                            sum(one.amount_minor) FILTER (WHERE one.kind = 'one_off') AS one_off
                       FROM catalogue.price AS one
                      WHERE one.offering_version_id = coalesce(had.offering_version_id, sold.id)) AS price ON true
 WHERE line.customer_id = %(customer_id)s
   AND (%(subscriber_id)s::bigint IS NULL OR line.id = %(subscriber_id)s::bigint)
   AND line.state NOT IN ('terminated', 'cancelled', 'aborted')
   AND (%(code)s = '' OR regexp_replace(lower(%(code)s), '[^[:alnum:]]', '', 'g') IN (regexp_replace(lower(extra.code), '[^[:alnum:]]', '', 'g'),
                                                                                    regexp_replace(lower(extra.name), '[^[:alnum:]]', '', 'g')))
   AND (sold.id IS NOT NULL OR had.offering_version_id IS NOT NULL)
 ORDER BY line.id, had.offering_version_id IS NULL, extra.name, extra.code;

-- name: add_on_order
SELECT ordered.id AS order_id, ordered.customer_id, ordered.subscriber_id, ordered.offering_version_id AS version, line.state AS line_state,
       current_version.down_kbps, current_version.up_kbps, plan.code AS plan_code, extra.code, extra.name
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN catalogue.offering_version AS current_version ON current_version.id = line.offering_version_id
  JOIN catalogue.offering AS plan ON plan.id = current_version.offering_id
  JOIN catalogue.offering_version AS wanted ON wanted.id = ordered.offering_version_id
  JOIN catalogue.offering AS extra ON extra.id = wanted.offering_id
 WHERE ordered.id = %(order_id)s AND ordered.kind IN ('add_on', 'end_add_on');

-- name: offer
SELECT customer.id AS customer_id, customer.state AS customer_state, premise.id AS premise_id, wanted.code, wanted.name AS plan,
       offered.id AS offering_version_id, wanted.lifecycle_status AS offering_status, wanted.technology,
       (wanted.segment = 'business') <= (customer.kind = 'organisation') AS is_for_them,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = offered.id AND price.kind = 'recurring') AS monthly,
       (SELECT min(ordered.id) FROM oms.product_order AS ordered
         WHERE ordered.customer_id = customer.id AND ordered.premise_id = premise.id AND ordered.kind = 'add'
           AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')) AS open_order_id,
       (SELECT min(line.id) FROM crm.subscriber AS line
         WHERE line.customer_id = customer.id AND line.premise_id = premise.id AND line.state IN ('active', 'suspended')) AS live_line_id
  FROM crm.customer
 CROSS JOIN gis.premise
 CROSS JOIN catalogue.offering AS wanted
  JOIN catalogue.offering_version AS offered ON offered.offering_id = wanted.id
   AND offered.valid_from <= %(day)s AND (offered.valid_to IS NULL OR offered.valid_to > %(day)s)
 WHERE customer.id = %(customer_id)s AND premise.id = %(premise_id)s AND lower(%(code)s) IN (lower(wanted.code), lower(wanted.name));

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: quotes_of
SELECT quote.id, quote.customer_id, quote.premise_id, offering.code, offering.name AS plan, quote.offering_version_id,
       quote.monthly_minor AS monthly, quote.quoted_at, quote.stands_until, quote.ordered_as
  FROM oms.quote
  JOIN catalogue.offering_version AS version ON version.id = quote.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE quote.customer_id = %(customer_id)s
   AND (%(quote_id)s::bigint IS NULL OR quote.id = %(quote_id)s::bigint)
 ORDER BY quote.quoted_at DESC, quote.id DESC
 LIMIT %(most)s;

-- Where somebody must come first the work begins ten days before the day that is wanted: so far ahead visits can be booked.
-- name: cases
SELECT ordered.id AS order_id, ordered.customer_id, ordered.subscriber_id, line.premise_id, ordered.kind, ordered.state, ordered.state_changed_at,
       ordered.offering_version_id AS version, plan.down_kbps, plan.up_kbps, offering.name AS plan, offering.technology,
       coalesce(ordered.monthly_minor, (SELECT sum(price.amount_minor) FROM catalogue.price
                                         WHERE price.offering_version_id = plan.id AND price.kind = 'recurring'), 0)::bigint AS monthly, ordered.serial, ordered.needs_visit, ordered.wanted_on,
       coalesce(ordered.wanted_on - CASE WHEN ordered.needs_visit THEN 10 ELSE 0 END, clock_timestamp()::date) <= clock_timestamp()::date
       AND coalesce(ordered.retry_at, clock_timestamp()) <= clock_timestamp() AS is_due,
       ordered.past_return_at IS NOT NULL AS is_past_return, ordered.evidence, line.state AS line_state, asked.correlation_id,
       sequence.id AS sequence_id, sequence.state AS sequence_state, sequence.why AS sequence_why,
       EXISTS (SELECT 1 FROM crm.subscriber AS other WHERE other.customer_id = ordered.customer_id AND other.state = 'suspended') AS has_suspended_line,
       coalesce(debt.overdue, 0)::bigint AS overdue, coalesce(debt.is_disputed, false) AS is_disputed, follows.state AS follows_state,
       (SELECT count(*) FROM oms.order_event AS event WHERE event.order_id = ordered.id AND event.state = 'held')::int AS held_times,
       coalesce(building.name, '') AS building, coalesce(building.consent, 'not_needed') AS consent
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN gis.premise ON premise.id = line.premise_id
  LEFT JOIN gis.building ON building.id = premise.building_id
  JOIN catalogue.offering_version AS plan ON plan.id = coalesce(ordered.offering_version_id, line.offering_version_id)
  JOIN catalogue.offering ON offering.id = plan.offering_id
  JOIN actions.action AS asked ON asked.id = ordered.action_id
  LEFT JOIN oms.product_order AS follows ON follows.id = ordered.follows_id
  LEFT JOIN actions.sequence ON sequence.key = ordered.id::text
   AND sequence.kind = CASE ordered.kind WHEN 'add' THEN 'line_start' WHEN 'delete' THEN 'line_end' WHEN 'add_on' THEN 'add_on_start'
                       WHEN 'end_add_on' THEN 'add_on_end' ELSE 'plan_move' END
  LEFT JOIN LATERAL (SELECT sum(item.open_minor) AS overdue, bool_or(invoice.is_disputed) AS is_disputed
                       FROM billing.open_item AS item JOIN billing.invoice ON invoice.journal_id = item.journal_id
                      WHERE item.customer_id = ordered.customer_id AND item.open_minor > 0 AND invoice.due_on < clock_timestamp()::date) AS debt ON true
 WHERE ordered.id = %(order_id)s;

-- What a moment's look may move on; what only waits for its sequence is left out.
-- name: orders_to_attend
SELECT ordered.id
  FROM oms.product_order AS ordered
  LEFT JOIN oms.product_order AS follows ON follows.id = ordered.follows_id
 WHERE ordered.state IN ('acknowledged', 'pending', 'held', 'assessingCancellation') AND ordered.subscriber_id IS NOT NULL AND ordered.kind <> 'move'
   AND (ordered.state = 'assessingCancellation'
        OR coalesce(ordered.retry_at, clock_timestamp()) <= clock_timestamp()
       AND coalesce(ordered.wanted_on - CASE WHEN ordered.needs_visit THEN 10 ELSE 0 END, clock_timestamp()::date) <= clock_timestamp()::date)
   AND (follows.id IS NULL OR follows.state = 'completed' OR ordered.state = 'assessingCancellation')
 ORDER BY ordered.id
 LIMIT %(most)s;

-- name: reporter
SELECT coalesce((SELECT max(access.reported_by_device_id) FROM cmdb.access WHERE access.device_id = %(device_id)s),
                (SELECT max(up.id) FROM cmdb.link JOIN cmdb.device AS up ON up.id IN (link.from_device_id, link.to_device_id)
                  WHERE %(device_id)s IN (link.from_device_id, link.to_device_id) AND up.kind IN ('olt', 'tower', 'cmts')), %(device_id)s);

-- The first that showed that the line works since it was asked for: a sign-in that was accepted, a session, or, where no BNG asks us who may come in,
-- a box that the network found online.
-- name: first_evidence
SELECT seen.what, seen.at
  FROM (SELECT 'accounting_start:' || session.username AS what, session.started_at AS at
          FROM cmdb.session
          JOIN oms.product_order AS ordered ON ordered.id = %(order_id)s AND ordered.subscriber_id = session.subscriber_id
         WHERE session.started_at >= ordered.ordered_at
         UNION ALL
        SELECT 'radius_accept:' || held.username, held.accepted_at
          FROM cmdb.credential AS held
          JOIN oms.product_order AS ordered ON ordered.id = %(order_id)s AND ordered.subscriber_id = held.subscriber_id
         WHERE held.accepted_at >= ordered.ordered_at
         UNION ALL
        SELECT 'ont_online:' || (errand.arguments->>'serial'), errand.finished_at
          FROM actions.action
          JOIN actions.errand ON errand.action_id = action.id AND errand.operation = 'activate' AND errand.state = 'done'
         WHERE action.name = 'configure_line' AND (action.arguments->>'line')::bigint = (SELECT subscriber_id FROM oms.product_order WHERE id = %(order_id)s)
           AND (action.arguments->>'order')::bigint = %(order_id)s AND (errand.answer->>'online')::boolean
           AND NOT EXISTS (SELECT FROM cmdb.nas)) AS seen
 ORDER BY seen.at
 LIMIT 1;

-- The whole story of an order: what happened to it, each step of its sequence, what was said, and the session at the end.
-- name: story
SELECT told.at, told.system, told.what, told.by, told.took_ms
  FROM (SELECT event.at, 'oms' AS system, event.state || ': ' || event.reason AS what, asked.proposer AS by, NULL::int AS took_ms
          FROM oms.order_event AS event JOIN actions.action AS asked ON asked.id = event.action_id
         WHERE event.order_id = %(order_id)s
         UNION ALL
        SELECT coalesce(did.finished_at, step.changed_at), CASE did.name
                 WHEN 'create_credential' THEN 'aaa' WHEN 'remove_credential' THEN 'aaa' WHEN 'pass_return' THEN 'billing'
                 WHEN 'begin_add_on' THEN 'billing' WHEN 'end_add_on' THEN 'billing' WHEN 'take_back_add_on' THEN 'billing'
                 WHEN 'take_box_back' THEN 'cmdb' WHEN 'disconnect_line' THEN 'cmdb' WHEN 'hold_port' THEN 'gis'
                 WHEN 'reserve_numbers' THEN 'ipam' WHEN 'give_box' THEN 'cmdb' WHEN 'connect_line' THEN 'cmdb'
                 WHEN 'configure_line' THEN 'provisioning' WHEN 'confirm_activation' THEN 'nms' WHEN 'book_installation' THEN 'field service'
                 WHEN 'call_off_installation' THEN 'field service' WHEN 'record_installation' THEN 'field service'
                 WHEN 'tell_of_order' THEN 'helpdesk' ELSE 'oms' END,
               step.name || CASE WHEN step.state = 'done' THEN '' ELSE ' (' || step.state || coalesce(': ' || step.failure, '') || ')' END
                         || CASE WHEN did.outcome IS NULL OR did.outcome = '{}' THEN '' ELSE ' ' || did.outcome::text END,
               coalesce(did.proposer, 'system:sequences'), (extract(epoch FROM step.changed_at - step.began_at) * 1000)::int
          FROM actions.sequence JOIN actions.sequence_step AS step ON step.sequence_id = sequence.id
          LEFT JOIN actions.action AS did ON did.id = coalesce(step.undo_action_id, step.action_id)
         WHERE sequence.key = %(order_id)s::text AND sequence.kind IN ('line_start', 'line_end', 'plan_move', 'add_on_start', 'add_on_end') AND step.state <> 'waiting'
         UNION ALL
        SELECT notice.queued_at, 'helpdesk', notice.purpose || ' by ' || notice.channel || ': ' || notice.state, 'system:outbox',
               (extract(epoch FROM notice.sent_at - notice.queued_at) * 1000)::int
          FROM helpdesk.notice WHERE notice.key LIKE 'order:' || %(order_id)s::text || ':%%'
         UNION ALL
        SELECT held.accepted_at, 'aaa', held.username || ' was let in', 'system:radius', NULL
          FROM cmdb.credential AS held JOIN oms.product_order AS ordered ON ordered.subscriber_id = held.subscriber_id AND ordered.id = %(order_id)s
         WHERE held.accepted_at >= ordered.ordered_at
         UNION ALL
        SELECT session.started_at, 'aaa', 'session of ' || session.username || ' began', 'system:intake', NULL
          FROM cmdb.session JOIN oms.product_order AS ordered ON ordered.subscriber_id = session.subscriber_id AND ordered.id = %(order_id)s
         WHERE session.started_at >= ordered.ordered_at) AS told
 ORDER BY told.at, told.system;

-- name: steps_of
SELECT step.name, step.after, step.state, step.failure, (extract(epoch FROM step.changed_at - step.began_at) * 1000)::int AS took_ms
  FROM actions.sequence
  JOIN actions.sequence_step AS step ON step.sequence_id = sequence.id
 WHERE sequence.key = %(order_id)s::text AND sequence.kind IN ('line_start', 'line_end', 'plan_move', 'add_on_start', 'add_on_end')
 ORDER BY step.position;

-- name: under_way
SELECT ordered.id, ordered.customer_id, ordered.subscriber_id, ordered.kind, ordered.state, offering.name AS plan, ordered.wanted_on,
       ordered.ordered_at, ordered.state_changed_at,
       (SELECT event.reason FROM oms.order_event AS event WHERE event.order_id = ordered.id ORDER BY event.id DESC LIMIT 1) AS last_reason
  FROM oms.product_order AS ordered
  LEFT JOIN catalogue.offering_version AS version ON version.id = ordered.offering_version_id
  LEFT JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')
 ORDER BY ordered.state_changed_at DESC, ordered.id DESC
 LIMIT %(most)s;

-- name: fallout
SELECT ordered.id AS order_id, ordered.customer_id, offering.name AS plan, step.name AS step, coalesce(step.cause, 'downstream') AS cause,
       coalesce(step.failure, '') AS failure, sequence.fallen_at AS since, sequence.deadline AS until
  FROM actions.sequence
  JOIN actions.sequence_step AS step ON step.sequence_id = sequence.id AND step.state = 'failed'
  JOIN oms.product_order AS ordered ON ordered.id = sequence.key::bigint
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN catalogue.offering_version AS version ON version.id = coalesce(ordered.offering_version_id, line.offering_version_id)
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE sequence.state = 'fallen_out' AND sequence.kind IN ('line_start', 'line_end', 'plan_move', 'add_on_start', 'add_on_end')
 ORDER BY sequence.fallen_at;

-- At the pace of the last hundred orders of its kind that were completed; what is not done today is done today at the earliest.
-- name: in_jeopardy
WITH pace AS (
    SELECT done.kind, percentile_cont(0.8) WITHIN GROUP (ORDER BY extract(epoch FROM done.state_changed_at - done.ordered_at)) AS seconds
      FROM (SELECT ordered.kind, ordered.state_changed_at, ordered.ordered_at FROM oms.product_order AS ordered
             WHERE ordered.state = 'completed' ORDER BY ordered.state_changed_at DESC LIMIT 100) AS done
     GROUP BY done.kind
)
SELECT ordered.id AS order_id, ordered.customer_id, ordered.state, ordered.wanted_on, late.expected_on, late.reason
  FROM oms.product_order AS ordered
  LEFT JOIN pace ON pace.kind = ordered.kind
  LEFT JOIN LATERAL (SELECT max(job.window_from)::date AS visit_on FROM oms.order_visit AS booked
                       JOIN field_service.job ON job.id = booked.job_id AND job.state IN ('acknowledged', 'held', 'inProgress')
                      WHERE booked.order_id = ordered.id) AS visit ON true
  LEFT JOIN actions.sequence ON sequence.key = ordered.id::text AND sequence.kind IN ('line_start', 'line_end', 'add_on_start', 'add_on_end') AND sequence.state = 'fallen_out'
 CROSS JOIN LATERAL (SELECT greatest(visit.visit_on, clock_timestamp()::date, CASE WHEN ordered.state = 'inProgress' AND sequence.id IS NULL AND visit.visit_on IS NULL
                                       THEN (ordered.ordered_at + make_interval(secs => coalesce(pace.seconds, 0)))::date END) AS expected_on,
                            CASE WHEN sequence.id IS NOT NULL THEN 'it waits in the repair queue' WHEN ordered.state = 'held' THEN 'it is held'
                                 WHEN visit.visit_on > ordered.wanted_on THEN 'the visit is later' ELSE 'others like it take longer' END AS reason) AS late
 WHERE ordered.state IN ('acknowledged', 'pending', 'held', 'inProgress') AND ordered.wanted_on IS NOT NULL AND late.expected_on > ordered.wanted_on
 ORDER BY ordered.wanted_on, ordered.id
 LIMIT %(most)s;

-- name: visit_of
SELECT job.id AS job_id, job.state, job.window_from, job.window_until, coalesce(member.name, '') AS engineer, job.findings
  FROM oms.order_visit AS visit
  JOIN field_service.job ON job.id = visit.job_id
  LEFT JOIN staff.member ON member.id = job.engineer_id
 WHERE visit.order_id = %(order_id)s
 ORDER BY visit.job_id DESC
 LIMIT 1;

-- Of this customer alone, and only where somebody is to come, or was and did not.
-- name: installations_of
SELECT ordered.id AS order_id, ordered.subscriber_id, line.premise_id, offering.technology, area.name AS area, premise.latitude, premise.longitude,
       job.id AS job_id, job.state, job.window_from, job.window_until
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN gis.premise ON premise.id = line.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN catalogue.offering_version AS plan ON plan.id = ordered.offering_version_id
  JOIN catalogue.offering ON offering.id = plan.offering_id
  JOIN field_service.job ON job.id = (SELECT max(visit.job_id) FROM oms.order_visit AS visit WHERE visit.order_id = ordered.id)
 WHERE ordered.customer_id = %(customer_id)s AND ordered.needs_visit AND ordered.past_return_at IS NULL
   AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial') AND job.state <> 'completed'
 ORDER BY ordered.id;

-- name: is_asked_by_its_customer
SELECT action.proposer LIKE 'customer:%%' FROM actions.action WHERE action.id = (SELECT actions.claimed());

-- name: is_visit_needed
SELECT EXISTS (SELECT FROM catalogue.offered_service AS offered
                 JOIN catalogue.offering_version AS version ON version.id = offered.offering_version_id
                 JOIN catalogue.offering ON offering.id = version.offering_id
                 JOIN catalogue.realisation AS made ON made.cfs_id = offered.cfs_id
                 JOIN catalogue.specification AS rfs ON rfs.id = made.rfs_id AND rfs.technology IN ('any', offering.technology)
                 JOIN catalogue.resource_need AS need ON need.rfs_id = rfs.id AND need.kind = 'visit' AND need.needed = 'without_drop'
                WHERE offered.offering_version_id = %(version)s)
   AND NOT EXISTS (SELECT FROM gis.drop AS laid WHERE laid.premise_id = %(premise_id)s)
   AND NOT EXISTS (SELECT FROM crm.subscriber AS line WHERE line.premise_id = %(premise_id)s AND line.activated_at IS NOT NULL);

-- name: to_tell
SELECT contact.channel, contact.address, customer.language, customer.timezone, offering.name AS plan
  FROM oms.product_order AS ordered
  JOIN crm.customer ON customer.id = ordered.customer_id
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN catalogue.offering_version AS version ON version.id = coalesce(ordered.offering_version_id, line.offering_version_id)
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN LATERAL (SELECT one.channel, one.address FROM crm.contact AS one
                  LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.purpose = 'service' AND consent.channel = one.channel
                 WHERE one.customer_id = customer.id AND consent.is_given IS DISTINCT FROM false
                 ORDER BY one.is_preferred DESC, one.id LIMIT 1) AS contact ON true
 WHERE ordered.id = %(order_id)s;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: own_premises
SELECT DISTINCT line.premise_id FROM crm.subscriber AS line WHERE line.customer_id = %(customer_id)s ORDER BY line.premise_id;
