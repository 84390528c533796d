-- name: broken_invariants
-- What must hold of the books, each as a question that should find nothing. Only these customers' rows, or all.
WITH wanted AS MATERIALIZED (
    SELECT posting.journal_id, posting.customer_id, posting.ledger_account, posting.amount_minor
      FROM billing.posting
     WHERE %(customer_ids)s::bigint[] IS NULL OR posting.customer_id = ANY (%(customer_ids)s::bigint[])
), journal_of AS MATERIALIZED (
    SELECT journal.id, journal.kind, journal.operation_key, journal.reverses_id, max(wanted.customer_id) AS customer_id,
           coalesce(sum(wanted.amount_minor) FILTER (WHERE wanted.ledger_account = 'receivable'), 0)::bigint AS receivable,
           count(DISTINCT wanted.customer_id) AS customers
      FROM wanted
      JOIN billing.journal ON journal.id = wanted.journal_id
     GROUP BY journal.id
), item AS MATERIALIZED (
    SELECT open_item.journal_id, open_item.customer_id, open_item.amount_minor, open_item.open_minor
      FROM billing.open_item
     WHERE %(customer_ids)s::bigint[] IS NULL OR open_item.customer_id = ANY (%(customer_ids)s::bigint[])
), moved AS MATERIALIZED (
    SELECT allocation.id, allocation.customer_id, allocation.from_journal_id, allocation.to_journal_id, allocation.amount_minor, allocation.undoes_id
      FROM billing.allocation
     WHERE %(customer_ids)s::bigint[] IS NULL OR allocation.customer_id = ANY (%(customer_ids)s::bigint[])
), used AS MATERIALIZED (
    SELECT side.journal_id, sum(side.amount_minor)::bigint AS amount_minor, min(side.amount_minor) AS least_minor
      FROM (SELECT moved.from_journal_id, sum(moved.amount_minor) FROM moved GROUP BY moved.from_journal_id
             UNION ALL
            SELECT moved.to_journal_id, sum(moved.amount_minor) FROM moved GROUP BY moved.to_journal_id) AS side (journal_id, amount_minor)
     GROUP BY side.journal_id
), billed AS MATERIALIZED (
    SELECT invoice.id, invoice.journal_id, invoice.customer_id, invoice.state, invoice.is_disputed, invoice.issued_at,
           coalesce(sum(line.amount_minor), 0)::bigint AS net, coalesce(sum(line.tax_minor), 0)::bigint AS tax
      FROM billing.invoice
      LEFT JOIN billing.invoice_line AS line ON line.invoice_id = invoice.id
     WHERE invoice.issued_at IS NOT NULL
       AND (%(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[]))
     GROUP BY invoice.id
), paid AS MATERIALIZED (
    SELECT payment.id, payment.journal_id, payment.matched_journal_id, payment.customer_id, payment.amount_minor
      FROM billing.payment
     WHERE %(customer_ids)s::bigint[] IS NULL OR payment.customer_id = ANY (%(customer_ids)s::bigint[])
)
SELECT 'a journal balances' AS invariant, 'journal ' || posting.journal_id AS subject, 0::bigint AS expected, sum(posting.amount_minor)::bigint AS found
  FROM billing.posting
 WHERE %(customer_ids)s::bigint[] IS NULL OR posting.journal_id IN (SELECT id FROM journal_of)
 GROUP BY posting.journal_id
HAVING sum(posting.amount_minor) <> 0
UNION ALL
SELECT 'a journal has postings', 'journal ' || journal.id, 1, 0
  FROM billing.journal
 WHERE %(customer_ids)s::bigint[] IS NULL AND NOT EXISTS (SELECT FROM billing.posting WHERE posting.journal_id = journal.id)
UNION ALL
SELECT 'a journal is about one customer', 'journal ' || id, 1, customers FROM journal_of WHERE customers > 1
UNION ALL
SELECT 'a balance is the sum of its postings', 'customer ' || customer_id || ' ' || ledger_account, posted.amount_minor, coalesce(kept.amount_minor, 0)
  FROM (SELECT customer_id, ledger_account, sum(amount_minor)::bigint AS amount_minor
          FROM wanted WHERE customer_id IS NOT NULL GROUP BY customer_id, ledger_account) AS posted
  FULL JOIN (SELECT customer_id, ledger_account, amount_minor
               FROM billing.balance
              WHERE %(customer_ids)s::bigint[] IS NULL OR customer_id = ANY (%(customer_ids)s::bigint[])) AS kept USING (customer_id, ledger_account)
 WHERE coalesce(posted.amount_minor, 0) <> coalesce(kept.amount_minor, 0)
