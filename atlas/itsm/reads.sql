-- name: open_incidents
SELECT incident.id AS incident_id, incident.cause,
       ARRAY(SELECT held.alarm_id FROM itsm.incident_alarm AS held
              WHERE held.incident_id = incident.id AND held.left_at IS NULL ORDER BY held.alarm_id) AS alarms
  FROM itsm.incident
 WHERE incident.state = 'inProgress'
 ORDER BY incident.id;

-- name: held_incidents
SELECT incident.id AS incident_id, incident.version, incident.cause, incident.is_outage,
       CASE WHEN incident.root_device_id IS NOT NULL THEN 'device' WHEN incident.root_link_id IS NOT NULL THEN 'link'
            WHEN incident.root_site_id IS NOT NULL THEN 'site' WHEN incident.root_conduit_id IS NOT NULL THEN 'conduit' END AS root_kind,
       coalesce(incident.root_device_id, incident.root_link_id, incident.root_site_id, incident.root_conduit_id) AS root_id,
       incident.confidence, incident.hypotheses, incident.correlation_id,
       ARRAY(SELECT lost.device_id FROM itsm.incident_device AS lost
              WHERE lost.incident_id = incident.id AND lost.restored_at IS NULL) AS devices
  FROM itsm.incident
 WHERE incident.id = ANY(%(incident_ids)s) AND incident.state = 'inProgress';

-- name: incidents_named
SELECT incident.id AS incident_id, incident.state, incident.cause, incident.first_alarm_at, incident.resolved_at,
       (SELECT count(*) FROM itsm.incident_device AS lost JOIN cmdb.device ON device.id = lost.device_id
         WHERE lost.incident_id = incident.id AND device.kind NOT IN ('pon_port', 'splitter')) AS devices,
       (SELECT count(*) FROM itsm.incident_subscriber AS lost WHERE lost.incident_id = incident.id) AS subscribers,
       (SELECT count(*) FROM itsm.incident_subscriber AS lost WHERE lost.incident_id = incident.id AND lost.restored_at IS NULL) AS subscribers_out
  FROM itsm.incident
 WHERE incident.id = ANY (%(incident_ids)s::bigint[]);

-- name: incidents
WITH wanted AS MATERIALIZED (
    SELECT id FROM itsm.incident
     WHERE (%(incident_id)s::bigint IS NULL OR id = %(incident_id)s)
     ORDER BY state = 'inProgress' DESC, id DESC LIMIT %(most)s
), priced AS MATERIALIZED (
    SELECT version.id, offering.segment = 'business' AS is_business,
           coalesce((SELECT sum(price.amount_minor) FROM catalogue.price
                      WHERE price.offering_version_id = version.id AND price.kind = 'recurring'), 0) AS monthly_minor
      FROM catalogue.offering_version AS version
      JOIN catalogue.offering ON offering.id = version.offering_id
), people AS (
    SELECT lost.incident_id, count(*) AS subscribers, count(*) FILTER (WHERE lost.restored_at IS NULL) AS subscribers_out,
           count(DISTINCT subscriber.customer_id) AS customers,
           count(*) FILTER (WHERE priced.is_business) AS businesses,
           count(*) FILTER (WHERE customer.is_vulnerable) AS vulnerable,
           sum(priced.monthly_minor)::bigint AS revenue_at_risk,
           array_agg(DISTINCT area.name ORDER BY area.name) AS areas
      FROM itsm.incident_subscriber AS lost
      JOIN wanted ON wanted.id = lost.incident_id
      JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
      JOIN crm.customer ON customer.id = subscriber.customer_id
      JOIN gis.premise ON premise.id = subscriber.premise_id
      JOIN gis.area ON area.id = premise.area_id
      JOIN priced ON priced.id = subscriber.offering_version_id
     GROUP BY lost.incident_id
), plant AS (
    SELECT lost.incident_id, count(*) AS devices, count(*) FILTER (WHERE lost.restored_at IS NULL) AS devices_out
      FROM itsm.incident_device AS lost
      JOIN wanted ON wanted.id = lost.incident_id
      JOIN cmdb.device ON device.id = lost.device_id
     WHERE device.kind NOT IN ('pon_port', 'splitter')
     GROUP BY lost.incident_id
), noise AS (
    SELECT held.incident_id, count(*) AS alarms, count(*) FILTER (WHERE held.left_at IS NULL) AS alarms_open
      FROM itsm.incident_alarm AS held
      JOIN wanted ON wanted.id = held.incident_id
     GROUP BY held.incident_id
)
SELECT incident.id AS incident_id, incident.state, incident.cause, incident.is_outage,
       CASE WHEN incident.root_device_id IS NOT NULL THEN 'device' WHEN incident.root_link_id IS NOT NULL THEN 'link'
            WHEN incident.root_site_id IS NOT NULL THEN 'site' WHEN incident.root_conduit_id IS NOT NULL THEN 'conduit' END AS root_kind,
       coalesce(incident.root_device_id, incident.root_link_id, incident.root_site_id, incident.root_conduit_id) AS root_id,
       coalesce(device.name, link.name, site.name, conduit.name, '') AS root_name,
       incident.confidence, incident.hypotheses, incident.first_alarm_at, incident.opened_at, incident.resolved_at, incident.closed_at,
       incident.correlation_id, incident.version,
       coalesce(noise.alarms, 0) AS alarms, coalesce(noise.alarms_open, 0) AS alarms_open,
       coalesce(plant.devices, 0) AS devices, coalesce(plant.devices_out, 0) AS devices_out,
       coalesce(people.subscribers, 0) AS subscribers, coalesce(people.subscribers_out, 0) AS subscribers_out,
       coalesce(people.customers, 0) AS customers, coalesce(people.businesses, 0) AS businesses,
       coalesce(people.vulnerable, 0) AS vulnerable, coalesce(people.revenue_at_risk, 0) AS revenue_at_risk,
       coalesce(people.areas, '{}') AS areas
  FROM wanted
  JOIN itsm.incident ON incident.id = wanted.id
  LEFT JOIN cmdb.device ON device.id = incident.root_device_id
  LEFT JOIN cmdb.link ON link.id = incident.root_link_id
  LEFT JOIN cmdb.site ON site.id = incident.root_site_id
  LEFT JOIN cmdb.conduit ON conduit.id = incident.root_conduit_id
  LEFT JOIN people ON people.incident_id = incident.id
  LEFT JOIN plant ON plant.incident_id = incident.id
  LEFT JOIN noise ON noise.incident_id = incident.id
 ORDER BY incident.state = 'inProgress' DESC, incident.id DESC;

