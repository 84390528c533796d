-- name: chased
-- An open item without a bill of its own (brought over from another record) is due on the day it came.
WITH overdue AS (
    SELECT item.customer_id, coalesce(invoice.due_on, (journal.posted_at AT TIME ZONE 'UTC')::date) AS due_on, coalesce(invoice.is_disputed, false) AS is_disputed,
           item.open_minor - coalesce((SELECT sum(dispute.amount_minor) FROM billing.dispute
                                        WHERE dispute.invoice_id = invoice.id AND dispute.closed_at IS NULL), 0)::bigint AS minor
      FROM billing.open_item AS item
      JOIN billing.journal ON journal.id = item.journal_id
      LEFT JOIN billing.invoice ON invoice.journal_id = item.journal_id
     WHERE item.open_minor > 0
       AND (%(customer_ids)s::bigint[] IS NULL OR item.customer_id = ANY (%(customer_ids)s::bigint[]))
       AND (invoice.id IS NOT NULL OR journal.kind = 'opening')
), debt AS (
    SELECT overdue.customer_id, sum(overdue.minor)::bigint AS owed, count(*)::int AS unpaid_bills, min(overdue.due_on) AS oldest_due_on,
           bool_or(overdue.is_disputed) AS is_disputed
      FROM overdue
     WHERE overdue.due_on < %(today)s AND overdue.minor > 0
     GROUP BY overdue.customer_id
)
SELECT debt.customer_id, debt.owed, debt.unpaid_bills, debt.oldest_due_on, coalesce(held.subscriber_ids, '{}') AS subscriber_ids,
       coalesce(taken.steps, '{}') AS steps, taken.last_step_at, promised.until AS promised_until,
       coalesce(held.is_restricted, false) AS is_restricted, coalesce(held.is_suspended, false) AS is_suspended,
       customer.is_vulnerable, customer.has_emergency_line, customer.state = 'deceased' AS is_deceased, debt.is_disputed, customer.timezone,
       told.cut_from, warned.times AS warned, CASE WHEN NOT warned.is_heard_or_on_its_way THEN warned.last_at END AS unheard_at,
       open.has_way AS can_be_warned, open.has_new_way
  FROM debt
  JOIN crm.customer ON customer.id = debt.customer_id
  LEFT JOIN LATERAL (SELECT array_agg(subscriber.id ORDER BY subscriber.id) AS subscriber_ids,
                            bool_or(subscriber.restricted_for = 'non_payment') AS is_restricted,
                            bool_or(subscriber.suspended_for = 'non_payment') AS is_suspended
                       FROM crm.subscriber
                      WHERE subscriber.customer_id = debt.customer_id AND subscriber.state IN ('active', 'suspended')) AS held ON true
  LEFT JOIN LATERAL (SELECT array_agg(dunning_step.step ORDER BY dunning_step.id) FILTER (WHERE dunning_step.attempt = 1) AS steps, max(dunning_step.taken_at) AS last_step_at
                       FROM billing.dunning_step
                      WHERE dunning_step.customer_id = debt.customer_id AND dunning_step.oldest_due_on = debt.oldest_due_on) AS taken ON true
  LEFT JOIN LATERAL (SELECT max(promise_to_pay.due_on) AS until
                       FROM billing.promise_to_pay WHERE promise_to_pay.customer_id = debt.customer_id) AS promised ON true
  -- Words that went out later than they were written move the day by as much.
  -- A letter is heard when it counts as delivered, and not when it was printed.
  LEFT JOIN LATERAL (SELECT min(greatest(warned.announced_for, coalesce(letter.heard_on, (notice.sent_at AT TIME ZONE customer.timezone)::date)
                                         + (warned.announced_for - (warned.taken_at AT TIME ZONE customer.timezone)::date))) AS cut_from
                       FROM billing.dunning_step AS warned
                       JOIN helpdesk.notice ON notice.customer_id = warned.customer_id AND notice.action_id = warned.action_id
                        AND notice.purpose = 'suspension_notice' AND (notice.state = 'delivered' OR (notice.state = 'sent' AND notice.channel <> 'letter'))
                       LEFT JOIN LATERAL (SELECT billing.working_day_after((post.posted_at AT TIME ZONE customer.timezone)::date, convention.letter_days) AS heard_on
                                            FROM helpdesk.letter AS post CROSS JOIN billing.convention
                                           WHERE notice.channel = 'letter' AND post.reference = notice.provider_reference) AS letter ON true
                      WHERE warned.customer_id = debt.customer_id AND warned.oldest_due_on = debt.oldest_due_on
                        AND warned.announced_for IS NOT NULL) AS told ON true
 CROSS JOIN LATERAL (SELECT coalesce(max(said.attempt), 0) AS times, max(said.taken_at) AS last_at,
                            coalesce(bool_or(notice.state <> 'failed'), false) AS is_heard_or_on_its_way
                       FROM billing.dunning_step AS said
                       LEFT JOIN helpdesk.notice ON notice.customer_id = said.customer_id AND notice.action_id = said.action_id
                      WHERE said.customer_id = debt.customer_id AND said.oldest_due_on = debt.oldest_due_on
                        AND said.announced_for IS NOT NULL) AS warned
 CROSS JOIN LATERAL (SELECT count(*) > 0 AS has_way,
                            coalesce(bool_or(NOT EXISTS (SELECT FROM billing.dunning_step AS said
                                                           JOIN helpdesk.notice ON notice.customer_id = said.customer_id AND notice.action_id = said.action_id
                                                          WHERE said.customer_id = debt.customer_id AND said.oldest_due_on = debt.oldest_due_on
                                                            AND said.announced_for IS NOT NULL
                                                            AND one.channel || ':' || one.address
                                                                = ANY (notice.tried || (notice.channel || ':' || notice.address)))), false) AS has_new_way
                       FROM (SELECT contact.channel, contact.address
                               FROM crm.contact
                               LEFT JOIN crm.consent ON consent.customer_id = contact.customer_id AND consent.channel = contact.channel AND consent.purpose = 'service'
                              WHERE contact.customer_id = debt.customer_id AND customer.state = 'active' AND consent.is_given IS DISTINCT FROM false
                              UNION ALL
                             SELECT 'letter', post.address FROM helpdesk.letter_address(debt.customer_id) AS post (address) WHERE post.address IS NOT NULL)
                            AS one) AS open
 ORDER BY debt.customer_id;

