-- DOMAIN.md section 4: what must stand at any moment. Each statement finds what breaks one sentence, said by its name; no row is what must be.
-- The books' own invariants are in atlas/billing/reads/books.sql, and what must be once all is quiet in evals/campaign/invariants.sql.

-- name: an_active_service_has_one_premise_port_policy_and_charge_and_vice_versa
SELECT format('line %%s, %%s: %%s premises, %%s ports, %%s names, %%s policies, %%s charges', line.id, line.state, line.premises, line.ports, line.credentials,
              line.policies, line.charges)
  FROM (SELECT subscriber.id, subscriber.state,
               (SELECT count(*) FROM gis.premise WHERE premise.id = subscriber.premise_id) AS premises,
               (SELECT count(*) FROM cmdb.access WHERE access.subscriber_id = subscriber.id) AS ports,
               (SELECT count(*) FROM cmdb.credential WHERE credential.subscriber_id = subscriber.id AND credential.removed_at IS NULL) AS credentials,
               (SELECT count(*) FROM catalogue.access_policy AS policy WHERE policy.offering_version_id = subscriber.offering_version_id) AS policies,
               (SELECT count(*) FROM billing.charge WHERE charge.subscriber_id = subscriber.id AND charge.ends_on IS NULL AND NOT charge.is_add_on
                                                      AND charge.offering_version_id = subscriber.offering_version_id) AS charges
          FROM crm.subscriber) AS line
 WHERE (line.state = 'active' AND (line.premises, line.ports, line.credentials, line.policies, line.charges) <> (1, 1, 1, 1, 1))
    OR (line.state IN ('terminated', 'cancelled', 'aborted') AND line.ports + line.credentials > 0)
UNION ALL
SELECT format('line %%s: add-on version %%s is held %%s times and charged %%s times', coalesce(held.line, charged.line), coalesce(held.version, charged.version),
              coalesce(held.times, 0), coalesce(charged.times, 0))
  FROM (SELECT one.subscriber_id AS line, one.offering_version_id AS version, count(*) AS times
          FROM catalogue.add_on_held AS one WHERE one.held_until IS NULL GROUP BY 1, 2) AS held
  FULL JOIN (SELECT charge.subscriber_id AS line, charge.offering_version_id AS version, count(*) AS times
               FROM billing.charge WHERE charge.ends_on IS NULL AND charge.is_add_on GROUP BY 1, 2) AS charged
    ON (charged.line, charged.version) = (held.line, held.version)
 WHERE (held.times, charged.times) IS DISTINCT FROM (1::bigint, 1::bigint)
UNION ALL
SELECT format('charge %%s runs for line %%s, which is %%s', charge.id, subscriber.id, subscriber.state)
  FROM billing.charge JOIN crm.subscriber ON subscriber.id = charge.subscriber_id
 WHERE charge.ends_on IS NULL AND subscriber.state IN ('terminated', 'cancelled', 'aborted');

-- name: every_line_of_a_bill_has_its_version_of_the_catalogue_and_its_cause
SELECT format('line %%s of bill %%s: version %%s, cause "%%s"', line.id, line.invoice_id, line.offering_version_id, line.cause)
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id AND invoice.issued_at IS NOT NULL
 WHERE line.cause = '' OR (line.kind = 'recurring' AND line.offering_version_id IS NULL);

-- name: the_lines_of_a_bill_are_what_was_posted_and_the_ledger_is_zero
SELECT format('bill %%s: %%s posted, lines of %%s', invoice.id, posting.amount_minor, lines.minor)
  FROM billing.invoice
  JOIN billing.posting ON posting.journal_id = invoice.journal_id AND posting.ledger_account = 'receivable'
 CROSS JOIN LATERAL (SELECT coalesce(sum(line.amount_minor + line.tax_minor), 0) AS minor FROM billing.invoice_line AS line WHERE line.invoice_id = invoice.id) AS lines
 WHERE posting.amount_minor <> lines.minor
   AND (SELECT count(*) FROM billing.invoice AS together WHERE together.journal_id = invoice.journal_id) = 1
UNION ALL
SELECT format('the ledger is out by %%s', sum(posting.amount_minor)) FROM billing.posting HAVING sum(posting.amount_minor) <> 0;

-- name: the_bytes_of_an_issued_bill_never_change
SELECT format('bill %%s: its document is not what was kept', document.invoice_id) FROM billing.invoice_document AS document WHERE sha256(document.pdf) <> document.digest
UNION ALL
SELECT format('%%s can be changed: its guard is not on', guarded.name)
  FROM (VALUES ('billing.invoice'), ('billing.invoice_line'), ('billing.invoice_document'), ('billing.journal'), ('billing.posting')) AS guarded (name)
 WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = guarded.name::regclass AND tgname = 'is_final' AND tgenabled = 'O');

