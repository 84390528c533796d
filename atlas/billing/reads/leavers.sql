-- name: final_statements
SELECT invoice.id AS invoice_id, invoice.customer_id, customer.name, invoice.anomalies, invoice.total_net_minor AS net, invoice.total_tax_minor AS tax
  FROM billing.invoice
  JOIN billing.bill_run AS run ON run.id = invoice.run_id
  JOIN crm.customer ON customer.id = invoice.customer_id
 WHERE invoice.number IS NULL
   AND invoice.state = 'onHold'
   AND invoice.total_net_minor + invoice.total_tax_minor <= 0
   AND (%(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND billing.has_left(invoice.customer_id, run.billed_on)
 ORDER BY invoice.id;

-- name: ways_back
-- The latest first: that card is likeliest to be there still. What came over the counter, and what the bank took back, is no way.
SELECT way.reference, way.left
  FROM (SELECT payment.provider_reference AS reference, payment.amount_minor - billing.given_back(payment) AS left, payment.received_at, payment.id
          FROM billing.payment
         WHERE payment.customer_id = %(customer_id)s
           AND payment.method <> ALL (%(by_hand)s::text[])
           AND NOT EXISTS (SELECT FROM billing.journal AS undoing WHERE undoing.reverses_id = payment.journal_id)) AS way
 WHERE way.left > 0
 ORDER BY way.received_at DESC, way.id DESC;

-- name: owed_to_leavers
WITH money AS (
    SELECT item.customer_id, -sum(item.open_minor)::bigint AS minor
      FROM billing.open_item AS item
     WHERE item.open_minor <> 0
       AND (%(customer_ids)s::bigint[] IS NULL OR item.customer_id = ANY (%(customer_ids)s::bigint[]))
     GROUP BY item.customer_id
    HAVING sum(item.open_minor) < 0
), statement AS (
    SELECT invoice.customer_id, invoice.id, invoice.anomalies, -(invoice.total_net_minor + invoice.total_tax_minor) AS minor
      FROM billing.invoice
      JOIN billing.bill_run AS run ON run.id = invoice.run_id
     WHERE invoice.number IS NULL
       AND invoice.state = 'onHold'
       AND invoice.total_net_minor + invoice.total_tax_minor <= 0
       AND (%(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[]))
       AND billing.has_left(invoice.customer_id, run.billed_on)
)
SELECT customer.id AS customer_id, customer.name, customer.state = 'deceased' AS is_deceased,
       (SELECT max(charge.ends_on) FROM billing.charge WHERE charge.customer_id = customer.id) AS left_on,
       coalesce(money.minor, 0) AS owed, coalesce(statement.minor, 0) AS statement, statement.id AS statement_id,
       coalesce(statement.anomalies, '{}') AS anomalies, ways.left AS can_go_back, ways.paid_by_hand, ways.taken_back,
       (SELECT max(action.id) FROM actions.action
         WHERE action.name IN ('pay_back_leaver', 'record_payout') AND action.state IN ('proposed', 'allowed', 'waiting', 'approved', 'executing')
           AND action.proposed_for = customer.id) AS action_id
  FROM money
  FULL JOIN statement ON statement.customer_id = money.customer_id
  JOIN crm.customer ON customer.id = coalesce(money.customer_id, statement.customer_id)
 CROSS JOIN LATERAL (SELECT coalesce(sum(paid.minor - paid.given) FILTER (WHERE paid.is_a_way AND NOT paid.is_returned), 0)::bigint AS left,
                            coalesce(bool_or(NOT paid.is_a_way), false) AS paid_by_hand, coalesce(bool_or(paid.is_returned), false) AS taken_back
                       FROM (SELECT payment.amount_minor AS minor, billing.given_back(payment) AS given, payment.method <> ALL (%(by_hand)s::text[]) AS is_a_way,
                                    EXISTS (SELECT FROM billing.journal AS undoing WHERE undoing.reverses_id = payment.journal_id) AS is_returned
                               FROM billing.payment WHERE payment.customer_id = customer.id) AS paid) AS ways
 WHERE statement.id IS NOT NULL OR billing.has_left(customer.id, %(today)s)
 ORDER BY coalesce(money.minor, 0) + coalesce(statement.minor, 0) DESC, customer.id;