-- name: owing_and_unreachable
-- Contacts are open as `bill_contacts` has it: letters go by what is open for bills, a warning by what is open for their service. A letter that
-- found nobody is made good by the next one; a warning is said again, and until then it is unsaid even where somebody could hear it by now.
SELECT asked.customer_id, customer.name, asked.owed, asked.oldest_due_on, asked.step,
       CASE WHEN customer.state <> 'active' THEN 'not_a_customer' WHEN said.came_back THEN 'letter_came_back' WHEN known.channels = '{}' THEN 'no_address'
            WHEN NOT known.is_open THEN 'consent_withdrawn' WHEN said.is_failed THEN 'not_delivered' ELSE 'was_unreachable' END AS why,
       known.channels, asked.is_warning AS stops_cutting_off
  FROM unnest(%(customer_ids)s::bigint[], %(oldest)s::date[], %(owed)s::bigint[], %(steps)s::text[], %(warnings)s::boolean[])
       AS asked (customer_id, oldest_due_on, owed, step, is_warning)
  JOIN crm.customer ON customer.id = asked.customer_id
  LEFT JOIN LATERAL (SELECT array_agg(dunning_step.action_id) AS action_ids FROM billing.dunning_step
                      WHERE dunning_step.customer_id = asked.customer_id AND dunning_step.oldest_due_on = asked.oldest_due_on
                        AND dunning_step.step = asked.step) AS taken ON true
 CROSS JOIN LATERAL (SELECT coalesce(array_agg(DISTINCT one.channel), '{}') AS channels,
                            coalesce(bool_or(consent.is_given IS DISTINCT FROM false), false) AS is_open
                       FROM crm.contact AS one
                       LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.channel = one.channel
                        AND consent.purpose = CASE WHEN asked.is_warning THEN 'service' ELSE 'billing' END
                      WHERE one.customer_id = asked.customer_id) AS known
 CROSS JOIN LATERAL (SELECT coalesce(bool_or(notice.state = 'failed'), false) AS is_failed,
                            coalesce(bool_or(notice.state = 'failed' AND notice.channel = 'letter'), false) AS came_back,
                            coalesce(bool_or(notice.state <> 'failed'), false) AS is_heard_or_on_its_way
                       FROM helpdesk.notice
                      WHERE notice.customer_id = asked.customer_id AND notice.action_id = ANY (taken.action_ids)) AS said
 WHERE NOT said.is_heard_or_on_its_way
   AND (customer.state <> 'active' OR (NOT known.is_open AND helpdesk.letter_address(customer.id) IS NULL) OR said.is_failed OR (asked.is_warning AND taken.action_ids IS NOT NULL))
 ORDER BY asked.owed DESC, asked.customer_id;

