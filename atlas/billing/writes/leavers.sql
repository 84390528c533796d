-- name: issue_final
SELECT billing.issue_final(%(invoice_ids)s::bigint[], %(at)s);

-- name: pay_back
SELECT billing.pay_back(%(key)s, %(customer_id)s, %(references)s::text[], %(amounts_minor)s::bigint[], %(is_by_hand)s, %(at)s, %(reason)s);