UNION ALL
SELECT 'an open item is a posting to receivable', 'journal ' || coalesce(journal_of.id, item.journal_id), coalesce(journal_of.receivable, 0), coalesce(item.amount_minor, 0)
  FROM journal_of FULL JOIN item ON item.journal_id = journal_of.id
 WHERE coalesce(journal_of.receivable, 0) <> coalesce(item.amount_minor, 0) OR item.customer_id <> journal_of.customer_id
UNION ALL
SELECT 'what is open is the posting less its allocations', 'journal ' || item.journal_id,
       item.amount_minor - sign(item.amount_minor)::bigint * coalesce(used.amount_minor, 0), item.open_minor
  FROM item LEFT JOIN used ON used.journal_id = item.journal_id
 WHERE item.open_minor <> item.amount_minor - sign(item.amount_minor)::bigint * coalesce(used.amount_minor, 0)
UNION ALL
SELECT 'allocations stay within both sides', 'journal ' || used.journal_id, abs(coalesce(journal_of.receivable, 0)), used.amount_minor
  FROM used LEFT JOIN journal_of ON journal_of.id = used.journal_id
 WHERE used.least_minor < 0 OR used.amount_minor > abs(coalesce(journal_of.receivable, 0))
UNION ALL
SELECT 'money settles a debt of the same customer', 'allocation ' || moved.id, moved.customer_id, money.customer_id
  FROM moved
  LEFT JOIN journal_of AS money ON money.id = moved.from_journal_id AND money.receivable < 0
  LEFT JOIN journal_of AS debt ON debt.id = moved.to_journal_id AND debt.receivable > 0
 WHERE money.customer_id IS DISTINCT FROM moved.customer_id OR debt.customer_id IS DISTINCT FROM moved.customer_id
UNION ALL
SELECT 'an allocation is undone whole', 'allocation ' || undoing.id, -done.amount_minor, undoing.amount_minor
  FROM moved AS undoing JOIN moved AS done ON done.id = undoing.undoes_id
 WHERE (undoing.from_journal_id, undoing.to_journal_id, -undoing.amount_minor) <> (done.from_journal_id, done.to_journal_id, done.amount_minor)
UNION ALL
SELECT 'a reversal mirrors what it reverses', 'journal ' || reversal.id, 0, count(*)
  FROM journal_of AS reversal
  JOIN billing.posting AS made ON made.journal_id = reversal.id
  LEFT JOIN billing.posting AS was ON was.journal_id = reversal.reverses_id AND was.ledger_account = made.ledger_account
 WHERE reversal.kind = 'reversal'
   AND (made.amount_minor, made.customer_id) IS DISTINCT FROM (-was.amount_minor, was.customer_id)
 GROUP BY reversal.id
UNION ALL
SELECT 'a journal is reversed once', 'journal ' || reverses_id, 1, count(*) FROM journal_of WHERE reverses_id IS NOT NULL GROUP BY reverses_id HAVING count(*) > 1
UNION ALL
SELECT 'a bill is posted with its lines', 'invoice ' || billed.id, billed.net + billed.tax, coalesce(journal_of.receivable, 0)
  FROM billed
  LEFT JOIN journal_of ON journal_of.id = billed.journal_id
  LEFT JOIN wanted AS tax ON tax.journal_id = billed.journal_id AND tax.ledger_account = 'tax'
 WHERE (journal_of.receivable, -tax.amount_minor, journal_of.customer_id) IS DISTINCT FROM (billed.net + billed.tax, billed.tax, billed.customer_id)
UNION ALL
SELECT 'a payment is posted as it came', 'payment ' || paid.id, paid.amount_minor, bank.amount_minor
  FROM paid LEFT JOIN billing.posting AS bank ON bank.journal_id = paid.journal_id AND bank.ledger_account = 'bank'
 WHERE bank.amount_minor IS DISTINCT FROM paid.amount_minor