-- name: warning_contacts
SELECT customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone, contact.quiet_from, contact.quiet_until,
       '' AS pays_for
  FROM crm.customer
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until
                  FROM (SELECT open.id, open.channel, open.address, open.quiet_from, open.quiet_until, open.is_preferred
                          FROM crm.contact AS open
                          LEFT JOIN crm.consent ON consent.customer_id = open.customer_id AND consent.purpose = 'service' AND consent.channel = open.channel
                         WHERE open.customer_id = customer.id
                           AND consent.is_given IS DISTINCT FROM false
                         UNION ALL
                        SELECT NULL, 'letter', post.address, NULL, NULL, false FROM helpdesk.letter_address(customer.id) AS post (address)
                         WHERE post.address IS NOT NULL) AS one
                 ORDER BY (SELECT count(*) FROM helpdesk.notice AS failed
                            WHERE failed.customer_id = customer.id AND failed.purpose = 'suspension_notice' AND failed.state = 'failed'
                              AND failed.queued_at > %(since)s
                              AND one.channel || ':' || one.address = ANY (failed.tried || (failed.channel || ':' || failed.address))),
                          one.is_preferred DESC, one.id NULLS LAST
                 LIMIT 1) AS contact ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
   AND customer.state = 'active'
 ORDER BY customer.id;

-- name: debt_contacts
-- As `bill_contacts`, and a letter to whom no other way leads: what is said of a debt has a legal effect.
SELECT customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone, contact.quiet_from, contact.quiet_until,
       '' AS pays_for
  FROM crm.customer
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until
                  FROM (SELECT open.id, open.channel, open.address, open.quiet_from, open.quiet_until, open.is_preferred
                          FROM crm.contact AS open
                          LEFT JOIN crm.consent ON consent.customer_id = open.customer_id AND consent.purpose = 'billing' AND consent.channel = open.channel
                         WHERE open.customer_id = customer.id
                           AND consent.is_given IS DISTINCT FROM false
                         UNION ALL
                        SELECT NULL, 'letter', post.address, NULL, NULL, false FROM helpdesk.letter_address(customer.id) AS post (address)
                         WHERE post.address IS NOT NULL) AS one
                 ORDER BY one.is_preferred DESC, one.id NULLS LAST
                 LIMIT 1) AS contact ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
   AND customer.state = 'active'
 ORDER BY customer.id;

