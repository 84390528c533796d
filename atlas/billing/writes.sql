-- name: post_credits
WITH due AS (
    SELECT due.customer_id, due.subscriber_id, due.amount_minor, due.formula,
           'credit:' || %(cause)s::text || ':subscriber:' || due.subscriber_id AS operation_key
      FROM unnest(%(customer_ids)s::bigint[], %(subscriber_ids)s::bigint[], %(amounts_minor)s::bigint[], %(formulas)s::text[])
        AS due (customer_id, subscriber_id, amount_minor, formula)
), journal AS (
    INSERT INTO billing.journal (kind, operation_key, posted_at, action_id)
    SELECT 'credit', due.operation_key, %(at)s, actions.claimed() FROM due ORDER BY due.subscriber_id
    ON CONFLICT (operation_key) DO NOTHING
    RETURNING id, operation_key
), posted AS (
    INSERT INTO billing.posting (journal_id, ledger_account, customer_id, amount_minor)
    SELECT journal.id, side.ledger_account, due.customer_id, side.sign * due.amount_minor
      FROM journal
      JOIN due ON due.operation_key = journal.operation_key
     CROSS JOIN (VALUES ('receivable', -1), ('goodwill', 1)) AS side (ledger_account, sign)
)
INSERT INTO billing.credit (customer_id, subscriber_id, cause, amount_minor, journal_id, formula, granted_at)
SELECT due.customer_id, due.subscriber_id, %(cause)s::text, due.amount_minor, journal.id, due.formula, %(at)s
  FROM journal
  JOIN due ON due.operation_key = journal.operation_key
 ORDER BY due.subscriber_id
RETURNING customer_id, subscriber_id, amount_minor AS amount, formula;