-- name: areas_hit
WITH people AS (
    SELECT premise.area_id, count(*) AS subscribers, count(*) FILTER (WHERE lost.restored_at IS NULL) AS subscribers_out,
           count(*) FILTER (WHERE offering.segment = 'business') AS businesses,
           count(*) FILTER (WHERE customer.is_vulnerable) AS vulnerable,
           min(sla.repair_hours) AS repair_hours,
           (array_agg(sla.is_around_the_clock ORDER BY sla.repair_hours, sla.is_around_the_clock DESC) FILTER (WHERE sla.id IS NOT NULL))[1]
               AS is_around_the_clock
      FROM itsm.incident_subscriber AS lost
      JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
      JOIN crm.customer ON customer.id = subscriber.customer_id
      JOIN gis.premise ON premise.id = subscriber.premise_id
      JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
      JOIN catalogue.offering ON offering.id = version.offering_id
      LEFT JOIN catalogue.sla ON sla.id = version.sla_id
     WHERE lost.incident_id = %(incident_id)s
     GROUP BY premise.area_id
), plant AS (
    SELECT device.area_id, count(*) AS devices
      FROM itsm.incident_device AS lost
      JOIN cmdb.device ON device.id = lost.device_id
     WHERE lost.incident_id = %(incident_id)s AND device.kind NOT IN ('pon_port', 'splitter')
     GROUP BY device.area_id
)
SELECT area.id AS area_id, area.name AS area, coalesce(plant.devices, 0) AS devices, coalesce(people.subscribers, 0) AS subscribers,
       coalesce(people.subscribers_out, 0) AS subscribers_out, coalesce(people.businesses, 0) AS businesses,
       coalesce(people.vulnerable, 0) AS vulnerable, people.repair_hours, coalesce(people.is_around_the_clock, false) AS is_around_the_clock
  FROM gis.area
  LEFT JOIN people ON people.area_id = area.id
  LEFT JOIN plant ON plant.area_id = area.id
 WHERE people.area_id IS NOT NULL OR plant.area_id IS NOT NULL
 ORDER BY subscribers DESC, area.name;

-- name: timeline
SELECT event.at, event.kind, event.detail
  FROM itsm.incident_event AS event
 WHERE event.incident_id = %(incident_id)s
 ORDER BY event.id;