-- name: payer_contacts
-- As `debt_contacts`, and before them whoever pays for this customer, by a channel that the customer left open for bills and that reached them of late.
SELECT customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone, contact.quiet_from, contact.quiet_until,
       CASE WHEN contact.is_payer THEN customer.name ELSE '' END AS pays_for
  FROM crm.customer
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until, one.is_payer
                  FROM (SELECT payer.id, payer.channel, payer.address, NULL::time AS quiet_from, NULL::time AS quiet_until, false AS is_preferred, true AS is_payer
                          FROM crm.party_role AS payer
                          LEFT JOIN crm.consent ON consent.customer_id = payer.customer_id AND consent.purpose = 'billing' AND consent.channel = payer.channel
                         WHERE payer.customer_id = customer.id AND payer.role = 'payer' AND payer.channel <> 'voice'
                           AND payer.valid_from <= %(now)s AND (payer.valid_until IS NULL OR payer.valid_until > %(now)s)
                           AND NOT EXISTS (SELECT FROM helpdesk.notice AS failed
                                            WHERE failed.customer_id = customer.id AND failed.purpose IN ('bill_payer', 'reminder_payer')
                                              AND failed.state = 'failed' AND failed.queued_at > %(since)s
                                              AND (failed.channel, failed.address) = (payer.channel, payer.address))
                           AND consent.is_given IS DISTINCT FROM false
                         UNION ALL
                        SELECT open.id, open.channel, open.address, open.quiet_from, open.quiet_until, open.is_preferred, false
                          FROM crm.contact AS open
                          LEFT JOIN crm.consent ON consent.customer_id = open.customer_id AND consent.purpose = 'billing' AND consent.channel = open.channel
                         WHERE open.customer_id = customer.id
                           AND consent.is_given IS DISTINCT FROM false
                         UNION ALL
                        SELECT NULL, 'letter', post.address, NULL, NULL, false, false FROM helpdesk.letter_address(customer.id) AS post (address)
                         WHERE post.address IS NOT NULL) AS one
                 ORDER BY one.is_payer DESC, one.is_preferred DESC, one.id NULLS LAST
                 LIMIT 1) AS contact ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
   AND customer.state = 'active'
 ORDER BY customer.id;

-- name: holidays
SELECT holiday.day FROM billing.holiday WHERE holiday.day BETWEEN %(since)s AND %(until)s ORDER BY holiday.day;

