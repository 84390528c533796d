-- name: acting
WITH acted AS (
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
    VALUES ('import_history', '{}', '{}', 'demo', gen_random_uuid()::text, 'system:demo', 'arranged', gen_random_uuid(), 'done') RETURNING id
)
SELECT set_config('bedrock.action', acted.id::text, false) FROM acted;

-- name: calls_priced
-- A call costs on every plan of a household; ten minutes a month are free.
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, meter, unit, per_units, allowance_units)
SELECT version.id, 'usage', 'Calls', 12, 'calls', 'second', 60, 600
  FROM catalogue.offering_version AS version
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE offering.segment = 'residential'
   AND NOT EXISTS (SELECT FROM catalogue.price WHERE price.offering_version_id = version.id AND price.kind = 'usage');

-- name: to_upgrade
-- One in a hundred: the next dearer plan of the same kind that is sold now.
SELECT charge.customer_id, charge.subscriber_id, dearer.offering_version_id
  FROM billing.charge
  JOIN catalogue.offering_version AS has ON has.id = charge.offering_version_id
  JOIN catalogue.offering AS plan ON plan.id = has.offering_id
  JOIN catalogue.price AS costs ON costs.offering_version_id = has.id AND costs.kind = 'recurring'
 CROSS JOIN LATERAL (SELECT version.id AS offering_version_id
                       FROM catalogue.offering AS other
                       JOIN catalogue.offering_version AS version ON version.offering_id = other.id
                        AND version.valid_from = (SELECT max(newest.valid_from) FROM catalogue.offering_version AS newest
                                                   WHERE newest.offering_id = other.id AND newest.valid_from <= %(on)s)
                       JOIN catalogue.price ON price.offering_version_id = version.id AND price.kind = 'recurring' AND price.every_months = costs.every_months
                      WHERE (other.technology, other.segment) = (plan.technology, plan.segment) AND other.id <> plan.id
                        AND price.amount_minor > costs.amount_minor
                      ORDER BY price.amount_minor LIMIT 1) AS dearer
 WHERE charge.ends_on IS NULL AND NOT charge.is_add_on AND charge.starts_on < %(on)s AND (charge.customer_id + %(month)s) %% 100 = 0
 ORDER BY charge.customer_id;

-- name: to_leave
-- One in two hundred.
SELECT charge.customer_id, charge.subscriber_id, charge.offering_version_id
  FROM billing.charge
 WHERE charge.ends_on IS NULL AND NOT charge.is_add_on AND charge.starts_on < %(on)s AND (charge.customer_id + 7 * %(month)s) %% 200 = 50
 ORDER BY charge.customer_id;

-- name: left
UPDATE crm.subscriber SET state = 'terminated', suspended_for = NULL WHERE subscriber.id = %(subscriber_id)s;

-- name: used
-- One in five of the lines that are charged for calls, each time others.
SELECT coalesce(sum(received.records), 0)::bigint
  FROM (SELECT array_agg('demo:' || %(at)s::timestamptz::text || ':' || charge.id) AS records, array_agg(charge.subscriber_id) AS lines,
               array_agg('calls'::text) AS meters, array_agg(%(at)s::timestamptz) AS moments,
               array_agg(300 + charge.id * 37 %% 900 + CASE charge.id %% 40 WHEN 0 THEN 900 ELSE 0 END) AS units
          FROM billing.charge
          JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.meter = 'calls'
         WHERE charge.ends_on IS NULL AND charge.starts_on < %(at)s::timestamptz::date AND charge.id %% 5 = %(place)s) AS called
 CROSS JOIN LATERAL billing.receive_usage('demo', called.records, called.lines, called.meters, called.moments, called.units, %(at)s::timestamptz) AS received;

-- name: paid
-- One in nine never pays by itself, and nobody pays what they do not accept.
SELECT coalesce(sum(paying.open_minor), 0)::bigint AS minor
  FROM (SELECT owed.customer_id, owed.journal_id, owed.open_minor
          FROM billing.open_item AS owed
          LEFT JOIN billing.invoice ON invoice.journal_id = owed.journal_id
         WHERE owed.open_minor > 0 AND owed.customer_id %% %(of)s = %(part)s AND owed.customer_id %% 9 <> 0 AND invoice.is_disputed IS NOT TRUE) AS paying
 CROSS JOIN LATERAL billing.receive_payment(paying.customer_id, paying.open_minor, %(at)s::timestamptz, 'card',
                                            'demo:' || paying.journal_id || ':' || %(at)s::timestamptz::date) AS received
 WHERE received IS NOT NULL;