-- name: lost_lines
SELECT lost.subscriber_id, subscriber.customer_id, customer.name AS customer, area.name AS area, customer.is_vulnerable,
       offering.segment = 'business' AS is_business, lost.lost_at, lost.restored_at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
  JOIN crm.customer ON customer.id = subscriber.customer_id
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE lost.incident_id = %(incident_id)s AND lost.subscriber_id > %(after)s
 ORDER BY lost.subscriber_id
 LIMIT %(most)s;

-- name: vulnerable_lines
SELECT lost.subscriber_id, subscriber.customer_id, customer.name AS customer, area.name AS area, customer.is_vulnerable,
       offering.segment = 'business' AS is_business, lost.lost_at, lost.restored_at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
  JOIN crm.customer ON customer.id = subscriber.customer_id
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE lost.incident_id = %(incident_id)s AND customer.is_vulnerable
 ORDER BY lost.restored_at IS NULL DESC, lost.subscriber_id
 LIMIT %(most)s;

-- name: lost_devices
SELECT lost.device_id, device.name, device.kind, area.name AS area, lost.lost_at, lost.restored_at
  FROM itsm.incident_device AS lost
  JOIN cmdb.device ON device.id = lost.device_id
  JOIN gis.area ON area.id = device.area_id
 WHERE lost.incident_id = %(incident_id)s AND device.kind NOT IN ('pon_port', 'splitter')
 ORDER BY device.name
 LIMIT %(most)s;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: incidents_at_lines
SELECT incident.id AS incident_id, lost.subscriber_id, incident.state, incident.cause, incident.is_outage, lost.lost_at, lost.restored_at
  FROM itsm.incident_subscriber AS lost
  JOIN itsm.incident ON incident.id = lost.incident_id
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND ((lost.restored_at IS NULL AND incident.state = 'inProgress') OR lost.restored_at >= %(restored_since)s)
 ORDER BY lost.restored_at IS NULL DESC, lost.lost_at DESC;

-- name: public_outages
SELECT outage.incident_id, outage.area, outage.cause, outage.since, outage.subscribers
  FROM itsm.public_outages(%(area_name)s) AS outage
 ORDER BY outage.subscribers DESC, outage.area;

-- name: tickets_of_incident
SELECT ticket.id AS ticket_id, ticket.kind, ticket.state, ticket.parent_id, ticket.incident_id, area.name AS area, ticket.customer_id,
       ticket.impact, ticket.urgency, ticket.priority, ticket.title, ticket.opened_at, ticket.due_at, ticket.resolved_at
  FROM itsm.ticket
  LEFT JOIN gis.area ON area.id = ticket.area_id
 WHERE ticket.incident_id = %(incident_id)s
 ORDER BY ticket.parent_id IS NOT NULL, ticket.priority, ticket.id;

-- name: tickets_of_customer
SELECT ticket.id AS ticket_id, ticket.kind, ticket.state, ticket.parent_id, ticket.incident_id, area.name AS area, ticket.customer_id,
       ticket.impact, ticket.urgency, ticket.priority, ticket.title, ticket.opened_at, ticket.due_at, ticket.resolved_at
  FROM itsm.ticket
  LEFT JOIN gis.area ON area.id = ticket.area_id
 WHERE ticket.customer_id = %(customer_id)s
 ORDER BY ticket.id DESC
 LIMIT 20;

-- name: open_tickets_of_affected
SELECT ticket.id AS ticket_id, ticket.kind, ticket.state, ticket.parent_id, ticket.incident_id, area.name AS area, ticket.customer_id,
       ticket.impact, ticket.urgency, ticket.priority, ticket.title, ticket.opened_at, ticket.due_at, ticket.resolved_at
  FROM itsm.ticket
  LEFT JOIN gis.area ON area.id = ticket.area_id
 WHERE ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected')
   AND ticket.customer_id IN (SELECT subscriber.customer_id FROM itsm.incident_subscriber AS lost
                                JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
                               WHERE lost.incident_id = %(incident_id)s)
 ORDER BY ticket.priority, ticket.id
 LIMIT %(most)s;

-- name: holder_of_alarms
SELECT held.incident_id
  FROM itsm.incident_alarm AS held
 WHERE held.alarm_id = ANY(%(alarms)s) AND held.left_at IS NULL AND held.incident_id IS DISTINCT FROM %(except_incident_id)s
 ORDER BY held.incident_id;