-- name: cut_off_and_square
-- Lines are slowed or cut off for debt, and nothing is overdue any more.
SELECT DISTINCT subscriber.customer_id
  FROM crm.subscriber
 WHERE (subscriber.suspended_for = 'non_payment' OR subscriber.restricted_for = 'non_payment')
   AND (%(customer_ids)s::bigint[] IS NULL OR subscriber.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND NOT EXISTS (SELECT FROM billing.open_item AS item
                     LEFT JOIN billing.invoice ON invoice.journal_id = item.journal_id
                    WHERE item.customer_id = subscriber.customer_id
                      AND coalesce(invoice.due_on, %(today)s - 1) < %(today)s
                      AND item.open_minor > coalesce((SELECT sum(dispute.amount_minor) FROM billing.dispute
                                                       WHERE dispute.invoice_id = invoice.id AND dispute.closed_at IS NULL), 0))
 ORDER BY subscriber.customer_id;

-- name: promises
SELECT promise.amount_minor AS amount, promise.due_on, promise.made_at,
       promise.due_on < %(today)s
       AND EXISTS (SELECT FROM billing.open_item AS item JOIN billing.invoice ON invoice.journal_id = item.journal_id
                    WHERE item.customer_id = promise.customer_id AND item.open_minor > 0 AND invoice.due_on < promise.due_on) AS is_broken
  FROM billing.promise_to_pay AS promise
 WHERE promise.customer_id = %(customer_id)s
 ORDER BY promise.due_on DESC
 LIMIT 20;

-- name: disputes_of
SELECT dispute.id, dispute.customer_id, dispute.invoice_id, invoice.number, dispute.label, dispute.amount_minor AS amount, dispute.reason,
       dispute.opened_at, dispute.closed_at, dispute.outcome
  FROM billing.dispute
  JOIN billing.invoice ON invoice.id = dispute.invoice_id
 WHERE dispute.customer_id = %(customer_id)s
 ORDER BY dispute.id DESC
 LIMIT 20;

-- name: charges_disputable
SELECT line.invoice_id, invoice.number, line.label, sum(line.amount_minor + line.tax_minor)::bigint AS amount
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id
 WHERE invoice.customer_id = %(customer_id)s AND invoice.issued_at IS NOT NULL AND invoice.issued_at > %(since)s
   AND NOT EXISTS (SELECT FROM billing.dispute WHERE dispute.invoice_id = line.invoice_id AND dispute.label = line.label)
 GROUP BY line.invoice_id, invoice.number, invoice.issued_at, line.label
HAVING sum(line.amount_minor + line.tax_minor) > 0
 ORDER BY invoice.issued_at DESC, line.label;

-- name: dispute
SELECT dispute.id, dispute.customer_id, dispute.invoice_id, invoice.number, dispute.label, dispute.amount_minor AS amount, dispute.reason,
       dispute.opened_at, dispute.closed_at, dispute.outcome
  FROM billing.dispute
  JOIN billing.invoice ON invoice.id = dispute.invoice_id
 WHERE dispute.id = %(dispute_id)s;

-- name: chased_as_told
-- What a customer may read of it themselves: the day of their oldest overdue bill, what was done, and what they promised.
SELECT (SELECT min(invoice.due_on)
          FROM billing.open_item AS item JOIN billing.invoice ON invoice.journal_id = item.journal_id
         WHERE item.customer_id = %(customer_id)s AND item.open_minor > 0 AND invoice.due_on < %(today)s) AS oldest_due_on,
       array(SELECT dunning_step.step FROM billing.dunning_step
              WHERE dunning_step.customer_id = %(customer_id)s AND dunning_step.taken_at > %(since)s AND dunning_step.attempt = 1 ORDER BY dunning_step.id) AS steps,
       (SELECT max(promise_to_pay.due_on) FROM billing.promise_to_pay
         WHERE promise_to_pay.customer_id = %(customer_id)s AND promise_to_pay.due_on >= %(today)s) AS promised_until;

-- name: line_state
SELECT CASE WHEN bool_or(subscriber.state = 'suspended') THEN 'suspended' WHEN bool_or(subscriber.restricted_for IS NOT NULL) THEN 'restricted'
            WHEN bool_or(subscriber.state = 'active') THEN 'active' ELSE 'none' END AS state,
       coalesce(max(coalesce(subscriber.suspended_for, subscriber.restricted_for)), '') AS reason
  FROM crm.subscriber
 WHERE subscriber.customer_id = %(customer_id)s;

-- name: fees_due
-- Once a bill, and never for one whose customer promised a day, is vulnerable, or died.
SELECT invoice.customer_id, held.subscriber_id, invoice.id AS invoice_id, invoice.number, invoice.due_on, open.minor AS open
  FROM billing.open_item AS item
  JOIN billing.invoice ON invoice.journal_id = item.journal_id
  JOIN crm.customer ON customer.id = invoice.customer_id AND customer.state <> 'deceased' AND NOT customer.is_vulnerable
 CROSS JOIN LATERAL (SELECT item.open_minor - coalesce(sum(dispute.amount_minor), 0)::bigint AS minor FROM billing.dispute
                      WHERE dispute.invoice_id = invoice.id AND dispute.closed_at IS NULL) AS open
  JOIN LATERAL (SELECT subscriber.id AS subscriber_id FROM crm.subscriber
                 WHERE subscriber.customer_id = invoice.customer_id AND subscriber.state IN ('active', 'suspended')
                 ORDER BY subscriber.id LIMIT 1) AS held ON true
 WHERE (%(invoice_ids)s::bigint[] IS NULL OR invoice.id = ANY (%(invoice_ids)s::bigint[]))
   AND item.open_minor > 0
   AND invoice.due_on <= least(%(due_by)s::date, %(today)s::date - 1)
   AND open.minor >= %(least_minor)s
   AND NOT invoice.is_disputed
   AND NOT EXISTS (SELECT FROM billing.one_off WHERE one_off.cause = 'late_fee:invoice:' || invoice.id)
   AND NOT EXISTS (SELECT FROM billing.promise_to_pay AS promise WHERE promise.customer_id = invoice.customer_id AND promise.due_on >= %(today)s)
 ORDER BY invoice.customer_id, invoice.id;

-- name: late_fee_of
SELECT invoice.id AS invoice_id, one_off.label, one_off.amount_minor AS amount, one_off.waived_at IS NOT NULL AS is_waived, line.invoice_id AS billed_on,
       coalesce(bill.issued_at IS NOT NULL, false) AS is_issued
  FROM billing.invoice
  JOIN billing.one_off ON one_off.cause = 'late_fee:invoice:' || invoice.id
  LEFT JOIN billing.invoice_line AS line ON line.one_off_id = one_off.id
  LEFT JOIN billing.invoice AS bill ON bill.id = line.invoice_id
 WHERE invoice.customer_id = %(customer_id)s AND invoice.number = %(number)s;