UNION ALL
SELECT 'a matched payment is on its customer''s account', 'payment ' || paid.id, -paid.amount_minor, matched.receivable
  FROM paid LEFT JOIN journal_of AS matched ON matched.id = paid.matched_journal_id
 WHERE paid.matched_journal_id IS NOT NULL AND paid.customer_id IS NOT NULL
   AND (matched.receivable, matched.customer_id) IS DISTINCT FROM (-paid.amount_minor, paid.customer_id)
UNION ALL
SELECT 'a credit is posted as it was given', 'credit ' || credit.id, credit.amount_minor, given.amount_minor
  FROM billing.credit
  LEFT JOIN wanted AS given ON given.journal_id = credit.journal_id AND given.ledger_account = 'goodwill' AND given.customer_id = credit.customer_id
 WHERE given.amount_minor IS DISTINCT FROM credit.amount_minor
   AND (%(customer_ids)s::bigint[] IS NULL OR credit.customer_id = ANY (%(customer_ids)s::bigint[]))
UNION ALL
SELECT 'a journal has the business fact it is made of', 'journal ' || journal_of.id, 1, 0
  FROM journal_of
 WHERE CASE journal_of.kind
           WHEN 'invoice' THEN NOT EXISTS (SELECT FROM billing.invoice WHERE invoice.journal_id = journal_of.id)
           WHEN 'payment' THEN NOT EXISTS (SELECT FROM billing.payment WHERE payment.journal_id = journal_of.id)
           WHEN 'credit' THEN NOT EXISTS (SELECT FROM billing.credit WHERE credit.journal_id = journal_of.id)
           ELSE false END
UNION ALL
SELECT 'a bill''s state says what is open of it', 'invoice ' || billed.id, coalesce(item.open_minor, 0), 0
  FROM billed LEFT JOIN item ON item.journal_id = billed.journal_id
 WHERE billed.state <> CASE coalesce(item.open_minor, 0) WHEN 0 THEN 'settled' WHEN item.amount_minor THEN 'sent' ELSE 'partiallyPaid' END
UNION ALL
SELECT 'no money lies idle beside a debt', 'customer ' || item.customer_id, 0, -sum(item.open_minor) FILTER (WHERE item.open_minor < 0)::bigint
  FROM item LEFT JOIN billed ON billed.journal_id = item.journal_id
 WHERE billed.is_disputed IS NOT TRUE
 GROUP BY item.customer_id
HAVING min(item.open_minor) < 0 AND max(item.open_minor) > 0
UNION ALL
SELECT 'suspense is the payments that wait in it', 'suspense', -waiting.amount_minor, posted.amount_minor
  FROM (SELECT coalesce(sum(payment.amount_minor), 0)::bigint AS amount_minor
          FROM billing.payment
         WHERE payment.customer_id IS NULL
           AND NOT EXISTS (SELECT FROM billing.journal WHERE journal.reverses_id = payment.journal_id)) AS waiting
 CROSS JOIN (SELECT coalesce(sum(posting.amount_minor), 0)::bigint AS amount_minor
               FROM billing.posting WHERE posting.ledger_account = 'suspense') AS posted
 WHERE -waiting.amount_minor <> posted.amount_minor
UNION ALL
SELECT 'numbers are without gaps', 'series ' || series.code, series.next_number - series.first_number, used.numbers
  FROM billing.series
 CROSS JOIN LATERAL (SELECT (SELECT count(DISTINCT invoice.number) FROM billing.invoice WHERE invoice.series = series.code AND invoice.number IS NOT NULL)
                          + (SELECT count(DISTINCT note.number) FROM billing.credit_note AS note WHERE note.series = series.code) AS numbers) AS used
 WHERE %(customer_ids)s::bigint[] IS NULL AND used.numbers <> series.next_number - series.first_number
