-- name: open_run
SELECT billing.open_run(%(run_type)s, %(since)s::date, %(billed_on)s::date, %(customer_ids)s::bigint[], %(batch)s);

-- name: draft_batch
SELECT billing.draft(run.id, batch.customer_ids, run.billed_on)
  FROM billing.bill_run AS run
  JOIN billing.bill_run_batch AS batch ON batch.run_id = run.id
 WHERE run.id = %(run_id)s
   AND batch.number = %(number)s
   AND batch.drafts IS NULL;

-- name: begin_issuing
SELECT billing.begin_issuing(%(run_id)s);

-- name: issue_batch
SELECT billing.issue_batch(%(run_id)s, %(number)s, %(at)s);

-- name: release_held
SELECT billing.release_held(%(invoice_ids)s::bigint[], %(at)s);

-- name: issue_credit_note
SELECT billing.issue_credit_note(%(key)s, %(invoice_id)s, %(line_ids)s::bigint[], %(amounts_minor)s::bigint[], %(at)s, %(reason)s);

-- name: charge_once
INSERT INTO billing.one_off (customer_id, subscriber_id, label, amount_minor, tax_category, charged_on, cause)
SELECT subscriber.customer_id, subscriber.id, %(label)s, %(amount_minor)s, %(tax_category)s,
       (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date, %(cause)s
  FROM crm.subscriber
  JOIN crm.customer ON customer.id = subscriber.customer_id
 WHERE subscriber.id = %(subscriber_id)s
   AND subscriber.customer_id = %(customer_id)s
    ON CONFLICT (cause) DO NOTHING;

-- name: recycle_usage
SELECT billing.recycle_usage(%(record_ids)s::bigint[], %(at)s);
