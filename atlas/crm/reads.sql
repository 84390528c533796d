-- name: customers_at
SELECT DISTINCT contact.customer_id
  FROM crm.contact
  JOIN crm.customer ON customer.id = contact.customer_id
 WHERE contact.address = ANY (%(addresses)s::text[])
   AND customer.state <> 'former'
   -- Whoever has the number now is not whom it is on file for.
   AND NOT EXISTS (SELECT FROM crm.moved_number AS moved
                    WHERE moved.address = contact.address AND moved.kind = 'other_holder' AND moved.noticed_at >= contact.changed_at)
 ORDER BY contact.customer_id;

-- name: acted_for_from
SELECT DISTINCT party_role.customer_id
  FROM crm.party_role
  JOIN crm.customer ON customer.id = party_role.customer_id AND customer.state <> 'former'
 WHERE party_role.address = ANY (%(addresses)s::text[]) AND party_role.role IN ('delegate', 'payer') AND party_role.may <> '{}'
   AND party_role.valid_from <= %(now)s AND (party_role.valid_until IS NULL OR party_role.valid_until > %(now)s)
 ORDER BY party_role.customer_id;

-- name: is_own_address
SELECT EXISTS (SELECT FROM crm.contact WHERE contact.customer_id = %(customer_id)s AND contact.address = ANY (%(addresses)s::text[]));

-- name: customer
SELECT customer.id, customer.kind, customer.name, customer.given_name, customer.language, customer.timezone, customer.state,
       customer.is_vulnerable, customer.vulnerability, customer.has_emergency_line, customer.customer_since, customer.birth_date,
       customer.is_sanctioned, customer.merged_into_id, customer.version
  FROM crm.customer
 WHERE customer.id = %(customer_id)s;

-- name: customers_glanced
SELECT customer.id AS customer_id, customer.name, customer.state, customer.is_vulnerable,
       (SELECT count(*) FROM crm.subscriber WHERE subscriber.customer_id = customer.id AND subscriber.state = 'active') AS active_lines,
       coalesce((SELECT balance.amount_minor FROM billing.balance
                  WHERE balance.customer_id = customer.id AND balance.ledger_account = 'receivable'), 0) AS owed,
       EXISTS (SELECT FROM crm.subscriber
                 JOIN itsm.incident_subscriber AS lost ON lost.subscriber_id = subscriber.id AND lost.restored_at IS NULL
                 JOIN itsm.incident ON incident.id = lost.incident_id AND incident.state = 'inProgress' AND incident.is_outage
                WHERE subscriber.customer_id = customer.id) AS is_in_outage
  FROM crm.customer
 WHERE customer.id = ANY (%(customer_ids)s::bigint[]);

-- name: customers_named
SELECT customer.id AS customer_id, customer.name, customer.state, customer.is_vulnerable,
       coalesce(home.address, '') AS address, coalesce(reached.address, '') AS contact
  FROM crm.customer
  LEFT JOIN LATERAL (SELECT concat_ws(', ', nullif(premise.unit, ''), premise.number || ' ' || premise.street, premise.town, premise.postcode) AS address
                       FROM crm.subscriber
                       JOIN gis.premise ON premise.id = subscriber.premise_id
                      WHERE subscriber.customer_id = customer.id
                      ORDER BY subscriber.id
                      LIMIT 1) AS home ON true
  LEFT JOIN LATERAL (SELECT contact.address
                       FROM crm.contact
                      WHERE contact.customer_id = customer.id
                      ORDER BY contact.is_preferred DESC, contact.id
                      LIMIT 1) AS reached ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
    OR strpos(lower(customer.name), lower(%(words)s)) > 0
 ORDER BY customer.name, customer.id
 LIMIT %(most)s;

-- name: contacts
SELECT contact.id, contact.channel, contact.address, contact.is_preferred, contact.quiet_from, contact.quiet_until
  FROM crm.contact
 WHERE contact.customer_id = %(customer_id)s
 ORDER BY contact.is_preferred DESC, contact.id;

-- name: consents
SELECT consent.purpose, consent.channel, consent.is_given
  FROM crm.consent
 WHERE consent.customer_id = %(customer_id)s
 ORDER BY consent.purpose, consent.channel;

-- name: last_said_at
SELECT consent.recorded_at FROM crm.consent
 WHERE consent.customer_id = %(customer_id)s AND consent.purpose = %(purpose)s AND consent.channel = %(channel)s;

-- name: services_held
SELECT subscriber.id AS subscriber_id, subscriber.state, subscriber.suspended_for, offering.name AS plan, version.id AS offering_version_id,
       version.down_kbps, version.up_kbps,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = version.id AND price.kind = 'recurring') AS monthly_price,
       premise.id AS premise_id,
       concat_ws(', ', nullif(premise.unit, ''), premise.number || ' ' || premise.street, premise.town, premise.postcode) AS address,
       area.name AS area, session.ended_at IS NULL AND session.started_at IS NOT NULL AS is_online, session.started_at AS online_since
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN cmdb.session ON session.subscriber_id = subscriber.id
 WHERE subscriber.customer_id = %(customer_id)s
   AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')
 ORDER BY subscriber.id;

