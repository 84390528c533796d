-- The run: usage arrives, drafts are made of what is owed less what was billed, bills are issued with their numbers last, credit notes put them right.

-- Records of one source, each kept once; what became of the new ones. Guided to the charge and the period in which they were used.
CREATE FUNCTION billing.receive_usage(p_source text, p_record_ids text[], p_subscriber_ids bigint[], p_meters text[], p_used_at timestamptz[],
                                      p_units bigint[], p_at timestamptz)
RETURNS TABLE (state text, why text, records bigint) LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH arrived AS (
        SELECT DISTINCT ON (one.record_id) one.record_id, one.subscriber_id, one.meter, one.used_at, one.units
          FROM unnest(p_record_ids, p_subscriber_ids, p_meters, p_used_at, p_units) AS one (record_id, subscriber_id, meter, used_at, units)
         ORDER BY one.record_id
    ), kept AS (
        INSERT INTO billing.usage_record (source, record_id, subscriber_id, meter, used_at, units, received_at, state, why, charge_id, price_id, period_from)
        SELECT p_source, arrived.record_id, arrived.subscriber_id, arrived.meter, arrived.used_at, arrived.units, p_at,
               CASE WHEN judged.why = '' THEN 'guided' ELSE 'rejected' END, judged.why, guided.charge_id, guided.price_id, guided.period_from
          FROM arrived
          LEFT JOIN LATERAL billing.guide(arrived.subscriber_id, arrived.meter, arrived.used_at) AS guided ON true
         CROSS JOIN LATERAL (SELECT billing.usage_refused(arrived.units, arrived.used_at, guided.charge_id, guided.price_id, guided.period_to, p_at) AS why) AS judged
            ON CONFLICT (source, record_id) DO NOTHING
        RETURNING state, why, charge_id, price_id, period_from, units
    ), counted AS (
        SELECT billing.count_usage(array_agg(charge_id), array_agg(price_id), array_agg(period_from), array_agg(units)) FROM kept WHERE state = 'guided'
    )
    SELECT kept.state, kept.why, count(*) FROM kept CROSS JOIN counted GROUP BY kept.state, kept.why ORDER BY 1, 2;
END $$;

-- The charge, the price and the period of its customer's calendar that a use falls into; no row where nothing is charged to the line that day.
CREATE FUNCTION billing.guide(p_subscriber_id bigint, p_meter text, p_used_at timestamptz)
RETURNS TABLE (charge_id bigint, price_id bigint, period_from date, period_to date) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT charge.id, price.id, greatest(charge.starts_on, billing.cycle_date(anchor.month + period.number, account.cycle_day)),
           billing.cycle_date(anchor.month + period.number + 1, account.cycle_day)
      FROM billing.charge
      JOIN crm.customer ON customer.id = charge.customer_id
      JOIN billing.account ON account.customer_id = charge.customer_id
     CROSS JOIN LATERAL (SELECT (p_used_at AT TIME ZONE customer.timezone)::date AS day) AS used
     CROSS JOIN LATERAL (SELECT billing.month_of(charge.starts_on) AS month) AS anchor
     CROSS JOIN LATERAL (SELECT billing.period_number(used.day, anchor.month, 1, account.cycle_day) AS number) AS period
      LEFT JOIN catalogue.price ON price.offering_version_id = charge.offering_version_id AND price.kind = 'usage' AND price.meter = p_meter
     WHERE charge.subscriber_id = p_subscriber_id
       AND charge.starts_on <= used.day AND used.day < coalesce(charge.ends_on, 'infinity')
     ORDER BY price.id IS NULL, charge.is_add_on DESC, charge.id
     LIMIT 1
$$;
CREATE FUNCTION billing.usage_refused(p_units bigint, p_used_at timestamptz, p_charge_id bigint, p_price_id bigint, p_period_to date, p_at timestamptz)
RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN p_units < 0 THEN 'negative'
            WHEN p_units > 4503599627370496 THEN 'too_large'
            WHEN p_used_at > p_at + interval '5 minutes' THEN 'future'
            WHEN p_charge_id IS NULL THEN 'no_charge'
            WHEN p_price_id IS NULL THEN 'no_price'
            WHEN p_period_to + (SELECT usage_open_days FROM billing.convention) <= p_at::date THEN 'closed_period'
            ELSE '' END;
