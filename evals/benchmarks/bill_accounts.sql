-- name: plan
WITH offered AS (
    INSERT INTO catalogue.offering (code, name, technology, segment, lifecycle_status) VALUES ('bench', 'Fibre 500', 'fibre', 'residential', 'in_test') RETURNING id
), version AS (
    INSERT INTO catalogue.offering_version (offering_id, valid_from, down_kbps, up_kbps) SELECT id, '2020-01-01', 500000, 100000 FROM offered RETURNING id
)
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, meter, unit, per_units, allowance_units)
SELECT version.id, price.kind, price.label, price.amount_minor, price.meter, price.unit, price.per_units, price.allowance_units
  FROM version CROSS JOIN (VALUES ('recurring', 'Fibre 500', 3000, '', '', 1, 0), ('usage', 'International calls', 12, 'calls', 'second', 60, 600))
    AS price (kind, label, amount_minor, meter, unit, per_units, allowance_units);

-- name: accounts
WITH acted AS (
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
    VALUES ('import_history', '{}', '{}', 'bench', 'bench', 'system:bench', 'arranged', gen_random_uuid(), 'done') RETURNING id
), place AS (
    INSERT INTO gis.area (name, latitude, longitude) VALUES ('Bench', 50.7, -3.5) RETURNING id
), premise AS (
    INSERT INTO gis.premise (area_id, number, street, town, postcode, latitude, longitude)
    SELECT place.id, n::text, 'Long Street', 'Bench', 'EX1 ' || n, 50.7, -3.5 FROM place, generate_series(1, %(accounts)s) AS n RETURNING id
), customer AS (
    INSERT INTO crm.customer (kind, name, customer_since) SELECT 'individual', 'Customer ' || n, '2024-01-01' FROM generate_series(1, %(accounts)s) AS n RETURNING id
), line AS (
    INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, activated_at)
    SELECT customer.id, premise.id, version.id, 'active', '2024-01-01'
      FROM (SELECT id, row_number() OVER (ORDER BY id) AS place FROM customer) AS customer
      JOIN (SELECT id, row_number() OVER (ORDER BY id) AS place FROM premise) AS premise USING (place)
     CROSS JOIN (SELECT id FROM catalogue.offering_version LIMIT 1) AS version
    RETURNING id, customer_id, offering_version_id
), account AS (
    INSERT INTO billing.account (customer_id, cycle_day) SELECT id, 1 FROM customer
)
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, starts_on, evidence, evidence_at, action_id)
SELECT line.customer_id, line.id, line.offering_version_id, '2026-02-01', 'accounting_start:1', '2026-02-01', acted.id FROM line CROSS JOIN acted;

-- name: usage
INSERT INTO billing.usage_total (charge_id, price_id, period_from, period_to, customer_id, units)
SELECT charge.id, price.id, '2026-02-01', '2026-03-01', charge.customer_id, 700 + charge.id %% 5000
  FROM billing.charge
  JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.kind = 'usage'
 LIMIT %(accounts)s;

-- name: ruled
SELECT billing.begin_issuing(%(run_id)s);

-- name: whole
SELECT count(*) = %(accounts)s AND max(invoice.number) - min(invoice.number) + 1 = %(accounts)s AND count(DISTINCT invoice.number) = %(accounts)s
       AND sum(invoice.total_net_minor + invoice.total_tax_minor) = (SELECT sum(balance.amount_minor) FROM billing.balance WHERE balance.ledger_account = 'receivable')
  FROM billing.invoice
 WHERE invoice.number IS NOT NULL;