-- A crew that has not started does not stop it: the repair is over, and its job is cancelled or completed on its own.
-- name: unfinished
SELECT (SELECT count(*) FROM itsm.incident_alarm WHERE incident_id = %(incident_id)s AND left_at IS NULL) AS alarms,
       (SELECT count(*) FROM itsm.incident_device WHERE incident_id = %(incident_id)s AND restored_at IS NULL) AS devices,
       (SELECT count(*) FROM itsm.incident_subscriber WHERE incident_id = %(incident_id)s AND restored_at IS NULL) AS subscribers,
       (SELECT count(*) FROM itsm.ticket WHERE incident_id = %(incident_id)s AND kind = 'incident'
           AND state NOT IN ('resolved', 'closed', 'cancelled', 'rejected')) AS tickets,
       (SELECT count(*) FROM field_service.job WHERE incident_id = %(incident_id)s AND state = 'inProgress') AS crews;

-- Held: nobody resolves it before this transaction is over.
-- name: state_held
SELECT state FROM itsm.incident WHERE id = %(incident_id)s FOR NO KEY UPDATE;

-- name: waiting_actions
SELECT 'A-' || action.id AS reference, action.name AS action, action.reason, action.verdict_reason, action.approver_roles,
       action.approvals_needed, action.proposer AS proposed_by, action.proposed_at, action.approve_by, action.incident_id,
       coalesce((action.facts ->> 'customers')::int, 0) AS customers, coalesce(action.facts ->> 'money', '0.00') AS money
  FROM actions.action
 WHERE action.state = 'waiting' AND (action.approve_by IS NULL OR action.approve_by > %(now)s)
 ORDER BY action.approve_by NULLS LAST, action.id
 LIMIT %(most)s;

-- name: names_of_elements
SELECT asked.kind, asked.id, coalesce(device.name, link.name, site.name, conduit.name, 'line ' || asked.id) AS name
  FROM unnest(%(kinds)s::text[], %(ids)s::bigint[]) AS asked (kind, id)
  LEFT JOIN cmdb.device ON asked.kind = 'device' AND device.id = asked.id
  LEFT JOIN cmdb.link ON asked.kind = 'link' AND link.id = asked.id
  LEFT JOIN cmdb.site ON asked.kind = 'site' AND site.id = asked.id
  LEFT JOIN cmdb.conduit ON asked.kind = 'conduit' AND conduit.id = asked.id;

-- name: unclosed_incidents
SELECT incident.id FROM itsm.incident WHERE incident.state <> 'closed' ORDER BY incident.id;

-- name: area_is_known
SELECT EXISTS (SELECT 1 FROM gis.area WHERE area.name ILIKE %(area_name)s);

-- name: latest_incident
SELECT incident.id FROM itsm.incident ORDER BY incident.state = 'inProgress' DESC, incident.id DESC LIMIT 1;

-- name: devices_answering
SELECT alarm.device_id
  FROM itsm.incident
  JOIN itsm.incident_alarm AS held ON held.incident_id = incident.id
  JOIN nms.alarm ON alarm.id = held.alarm_id
 WHERE incident.state = 'inProgress'
 GROUP BY alarm.device_id
HAVING NOT bool_or(alarm.is_open OR alarm.reopened >= 3);

-- Which problem a ticket is about is said by the order that opened it.
-- name: problems
SELECT ticket.id AS ticket_id, opened.arguments ->> 'about' AS about, ticket.title, ticket.priority, ticket.opened_at
  FROM itsm.ticket
  JOIN actions.action AS opened ON opened.id = ticket.action_id AND opened.name = 'open_problem'
 WHERE ticket.kind = 'problem' AND ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected')
 ORDER BY ticket.priority, ticket.id;

-- name: problems_before
SELECT count(*) FROM itsm.ticket JOIN actions.action AS opened ON opened.id = ticket.action_id AND opened.name = 'open_problem'
 WHERE ticket.kind = 'problem' AND opened.arguments ->> 'about' = %(about)s;