-- name: an_address_a_port_and_a_serial_belong_to_one_line_at_a_time
SELECT format('address %%s: %%s live sessions', session.framed_address, count(*))
  FROM cmdb.session WHERE session.ended_at IS NULL AND session.framed_address IS NOT NULL GROUP BY session.framed_address HAVING count(*) > 1
UNION ALL
SELECT format('%%s of %%s: %%s lines', access.managed_object, access.reported_by_device_id, count(*))
  FROM cmdb.access GROUP BY access.reported_by_device_id, access.managed_object HAVING count(*) > 1
UNION ALL
SELECT format('serial %%s: %%s lines', access.cpe_serial, count(*)) FROM cmdb.access GROUP BY access.cpe_serial HAVING count(*) > 1
UNION ALL
SELECT format('number %%s of pool %%s: %%s lines', allotment.place, allotment.pool_id, count(*))
  FROM cmdb.allotment WHERE allotment.state = 'assigned' GROUP BY allotment.pool_id, allotment.place HAVING count(*) > 1;

-- name: an_alarm_is_in_one_open_situation_and_a_situation_has_an_alarm_or_an_operator
SELECT format('alarm %%s is in %%s situations', held.alarm_id, count(*))
  FROM itsm.incident_alarm AS held JOIN itsm.incident ON incident.id = held.incident_id AND incident.state <> 'closed'
 WHERE held.left_at IS NULL GROUP BY held.alarm_id HAVING count(*) > 1
UNION ALL
SELECT format('INC-%%s has no alarm, and nobody opened it', incident.id)
  FROM itsm.incident
  JOIN actions.action ON action.id = incident.action_id
 WHERE incident.state <> 'closed' AND action.proposer NOT LIKE 'staff:%%' AND action.name <> 'import_history'
   AND NOT EXISTS (SELECT FROM itsm.incident_alarm AS held WHERE held.incident_id = incident.id);

-- name: only_who_is_affected_is_told_and_nobody_twice
SELECT format('customer %%s was told of INC-%%s and has no line in it', notice.customer_id, notice.incident_id)
  FROM helpdesk.notice
 WHERE notice.purpose = 'outage' AND notice.customer_id IS NOT NULL
   AND NOT EXISTS (SELECT FROM itsm.incident_subscriber AS lost JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
                    WHERE lost.incident_id = notice.incident_id AND subscriber.customer_id = notice.customer_id)
UNION ALL
SELECT format('customer %%s: %%s times told %%s of INC-%%s', notice.customer_id, count(*), notice.purpose, notice.incident_id)
  FROM helpdesk.notice
 WHERE notice.purpose IN ('outage', 'restored') AND notice.incident_id IS NOT NULL AND notice.customer_id IS NOT NULL
 GROUP BY notice.customer_id, notice.purpose, notice.incident_id HAVING count(*) > 1
UNION ALL
-- The other way round: whoever had lost their line when all were told, and had not opted out by then, was told or reads it at the same address.
SELECT format('customer %%s lost a line in INC-%%s and was not told with the rest', lost.customer_id, lost.incident_id)
  FROM (SELECT DISTINCT lost.incident_id, subscriber.customer_id, said.at
          FROM itsm.incident
          JOIN LATERAL (SELECT max(action.finished_at) AS at FROM actions.action
                         WHERE action.incident_id = incident.id AND action.name = 'notify_outage' AND action.state = 'done') AS said ON said.at IS NOT NULL
          JOIN itsm.incident_subscriber AS lost ON lost.incident_id = incident.id AND lost.restored_at IS NULL
          JOIN actions.action AS found ON found.id = lost.action_id AND found.finished_at < said.at
          JOIN crm.subscriber ON subscriber.id = lost.subscriber_id AND subscriber.state = 'active'
          JOIN crm.customer ON customer.id = subscriber.customer_id AND customer.state = 'active'
         WHERE incident.state = 'inProgress' AND incident.is_outage) AS lost
 WHERE EXISTS (SELECT FROM crm.contact
                WHERE contact.customer_id = lost.customer_id
                  AND NOT EXISTS (SELECT FROM crm.consent WHERE consent.customer_id = lost.customer_id AND consent.purpose = 'service'
                                     AND consent.channel = contact.channel AND (NOT consent.is_given OR consent.recorded_at > lost.at)))
   AND NOT EXISTS (SELECT FROM helpdesk.notice AS told
                    WHERE told.purpose = 'outage'
                      AND (told.customer_id = lost.customer_id
                           OR (told.incident_id = lost.incident_id
                               AND told.address IN (SELECT contact.address FROM crm.contact WHERE contact.customer_id = lost.customer_id))));