-- name: outages_at_lines
SELECT incident.id AS incident_id, lost.subscriber_id, incident.cause, lost.lost_at, lost.restored_at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
  JOIN itsm.incident ON incident.id = lost.incident_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND (incident.state = 'inProgress' OR lost.lost_at >= %(since)s)
 ORDER BY lost.lost_at DESC;

-- name: tickets_open
SELECT ticket.id, ticket.kind, ticket.state, ticket.title, ticket.priority, ticket.opened_at, ticket.due_at
  FROM itsm.ticket
 WHERE ticket.customer_id = %(customer_id)s
   AND ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected')
 ORDER BY ticket.priority, ticket.id;

-- name: visits_planned
SELECT job.id, job.kind, job.state, job.window_from, job.window_until
  FROM field_service.job
 WHERE job.customer_id = %(customer_id)s
   AND job.state NOT IN ('completed', 'failed', 'cancelled')
 ORDER BY job.window_from;

-- name: owed
SELECT coalesce(sum(balance.amount_minor), 0)::bigint
  FROM billing.balance
 WHERE balance.customer_id = %(customer_id)s
   AND balance.ledger_account = 'receivable';

-- name: notices_to
SELECT notice.id, notice.purpose, notice.channel, notice.words, notice.state, notice.queued_at
  FROM helpdesk.notice
 WHERE notice.customer_id = %(customer_id)s
 ORDER BY notice.queued_at DESC, notice.id DESC
 LIMIT %(most)s;

-- name: interactions
SELECT interaction.at, interaction.kind, interaction.channel, interaction.summary
  FROM crm.interaction
 -- One list of whose: an OR would have the whole table read.
 WHERE interaction.customer_id = ANY(array(SELECT customer.id FROM crm.customer WHERE customer.merged_into_id = %(customer_id)s) || %(customer_id)s::bigint)
 ORDER BY interaction.at DESC, interaction.id DESC
 LIMIT %(most)s;

-- name: line_state
SELECT subscriber.state FROM crm.subscriber WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s;

-- name: line_standing
SELECT subscriber.state, subscriber.suspended_for, subscriber.version, customer.is_vulnerable, customer.has_emergency_line
  FROM crm.subscriber JOIN crm.customer ON customer.id = subscriber.customer_id
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s;

-- name: known_party
SELECT customer.id AS customer_id, customer.name, customer.given_name, customer.state, customer.birth_date,
       array(SELECT contact.address FROM crm.contact WHERE contact.customer_id = customer.id ORDER BY contact.id) AS addresses,
       array(SELECT subscriber.premise_id FROM crm.subscriber WHERE subscriber.customer_id = customer.id ORDER BY subscriber.id) AS premises
  FROM crm.customer
 WHERE customer.id = ANY (%(customer_ids)s::bigint[]);

-- name: possibly_the_same
-- Only who shares an address, a name or a roof is compared at all: each by its index.
SELECT DISTINCT customer.id
  FROM crm.customer
 WHERE customer.id IN (SELECT contact.customer_id FROM crm.contact WHERE contact.address = ANY (%(addresses)s::text[])
                        UNION ALL
                       SELECT named.id FROM crm.customer AS named WHERE crm.name_key(named.name) = %(name_key)s::text
                        UNION ALL
                       SELECT subscriber.customer_id FROM crm.subscriber WHERE subscriber.premise_id = ANY (%(premises)s::bigint[]))
   AND customer.merged_into_id IS NULL
 ORDER BY customer.id
 LIMIT 200;

-- name: party_roles
SELECT party_role.id, party_role.role, party_role.name, party_role.channel, party_role.address, party_role.may, party_role.valid_from,
       party_role.valid_until
  FROM crm.party_role
 WHERE party_role.customer_id = %(customer_id)s
 ORDER BY party_role.id;