CREATE FUNCTION billing.count_usage(p_charge_ids bigint[], p_price_ids bigint[], p_periods date[], p_units bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO billing.usage_total AS kept (charge_id, price_id, period_from, period_to, customer_id, units)
    SELECT used.charge_id, used.price_id, used.period_from,
           billing.cycle_date(billing.month_of(charge.starts_on) + 1
               + billing.period_number(used.period_from, billing.month_of(charge.starts_on), 1, account.cycle_day), account.cycle_day),
           charge.customer_id, sum(used.units)::bigint
      FROM unnest(p_charge_ids, p_price_ids, p_periods, p_units) AS used (charge_id, price_id, period_from, units)
      JOIN billing.charge ON charge.id = used.charge_id
      JOIN billing.account ON account.customer_id = charge.customer_id
     GROUP BY used.charge_id, used.price_id, used.period_from, charge.id, account.id
     ORDER BY used.charge_id, used.price_id, used.period_from
        ON CONFLICT (charge_id, price_id, period_from) DO UPDATE SET units = kept.units + excluded.units
$$;
-- What was rejected is tried again, as when the charge it needed is there now; how many are charged from now on. Closed periods are opened by asking.
CREATE FUNCTION billing.recycle_usage(p_record_ids bigint[], p_at timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_recycled bigint;
BEGIN
    IF session_user = 'bedrock_executor' THEN PERFORM actions.claimed(); END IF;
    WITH again AS (
        UPDATE billing.usage_record AS record
           SET state = 'recycled', why = '', charge_id = guided.charge_id, price_id = guided.price_id, period_from = guided.period_from
          FROM (SELECT one.id, found.charge_id, found.price_id, found.period_from
                  FROM billing.usage_record AS one CROSS JOIN LATERAL billing.guide(one.subscriber_id, one.meter, one.used_at) AS found
                 WHERE one.id = ANY (p_record_ids) AND one.state = 'rejected' AND found.price_id IS NOT NULL
                   AND billing.usage_refused(one.units, one.used_at, found.charge_id, found.price_id, 'infinity', p_at) = '') AS guided
         WHERE record.id = guided.id
        RETURNING record.charge_id, record.price_id, record.period_from, record.units
    ), counted AS (
        SELECT billing.count_usage(array_agg(charge_id), array_agg(price_id), array_agg(period_from), array_agg(units)) FROM again HAVING count(*) > 0
    )
    SELECT count(*) INTO v_recycled FROM again LEFT JOIN counted ON true;
    RETURN v_recycled;
END $$;

-- A run over everybody whose billing day came in (p_since, p_on], or whose service ended then, in batches of so many.
CREATE FUNCTION billing.open_run(p_run_type text, p_since date, p_on date, p_customer_ids bigint[], p_batch int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_run bigint;
BEGIN
    INSERT INTO billing.bill_run (run_type, since, billed_on, action_id) VALUES (p_run_type, p_since, p_on, billing.acting()) RETURNING id INTO v_run;
    WITH due AS (
        SELECT account.customer_id, (row_number() OVER (ORDER BY account.customer_id) - 1) / p_batch AS batch
          FROM billing.account
         WHERE CASE WHEN p_customer_ids IS NOT NULL THEN account.customer_id = ANY (p_customer_ids)
                    ELSE billing.cycle_date(billing.month_of(p_on) - (p_on < billing.cycle_date(billing.month_of(p_on), account.cycle_day))::int, account.cycle_day) > p_since
                         OR EXISTS (SELECT FROM billing.charge WHERE charge.customer_id = account.customer_id AND charge.ends_on > p_since AND charge.ends_on <= p_on) END
           AND EXISTS (SELECT FROM billing.charge WHERE charge.customer_id = account.customer_id)
    )
    INSERT INTO billing.bill_run_batch (run_id, number, customer_ids)
    SELECT v_run, due.batch + 1, array_agg(due.customer_id ORDER BY due.customer_id) FROM due GROUP BY due.batch;
    UPDATE billing.bill_run SET accounts = (SELECT coalesce(sum(cardinality(customer_ids)), 0) FROM billing.bill_run_batch WHERE run_id = v_run),
           state = CASE WHEN EXISTS (SELECT FROM billing.bill_run_batch WHERE run_id = v_run) THEN 'drafting' ELSE 'drafted' END
     WHERE id = v_run;
    RETURN v_run;
END $$;

-- Every category that somebody here is charged in has a rate where they are taxed; the first that has none.
CREATE FUNCTION billing.untaxed(p_customer_ids bigint[], p_on date) RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('tax_category: %s has no rate in %s', wanted.category, wanted.region)
      FROM (SELECT DISTINCT price.tax_category AS category, place.region
              FROM (SELECT DISTINCT charge.offering_version_id, coalesce(own.region, convention.home_region) AS region
                      FROM billing.charge
                     CROSS JOIN billing.convention
                      LEFT JOIN billing.tax_region AS own ON own.customer_id = charge.customer_id
                     WHERE charge.customer_id = ANY (p_customer_ids)) AS place
              JOIN catalogue.price ON price.offering_version_id = place.offering_version_id) AS wanted
     WHERE NOT EXISTS (SELECT FROM billing.tax_rate WHERE tax_rate.region = wanted.region AND tax_rate.category = wanted.category AND tax_rate.valid_from <= p_on)
     LIMIT 1
$$;

-- One batch's drafts: for each charge the days owed by p_on less the days that were billed, either way round; usage whose period is over; what is charged once.
-- Each line is one price, one period, one rate of tax. A draft that was there before is taken up again. Answers how many drafts there are now.
CREATE FUNCTION billing.draft(p_run_id bigint, p_customer_ids bigint[], p_on date) RETURNS int
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
               coalesce('order:' || charge.started_by_order_id, charge.evidence) AS cause, account.cycle_day, billing.month_of(charge.starts_on) AS anchor
          FROM billing.charge
          JOIN billing.account ON account.customer_id = charge.customer_id
         WHERE charge.customer_id = ANY (p_customer_ids)
           AND charge.starts_on <= p_on
           AND charge.ends_on IS DISTINCT FROM charge.starts_on
    ), standing AS (
        SELECT running.charge_id, running.customer_id, running.subscriber_id, running.offering_version_id, running.starts_on, running.cause, running.cycle_day,
               running.anchor, price.id AS price_id, price.label, price.tax_category, price.is_tax_inclusive, price.every_months AS every,
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
               moved.days * period.days * daterange(CASE WHEN phase.from_months > 0 THEN (moved.starts_on + make_interval(months => phase.from_months::int))::date END,
                                                    (moved.starts_on + make_interval(months => phase.until_months::int))::date) AS days,
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
         WHERE NOT EXISTS (SELECT FROM billing.billed_days AS billed WHERE billed.charge_id = running.charge_id AND billed.price_id = price.id)
           AND NOT EXISTS (SELECT FROM billing.charge AS earlier WHERE earlier.subscriber_id = running.subscriber_id AND NOT earlier.is_add_on
                              AND earlier.id < running.charge_id)
         UNION ALL
        SELECT own.customer_id, own.subscriber_id, subscriber.offering_version_id, NULL, NULL, own.id, own.label, 'one_off', own.amount_minor, NULL, NULL,
               own.amount_minor, daterange(own.charged_on, own.charged_on + 1), own.tax_category, false, own.cause
          FROM billing.one_off AS own
          JOIN crm.subscriber ON subscriber.id = own.subscriber_id
         WHERE own.customer_id = ANY (p_customer_ids) AND own.charged_on <= p_on
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

-- Usage whose period is over and of which not everything was billed: what all of it costs now, and what was billed of it.
CREATE FUNCTION billing.usage_due(p_customer_ids bigint[], p_on date)
RETURNS TABLE (customer_id bigint, subscriber_id bigint, offering_version_id bigint, charge_id bigint, price_id bigint, label text, units bigint, minor bigint,
               billed_minor bigint, period_from date, last_day date, tax_category text, is_tax_inclusive boolean, cause text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT total.customer_id, charge.subscriber_id, charge.offering_version_id, total.charge_id, total.price_id, price.label, total.units,
           CASE WHEN tier.price_id IS NULL THEN ceil(beyond.units::numeric / price.per_units) * price.amount_minor
                ELSE billing.rated(total.price_id, beyond.units) END::bigint,
           total.billed_minor, total.period_from, least(total.period_to, charge.ends_on) - 1, price.tax_category, price.is_tax_inclusive,
           'usage:' || price.meter
      FROM billing.usage_total AS total
      JOIN billing.charge ON charge.id = total.charge_id
      JOIN catalogue.price ON price.id = total.price_id
      LEFT JOIN (SELECT DISTINCT one.price_id FROM catalogue.price_tier AS one) AS tier ON tier.price_id = price.id
      -- What was left of the allowance of the period before comes on top, once.
      LEFT JOIN billing.usage_total AS before ON price.is_rolled_over AND before.charge_id = total.charge_id AND before.price_id = total.price_id
                                             AND before.period_to = total.period_from
     CROSS JOIN LATERAL (SELECT greatest(0, total.units - price.allowance_units - CASE
            WHEN price.is_rolled_over AND total.period_from > charge.starts_on THEN greatest(0, price.allowance_units - coalesce(before.units, 0)) ELSE 0 END)
            AS units) AS beyond
     WHERE total.customer_id = ANY (p_customer_ids) AND total.units <> total.billed_units
       AND least(total.period_to, charge.ends_on) <= p_on
$$;

-- What a person should look at before the bill goes out. The last bill is compared with where nothing began or ended since.
CREATE FUNCTION billing.anomalies(p_total bigint, p_has_twin boolean, p_lacks_charge boolean, p_last bigint, p_last_from date, p_moved_on date, p_percent int)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(ARRAY[
        CASE WHEN p_total = 0 THEN 'zero' WHEN p_total < 0 THEN 'negative' END,
        CASE WHEN p_has_twin THEN 'duplicate' END,
        CASE WHEN p_lacks_charge THEN 'missing_charge' END,
        CASE WHEN p_total <= 0 OR p_last <= 0 OR p_moved_on > p_last_from THEN NULL
             WHEN p_total * 100 > p_last * (100 + p_percent) THEN 'rise' WHEN p_total * 100 < p_last * (100 - p_percent) THEN 'fall' END], NULL);
CREATE FUNCTION billing.known_of(p_customer_ids bigint[], p_on date)
RETURNS TABLE (customer_id bigint, lacks_charge boolean, last_total bigint, last_from date, moved_on date)
LANGUAGE sql STABLE SECURITY DEFINER ROWS 5000 SET search_path = pg_catalog, pg_temp
AS $$
    SELECT one.id, lacking.customer_id IS NOT NULL, last.total, last.period_from, moved.moved_on
      FROM unnest(p_customer_ids) AS one (id)
      LEFT JOIN (SELECT DISTINCT line.customer_id FROM crm.subscriber AS line
                   LEFT JOIN billing.charge ON charge.subscriber_id = line.id AND charge.ends_on IS NULL AND NOT charge.is_add_on
                  WHERE line.customer_id = ANY (p_customer_ids) AND line.state = 'active' AND charge.id IS NULL) AS lacking ON lacking.customer_id = one.id
      -- A discount that ran its months is no surprise either.
      LEFT JOIN (SELECT charge.customer_id, max(greatest(charge.starts_on, charge.ends_on, (charge.starts_on + make_interval(months => step.upto::int))::date)) AS moved_on
                   FROM billing.charge
                   LEFT JOIN (SELECT price.offering_version_id, sum(one.months) OVER (PARTITION BY one.price_id ORDER BY one.ordinal) AS upto
                                FROM catalogue.price_phase AS one JOIN catalogue.price ON price.id = one.price_id) AS step
                     ON step.offering_version_id = charge.offering_version_id AND charge.starts_on + make_interval(months => step.upto::int) <= p_on
                  WHERE charge.customer_id = ANY (p_customer_ids) GROUP BY charge.customer_id) AS moved ON moved.customer_id = one.id
      LEFT JOIN LATERAL (SELECT invoice.total_net_minor + invoice.total_tax_minor AS total, invoice.period_from FROM billing.invoice
                          WHERE invoice.customer_id = one.id AND invoice.number IS NOT NULL ORDER BY invoice.month DESC, invoice.id DESC LIMIT 1) AS last ON true
$$;

CREATE FUNCTION billing.total_again(p_run_id bigint, p_customer_ids bigint[], p_on date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE c billing.convention;
BEGIN
    SELECT * INTO c FROM billing.convention;
    IF NOT EXISTS (SELECT FROM billing.invoice WHERE run_id = p_run_id AND customer_id = ANY (p_customer_ids) AND state = 'new') THEN RETURN; END IF;
    WITH entered AS (
        SELECT line.id, line.invoice_id, line.tax_percent, line.is_tax_inclusive, line.amount_minor + CASE WHEN line.is_tax_inclusive THEN line.tax_minor ELSE 0 END AS minor
          FROM billing.invoice JOIN billing.invoice_line AS line ON line.invoice_id = invoice.id
         WHERE invoice.run_id = p_run_id AND invoice.customer_id = ANY (p_customer_ids) AND invoice.state = 'new'
    ), priced AS (
        SELECT entered.*, entered.minor * entered.tax_percent / (100 + CASE WHEN entered.is_tax_inclusive THEN entered.tax_percent ELSE 0 END) AS exact_tax FROM entered
    ), shared AS (
        SELECT priced.id, priced.minor, priced.is_tax_inclusive, floor(priced.exact_tax) AS whole,
               billing.rounded(sum(priced.exact_tax) OVER same, c.rounding) - sum(floor(priced.exact_tax)) OVER same AS odd,
               row_number() OVER (PARTITION BY priced.invoice_id, priced.tax_percent, priced.is_tax_inclusive
                                  ORDER BY priced.exact_tax - floor(priced.exact_tax) DESC, priced.id) AS place
          FROM priced WINDOW same AS (PARTITION BY priced.invoice_id, priced.tax_percent, priced.is_tax_inclusive)
    )
    UPDATE billing.invoice_line AS line
       SET tax_minor = shared.whole + (shared.place <= shared.odd)::int,
           amount_minor = shared.minor - CASE WHEN shared.is_tax_inclusive THEN shared.whole + (shared.place <= shared.odd)::int ELSE 0 END
      FROM shared WHERE shared.id = line.id;
    WITH made AS (
        SELECT line.invoice_id, sum(line.amount_minor)::bigint AS net, sum(line.tax_minor)::bigint AS tax,
               count(*) FILTER (WHERE line.kind = 'one_off') > count(DISTINCT (line.subscriber_id, line.label, line.amount_minor)) FILTER (WHERE line.kind = 'one_off') AS has_twin
          FROM billing.invoice JOIN billing.invoice_line AS line ON line.invoice_id = invoice.id
         WHERE invoice.run_id = p_run_id AND invoice.customer_id = ANY (p_customer_ids) AND invoice.state = 'new'
         GROUP BY line.invoice_id
    ), judged AS (
        SELECT made.*, billing.anomalies(made.net + made.tax, made.has_twin, known.lacks_charge, known.last_total, known.last_from, known.moved_on,
                                         c.anomaly_percent) AS anomalies
          FROM made
          JOIN billing.invoice ON invoice.id = made.invoice_id
          JOIN billing.known_of(p_customer_ids, p_on) AS known ON known.customer_id = invoice.customer_id
    )
    UPDATE billing.invoice SET total_net_minor = judged.net, total_tax_minor = judged.tax, anomalies = judged.anomalies,
           state = CASE WHEN judged.anomalies = '{}' THEN 'validated' ELSE 'onHold' END
      FROM judged WHERE judged.invoice_id = invoice.id;
END $$;

-- That a posting's customer and account exist is asked of all of a statement at once: row by row, with a lock on each parent, it was half the cost of a run.
ALTER TABLE billing.posting DROP CONSTRAINT posting_customer_id_fkey, DROP CONSTRAINT posting_ledger_account_fkey;
ALTER TABLE billing.balance DROP CONSTRAINT balance_ledger_account_fkey;
ALTER TABLE billing.open_item DROP CONSTRAINT open_item_customer_id_fkey;
CREATE FUNCTION billing.must_be_known() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT DISTINCT ledger_account FROM posted EXCEPT SELECT code FROM billing.ledger_account)
    THEN RAISE EXCEPTION 'ledger_account: not in the plan of the books' USING ERRCODE = '23503'; END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT customer_id FROM posted WHERE customer_id IS NOT NULL) AS one
                 LEFT JOIN crm.customer ON customer.id = one.customer_id WHERE customer.id IS NULL)
    THEN RAISE EXCEPTION 'customer_id: there is no such customer' USING ERRCODE = '23503'; END IF;
    RETURN NULL;
END $$;
-- By its name before the caches are moved.
CREATE TRIGGER must_be_known AFTER INSERT ON billing.posting REFERENCING NEW TABLE AS posted FOR EACH STATEMENT EXECUTE FUNCTION billing.must_be_known();
CREATE FUNCTION billing.account_is_kept() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM billing.posting WHERE posting.ledger_account = OLD.code)
    THEN RAISE EXCEPTION 'ledger account % has postings', OLD.code USING ERRCODE = '23503'; END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER is_kept BEFORE DELETE OR UPDATE OF code ON billing.ledger_account FOR EACH ROW EXECUTE FUNCTION billing.account_is_kept();

-- Issues drafts with their lines; a bill that was issued already is passed over. Answers how many were issued.
-- The numbers come last: whoever issues beside this one waits for the series no longer than these rows take to be written.
CREATE OR REPLACE FUNCTION billing.issue_invoices(p_invoice_ids bigint[], p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_customers bigint[];
    v_ids bigint[];
    v_count bigint;
    v_first bigint;
    v_issued bigint := 0;
    v_series text;
    v_rounding text := (SELECT rounding FROM billing.convention);
BEGIN
    SELECT array_agg(DISTINCT customer_id) INTO v_customers FROM billing.invoice WHERE id = ANY (p_invoice_ids);
    PERFORM billing.lock_customers(v_customers);
    IF EXISTS (SELECT FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND due_on IS NULL)
    THEN RAISE EXCEPTION 'a bill is issued with the day it is due' USING ERRCODE = '22023'; END IF;
    FOR v_series IN SELECT DISTINCT series FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND journal_id IS NULL ORDER BY 1 LOOP
        SELECT array_agg(id ORDER BY customer_id, id), count(*) INTO v_ids, v_count
          FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND journal_id IS NULL AND series = v_series;
        INSERT INTO billing.journal (kind, operation_key, posted_at, rounding, action_id)
        SELECT 'invoice', 'invoice:' || one.id, p_at, v_rounding, acting.id
          FROM unnest(v_ids) WITH ORDINALITY AS one (id, place) CROSS JOIN (SELECT billing.acting() AS id) AS acting ORDER BY one.place;
        INSERT INTO billing.posting (journal_id, ledger_account, customer_id, amount_minor)
        SELECT charged.journal_id, side.ledger_account, charged.customer_id, side.amount_minor
          FROM (SELECT journal.id AS journal_id, invoice.customer_id, coalesce(sum(line.amount_minor), 0)::bigint AS net, coalesce(sum(line.tax_minor), 0)::bigint AS tax
                  FROM unnest(v_ids) AS one (id)
                  JOIN billing.invoice ON invoice.id = one.id
                  JOIN billing.journal ON journal.operation_key = 'invoice:' || one.id
                  LEFT JOIN billing.invoice_line AS line ON line.invoice_id = one.id
                 GROUP BY journal.id, invoice.customer_id) AS charged
         CROSS JOIN LATERAL (VALUES ('receivable', charged.net + charged.tax), ('revenue', -charged.net), ('tax', -charged.tax))
            AS side (ledger_account, amount_minor);
        -- All that can be refused is refused before the numbers are taken.
        SET CONSTRAINTS billing.must_balance IMMEDIATE;
        SET CONSTRAINTS billing.must_balance DEFERRED;
        UPDATE billing.series SET next_number = next_number + v_count WHERE code = v_series RETURNING next_number - v_count INTO v_first;
        UPDATE billing.invoice
           SET journal_id = journal.id, issued_at = p_at, number = v_first + one.place - 1, total_net_minor = -revenue.amount_minor, total_tax_minor = -tax.amount_minor,
               state = CASE revenue.amount_minor + tax.amount_minor WHEN 0 THEN 'settled' ELSE 'sent' END
          FROM unnest(v_ids) WITH ORDINALITY AS one (id, place)
          JOIN billing.journal ON journal.operation_key = 'invoice:' || one.id
          JOIN billing.posting AS revenue ON revenue.journal_id = journal.id AND revenue.ledger_account = 'revenue'
          JOIN billing.posting AS tax ON tax.journal_id = journal.id AND tax.ledger_account = 'tax'
         WHERE invoice.id = one.id;
        v_issued := v_issued + v_count;
    END LOOP;
    PERFORM billing.allocate(waiting.customer_ids)
       FROM (SELECT array_agg(DISTINCT customer_id) AS customer_ids FROM billing.open_item WHERE customer_id = ANY (v_customers) AND open_minor < 0) AS waiting
      WHERE waiting.customer_ids IS NOT NULL;
    RETURN v_issued;
END $$;
DROP SEQUENCE billing.invoice_number;
CREATE TRIGGER is_final_too BEFORE UPDATE OF series, run_id, total_net_minor, total_tax_minor, anomalies ON billing.invoice
    FOR EACH ROW WHEN (OLD.journal_id IS NOT NULL) EXECUTE FUNCTION billing.is_final();

-- From here on the drafts of a run may be issued. Only what was judged of it says so.
CREATE FUNCTION billing.begin_issuing(p_run_id bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF session_user = 'bedrock_executor' THEN PERFORM actions.claimed(); END IF;
    UPDATE billing.bill_run SET state = CASE WHEN accounts = 0 THEN 'done' ELSE 'issuing' END, ended_at = CASE WHEN accounts = 0 THEN now() END
     WHERE id = p_run_id AND state IN ('drafted', 'issuing');
    IF NOT FOUND THEN RAISE EXCEPTION 'run % is not drafted', p_run_id USING ERRCODE = '55000'; END IF;
END $$;
-- The bills of one batch that nothing speaks against, once. What is nothing or in the customer's favour is carried to their next bill.
CREATE FUNCTION billing.issue_batch(p_run_id bigint, p_number int, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch billing.bill_run_batch;
    v_issued bigint;
BEGIN
    SELECT * INTO batch FROM billing.bill_run_batch WHERE run_id = p_run_id AND number = p_number FOR UPDATE;
    IF batch.issued IS NOT NULL THEN RETURN 0; END IF;
    IF NOT EXISTS (SELECT FROM billing.bill_run WHERE id = p_run_id AND state = 'issuing')
    THEN RAISE EXCEPTION 'the bills of run % may not be issued', p_run_id USING ERRCODE = '55000'; END IF;
    v_issued := billing.issue_invoices(ARRAY(SELECT id FROM billing.invoice WHERE run_id = p_run_id AND customer_id = ANY (batch.customer_ids)
                                                AND number IS NULL AND state = 'validated'), p_at);
    IF p_number = 1 THEN ANALYZE billing.journal, billing.posting, billing.open_item, billing.balance, billing.invoice; END IF;
    UPDATE billing.bill_run_batch SET issued = v_issued WHERE run_id = p_run_id AND number = p_number;
    -- Of batches that end at once the later sees that it is the last.
    PERFORM FROM billing.bill_run WHERE id = p_run_id FOR UPDATE;
    UPDATE billing.bill_run SET state = 'done', ended_at = p_at WHERE id = p_run_id
       AND NOT EXISTS (SELECT FROM billing.bill_run_batch WHERE run_id = p_run_id AND issued IS NULL);
    RETURN v_issued;
END $$;

-- Gives back lines of an issued bill, whole (amount NULL) or in part, as a document with its own number and journal. The same key again is the same note.
CREATE FUNCTION billing.issue_credit_note(p_key text, p_invoice_id bigint, p_line_ids bigint[], p_amounts_minor bigint[], p_at timestamptz, p_reason text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bill billing.invoice;
    v_note bigint;
    v_journal bigint;
    v_number bigint;
    v_net bigint;
    v_tax bigint;
    v_open bigint;
    v_rounding text := (SELECT rounding FROM billing.convention);
    v_lines billing.credit_note_line[];
BEGIN
    SELECT * INTO bill FROM billing.invoice WHERE id = p_invoice_id AND journal_id IS NOT NULL;
    IF bill.id IS NULL THEN RAISE EXCEPTION 'invoice_id: there is no issued invoice %', p_invoice_id USING ERRCODE = 'P0002'; END IF;
    PERFORM billing.lock_customers(ARRAY[bill.customer_id]);
    SELECT id INTO v_note FROM billing.credit_note WHERE key = p_key;
    IF v_note IS NOT NULL THEN RETURN v_note; END IF;
    WITH left_of AS (
        SELECT line.id, line.amount_minor, line.tax_minor,
               line.amount_minor - coalesce(sum(given.amount_minor), 0)::bigint AS net_left, line.tax_minor - coalesce(sum(given.tax_minor), 0)::bigint AS tax_left
          FROM billing.invoice_line AS line LEFT JOIN billing.credit_note_line AS given ON given.invoice_line_id = line.id
         WHERE line.invoice_id = p_invoice_id AND line.id = ANY (p_line_ids)
         GROUP BY line.id
    ), wanted AS (
        SELECT DISTINCT ON (one.line_id) one.line_id, coalesce(one.amount_minor, left_of.net_left) AS net, left_of.*
          FROM unnest(p_line_ids, p_amounts_minor) AS one (line_id, amount_minor) LEFT JOIN left_of ON left_of.id = one.line_id
    )
    SELECT array_agg(ROW(0, wanted.line_id, wanted.net, CASE WHEN wanted.net = wanted.net_left THEN wanted.tax_left
                         ELSE billing.rounded(wanted.tax_minor::numeric * wanted.net / nullif(wanted.amount_minor, 0), v_rounding) END)::billing.credit_note_line)
      INTO v_lines
      FROM wanted
     WHERE wanted.id IS NOT NULL AND wanted.net <> 0 AND sign(wanted.net) = sign(wanted.net_left) AND abs(wanted.net) <= abs(wanted.net_left);
    SELECT coalesce(sum(one.amount_minor), 0), coalesce(sum(one.tax_minor), 0) INTO v_net, v_tax FROM unnest(v_lines) AS one;
    IF cardinality(v_lines) IS DISTINCT FROM cardinality(p_line_ids) OR v_net + v_tax <= 0
    THEN RAISE EXCEPTION 'amount: more than what is left of the lines of invoice %, or nothing', p_invoice_id USING ERRCODE = '22023'; END IF;
    v_journal := billing.post('credit_note', 'credit_note:' || p_key, p_at, bill.customer_id, ARRAY['receivable', 'revenue', 'tax'],
                              ARRAY[-(v_net + v_tax), v_net, v_tax], p_reason);
    SELECT least(open_minor, v_net + v_tax) INTO v_open FROM billing.open_item WHERE journal_id = bill.journal_id;
    IF v_open > 0 THEN
        INSERT INTO billing.allocation (customer_id, from_journal_id, to_journal_id, amount_minor) VALUES (bill.customer_id, v_journal, bill.journal_id, v_open);
    END IF;
    PERFORM billing.allocate(ARRAY[bill.customer_id]);
    SET CONSTRAINTS billing.must_balance IMMEDIATE;
    SET CONSTRAINTS billing.must_balance DEFERRED;
    UPDATE billing.series SET next_number = next_number + 1 WHERE code = 'credit_notes' RETURNING next_number - 1 INTO v_number;
    INSERT INTO billing.credit_note (number, invoice_id, customer_id, issued_at, reason, key, journal_id, action_id)
    VALUES (v_number, p_invoice_id, bill.customer_id, p_at, p_reason, p_key, v_journal, billing.acting()) RETURNING id INTO v_note;
    INSERT INTO billing.credit_note_line (credit_note_id, invoice_line_id, amount_minor, tax_minor)
    SELECT v_note, one.invoice_line_id, one.amount_minor, one.tax_minor FROM unnest(v_lines) AS one;
    RETURN v_note;
END $$;
CREATE FUNCTION billing.release_held(p_invoice_ids bigint[], p_at timestamptz) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND number IS NULL AND total_net_minor + total_tax_minor <= 0)
    THEN RAISE EXCEPTION 'invoice_ids: a bill of nothing, or in the customer''s favour, is carried, not sent' USING ERRCODE = '22023'; END IF;
    RETURN billing.issue_invoices(ARRAY(SELECT id FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND number IS NULL AND state = 'onHold'), p_at);
END $$;

CALL atlas.protect('billing.series', 'true');
CALL atlas.protect('billing.tax_rate', 'true');
CALL atlas.protect('billing.tax_region', 'customer_id = (SELECT atlas.verified_customer_id())');
CALL atlas.protect('billing.tax_exemption', 'customer_id = (SELECT atlas.verified_customer_id())');
CALL atlas.protect('billing.one_off', 'customer_id = (SELECT atlas.verified_customer_id())');
CALL atlas.protect('billing.usage_record', 'subscriber_id IN (SELECT id FROM crm.subscriber WHERE customer_id = (SELECT atlas.verified_customer_id()))');
CALL atlas.protect('billing.usage_total', 'customer_id = (SELECT atlas.verified_customer_id())');
CALL atlas.protect('billing.billed_days');
CALL atlas.protect('billing.bill_run');
CALL atlas.protect('billing.bill_run_batch');
CALL atlas.protect('billing.credit_note', 'customer_id = (SELECT atlas.verified_customer_id())');
CALL atlas.protect('billing.credit_note_line', 'credit_note_id IN (SELECT id FROM billing.credit_note WHERE customer_id = (SELECT atlas.verified_customer_id()))');
CALL actions.guard(ARRAY['billing.one_off']::regclass[]);
GRANT INSERT ON billing.one_off TO bedrock_executor;
GRANT EXECUTE ON FUNCTION billing.receive_usage TO bedrock_intake;
GRANT EXECUTE ON FUNCTION billing.open_run, billing.draft, billing.begin_issuing, billing.issue_batch, billing.issue_credit_note, billing.release_held,
    billing.recycle_usage TO bedrock_executor;
GRANT EXECUTE ON FUNCTION billing.month_of, billing.cycle_date, billing.period_number, billing.rounded TO bedrock_staff, bedrock_executor, bedrock_customer;
