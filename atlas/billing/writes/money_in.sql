-- name: hear
SELECT heard.state, heard.why, heard.customer_id, heard.is_new
  FROM billing.hear(%(provider)s::text, %(event_id)s::text, %(kind)s::text, %(reference)s::text, %(request_id)s::bigint, %(customer_id)s::bigint, %(amount_minor)s::bigint, %(currency)s::text,
                    %(occurred_at)s::timestamptz) AS heard;

-- name: ask_for_payment
INSERT INTO billing.payment_request (customer_id, amount_minor, asked_at, key)
VALUES (%(customer_id)s, %(amount_minor)s, %(at)s, %(key)s)
RETURNING id;

-- name: record_link
UPDATE billing.payment_request SET state = CASE state WHEN 'queued' THEN 'open' ELSE state END, reference = %(reference)s, url = %(url)s
 WHERE payment_request.id = %(request_id)s;

-- name: refund
SELECT billing.refund(%(key)s, %(reference)s, %(amount_minor)s, %(at)s, %(reason)s);

-- name: match_payment
SELECT billing.match_payment(%(reference)s, %(customer_id)s, %(at)s, %(reason)s);

-- name: settle_event
UPDATE billing.provider_event SET state = 'settled', why = why || ' (settled: ' || %(note)s || ')'
 WHERE provider_event.reference = %(reference)s AND provider_event.state = 'parked';

-- name: receive_payment
SELECT billing.receive_payment(%(customer_id)s, %(amount_minor)s, %(at)s, %(method)s, %(reference)s);
