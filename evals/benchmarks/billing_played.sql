-- name: operator
INSERT INTO billing.tax_rate (region, category, valid_from, percent) VALUES ('case', 'standard', '2000-01-01', %(percent)s);

-- name: convention
UPDATE billing.convention SET home_region = 'case', change_day = %(change_day)s;

-- name: acting
WITH acted AS (
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state)
    VALUES ('import_history', '{}', '{}', 'bench', gen_random_uuid()::text, 'system:bench', 'arranged', gen_random_uuid(), 'done') RETURNING id
)
SELECT set_config('bedrock.action', acted.id::text, true) FROM acted;

-- name: line
WITH place AS (
    INSERT INTO gis.area (name, latitude, longitude) VALUES ('Bench', 50.7, -3.5) RETURNING id
), premise AS (
    INSERT INTO gis.premise (area_id, number, street, town, postcode, latitude, longitude)
    SELECT place.id, '1', 'Long Street', 'Bench', 'EX1 1AA', 50.7, -3.5 FROM place RETURNING id
), customer AS (
    INSERT INTO crm.customer (kind, name, customer_since, timezone) VALUES ('individual', 'A case', '2000-01-01', 'Etc/UTC') RETURNING id
)
INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, activated_at)
SELECT customer.id, premise.id, %(version)s, 'active', '2000-01-01' FROM customer CROSS JOIN premise
RETURNING ARRAY[customer_id, id];

-- name: plan
WITH offered AS (
    INSERT INTO catalogue.offering (code, name, technology, segment, lifecycle_status)
    VALUES (gen_random_uuid()::text, 'A plan', 'fibre', 'residential', 'in_test') RETURNING id
), version AS (
    INSERT INTO catalogue.offering_version (offering_id, valid_from, down_kbps, up_kbps) SELECT id, '2000-01-01', 1000, 1000 FROM offered RETURNING id
), price AS (
    INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, charged, every_months)
    SELECT version.id, 'recurring', 'A plan', %(minor)s, %(charged)s, %(months)s FROM version
)
SELECT id FROM version;

-- name: meter
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, meter, unit, per_units, allowance_units, tiering)
VALUES (%(version)s, 'usage', 'Used', %(minor)s, 'used', 'unit', %(per_units)s, %(allowance)s, %(tiering)s) RETURNING id;

-- name: tier
INSERT INTO catalogue.price_tier (price_id, from_units, amount_minor, per_units, entry_minor)
VALUES (%(price)s, %(from_units)s, %(minor)s, %(per_units)s, %(entry)s);

-- name: used
SELECT count(*) FROM billing.receive_usage('bench', ARRAY['1'], ARRAY[%(line)s::bigint], ARRAY['used'], ARRAY[%(at)s::timestamptz], ARRAY[%(units)s::bigint], %(at)s);

-- name: bill_day
UPDATE billing.account SET cycle_day = %(cycle_day)s::int WHERE customer_id = %(customer)s;

-- name: last_line
SELECT coalesce(max(id), 0) FROM billing.invoice_line;

-- name: open_run
SELECT billing.open_run('offCycle', %(day)s::date - 1, %(day)s, ARRAY[%(customer)s::bigint], 100);

-- name: draft
SELECT billing.draft(%(run)s, ARRAY[%(customer)s::bigint], %(day)s);

-- name: issue
SELECT billing.begin_issuing(%(run)s) FROM billing.bill_run WHERE id = %(run)s;

-- name: issue_batch
SELECT billing.issue_batch(%(run)s, 1, %(at)s);

-- name: lines
SELECT line.charge_id, line.kind, line.period_from, line.period_to, line.of_days, line.amount_minor AS net, line.tax_minor AS tax
  FROM billing.invoice_line AS line
 WHERE line.id > %(after)s
 ORDER BY line.id;

-- name: carried
SELECT coalesce(sum(total_net_minor), 0)::bigint FROM billing.invoice WHERE customer_id = %(customer)s AND number IS NULL;

-- name: pause
INSERT INTO billing.pause (subscriber_id, paused_on, resumed_on, paused_for) VALUES (%(line)s, %(since)s, %(until)s, 'voluntary');

-- name: pauses
UPDATE billing.convention SET suspended_days = %(are)s;

-- name: rated
SELECT billing.rated(%(price)s, %(units)s)::bigint;
