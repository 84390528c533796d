-- name: acting
WITH acted AS (
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
    VALUES ('import_history', '{}', '{}', 'demo', gen_random_uuid()::text, 'system:demo', 'arranged', gen_random_uuid(), 'done') RETURNING id
)
SELECT set_config('bedrock.action', acted.id::text, false) FROM acted;

-- name: plans
WITH offered AS (
    INSERT INTO catalogue.offering (code, name, technology, segment, lifecycle_status)
    SELECT one.code, one.code, 'fibre', 'residential', 'in_test' FROM (VALUES ('fibre-100'), ('fibre-500'), ('fibre-yearly')) AS one (code) RETURNING id, code
), version AS (
    INSERT INTO catalogue.offering_version (offering_id, valid_from, down_kbps, up_kbps) SELECT offered.id, '2020-01-01', 500000, 100000 FROM offered
    RETURNING id, offering_id
), price AS (
    INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, every_months, meter, unit, per_units, allowance_units)
    SELECT version.id, part.kind, part.label, part.amount_minor, part.every_months, part.meter, part.unit, part.per_units, part.allowance_units
      FROM version
      JOIN offered ON offered.id = version.offering_id
      JOIN (VALUES ('fibre-100', 'recurring', 'Fibre 100', 2500, 1, '', '', 1, 0), ('fibre-500', 'recurring', 'Fibre 500', 3900, 1, '', '', 1, 0),
                   ('fibre-yearly', 'recurring', 'Fibre 500 for a year', 39900, 12, '', '', 1, 0), ('fibre-100', 'usage', 'Calls', 12, 1, 'calls', 'second', 60, 600),
                   ('fibre-500', 'usage', 'Calls', 12, 1, 'calls', 'second', 60, 600))
        AS part (code, kind, label, amount_minor, every_months, meter, unit, per_units, allowance_units) ON part.code = offered.code
)
SELECT array_agg(version.id ORDER BY version.id) FROM version;

-- name: lines
WITH place AS (
    INSERT INTO gis.area (name, latitude, longitude) VALUES ('Demo', 50.7, -3.5) RETURNING id
), premise AS (
    INSERT INTO gis.premise (area_id, number, street, town, postcode, latitude, longitude)
    SELECT place.id, n::text, 'Long Street', 'Demo', 'EX1 ' || n, 50.7, -3.5 FROM place CROSS JOIN generate_series(1, %(lines)s) AS n RETURNING id
), customer AS (
    INSERT INTO crm.customer (kind, name, customer_since) SELECT 'individual', 'Customer ' || n, '2024-01-01' FROM generate_series(1, %(lines)s) AS n RETURNING id
), numbered AS (
    SELECT customer.id, row_number() OVER (ORDER BY customer.id) AS place FROM customer
), line AS (
    INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, activated_at)
    SELECT numbered.id, premise.id, (%(versions)s::bigint[])[1 + numbered.place %% 3], 'active', '2025-01-01'
      FROM numbered
      JOIN (SELECT one.id, row_number() OVER (ORDER BY one.id) AS place FROM premise AS one) AS premise USING (place)
    RETURNING id, customer_id, offering_version_id
), account AS (
    INSERT INTO billing.account (customer_id, cycle_day) SELECT numbered.id, 1 + numbered.place %% 28 FROM numbered RETURNING customer_id, cycle_day
)
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, starts_on, evidence, evidence_at)
SELECT line.customer_id, line.id, line.offering_version_id, %(first)s::date + account.cycle_day - 1, 'accounting_start:1', %(first)s::date + account.cycle_day - 1
  FROM line
  JOIN account ON account.customer_id = line.customer_id;

-- name: to_change
SELECT charge.customer_id, charge.subscriber_id
  FROM billing.charge
 WHERE charge.ends_on IS NULL AND charge.offering_version_id = %(version)s AND charge.customer_id %% 4 = %(rest)s
 ORDER BY charge.customer_id
 LIMIT 5;

-- name: used
SELECT count(*)
  FROM (SELECT array_agg('demo:' || %(at)s::timestamptz::text || ':' || charge.id) AS records, array_agg(charge.subscriber_id) AS lines, array_agg('calls'::text) AS meters,
               array_agg(%(at)s::timestamptz) AS moments, array_agg(300 + charge.id * 37 %% 900 + CASE charge.id %% 40 WHEN 0 THEN 9000 ELSE 0 END) AS units
          FROM billing.charge
          JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.kind = 'usage'
         WHERE charge.ends_on IS NULL AND charge.starts_on < %(at)s::timestamptz::date) AS all_used
 CROSS JOIN LATERAL billing.receive_usage('demo', all_used.records, all_used.lines, all_used.meters, all_used.moments, all_used.units, %(at)s::timestamptz);

-- name: paid
SELECT coalesce(sum(paying.open_minor), 0)::bigint AS minor
  FROM (SELECT owed.customer_id, owed.journal_id, owed.open_minor FROM billing.open_item AS owed
         WHERE owed.open_minor > 0 AND owed.customer_id %% 9 <> 0) AS paying
 CROSS JOIN LATERAL billing.receive_payment(paying.customer_id, paying.open_minor, %(at)s::timestamptz, 'card', 'demo:' || paying.journal_id) AS received
 WHERE received IS NOT NULL;

-- name: month
SELECT count(*) AS bills, coalesce(sum(invoice.total_net_minor + invoice.total_tax_minor), 0)::bigint AS billed, min(invoice.number) AS first_number,
       max(invoice.number) AS last_number
  FROM billing.invoice
 WHERE invoice.number IS NOT NULL AND invoice.month = %(month)s;

-- name: books
SELECT (SELECT coalesce(sum(posting.amount_minor), 0)::bigint FROM billing.posting) AS ledger,
       (SELECT coalesce(sum(balance.amount_minor), 0)::bigint FROM billing.balance WHERE balance.ledger_account = 'receivable') AS owed,
       coalesce(max(invoice.number) - min(invoice.number) + 1 - count(DISTINCT invoice.number), 0) AS gaps,
       (SELECT count(*) FROM billing.invoice AS held WHERE held.number IS NULL AND held.state = 'onHold') AS waiting
  FROM billing.invoice
 WHERE invoice.number IS NOT NULL;