-- name: a_completed_order_has_its_line_and_one_that_ended_holds_nothing
SELECT format('order %%s is %%s and its line %%s', product_order.id, product_order.state, coalesce(subscriber.state, 'is not there'))
  FROM oms.product_order LEFT JOIN crm.subscriber ON subscriber.id = product_order.subscriber_id
 WHERE product_order.kind = 'add' AND product_order.state = 'completed' AND product_order.subscriber_id IS NOT NULL
   AND subscriber.state NOT IN ('active', 'suspended', 'pendingTerminate', 'terminated')
UNION ALL
SELECT format('order %%s is %%s and still holds %%s', product_order.id, product_order.state, allotment.id)
  FROM oms.product_order
  JOIN crm.subscriber ON subscriber.id = product_order.subscriber_id AND subscriber.state IN ('cancelled', 'aborted')
  JOIN cmdb.allotment ON allotment.subscriber_id = subscriber.id
 WHERE product_order.kind = 'add' AND product_order.state IN ('failed', 'cancelled', 'rejected')
UNION ALL
SELECT format('order %%s is %%s and still holds %%s', product_order.id, product_order.state, held.what)
  FROM oms.product_order
  JOIN crm.subscriber ON subscriber.id = product_order.subscriber_id AND subscriber.state IN ('cancelled', 'aborted')
  JOIN (SELECT asset.subscriber_id, asset.kind || ' ' || asset.serial AS what FROM cmdb.asset WHERE asset.subscriber_id IS NOT NULL
         UNION ALL
        SELECT credential.subscriber_id, 'the name ' || credential.username FROM cmdb.credential WHERE credential.removed_at IS NULL
         UNION ALL
        SELECT access.subscriber_id, 'port ' || access.managed_object FROM cmdb.access
         UNION ALL
        SELECT charge.subscriber_id, 'charge ' || charge.id FROM billing.charge WHERE charge.ends_on IS NULL) AS held ON held.subscriber_id = subscriber.id
 WHERE product_order.kind = 'add' AND product_order.state IN ('failed', 'cancelled', 'rejected')
UNION ALL
SELECT format('order %%s is %%s and still holds port %%s of %%s', product_order.id, product_order.state, reservation.port, reservation.device_id)
  FROM oms.product_order
  JOIN gis.reservation ON reservation.key = 'order:' || product_order.id AND reservation.ended_at IS NULL AND reservation.expires_at > clock_timestamp()
 WHERE product_order.state IN ('failed', 'cancelled', 'rejected', 'completed')
UNION ALL
SELECT format('order %%s is completed, and nobody ever saw line %%s work', product_order.id, subscriber.id)
  FROM oms.product_order JOIN crm.subscriber ON subscriber.id = product_order.subscriber_id
 WHERE product_order.kind = 'add' AND product_order.state = 'completed' AND subscriber.state = 'active'
   AND NOT EXISTS (SELECT FROM cmdb.session WHERE session.subscriber_id = subscriber.id)
   AND NOT EXISTS (SELECT FROM cmdb.accounting WHERE accounting.subscriber_id = subscriber.id)
   AND NOT EXISTS (SELECT FROM billing.charge WHERE charge.subscriber_id = subscriber.id
                      AND (charge.evidence LIKE 'accounting_start:%%' OR charge.evidence LIKE 'ont_online:%%'));

-- name: no_clock_of_a_ticket_runs_backwards
SELECT format('ticket %%s: opened %%s, due %%s, resolved %%s, closed %%s', ticket.id, ticket.opened_at, ticket.due_at, ticket.resolved_at, ticket.closed_at)
  FROM itsm.ticket
 WHERE ticket.due_at < ticket.opened_at OR ticket.resolved_at < ticket.opened_at OR ticket.closed_at < coalesce(ticket.resolved_at, ticket.opened_at);

