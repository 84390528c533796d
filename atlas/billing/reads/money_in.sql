-- name: money_parked
SELECT event.id AS event_id, event.reference, event.kind, event.amount_minor AS amount, event.currency, event.why, event.received_at,
       EXISTS (SELECT FROM billing.payment
                WHERE payment.provider_reference = event.reference AND payment.customer_id IS NULL
                  AND NOT EXISTS (SELECT FROM billing.journal WHERE journal.reverses_id = payment.journal_id)) AS is_in_suspense
  FROM billing.provider_event AS event
 WHERE event.state IN ('parked', 'early')
 ORDER BY event.id;

-- name: payment_requests
SELECT payment_request.id, payment_request.amount_minor AS amount, payment_request.state, payment_request.url, payment_request.asked_at
  FROM billing.payment_request
 WHERE payment_request.customer_id = %(customer_id)s
 ORDER BY payment_request.id DESC
 LIMIT 5;

-- name: payment_held
SELECT payment.provider_reference AS reference, payment.customer_id, payment.amount_minor AS amount,
       coalesce(-item.open_minor, 0)::bigint AS unused, payment.received_at
  FROM billing.payment
  LEFT JOIN billing.open_item AS item ON item.journal_id = coalesce(payment.matched_journal_id, payment.journal_id)
 WHERE payment.customer_id = %(customer_id)s
 ORDER BY payment.received_at DESC, payment.id DESC
 LIMIT 10;

-- name: refunds_not_made
-- Until somebody transferred it: that order is the record of it.
SELECT errand.id AS refund_id, ordered.proposed_for AS customer_id, errand.action_id, errand.arguments ->> 'reference' AS reference,
       (errand.arguments ->> 'amount_minor')::bigint AS amount, coalesce(errand.answer ->> 'why', '') AS why
  FROM actions.errand
  JOIN actions.action AS ordered ON ordered.id = errand.action_id
 WHERE errand.port = 'payments' AND errand.operation = 'refund' AND errand.state = 'failed'
   AND NOT EXISTS (SELECT FROM actions.action AS by_hand
                    WHERE by_hand.name = 'record_refund_by_hand' AND by_hand.state = 'done' AND by_hand.arguments ->> 'refund_id' = errand.id::text)
 ORDER BY errand.id;