-- name: merge_standing
SELECT kept.id AS customer_id, absorbed.id AS absorbed_id, kept.state, absorbed.state AS absorbed_state,
       (SELECT coalesce(sum(item.open_minor), 0)::bigint FROM billing.open_item AS item WHERE item.customer_id = kept.id) AS owed,
       (SELECT coalesce(sum(item.open_minor), 0)::bigint FROM billing.open_item AS item WHERE item.customer_id = absorbed.id) AS absorbed_owed,
       (SELECT count(*) FROM oms.product_order
         WHERE product_order.customer_id IN (kept.id, absorbed.id)
           AND product_order.state NOT IN ('completed', 'cancelled', 'rejected', 'failed'))::int AS open_orders,
       (SELECT count(*) FROM crm.subscriber WHERE subscriber.customer_id IN (kept.id, absorbed.id) AND subscriber.state = 'suspended')::int AS suspended_lines,
       (SELECT count(*) FROM crm.subscriber WHERE subscriber.customer_id IN (kept.id, absorbed.id) AND subscriber.state = 'active')::int AS active_lines,
       (SELECT count(*) FROM billing.invoice WHERE invoice.customer_id IN (kept.id, absorbed.id) AND invoice.is_disputed)::int
       + (SELECT count(*) FROM billing.dispute WHERE dispute.customer_id IN (kept.id, absorbed.id) AND dispute.closed_at IS NULL)::int AS disputes,
       kept.merged_into_id IS NOT NULL OR absorbed.merged_into_id IS NOT NULL AS is_merged
  FROM crm.customer AS kept, crm.customer AS absorbed
 WHERE kept.id = %(customer_id)s AND absorbed.id = %(absorbed_id)s AND kept.id <> absorbed.id;

-- name: merges_of
SELECT merge.id, merge.customer_id, merge.absorbed_id, merge.moved_minor AS moved, merge.merged_at, merge.undone_at
  FROM crm.merge
 WHERE merge.customer_id = %(customer_id)s OR merge.absorbed_id = %(customer_id)s
 ORDER BY merge.id DESC;

-- name: merge
SELECT merge.id, merge.customer_id, merge.absorbed_id, merge.moved_minor AS moved, merge.merged_at, merge.undone_at
  FROM crm.merge
 WHERE merge.id = %(merge_id)s;

-- name: troubles
SELECT 'hours_down' AS kind, 'itsm.incident_subscriber' AS place, lost.incident_id AS row_id,
       extract(epoch FROM least(coalesce(lost.restored_at, %(now)s), %(now)s) - lost.lost_at)::float8 / 3600 AS measure, lost.lost_at AS at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
 WHERE subscriber.customer_id = %(customer_id)s AND lost.lost_at BETWEEN %(since)s AND %(now)s
UNION ALL
SELECT CASE ticket.kind WHEN 'complaint' THEN 'complaint' ELSE 'repeat_fault' END, 'itsm.ticket', ticket.id, 1, ticket.opened_at
  FROM itsm.ticket
 WHERE ticket.customer_id = %(customer_id)s AND ticket.kind IN ('incident', 'complaint') AND ticket.opened_at BETWEEN %(since)s AND %(now)s
UNION ALL
SELECT 'missed_visit', 'field_service.job', job.id, 1, job.window_until
  FROM field_service.job
 WHERE job.customer_id = %(customer_id)s AND job.state = 'failed' AND job.window_until BETWEEN %(since)s AND %(now)s
UNION ALL
SELECT 'disputed_charge', 'billing.dispute', dispute.id, 1, dispute.opened_at
  FROM billing.dispute
 WHERE dispute.customer_id = %(customer_id)s AND dispute.opened_at BETWEEN %(since)s AND %(now)s
UNION ALL
-- Below -27 dBm a GPON receiver is at the edge of what it hears; how far below is what it measures.
SELECT 'weak_signal', 'cmdb.access', access.subscriber_id, (-27 - access.received_power_dbm)::float8, access.measured_at
  FROM cmdb.access
  JOIN crm.subscriber ON subscriber.id = access.subscriber_id
 WHERE subscriber.customer_id = %(customer_id)s AND access.received_power_dbm < -27 AND access.measured_at BETWEEN %(since)s AND %(now)s
UNION ALL
SELECT 'contract_over', 'crm.subscriber', subscriber.id, 1, subscriber.activated_at + make_interval(months => version.contract_months)
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
 WHERE subscriber.customer_id = %(customer_id)s AND subscriber.state = 'active' AND version.contract_months > 0
   AND subscriber.activated_at + make_interval(months => version.contract_months) <= %(now)s;

-- name: orders_open
SELECT product_order.id, product_order.kind, product_order.state, offering.name AS plan, product_order.ordered_at, product_order.wanted_on
  FROM oms.product_order
  LEFT JOIN catalogue.offering_version AS version ON version.id = product_order.offering_version_id
  LEFT JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE product_order.customer_id = %(customer_id)s
   AND product_order.state NOT IN ('completed', 'cancelled', 'rejected', 'failed')
 ORDER BY product_order.id DESC;

-- name: messages_seen
SELECT message.at, conversation.channel, message.is_from_us, message.words
  FROM helpdesk.message
  JOIN helpdesk.conversation ON conversation.id = message.conversation_id
 WHERE message.customer_id = %(customer_id)s
 ORDER BY message.at DESC, message.id DESC
 LIMIT %(most)s;