-- What was promised to the lines of a ticket, one by one, and until when it says that the clock runs.
-- name: promises_of_tickets
SELECT ticket.id, ticket.state IN ('resolved', 'closed', 'cancelled', 'rejected'),
       CASE WHEN ticket.kind = 'incident' THEN incident.first_alarm_at ELSE ticket.opened_at END, ticket.due_at,
       array_agg(sla.repair_hours), array_agg(sla.is_around_the_clock),
       ARRAY(SELECT pause.paused_at FROM itsm.pause WHERE pause.ticket_id = ticket.id ORDER BY pause.paused_at, pause.id),
       ARRAY(SELECT coalesce(pause.resumed_at, pause.until) FROM itsm.pause WHERE pause.ticket_id = ticket.id ORDER BY pause.paused_at, pause.id)
  FROM itsm.ticket
  LEFT JOIN itsm.incident ON incident.id = ticket.incident_id AND ticket.kind = 'incident'
  LEFT JOIN crm.subscriber ON CASE WHEN ticket.kind = 'incident' THEN subscriber.id IN (SELECT lost.subscriber_id FROM itsm.incident_subscriber AS lost
                                                                                         WHERE lost.incident_id = incident.id)
                                   ELSE subscriber.customer_id = ticket.customer_id AND subscriber.state IN ('active', 'suspended') END
  LEFT JOIN gis.premise ON premise.id = subscriber.premise_id AND (ticket.area_id IS NULL OR premise.area_id = ticket.area_id)
  LEFT JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id AND premise.id IS NOT NULL
  LEFT JOIN catalogue.sla ON sla.id = version.sla_id
 WHERE ticket.due_at IS NOT NULL
 GROUP BY ticket.id, incident.first_alarm_at;

-- name: what_was_credited_for_an_outage_is_at_most_a_month_and_once
SELECT format('line %%s for incident %%s: %%s of %%s', credit.subscriber_id, credit.incident, credit.minor, price.minor)
  FROM (SELECT credit.subscriber_id, split_part(credit.cause, ':', 2) AS incident, sum(credit.amount_minor) AS minor
          FROM billing.credit WHERE credit.cause LIKE 'incident:%%' GROUP BY credit.subscriber_id, split_part(credit.cause, ':', 2)) AS credit
  JOIN crm.subscriber ON subscriber.id = credit.subscriber_id
 CROSS JOIN LATERAL (SELECT sum(price.amount_minor) AS minor FROM catalogue.price
                      WHERE price.offering_version_id = subscriber.offering_version_id AND price.kind = 'recurring') AS price
 WHERE credit.minor > price.minor
UNION ALL
SELECT format('line %%s was credited %%s times for %%s', credit.subscriber_id, count(*), credit.cause)
  FROM billing.credit GROUP BY credit.subscriber_id, credit.cause HAVING count(*) > 1;

-- Worked out again, apart from the code that gave it: the row of the dated table that was in force when the line was lost, for how long it had been
-- lost when the credit was given, and what the plan that was charged on that day cost (on the day of a change either of two).
-- name: what_was_credited_for_an_outage_is_what_its_length_and_the_plan_come_to
SELECT format('line %%s was credited %%s for %%s, which comes to %%s', given.subscriber_id, given.amount_minor, given.cause,
              coalesce(array_to_string(due.minor, ' or '), 'nothing: it lost no line'))
  FROM (SELECT credit.subscriber_id, credit.amount_minor, credit.cause, credit.granted_at, split_part(credit.cause, ':', 2)::bigint AS incident_id,
               credit.cause LIKE '%%:duration' AS is_by_days
          FROM billing.credit WHERE credit.cause ~ '^incident:[0-9]+(:duration)?$') AS given
 CROSS JOIN LATERAL (
       SELECT array_agg(DISTINCT CASE WHEN NOT given.is_by_days THEN flat.minor
                                      ELSE least(round(plan.minor * rate.monthly_share_per_day * days.full), plan.minor - flat.minor) END) AS minor
         FROM itsm.incident_subscriber AS lost
         JOIN (SELECT subscriber.id AS subscriber_id, subscriber.offering_version_id FROM crm.subscriber
                UNION
               SELECT charge.subscriber_id, charge.offering_version_id FROM billing.charge
                WHERE NOT charge.is_add_on AND charge.starts_on <= given.granted_at::date + 1
                  AND (charge.ends_on IS NULL OR charge.ends_on >= given.granted_at::date)) AS held ON held.subscriber_id = lost.subscriber_id
         JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id
         JOIN catalogue.offering ON offering.id = version.offering_id
        CROSS JOIN LATERAL (SELECT sum(price.amount_minor) AS minor FROM catalogue.price
                             WHERE price.offering_version_id = held.offering_version_id AND price.kind = 'recurring') AS plan
         JOIN billing.compensation_rate AS rate ON rate.segment = offering.segment
          AND rate.valid_from = (SELECT max(dated.valid_from) FROM billing.compensation_rate AS dated
                                  WHERE dated.segment = offering.segment AND dated.valid_from <= lost.lost_at::date)
        CROSS JOIN LATERAL (SELECT least(rate.flat_minor, plan.minor) AS minor) AS flat
        CROSS JOIN LATERAL (SELECT floor(greatest(0, extract(epoch FROM least(lost.restored_at, given.granted_at) - lost.lost_at - rate.minimum_outage))
                                         / 86400) AS full) AS days
        WHERE lost.incident_id = given.incident_id AND lost.subscriber_id = given.subscriber_id) AS due
 WHERE given.amount_minor = ANY (due.minor) IS NOT TRUE;