-- name: returned
-- One payment in two hundred comes back.
SELECT count(billing.return_payment(back.provider_reference, %(at)s, 'no funds'))
  FROM (SELECT payment.provider_reference FROM billing.payment
         WHERE payment.received_at >= %(at)s::timestamptz - interval '8 days' AND payment.id %% 200 = 0
           AND NOT EXISTS (SELECT FROM billing.journal WHERE journal.reverses_id = payment.journal_id)
         ORDER BY payment.id) AS back;

-- name: disputed
-- One open bill in fifty of this month is not accepted.
SELECT count(billing.set_dispute(refused.id, true)::text)
  FROM (SELECT invoice.id FROM billing.invoice
         WHERE invoice.month = %(month)s AND invoice.state = 'sent' AND NOT invoice.is_disputed AND invoice.id %% 50 = 0 ORDER BY invoice.id) AS refused;

-- name: given_back
-- The dearest line of every bill that was in dispute before this month, and of one in three hundred of this one.
SELECT count(billing.issue_credit_note('demo:' || wrong.id, wrong.id, ARRAY[wrong.line_id], ARRAY[NULL::bigint], %(at)s, 'charged by mistake'))
  FROM (SELECT invoice.id, line.id AS line_id
          FROM billing.invoice
         CROSS JOIN LATERAL (SELECT one.id FROM billing.invoice_line AS one WHERE one.invoice_id = invoice.id AND one.amount_minor > 0
                              ORDER BY one.amount_minor DESC, one.id LIMIT 1) AS line
         WHERE invoice.number IS NOT NULL
           AND ((invoice.is_disputed AND invoice.month < %(month)s) OR (invoice.month = %(month)s AND invoice.id %% 300 = 1))
           AND NOT EXISTS (SELECT FROM billing.credit_note AS note WHERE note.invoice_id = invoice.id)
         ORDER BY invoice.id) AS wrong;

-- name: accepted
SELECT count(billing.set_dispute(settled.id, false)::text)
  FROM (SELECT invoice.id FROM billing.invoice WHERE invoice.is_disputed AND invoice.month < %(month)s ORDER BY invoice.id) AS settled;

-- name: written_off
-- What nobody paid for half a year.
SELECT count(billing.write_off('demo:' || lost.id, lost.id, lost.open_minor, %(at)s, 'not paid for half a year'))
  FROM (SELECT invoice.id, item.open_minor
          FROM billing.invoice JOIN billing.open_item AS item ON item.journal_id = invoice.journal_id
         WHERE item.open_minor > 0 AND invoice.due_on < %(at)s::timestamptz::date - 180
         ORDER BY invoice.id) AS lost;

-- name: month
SELECT count(*) AS bills, coalesce(sum(invoice.total_net_minor + invoice.total_tax_minor), 0)::bigint AS billed, min(invoice.number) AS first_number,
       max(invoice.number) AS last_number,
       (SELECT count(*) FROM billing.credit_note AS note WHERE note.issued_at >= %(month)s AND note.issued_at < %(month)s::date + interval '1 month') AS notes
  FROM billing.invoice
 WHERE invoice.number IS NOT NULL AND invoice.run_id IS NOT NULL
   AND invoice.issued_at >= %(month)s AND invoice.issued_at < %(month)s::date + interval '1 month';

-- name: books
SELECT (SELECT coalesce(sum(posting.amount_minor), 0)::bigint FROM billing.posting) AS ledger,
       (SELECT coalesce(sum(balance.amount_minor), 0)::bigint FROM billing.balance WHERE balance.ledger_account = 'receivable') AS owed,
       coalesce(max(invoice.number) - min(invoice.number) + 1 - count(DISTINCT invoice.number), 0) AS gaps,
       draft.waiting, draft.carried,
       (SELECT coalesce(-sum(bank.amount_minor), 0)::bigint FROM billing.journal JOIN billing.posting AS bank ON bank.journal_id = journal.id
         WHERE bank.ledger_account = 'bank' AND journal.gives_back_id IS NOT NULL) AS paid_back
  FROM billing.invoice
 CROSS JOIN (SELECT count(*) FILTER (WHERE NOT kept.is_carried) AS waiting, count(*) FILTER (WHERE kept.is_carried) AS carried
               FROM (SELECT held.total_net_minor + held.total_tax_minor <= 0 AND NOT billing.has_left(held.customer_id, run.billed_on) AS is_carried
                       FROM billing.invoice AS held JOIN billing.bill_run AS run ON run.id = held.run_id
                      WHERE held.number IS NULL AND held.state = 'onHold') AS kept) AS draft
 WHERE invoice.number IS NOT NULL
 GROUP BY draft.waiting, draft.carried;
