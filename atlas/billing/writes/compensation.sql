-- name: post_credits
SELECT given.customer_id, given.subscriber_id, given.amount, given.formula
  FROM billing.post_credits(%(cause)s::text, %(customer_ids)s::bigint[], %(subscriber_ids)s::bigint[], %(amounts_minor)s::bigint[],
                            %(formulas)s::text[], %(at)s::timestamptz) AS given;