-- name: every_write_has_its_action_and_every_agents_an_allow
SELECT format('A-%%s %%s is by nobody, or of no correlation', action.id, action.name)
  FROM actions.action
 WHERE coalesce(action.proposer, '') = '' OR action.correlation_id IS NULL
UNION ALL
SELECT format('A-%%s %%s was approved by fewer than the %%s it needs', action.id, action.name, action.approvals_needed)
  FROM actions.action
 WHERE action.state IN ('done', 'executing') AND action.approvals_needed > 0
   AND (SELECT count(*) FROM actions.ruling WHERE ruling.action_id = action.id AND ruling.is_approval) < action.approvals_needed
UNION ALL
SELECT format('A-%%s %%s by %%s is done, and no rule allowed it', action.id, action.name, action.proposer)
  FROM actions.action
 WHERE action.state = 'done' AND action.rule IS NULL
UNION ALL
SELECT format('credit %%s is the effect of A-%%s, which is %%s', credit.id, action.id, action.state)
  FROM billing.credit JOIN actions.action ON action.id = credit.action_id WHERE action.state NOT IN ('done', 'executing')
UNION ALL
SELECT format('notice %%s is the effect of A-%%s, which is %%s', notice.id, action.id, action.state)
  FROM helpdesk.notice JOIN actions.action ON action.id = notice.action_id WHERE action.state NOT IN ('done', 'executing');

-- name: no_truck_is_sent_into_an_open_outage_unless_somebody_said_why
SELECT format('job %%s for customer %%s, whose line is down in INC-%%s', job.id, job.customer_id, incident.id)
  FROM field_service.job
  JOIN actions.action ON action.id = job.action_id
  JOIN crm.subscriber ON subscriber.customer_id = job.customer_id
  JOIN itsm.incident_subscriber AS lost ON lost.subscriber_id = subscriber.id AND lost.restored_at IS NULL AND lost.lost_at < job.created_at
  JOIN itsm.incident ON incident.id = lost.incident_id AND incident.is_outage AND incident.state = 'inProgress' AND incident.opened_at < job.created_at
 WHERE job.kind = 'repair' AND job.incident_id IS NULL AND job.state IN ('acknowledged', 'held', 'inProgress')
   AND coalesce(action.arguments ->> 'because_of_incident', '') = '' AND action.name = 'book_visit';

-- name: whoever_is_suspended_for_debt_has_no_credit_for_an_outage_and_is_not_asked_to_wait
SELECT format('line %%s was credited for %%s while it was cut off for debt', credit.subscriber_id, credit.cause)
  FROM billing.credit
  JOIN billing.pause ON pause.subscriber_id = credit.subscriber_id AND pause.paused_for = 'non_payment'
                    AND credit.granted_at::date >= pause.paused_on AND (pause.resumed_on IS NULL OR credit.granted_at::date < pause.resumed_on)
 WHERE credit.cause LIKE 'incident:%%' OR credit.cause LIKE 'late_repair:%%'
UNION ALL
SELECT format('customer %%s was told of INC-%%s with every line cut off for debt', notice.customer_id, notice.incident_id)
  FROM helpdesk.notice
 WHERE notice.purpose = 'outage'
   AND NOT EXISTS (SELECT FROM crm.subscriber WHERE subscriber.customer_id = notice.customer_id AND subscriber.suspended_for IS DISTINCT FROM 'non_payment')
   AND EXISTS (SELECT FROM billing.pause JOIN crm.subscriber ON subscriber.id = pause.subscriber_id
                WHERE subscriber.customer_id = notice.customer_id AND pause.paused_for = 'non_payment' AND notice.queued_at::date > pause.paused_on);

-- name: guarded_tables
-- Whose rows only an action that was allowed or approved may write.
SELECT format('%%I.%%I', namespace.nspname, class.relname)
  FROM pg_trigger AS guard
  JOIN pg_class AS class ON class.oid = guard.tgrelid
  JOIN pg_namespace AS namespace ON namespace.oid = class.relnamespace
 WHERE guard.tgname = 'require_claim_after'
   AND EXISTS (SELECT FROM pg_attribute AS attribute WHERE attribute.attrelid = class.oid AND attribute.attname = 'action_id' AND NOT attribute.attisdropped)
 ORDER BY 1;
