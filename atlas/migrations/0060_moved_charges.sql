-- Whoever is moved to another version of what they have, as when its price changes, is charged anew from that day; their discounts go on from when
-- they first had it, and neither begin again nor end.
ALTER TABLE billing.charge ADD COLUMN phased_from date CHECK (phased_from <= starts_on);
COMMENT ON COLUMN billing.charge.phased_from IS 'from when the phases of its prices and its contract are counted; none: from starts_on';

-- What is charged once may be waived until a bill was made of it; from then on a credit note gives it back.
ALTER TABLE billing.one_off ADD COLUMN waived_at timestamptz, ADD COLUMN waived_by_action_id bigint REFERENCES actions.action,
    ADD CHECK (waived_at IS NULL OR waived_by_action_id IS NOT NULL) NOT VALID;
GRANT UPDATE (waived_at, waived_by_action_id) ON billing.one_off TO bedrock_executor;

CREATE OR REPLACE FUNCTION billing.draft(p_run_id bigint, p_customer_ids bigint[], p_on date) RETURNS int
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c billing.convention;
    v_missing text := billing.untaxed(p_customer_ids, p_on);
    v_drafts int;
BEGIN
    IF v_missing IS NOT NULL THEN RAISE EXCEPTION '%', v_missing USING ERRCODE = '22023'; END IF;
    IF NOT EXISTS (SELECT FROM billing.bill_run WHERE id = p_run_id AND state IN ('drafting', 'drafted'))
    THEN RAISE EXCEPTION 'run % is not being drafted', p_run_id USING ERRCODE = '55000'; END IF;
    SELECT * INTO c FROM billing.convention;
    PERFORM billing.lock_customers(p_customer_ids);
    WITH phase AS (
        SELECT one.price_id, one.months - one.own AS from_months, one.months AS until_months, one.amount_minor
          FROM (SELECT step.price_id, step.months AS own, step.amount_minor, sum(step.months) OVER (PARTITION BY step.price_id ORDER BY step.ordinal) AS months
                  FROM catalogue.price_phase AS step) AS one
         UNION ALL
        SELECT price.id, coalesce((SELECT sum(step.months) FROM catalogue.price_phase AS step WHERE step.price_id = price.id), 0), NULL, price.amount_minor
          FROM catalogue.price
         WHERE price.kind = 'recurring'
    ), running AS (
        SELECT charge.id AS charge_id, charge.customer_id, charge.subscriber_id, charge.offering_version_id, charge.starts_on, charge.ends_on,
               coalesce('order:' || charge.started_by_order_id, charge.evidence) AS cause, account.cycle_day, billing.month_of(charge.starts_on) AS anchor,
               coalesce(charge.phased_from, charge.starts_on) AS phased_from
          FROM billing.charge
          JOIN billing.account ON account.customer_id = charge.customer_id
         WHERE charge.customer_id = ANY (p_customer_ids)
           AND charge.starts_on <= p_on
    ), standing AS (
        SELECT running.charge_id, running.customer_id, running.subscriber_id, running.offering_version_id, running.starts_on, running.cause, running.cycle_day,
               running.anchor, running.phased_from, price.id AS price_id, price.label, price.tax_category, price.is_tax_inclusive, price.every_months AS every,
               coalesce(billed.days, '{}') AS billed,
               datemultirange(daterange(running.starts_on, greatest(running.starts_on, least(running.ends_on, CASE
                   WHEN running.ends_on <= p_on THEN running.ends_on
                   ELSE billing.cycle_date(running.anchor + price.every_months * ((price.charged = 'in_advance')::int
                        + billing.period_number(p_on, running.anchor, price.every_months, running.cycle_day)), running.cycle_day) END))))
               - CASE c.suspended_days WHEN 'charged' THEN '{}'::datemultirange
                      ELSE coalesce((SELECT range_agg(daterange(pause.paused_on, pause.resumed_on)) FROM billing.pause
                                      WHERE pause.subscriber_id = running.subscriber_id), '{}') END AS owed
          FROM running
          JOIN catalogue.price ON price.offering_version_id = running.offering_version_id AND price.kind = 'recurring'
          LEFT JOIN billing.billed_days AS billed ON billed.charge_id = running.charge_id AND billed.price_id = price.id
    ), moved AS (
        SELECT standing.*, part.days, part.sign
          FROM standing
         CROSS JOIN LATERAL (SELECT unnest(standing.owed - standing.billed) AS days, 1 AS sign
                              UNION ALL SELECT unnest(standing.billed - standing.owed), -1) AS part
         WHERE standing.owed <> standing.billed
    ), taxable AS (
        SELECT moved.customer_id, moved.subscriber_id, moved.offering_version_id, moved.charge_id, moved.price_id, NULL::bigint AS one_off_id, moved.label,
               CASE moved.sign WHEN 1 THEN 'recurring' ELSE 'credit' END AS kind, moved.sign * phase.amount_minor AS unit_minor,
               upper(period.days) - lower(period.days) AS of_days, NULL::bigint AS units, NULL::bigint AS entered,
               moved.days * period.days * daterange(CASE WHEN phase.from_months > 0 THEN (moved.phased_from + make_interval(months => phase.from_months::int))::date END,
                                                    (moved.phased_from + make_interval(months => phase.until_months::int))::date) AS days,
               moved.tax_category, moved.is_tax_inclusive, moved.cause
          FROM moved
         CROSS JOIN LATERAL generate_series(billing.period_number(lower(moved.days), moved.anchor, moved.every, moved.cycle_day),
                                            billing.period_number(upper(moved.days) - 1, moved.anchor, moved.every, moved.cycle_day)) AS n (number)
         CROSS JOIN LATERAL (SELECT daterange(billing.cycle_date(moved.anchor + n.number * moved.every, moved.cycle_day),
                                              billing.cycle_date(moved.anchor + (n.number + 1) * moved.every, moved.cycle_day)) AS days) AS period
          JOIN phase ON phase.price_id = moved.price_id
         UNION ALL
        SELECT running.customer_id, running.subscriber_id, running.offering_version_id, running.charge_id, price.id, NULL, price.label, 'one_off',
               price.amount_minor, NULL, NULL, price.amount_minor, daterange(running.starts_on, running.starts_on + 1), price.tax_category,
               price.is_tax_inclusive, running.cause
          FROM running
          JOIN catalogue.price ON price.offering_version_id = running.offering_version_id AND price.kind = 'one_off'
         WHERE running.ends_on IS DISTINCT FROM running.starts_on
           AND NOT EXISTS (SELECT FROM billing.billed_days AS billed WHERE billed.charge_id = running.charge_id AND billed.price_id = price.id)
           AND NOT EXISTS (SELECT FROM billing.charge AS earlier WHERE earlier.subscriber_id = running.subscriber_id AND NOT earlier.is_add_on
                              AND earlier.id < running.charge_id)
         UNION ALL
        SELECT own.customer_id, own.subscriber_id, subscriber.offering_version_id, NULL, NULL, own.id, own.label, 'one_off', own.amount_minor, NULL, NULL,
               own.amount_minor, daterange(own.charged_on, own.charged_on + 1), own.tax_category, false, own.cause
          FROM billing.one_off AS own
          JOIN crm.subscriber ON subscriber.id = own.subscriber_id
         WHERE own.customer_id = ANY (p_customer_ids) AND own.charged_on <= p_on AND own.waived_at IS NULL
           AND NOT EXISTS (SELECT FROM billing.invoice_line AS line WHERE line.one_off_id = own.id)
         UNION ALL
        SELECT used.customer_id, used.subscriber_id, used.offering_version_id, used.charge_id, used.price_id, NULL, used.label, 'usage', used.billed_minor, NULL,
               used.units, used.minor - used.billed_minor, daterange(used.last_day, used.last_day + 1), used.tax_category, used.is_tax_inclusive, used.cause
          FROM billing.usage_due(p_customer_ids, p_on) AS used
    ), span AS (
        SELECT rate.region, rate.category, rate.percent,
               daterange(rate.valid_from, lead(rate.valid_from) OVER (PARTITION BY rate.region, rate.category ORDER BY rate.valid_from)) AS days
          FROM billing.tax_rate AS rate
    ), place AS (
        SELECT own.customer_id, own.region, daterange(own.valid_from, lead(own.valid_from) OVER (PARTITION BY own.customer_id ORDER BY own.valid_from)) AS days
          FROM billing.tax_region AS own
         WHERE own.customer_id = ANY (p_customer_ids)
         UNION ALL
        SELECT own.customer_id, c.home_region, daterange(NULL, min(own.valid_from)) FROM billing.tax_region AS own
         WHERE own.customer_id = ANY (p_customer_ids) GROUP BY own.customer_id
    ), exempt AS (
        SELECT own.customer_id, range_agg(daterange(own.valid_from, own.valid_to)) AS days FROM billing.tax_exemption AS own
         WHERE own.customer_id = ANY (p_customer_ids) GROUP BY own.customer_id
    ), split AS (
        SELECT taxable.customer_id, taxable.subscriber_id, taxable.offering_version_id, taxable.charge_id, taxable.price_id, taxable.one_off_id, taxable.label,
               taxable.kind, taxable.unit_minor, taxable.of_days, taxable.units, taxable.tax_category, taxable.is_tax_inclusive, taxable.cause,
               part.days, part.percent,
               coalesce(taxable.entered, billing.rounded(taxable.unit_minor::numeric * (upper(part.days) - lower(part.days)) / taxable.of_days, c.rounding)) AS entered
          FROM taxable
          LEFT JOIN place ON place.customer_id = taxable.customer_id AND place.days && taxable.days
          JOIN span ON span.region = coalesce(place.region, c.home_region) AND span.category = taxable.tax_category
                   AND span.days && (taxable.days * coalesce(place.days, '(,)'))
          LEFT JOIN exempt ON exempt.customer_id = taxable.customer_id
         CROSS JOIN LATERAL (SELECT taxable.days * span.days * coalesce(place.days, '(,)') AS days, span.percent WHERE exempt.customer_id IS NULL
                              UNION ALL
                             SELECT unnest(datemultirange(taxable.days * span.days * coalesce(place.days, '(,)')) - exempt.days), span.percent
                              WHERE exempt.customer_id IS NOT NULL
                              UNION ALL
                             SELECT unnest(datemultirange(taxable.days * span.days * coalesce(place.days, '(,)')) * exempt.days), 0
                              WHERE exempt.customer_id IS NOT NULL) AS part
         WHERE NOT isempty(taxable.days)
    ), priced AS (
        SELECT split.*, split.entered * split.percent / (100 + CASE WHEN split.is_tax_inclusive THEN split.percent ELSE 0 END) AS exact_tax
          FROM split
         WHERE split.entered <> 0 OR split.kind = 'recurring'
    ), shared AS (
        SELECT priced.*, floor(priced.exact_tax) AS whole,
               billing.rounded(sum(priced.exact_tax) OVER (PARTITION BY priced.customer_id, priced.percent, priced.is_tax_inclusive), c.rounding)
               - sum(floor(priced.exact_tax)) OVER (PARTITION BY priced.customer_id, priced.percent, priced.is_tax_inclusive) AS odd,
               row_number() OVER (PARTITION BY priced.customer_id, priced.percent, priced.is_tax_inclusive
                                  ORDER BY priced.exact_tax - floor(priced.exact_tax) DESC, priced.charge_id, priced.price_id, priced.days, priced.one_off_id) AS place
          FROM priced
    ), taxed AS MATERIALIZED (
        SELECT shared.*, (shared.whole + (shared.place <= shared.odd)::int)::bigint AS tax FROM shared
    ), bill AS (
        INSERT INTO billing.invoice AS kept (customer_id, month, period_from, period_to, due_on, state, run_id, anomalies, total_net_minor, total_tax_minor)
        SELECT sum_of.customer_id, date_trunc('month', p_on)::date, sum_of.first_day, sum_of.last_day, p_on + c.due_after_days,
               CASE WHEN sum_of.anomalies = '{}' THEN 'validated' ELSE 'onHold' END, p_run_id, sum_of.anomalies, sum_of.net, sum_of.tax
          FROM (SELECT made.customer_id, made.first_day, made.last_day, made.net, made.tax,
                       billing.anomalies(made.net + made.tax, made.has_twin, known.lacks_charge, known.last_total, known.last_from, known.moved_on,
                                         c.anomaly_percent) AS anomalies
                  FROM (SELECT taxed.customer_id, min(lower(taxed.days)) AS first_day, max(upper(taxed.days)) AS last_day,
                               sum(taxed.entered - CASE WHEN taxed.is_tax_inclusive THEN taxed.tax ELSE 0 END)::bigint AS net, sum(taxed.tax)::bigint AS tax,
                               count(*) FILTER (WHERE taxed.kind = 'one_off') > count(DISTINCT (taxed.subscriber_id, taxed.label, taxed.entered)) FILTER (WHERE taxed.kind = 'one_off') AS has_twin
                          FROM taxed GROUP BY taxed.customer_id) AS made
                  JOIN billing.known_of(p_customer_ids, p_on) AS known ON known.customer_id = made.customer_id) AS sum_of
            ON CONFLICT (customer_id) WHERE number IS NULL AND run_id IS NOT NULL
               DO UPDATE SET run_id = excluded.run_id, month = excluded.month, due_on = excluded.due_on, state = 'new',
                             period_from = least(kept.period_from, excluded.period_from), period_to = greatest(kept.period_to, excluded.period_to)
        RETURNING id, customer_id
    ), lined AS (
        INSERT INTO billing.invoice_line (invoice_id, label, kind, amount_minor, tax_minor, subscriber_id, offering_version_id, cause, charge_id, price_id,
                                          one_off_id, period_from, period_to, of_days, units, unit_minor, tax_category, tax_percent, is_tax_inclusive, formula)
        SELECT bill.id, taxed.label, taxed.kind, taxed.entered - CASE WHEN taxed.is_tax_inclusive THEN taxed.tax ELSE 0 END, taxed.tax, taxed.subscriber_id,
               taxed.offering_version_id, taxed.cause, taxed.charge_id, taxed.price_id, taxed.one_off_id, lower(taxed.days), upper(taxed.days), taxed.of_days,
               taxed.units, taxed.unit_minor, taxed.tax_category, taxed.percent, taxed.is_tax_inclusive,
               CASE WHEN taxed.of_days IS NOT NULL THEN taxed.unit_minor || ' * ' || (upper(taxed.days) - lower(taxed.days)) || ' / ' || taxed.of_days
                    WHEN taxed.kind = 'usage' THEN 'rated(' || taxed.units || ') - ' || taxed.unit_minor
                    ELSE taxed.entered::text END
          FROM taxed JOIN bill ON bill.customer_id = taxed.customer_id
         ORDER BY bill.id, taxed.subscriber_id, taxed.charge_id, taxed.price_id, lower(taxed.days)
    ), marked AS (
        INSERT INTO billing.billed_days (charge_id, price_id, days)
        SELECT standing.charge_id, standing.price_id, standing.owed FROM standing WHERE standing.owed <> standing.billed
         UNION ALL
        SELECT taxed.charge_id, taxed.price_id, datemultirange(taxed.days) FROM taxed WHERE taxed.kind = 'one_off' AND taxed.charge_id IS NOT NULL
            ON CONFLICT (charge_id, price_id) DO UPDATE SET days = excluded.days
    ), counted AS (
        UPDATE billing.usage_total AS total SET billed_units = due.units, billed_minor = due.minor
          FROM billing.usage_due(p_customer_ids, p_on) AS due
         WHERE total.charge_id = due.charge_id AND total.price_id = due.price_id AND total.period_from = due.period_from
    )
    SELECT count(*) INTO v_drafts FROM bill;
    -- What was carried over from an earlier run is taxed anew with what came to it.
    PERFORM billing.total_again(p_run_id, p_customer_ids, p_on);
    -- A run may write more rows than there were: plans made for small tables would read them from end to end.
    IF EXISTS (SELECT FROM billing.bill_run_batch WHERE run_id = p_run_id AND number = 1 AND customer_ids = p_customer_ids)
    THEN ANALYZE billing.invoice, billing.invoice_line, billing.billed_days, billing.usage_total; END IF;
    UPDATE billing.bill_run_batch SET drafts = v_drafts WHERE run_id = p_run_id AND customer_ids = p_customer_ids;
    PERFORM FROM billing.bill_run WHERE id = p_run_id FOR UPDATE;
    UPDATE billing.bill_run SET state = 'drafted' WHERE id = p_run_id AND state = 'drafting'
       AND NOT EXISTS (SELECT FROM billing.bill_run_batch WHERE run_id = p_run_id AND drafts IS NULL);
    RETURN v_drafts;
END $$;