-- One ticket, those of one incident, or all that are open. A fault is promised to be repaired from its first alarm on, a request from when it came.
-- name: clocks
WITH wanted AS MATERIALIZED (
    SELECT ticket.id AS ticket_id, ticket.kind, ticket.state, ticket.title, ticket.priority, ticket.customer_id, ticket.incident_id, ticket.area_id,
           CASE WHEN ticket.kind = 'incident' THEN coalesce(incident.first_alarm_at, ticket.opened_at) ELSE ticket.opened_at END AS since,
           ticket.due_at, coalesce(ticket.resolved_at, ticket.closed_at) AS over_at
      FROM itsm.ticket
      LEFT JOIN itsm.incident ON incident.id = ticket.incident_id
     WHERE CASE WHEN %(ticket_id)s::bigint IS NOT NULL THEN ticket.id = %(ticket_id)s::bigint
                WHEN %(incident_id)s::bigint IS NOT NULL THEN ticket.incident_id = %(incident_id)s::bigint
                ELSE ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected') END
), promised AS (
    SELECT wanted.ticket_id, sla.repair_hours, sla.is_around_the_clock
      FROM wanted
      JOIN itsm.incident_subscriber AS lost ON lost.incident_id = wanted.incident_id AND wanted.kind = 'incident'
      JOIN crm.subscriber AS line ON line.id = lost.subscriber_id
      JOIN gis.premise ON premise.id = line.premise_id AND (wanted.area_id IS NULL OR premise.area_id = wanted.area_id)
      JOIN catalogue.offering_version AS version ON version.id = line.offering_version_id
      JOIN catalogue.sla ON sla.id = version.sla_id
     UNION
    SELECT wanted.ticket_id, sla.repair_hours, sla.is_around_the_clock
      FROM wanted
      JOIN crm.subscriber AS line ON line.customer_id = wanted.customer_id AND line.state IN ('active', 'suspended') AND wanted.kind <> 'incident'
      JOIN catalogue.offering_version AS version ON version.id = line.offering_version_id
      JOIN catalogue.sla ON sla.id = version.sla_id
)
SELECT wanted.ticket_id, wanted.kind, wanted.state, wanted.title, wanted.priority, wanted.customer_id, wanted.incident_id, wanted.since, wanted.due_at,
       wanted.over_at,
       coalesce(array_agg(promised.repair_hours ORDER BY promised.repair_hours, promised.is_around_the_clock)
                FILTER (WHERE promised.ticket_id IS NOT NULL), '{}') AS hours,
       coalesce(array_agg(promised.is_around_the_clock ORDER BY promised.repair_hours, promised.is_around_the_clock)
                FILTER (WHERE promised.ticket_id IS NOT NULL), '{}') AS always
  FROM wanted
  LEFT JOIN promised ON promised.ticket_id = wanted.ticket_id
 GROUP BY wanted.ticket_id, wanted.kind, wanted.state, wanted.title, wanted.priority, wanted.customer_id, wanted.incident_id, wanted.since, wanted.due_at,
          wanted.over_at
 ORDER BY wanted.ticket_id;

-- name: pauses
SELECT pause.id AS pause_id, pause.ticket_id, pause.reason, pause.note, pause.paused_at, pause.until, pause.resumed_at, pause.resumed_because
  FROM itsm.pause
 WHERE pause.ticket_id = ANY (%(ticket_ids)s::bigint[])
 ORDER BY pause.ticket_id, pause.paused_at, pause.id;

-- name: lock_ticket
SELECT ticket.id FROM itsm.ticket WHERE ticket.id = %(ticket_id)s FOR UPDATE;

-- A reply ends what waited for the customer, at the moment at which it came.
-- name: pauses_to_end
SELECT pause.id AS pause_id, pause.ticket_id,
       greatest(pause.paused_at, least(pause.until, coalesce(ticket.resolved_at, ticket.closed_at), reply.at)) AS at,
       CASE WHEN coalesce(ticket.resolved_at, ticket.closed_at) IS NOT NULL THEN 'over'
            WHEN reply.at <= pause.until THEN 'replied' ELSE 'limit' END AS because
  FROM itsm.pause
  JOIN itsm.ticket ON ticket.id = pause.ticket_id
  LEFT JOIN LATERAL (SELECT min(message.at) AS at
                       FROM helpdesk.conversation
                       JOIN helpdesk.message ON message.conversation_id = conversation.id AND NOT message.is_from_us AND message.at > pause.paused_at
                      WHERE conversation.customer_id = ticket.customer_id AND pause.reason = 'customer') AS reply ON true
 WHERE pause.resumed_at IS NULL
   AND (pause.until <= %(now)s OR reply.at IS NOT NULL OR coalesce(ticket.resolved_at, ticket.closed_at) IS NOT NULL)
 ORDER BY pause.id;

-- name: pauses_run_out
SELECT ticket.id AS ticket_id, latest.id AS pause_id, ticket.title, latest.reason, ticket.priority
  FROM itsm.ticket
 CROSS JOIN LATERAL (SELECT pause.id, pause.reason, pause.resumed_because FROM itsm.pause WHERE pause.ticket_id = ticket.id
                      ORDER BY pause.paused_at DESC, pause.id DESC LIMIT 1) AS latest
 WHERE ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected') AND latest.resumed_because = 'limit'
 ORDER BY ticket.id;
