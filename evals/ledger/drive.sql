-- name: state_of
-- What each of these customers has by the database, and a digest of their books up to a mark: what was there must be there unchanged.
WITH asked AS (
    SELECT one.customer_id, one.mark FROM unnest(%(customer_ids)s::bigint[], %(marks)s::bigint[]) AS one (customer_id, mark)
), written AS (
    SELECT asked.customer_id, max(posting.journal_id) AS mark,
           sum(hashtextextended(posting::text || journal::text, 0)::numeric) FILTER (WHERE posting.journal_id <= asked.mark) AS before,
           sum(hashtextextended(posting::text || journal::text, 0)::numeric) AS now
      FROM asked
      JOIN billing.posting ON posting.customer_id = asked.customer_id
      JOIN billing.journal ON journal.id = posting.journal_id
     GROUP BY asked.customer_id
)
SELECT asked.customer_id, coalesce(written.mark, 0) AS mark, coalesce(written.before, 0)::text AS before, coalesce(written.now, 0)::text AS now,
       (SELECT coalesce(jsonb_object_agg(balance.ledger_account, balance.amount_minor) FILTER (WHERE balance.amount_minor <> 0), '{}')
          FROM billing.balance WHERE balance.customer_id = asked.customer_id) AS balances,
       (SELECT coalesce(jsonb_object_agg(coalesce('match:' || matched.provider_reference, journal.operation_key), item.open_minor), '{}')
          FROM billing.open_item AS item
          JOIN billing.journal ON journal.id = item.journal_id
          LEFT JOIN billing.payment AS matched ON matched.matched_journal_id = item.journal_id
         WHERE item.customer_id = asked.customer_id AND item.open_minor <> 0) AS open_items
  FROM asked
  LEFT JOIN written ON written.customer_id = asked.customer_id;

-- name: people
WITH person AS (
    INSERT INTO crm.customer (id, kind, name, customer_since)
    SELECT number, 'individual', 'Customer ' || number, '2020-01-01' FROM unnest(%(customer_ids)s::bigint[]) AS number
    RETURNING id
), premise AS (
    INSERT INTO gis.premise (id, area_id, number, street, town, postcode, latitude, longitude)
    SELECT person.id, 1, person.id::text, 'Quay Street', 'Harbour', 'HB1 1AA', 50.7, -3.5 FROM person
    RETURNING id
)
INSERT INTO crm.subscriber (id, customer_id, premise_id, offering_version_id, state)
SELECT premise.id * 2 + line, premise.id, premise.id, 1, 'active' FROM premise, generate_series(0, 1) AS line;

-- name: ground
WITH area AS (
    INSERT INTO gis.area (id, name, latitude, longitude) VALUES (1, 'Harbour', 50.7, -3.5)
), offering AS (
    INSERT INTO catalogue.offering (id, code, name, technology, segment) VALUES (1, 'fibre', 'Fibre', 'fibre', 'residential')
), version AS (
    INSERT INTO catalogue.offering_version (id, offering_id, valid_from, down_kbps, up_kbps) VALUES (1, 1, '2020-01-01', 100000, 20000)
)
INSERT INTO actions.action (id, name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
VALUES (1, 'import_history', '{}', '{}', '', 'ledger', 'system:evals', 'stands for all of them', gen_random_uuid(), 'done');