UNION ALL
SELECT 'a line is of its charge', 'line ' || line.id, charge.id, line.charge_id
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id
  LEFT JOIN billing.charge ON charge.id = line.charge_id
  LEFT JOIN catalogue.price ON price.id = line.price_id
 WHERE line.charge_id IS NOT NULL
   AND (%(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND (line.subscriber_id, line.offering_version_id, invoice.customer_id, price.offering_version_id)
       IS DISTINCT FROM (charge.subscriber_id, charge.offering_version_id, charge.customer_id, charge.offering_version_id)
UNION ALL
SELECT 'a line is worth its formula', 'line ' || line.id, worth.minor, line.amount_minor + CASE WHEN line.is_tax_inclusive THEN line.tax_minor ELSE 0 END
  FROM billing.invoice_line AS line
  JOIN billing.invoice ON invoice.id = line.invoice_id
  LEFT JOIN billing.journal ON journal.id = invoice.journal_id
 CROSS JOIN LATERAL (SELECT billing.rounded(line.unit_minor::numeric * (line.period_to - line.period_from) / line.of_days,
                                            coalesce(journal.rounding, 'half_up')) AS minor) AS worth
 WHERE line.of_days IS NOT NULL AND journal.id IS NOT NULL
   AND (%(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND worth.minor <> line.amount_minor + CASE WHEN line.is_tax_inclusive THEN line.tax_minor ELSE 0 END
UNION ALL
SELECT 'a credit note is posted with its lines', 'credit note ' || note.id, -given.minor, coalesce(journal_of.receivable, 0)
  FROM billing.credit_note AS note
 CROSS JOIN LATERAL (SELECT coalesce(sum(one.amount_minor + one.tax_minor), 0)::bigint AS minor FROM billing.credit_note_line AS one
                      WHERE one.credit_note_id = note.id) AS given
  LEFT JOIN journal_of ON journal_of.id = note.journal_id
 WHERE (%(customer_ids)s::bigint[] IS NULL OR note.customer_id = ANY (%(customer_ids)s::bigint[]))
   AND coalesce(journal_of.receivable, 0) <> -given.minor
UNION ALL
SELECT 'a credit note gives back no more than was charged', 'line ' || line.id, line.amount_minor + line.tax_minor, sum(given.amount_minor + given.tax_minor)::bigint
  FROM billing.credit_note_line AS given
  JOIN billing.invoice_line AS line ON line.id = given.invoice_line_id
  JOIN billing.invoice ON invoice.id = line.invoice_id
 WHERE %(customer_ids)s::bigint[] IS NULL OR invoice.customer_id = ANY (%(customer_ids)s::bigint[])
 GROUP BY line.id
HAVING abs(sum(given.amount_minor + given.tax_minor)) > abs(line.amount_minor + line.tax_minor)
UNION ALL
SELECT 'the books add up to nothing', 'all accounts', 0, sum(posting.amount_minor)::bigint
  FROM billing.posting
 WHERE %(customer_ids)s::bigint[] IS NULL
HAVING sum(posting.amount_minor) <> 0
 ORDER BY 1, 2;

-- name: latest_invariants
SELECT DISTINCT ON (result.invariant) result.checked_at, result.invariant, result.broken
  FROM billing.invariant_result AS result
 ORDER BY result.invariant, result.checked_at DESC;

-- name: refunds_kept
-- Ordered by us, and by now given, refused, or in doubt: what was not given stands in the books all the same, under our own key.
SELECT coalesce(errand.answer ->> 'reference', errand.key) AS reference, (errand.arguments ->> 'amount_minor')::bigint AS amount, made.at AS received_at,
       false AS is_returned
  FROM actions.errand
 CROSS JOIN LATERAL (SELECT coalesce((errand.answer ->> 'at')::timestamptz, errand.finished_at, errand.queued_at) AS at) AS made
 WHERE errand.port = 'payments' AND errand.operation = 'refund' AND errand.state IN ('done', 'failed', 'in_doubt')
   AND made.at >= %(since)s AND made.at < %(until)s
   -- What a person transferred instead is on no list of the provider's.
   AND NOT EXISTS (SELECT FROM actions.action AS by_hand
                    WHERE by_hand.name = 'record_refund_by_hand' AND by_hand.state = 'done' AND by_hand.arguments ->> 'refund_id' = errand.id::text)
 ORDER BY made.at, errand.id;

-- name: payments_kept
SELECT payment.provider_reference AS reference, payment.amount_minor AS amount, payment.received_at,
       EXISTS (SELECT FROM billing.journal WHERE journal.reverses_id = payment.journal_id) AS is_returned
  FROM billing.payment
 WHERE payment.received_at >= %(since)s
   AND payment.received_at < %(until)s
 ORDER BY payment.received_at, payment.provider_reference;
