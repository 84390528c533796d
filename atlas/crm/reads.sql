-- name: customers_at
SELECT DISTINCT contact.customer_id
  FROM crm.contact
  JOIN crm.customer ON customer.id = contact.customer_id
 WHERE contact.address = ANY (%(addresses)s::text[])
   AND customer.state <> 'former'
 ORDER BY contact.customer_id;

-- name: customer
SELECT customer.id, customer.kind, customer.name, customer.given_name, customer.language, customer.timezone, customer.state,
       customer.is_vulnerable, customer.vulnerability, customer.has_emergency_line, customer.customer_since
  FROM crm.customer
 WHERE customer.id = %(customer_id)s;

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
 WHERE interaction.customer_id = %(customer_id)s
 ORDER BY interaction.at DESC, interaction.id DESC
 LIMIT %(most)s;

-- name: line_state
SELECT subscriber.state FROM crm.subscriber WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s;
