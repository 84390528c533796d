-- The gate: the escalation matrix as it is in force, the verdict made of it here as well as in Python, who may rule, and the claim.
-- Python says what it would decide; what happens is decided here.

-- 1. The matrix in force, as typed rows. Only the governance login puts one there, whole.
CREATE TYPE actions.measures AS (money bigint, money_each bigint, customers bigint, devices bigint, crews bigint, device_tier int);
CREATE TYPE actions.verdict AS (answer text, rule text, reason text, approvers text[], how_many int, approve_within interval,
                                execute_within interval, tell text[]);

CREATE TABLE actions.matrix_in_force (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    digest    text NOT NULL,
    source    text NOT NULL DEFAULT '',
    loaded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN actions.matrix_in_force.source IS 'the file as the operator wrote it: whoever judges by another reads this one';
-- What no row of the matrix and no approver lifts. In minor units; a tier as its rank.
CREATE TABLE actions.hard_limit (
    action      text PRIMARY KEY,
    disconnects boolean NOT NULL,
    ever        actions.measures NOT NULL,
    alone       actions.measures
);
COMMENT ON COLUMN actions.hard_limit.alone IS 'the most without a person; NULL: never without one';
CREATE TABLE actions.matrix_row (
    action             text NOT NULL,
    place              int NOT NULL,
    rule               text NOT NULL,
    answer             text NOT NULL CHECK (answer IN ('allowed', 'allowed_and_told', 'needs_approval', 'refused')),
    reason             text NOT NULL,
    by                 text[] NOT NULL,
    money_up_to        bigint,
    money_each_up_to   bigint,
    customers_up_to    bigint,
    devices_up_to      bigint,
    crews_up_to        bigint,
    device_tier_up_to  int,
    least_confidence   double precision,
    hours              text NOT NULL CHECK (hours IN ('any', 'waking', 'quiet')),
    incident_confirmed boolean,
    vulnerable         boolean,
    emergency_line     boolean,
    disputed           boolean,
    approvers          text[] NOT NULL,
    how_many           int NOT NULL,
    tell               text[] NOT NULL,
    expires_in         interval NOT NULL,
    execute_within     interval NOT NULL,
    PRIMARY KEY (action, place)
);
COMMENT ON COLUMN actions.matrix_row.place IS 'the first row that covers the facts decides';
CREATE TABLE actions.matrix_allowance (
    action          text NOT NULL,
    place           int NOT NULL,
    rule            text NOT NULL,
    actions         text[] NOT NULL,
    per             text NOT NULL CHECK (per IN ('proposer', 'customer', 'device', 'operator')),
    within          interval NOT NULL,
    answer          text NOT NULL CHECK (answer IN ('allowed', 'allowed_and_told', 'needs_approval', 'refused')),
    reason          text NOT NULL,
    money_up_to     bigint,
    customers_up_to bigint,
    devices_up_to   bigint,
    actions_up_to   bigint,
    approvers       text[] NOT NULL,
    how_many        int NOT NULL,
    expires_in      interval NOT NULL,
    execute_within  interval NOT NULL,
    PRIMARY KEY (action, place)
);

CREATE FUNCTION actions.put_in_force(p_matrix jsonb, p_digest text, p_source text DEFAULT '') RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('matrix in force', 0));
    INSERT INTO actions.matrix_in_force (digest, source) VALUES (p_digest, p_source)
        ON CONFLICT (only_one) DO UPDATE SET digest = excluded.digest, source = excluded.source, loaded_at = now();
    DELETE FROM actions.hard_limit;
    DELETE FROM actions.matrix_row;
    DELETE FROM actions.matrix_allowance;
    INSERT INTO actions.hard_limit (action, disconnects, ever, alone)
    SELECT wanted.action, wanted.disconnects, wanted.ever, wanted.alone
      FROM jsonb_to_recordset(p_matrix -> 'limits') AS wanted (action text, disconnects boolean, ever actions.measures, alone actions.measures);
    INSERT INTO actions.matrix_row SELECT * FROM jsonb_populate_recordset(NULL::actions.matrix_row, p_matrix -> 'rows');
    INSERT INTO actions.matrix_allowance SELECT * FROM jsonb_populate_recordset(NULL::actions.matrix_allowance, p_matrix -> 'allowances');
    PERFORM actions.append_audit(coalesce(actions.actor(), 'owner'), 'matrix_in_force', NULL, NULL,
                                 jsonb_build_object('matrix', p_digest, 'is', p_matrix));
END $$;

-- Nobody judges by half of a matrix: it is not replaced before this transaction ends. `p_digest`: the one that the caller judges by.
CREATE FUNCTION actions.hold_matrix(p_digest text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('matrix in force', 0));
    -- Another was put in force meanwhile: whoever judges by the one before reads it and tries the whole transaction again.
    IF p_digest IS NOT NULL AND NOT EXISTS (SELECT 1 FROM actions.matrix_in_force WHERE digest = p_digest)
    THEN RAISE EXCEPTION 'the gate holds another matrix' USING ERRCODE = '40001'; END IF;
END $$;

-- 2. The verdict: the same as governance/decide.py, word for word; `bedrock eval verdicts` compares the two.
CREATE FUNCTION actions.measured(p_facts jsonb) RETURNS actions.measures
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ROW(((p_facts ->> 'money')::numeric * 100)::bigint, (coalesce(p_facts ->> 'money_each', p_facts ->> 'money')::numeric * 100)::bigint,
               (p_facts ->> 'customers')::bigint, (p_facts ->> 'devices')::bigint, (p_facts ->> 'crews')::bigint,
               (p_facts ->> 'device_tier')::int)::actions.measures
$$;

-- The first measure that goes beyond; NULL where all stay within.
CREATE FUNCTION actions.beyond(m actions.measures, most actions.measures) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN (m.money BETWEEN 0 AND most.money) IS NOT TRUE THEN 'money'
                WHEN (m.money_each BETWEEN 0 AND most.money_each) IS NOT TRUE THEN 'money_each'
                WHEN (m.customers BETWEEN 0 AND most.customers) IS NOT TRUE THEN 'customers'
                WHEN (m.devices BETWEEN 0 AND most.devices) IS NOT TRUE THEN 'devices'
                WHEN (m.crews BETWEEN 0 AND most.crews) IS NOT TRUE THEN 'crews'
                WHEN (m.device_tier BETWEEN 0 AND most.device_tier) IS NOT TRUE THEN 'device_tier' END
$$;

-- The first fact that is missing, or not of its type; a fact that nobody can read is no fact.
CREATE FUNCTION actions.odd_type(p_facts jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN (jsonb_typeof(p_facts -> 'action') = 'string') IS NOT TRUE THEN 'action'
        WHEN (jsonb_typeof(p_facts -> 'proposed_by') = 'string') IS NOT TRUE THEN 'proposed_by'
        WHEN (jsonb_typeof(p_facts -> 'money') = 'string' AND p_facts ->> 'money' ~ '^-?[0-9]{1,15}\.[0-9]{2}$') IS NOT TRUE THEN 'money'
        WHEN (jsonb_typeof(p_facts -> 'money_each') = 'null' OR jsonb_typeof(p_facts -> 'money_each') = 'string'
              AND p_facts ->> 'money_each' ~ '^-?[0-9]{1,15}\.[0-9]{2}$') IS NOT TRUE THEN 'money_each'
        WHEN (jsonb_typeof(p_facts -> 'confidence') = 'number') IS NOT TRUE THEN 'confidence'
        WHEN (p_facts -> 'device_tier' <@ '[0, 1, 2, 3, 4, 5]' AND jsonb_typeof(p_facts -> 'device_tier') = 'number') IS NOT TRUE THEN 'device_tier'
        WHEN (jsonb_typeof(p_facts -> 'customers') = 'number' AND p_facts ->> 'customers' ~ '^-?[0-9]{1,18}$') IS NOT TRUE THEN 'customers'
        WHEN (jsonb_typeof(p_facts -> 'devices') = 'number' AND p_facts ->> 'devices' ~ '^-?[0-9]{1,18}$') IS NOT TRUE THEN 'devices'
        WHEN (jsonb_typeof(p_facts -> 'crews') = 'number' AND p_facts ->> 'crews' ~ '^-?[0-9]{1,18}$') IS NOT TRUE THEN 'crews'
        WHEN (jsonb_typeof(p_facts -> 'is_disconnection') = 'boolean') IS NOT TRUE THEN 'is_disconnection'
        WHEN (jsonb_typeof(p_facts -> 'touches_vulnerable') = 'boolean') IS NOT TRUE THEN 'touches_vulnerable'
        WHEN (jsonb_typeof(p_facts -> 'touches_emergency_line') = 'boolean') IS NOT TRUE THEN 'touches_emergency_line'
        WHEN (jsonb_typeof(p_facts -> 'is_disputed') = 'boolean') IS NOT TRUE THEN 'is_disputed'
        WHEN (jsonb_typeof(p_facts -> 'in_quiet_hours') = 'boolean') IS NOT TRUE THEN 'in_quiet_hours'
        WHEN (jsonb_typeof(p_facts -> 'incident_confirmed') = 'boolean') IS NOT TRUE THEN 'incident_confirmed'
        WHEN (jsonb_typeof(p_facts -> 'benefits_proposer') = 'boolean') IS NOT TRUE THEN 'benefits_proposer' END
$$;

CREATE FUNCTION actions.oddity(p_name text, p_facts jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    odd text := actions.odd_type(p_facts);
    m   actions.measures;
BEGIN
    IF odd IS NOT NULL THEN RETURN odd || ' is not of its type'; END IF;
    IF p_facts ->> 'action' <> p_name THEN RETURN 'they are of another action'; END IF;
    m := actions.measured(p_facts);
    IF m.customers NOT BETWEEN 0 AND 1000000000 THEN RETURN 'customers is out of range'; END IF;
    IF m.devices NOT BETWEEN 0 AND 1000000000 THEN RETURN 'devices is out of range'; END IF;
    IF m.crews NOT BETWEEN 0 AND 1000000000 THEN RETURN 'crews is out of range'; END IF;
    IF m.money NOT BETWEEN 0 AND 100000000000000 THEN RETURN 'money is out of range'; END IF;
    IF (p_facts ->> 'confidence')::double precision NOT BETWEEN 0 AND 1 THEN RETURN 'confidence is not between 0 and 1'; END IF;
    IF p_facts ->> 'proposed_by' COLLATE "C" !~ '^((system|agent):[A-Za-z0-9_.-]{1,64}|(customer|staff):[1-9][0-9]{0,17}|customer:stranger)$'
    THEN RETURN 'nobody is named as the proposer'; END IF;
    IF m.money_each NOT BETWEEN 0 AND m.money OR (m.money > 0 AND m.money_each = 0) THEN RETURN 'one customer''s share does not fit the sum'; END IF;
    IF m.devices > 0 AND m.device_tier = 0 THEN RETURN 'devices are touched, of no known tier'; END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION actions.refused(p_rule text, p_reason text) RETURNS actions.verdict
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ROW('refused', p_rule, p_reason, '{}'::text[], 0, interval '0', interval '0', '{}'::text[])::actions.verdict $$;

CREATE FUNCTION actions.strictness(p_answer text) RETURNS int
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT array_position(ARRAY['allowed', 'allowed_and_told', 'needs_approval', 'refused'], p_answer) $$;

-- The row that covers the facts: the first of its action whose limits and circumstances they fit.
CREATE FUNCTION actions.covering(p_name text, p_facts jsonb, m actions.measures) RETURNS actions.matrix_row
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT line FROM actions.matrix_row AS line
     WHERE line.action = p_name
       AND split_part(p_facts ->> 'proposed_by', ':', 1) = ANY (line.by)
       AND (line.money_up_to IS NULL OR m.money <= line.money_up_to)
       AND (line.money_each_up_to IS NULL OR m.money_each <= line.money_each_up_to)
       AND (line.customers_up_to IS NULL OR m.customers <= line.customers_up_to)
       AND (line.devices_up_to IS NULL OR m.devices <= line.devices_up_to)
       AND (line.crews_up_to IS NULL OR m.crews <= line.crews_up_to)
       AND (line.device_tier_up_to IS NULL OR m.device_tier <= line.device_tier_up_to)
       AND (p_facts ->> 'confidence')::double precision >= coalesce(line.least_confidence, 0)
       AND (line.hours = 'any' OR (p_facts ->> 'in_quiet_hours')::boolean = (line.hours = 'quiet'))
       AND (line.incident_confirmed IS NULL OR line.incident_confirmed = (p_facts ->> 'incident_confirmed')::boolean)
       AND (line.vulnerable IS NULL OR line.vulnerable = (p_facts ->> 'touches_vulnerable')::boolean)
       AND (line.emergency_line IS NULL OR line.emergency_line = (p_facts ->> 'touches_emergency_line')::boolean)
       AND (line.disputed IS NULL OR line.disputed = (p_facts ->> 'is_disputed')::boolean)
     ORDER BY line.place LIMIT 1
$$;

-- Why no row and no approver lets this through; NULL where nothing bars it.
CREATE FUNCTION actions.barred(p_name text, p_facts jsonb, m actions.measures, p_answer text, most actions.hard_limit) RETURNS actions.verdict
LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE is_disconnection boolean := (p_facts ->> 'is_disconnection')::boolean;
BEGIN
    IF (p_facts ->> 'benefits_proposer')::boolean AND p_facts ->> 'proposed_by' LIKE 'staff:%'
    THEN RETURN actions.refused('own-benefit', 'nobody who works here proposes what they gain by; a colleague must'); END IF;
    IF actions.beyond(m, most.ever) IS NOT NULL
    THEN RETURN actions.refused('hard-limit', format('%s is above what %s may ever reach', actions.beyond(m, most.ever), p_name)); END IF;
    IF is_disconnection AND NOT most.disconnects
    THEN RETURN actions.refused('hard-limit', format('%s may not disconnect anybody', p_name)); END IF;
    IF p_answer <> 'refused' AND (is_disconnection OR most.disconnects)
       AND ((p_facts ->> 'touches_vulnerable')::boolean OR (p_facts ->> 'touches_emergency_line')::boolean OR (p_facts ->> 'is_disputed')::boolean)
    THEN RETURN actions.refused('hard-limit', 'the vulnerable, emergency lines and those in dispute are never disconnected'); END IF;
    IF p_answer NOT IN ('allowed', 'allowed_and_told') THEN RETURN NULL; END IF;
    IF most.alone IS NULL OR most.disconnects
    THEN RETURN actions.refused('hard-limit', format('%s is never done without a person', p_name)); END IF;
    IF actions.beyond(m, most.alone) IS NOT NULL
    THEN RETURN actions.refused('hard-limit', format('%s is above what %s may reach without a person', actions.beyond(m, most.alone), p_name)); END IF;
    RETURN NULL;
END $$;

-- Facts and what was spent (a tally for each allowance, by its rule) to a verdict.
CREATE FUNCTION actions.decided(p_name text, p_facts jsonb, p_spent jsonb) RETURNS actions.verdict
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    odd   text := actions.oddity(p_name, p_facts);
    m     actions.measures;
    most  actions.hard_limit;
    line  actions.matrix_row;
    lent  actions.matrix_allowance;
    tally jsonb;
    v     actions.verdict;
BEGIN
    IF odd IS NOT NULL THEN RETURN actions.refused('odd-facts', 'the facts cannot be judged: ' || odd); END IF;
    m := actions.measured(p_facts);
    SELECT * INTO most FROM actions.hard_limit WHERE action = p_name;
    line := actions.covering(p_name, p_facts, m);
    IF most.action IS NULL OR line.action IS NULL
    THEN RETURN actions.refused('not-listed', format('no row of the matrix covers %s with these facts', p_name)); END IF;
    v := actions.barred(p_name, p_facts, m, line.answer, most);
    IF v.answer IS NOT NULL THEN RETURN v; END IF;
    v := ROW(line.answer, line.rule, line.reason, line.approvers, line.how_many, line.expires_in, line.execute_within, line.tell);
    FOR lent IN SELECT * FROM actions.matrix_allowance WHERE action = p_name ORDER BY place LOOP
        tally := p_spent -> lent.rule;
        IF ((tally ->> 'money')::numeric >= 0 AND (tally ->> 'customers')::numeric >= 0 AND (tally ->> 'devices')::numeric >= 0
            AND (tally ->> 'actions')::numeric >= 0) IS NOT TRUE
        THEN RETURN actions.refused(lent.rule, format('what was spent of the allowance %s is not known', lent.rule)); END IF;
        IF actions.strictness(lent.answer) > actions.strictness(v.answer) AND (
            (tally ->> 'money')::numeric + CASE WHEN lent.per = 'customer' THEN m.money_each ELSE m.money END > lent.money_up_to
            OR (tally ->> 'customers')::numeric + m.customers > lent.customers_up_to
            OR (tally ->> 'devices')::numeric + m.devices > lent.devices_up_to
            OR (tally ->> 'actions')::numeric + 1 > lent.actions_up_to)
        THEN v := ROW(lent.answer, lent.rule, lent.reason, lent.approvers, lent.how_many, lent.expires_in, lent.execute_within, '{}'::text[]); END IF;
    END LOOP;
    RETURN v;
END $$;

-- What went out alone before within each allowance of this action. Whoever judges by the same allowance (of the same proposer, customer or
-- device) waits for this transaction's end, so that two together do not pass it.
CREATE FUNCTION actions.spent(a actions.action) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    lent    actions.matrix_allowance;
    which   text;
    touched text[];
    tallies jsonb := '{}';
    tally   jsonb;
BEGIN
    FOR lent IN SELECT * FROM actions.matrix_allowance WHERE action = a.name ORDER BY rule LOOP
        IF lent.per IN ('customer', 'device') THEN
            which := CASE lent.per WHEN 'customer' THEN 'touched_customers' ELSE 'touched_devices' END;
            touched := ARRAY(SELECT DISTINCT one FROM jsonb_array_elements_text(CASE jsonb_typeof(a.facts -> which) WHEN 'array'
                                                                                  THEN a.facts -> which ELSE '[]' END) AS one);
            -- What touches somebody without naming them is not counted, and hence refused.
            CONTINUE WHEN (cardinality(touched) >= (a.facts ->> CASE lent.per WHEN 'customer' THEN 'customers' ELSE 'devices' END)::numeric) IS NOT TRUE;
            IF cardinality(touched) = 1 THEN
                PERFORM pg_advisory_xact_lock_shared(hashtextextended(lent.rule, 0)), pg_advisory_xact_lock(hashtextextended(lent.rule || '/' || touched[1], 0));
            ELSE
                PERFORM pg_advisory_xact_lock(hashtextextended(lent.rule, 0));
            END IF;
            SELECT jsonb_build_object('money', coalesce(max(had.money), 0), 'customers', 0, 'devices', 0, 'actions', coalesce(max(had.actions), 0))
              INTO tally
              FROM (SELECT sum(coalesce(went.facts ->> 'money_each', went.facts ->> 'money')::numeric * 100)::bigint AS money, count(*) AS actions
                      FROM actions.action AS went, jsonb_array_elements_text(went.facts -> which) AS one
                     WHERE went.name = ANY (lent.actions) AND went.state IN ('allowed', 'executing', 'done') AND went.approvals_needed = 0
                       AND went.judged_at > clock_timestamp() - lent.within AND one = ANY (touched) AND went.id <> a.id
                     GROUP BY one) AS had;
        ELSE
            PERFORM pg_advisory_xact_lock(hashtextextended(lent.rule || CASE lent.per WHEN 'proposer' THEN '/' || a.proposer ELSE '' END, 0));
            SELECT jsonb_build_object('money', coalesce(sum((went.facts ->> 'money')::numeric * 100)::bigint, 0),
                                      'customers', coalesce(sum((went.facts ->> 'customers')::bigint), 0),
                                      'devices', coalesce(sum((went.facts ->> 'devices')::bigint), 0), 'actions', count(*))
              INTO tally
              FROM actions.action AS went
             WHERE went.name = ANY (lent.actions) AND went.state IN ('allowed', 'executing', 'done') AND went.approvals_needed = 0
               AND went.judged_at > clock_timestamp() - lent.within AND (lent.per = 'operator' OR went.proposer = a.proposer) AND went.id <> a.id;
        END IF;
        tallies := tallies || jsonb_build_object(lent.rule, tally);
    END LOOP;
    RETURN tallies;
END $$;

-- 3. Proposing.
-- The version of each row named, as [table, id, version]; a row that is not there has none.
CREATE FUNCTION actions.versioned(p_rests_on jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one     jsonb;
    version text;
    found   jsonb := '[]';
BEGIN
    FOR one IN SELECT value FROM jsonb_array_elements(p_rests_on) LOOP
        -- A table of ours, and nothing that runs anybody's code when it is read.
        IF (one ->> 0 ~ '^[a-z_]+\.[a-z_]+$' AND one ->> 0 !~ '^(pg_|information_schema)'
            AND EXISTS (SELECT FROM pg_class WHERE oid = to_regclass(one ->> 0) AND relkind = 'r' AND relpersistence = 'p')) IS NOT TRUE
        THEN RAISE EXCEPTION 'there is no table %', one ->> 0 USING ERRCODE = '22023'; END IF;
        -- xmin changes with every update of a row, whoever makes it.
        EXECUTE format('SELECT xmin::text FROM %s WHERE id = $1', to_regclass(one ->> 0)) INTO version USING (one ->> 1)::bigint;
        found := found || jsonb_build_array(jsonb_build_array(one ->> 0, (one ->> 1)::bigint, version));
    END LOOP;
    RETURN found;
END $$;

CREATE FUNCTION actions.seal_of(a actions.action) RETURNS bytea
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(convert_to(jsonb_build_array(a.name, a.arguments, a.facts, encode(a.digest, 'hex'), a.proposer, a.proposed_for, a.rests_on)::text, 'UTF8'))
$$;

-- The one way in. The proposer is the proven principal, never an argument; the same operation key finds the row that is already there.
CREATE FUNCTION actions.propose(p_name text, p_arguments jsonb, p_facts jsonb, p_digest bytea, p_operation_key text, p_proposed_for bigint,
                                p_reason text, p_evidence jsonb, p_correlation_id uuid, p_incident_id bigint, p_supersedes_id bigint,
                                p_rests_on jsonb DEFAULT '[]', OUT action_id bigint, OUT is_new boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me text := actions.actor();
    at_customers_door boolean := atlas.zone() = 'customer';
    -- A customer's operations are their own: no key of theirs stands in the way of somebody else's, or finds it.
    v_key text := CASE WHEN at_customers_door THEN me || '/' ELSE '' END || p_operation_key;
    a actions.action;
BEGIN
    IF me IS NULL THEN RAISE EXCEPTION 'no principal: nothing may be proposed' USING ERRCODE = '42501'; END IF;
    IF at_customers_door AND p_supersedes_id IS NOT NULL
       AND NOT EXISTS (SELECT 1 FROM actions.action WHERE id = p_supersedes_id AND proposer = me)
    THEN RAISE EXCEPTION 'action % is not yours to ask for again', p_supersedes_id USING ERRCODE = '42501'; END IF;
    -- Whoever comes by the customers' door asks for themselves alone.
    IF at_customers_door AND (p_proposed_for IS NOT NULL AND p_proposed_for IS DISTINCT FROM atlas.customer_id()
        OR EXISTS (SELECT 1 FROM jsonb_array_elements_text(CASE jsonb_typeof(p_facts -> 'touched_customers') WHEN 'array'
                                                             THEN p_facts -> 'touched_customers' ELSE '[]' END) AS one
                    WHERE one IS DISTINCT FROM atlas.customer_id()::text))
    THEN RAISE EXCEPTION 'a customer asks for nothing on behalf of another' USING ERRCODE = '42501'; END IF;
    a.name := p_name; a.arguments := p_arguments; a.facts := p_facts; a.digest := p_digest;
    -- What is proposed anew keeps its proposer: otherwise they could approve their own request once its facts moved.
    a.proposer := coalesce((SELECT proposer FROM actions.action WHERE id = p_supersedes_id AND state = 'superseded' AND atlas.zone() = 'executor'), me);
    a.proposed_for := CASE WHEN at_customers_door THEN atlas.customer_id() ELSE p_proposed_for END;
    a.rests_on := CASE WHEN p_rests_on = '[]' THEN p_rests_on ELSE actions.versioned(p_rests_on) END;
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, proposed_for, reason, evidence, correlation_id,
                                incident_id, supersedes_id, rests_on, part, seal)
    VALUES (a.name, a.arguments, a.facts, a.digest, v_key, a.proposer, a.proposed_for, p_reason, p_evidence, p_correlation_id, p_incident_id,
            p_supersedes_id, a.rests_on, nullif(current_setting('bedrock.part', true), ''), actions.seal_of(a))
    ON CONFLICT (operation_key) DO NOTHING RETURNING id INTO action_id;
    is_new := action_id IS NOT NULL;
    IF NOT is_new THEN
        SELECT id INTO action_id FROM actions.action WHERE operation_key = v_key;
        RETURN;
    END IF;
    PERFORM actions.append_audit(me, 'proposed', action_id, p_correlation_id,
                                 jsonb_build_object('name', p_name, 'digest', encode(p_digest, 'hex'), 'reason', p_reason));
END $$;

-- Why nothing of this kind is done at all just now; NULL where nothing is switched off.
CREATE FUNCTION actions.stopped_because(a actions.action) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT reason FROM actions.kill_switch
     WHERE is_on AND ((scope = 'action' AND name IN (a.name, '*'))
                      OR (scope = 'agent' AND a.proposer ~ '^(agent|system):' AND name IN (split_part(a.proposer, ':', 2), '*'))
                      OR (scope = 'agent' AND a.part LIKE 'agent:%' AND name IN (substr(a.part, 7), '*')))
     ORDER BY at LIMIT 1
$$;

-- Judges a proposed action by the matrix in force; what became of it, why, and what was counted. NULL where it was judged before. `p_take`:
-- what may be done alone is this transaction's to do at once.
CREATE FUNCTION actions.judge(p_action_id bigint, p_matrix_digest text, p_take boolean, OUT state text, OUT answer text, OUT rule text, OUT reason text,
                              OUT approvers text[], OUT how_many int, OUT approve_within interval, OUT execute_within interval, OUT tell text[],
                              OUT spent jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a   actions.action;
    v   actions.verdict;
    why text;
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor judges' USING ERRCODE = '42501'; END IF;
    SELECT * INTO a FROM actions.action WHERE id = p_action_id FOR UPDATE;
    IF a.state IS DISTINCT FROM 'proposed' THEN RETURN; END IF;
    PERFORM actions.hold_matrix(p_matrix_digest);
    why := actions.stopped_because(a);
    spent := '{}';
    IF why IS NOT NULL THEN
        v := actions.refused('switched-off', 'switched off: ' || why);
    ELSIF a.seal IS DISTINCT FROM actions.seal_of(a) THEN
        v := actions.refused('gate', 'it is not what was proposed');
    ELSIF a.facts ->> 'proposed_by' IS DISTINCT FROM a.proposer THEN
        v := actions.refused('gate', 'its facts name another proposer');
    ELSIF actions.gains(a.proposer, a) THEN
        v := actions.refused('own-benefit', 'nobody who works here proposes what they gain by; a colleague must');
    ELSE
        spent := actions.spent(a);
        v := actions.decided(a.name, a.facts, spent);
    END IF;
    state := CASE v.answer WHEN 'needs_approval' THEN 'waiting' WHEN 'refused' THEN 'refused' ELSE 'allowed' END;
    answer := v.answer; rule := v.rule; reason := v.reason; approvers := v.approvers; how_many := v.how_many;
    approve_within := v.approve_within; execute_within := v.execute_within; tell := v.tell;
    UPDATE actions.action AS judged
       SET state = CASE WHEN p_take AND judge.state = 'allowed' THEN 'executing' ELSE judge.state END,
           claimed_xid = CASE WHEN p_take AND judge.state = 'allowed' THEN pg_current_xact_id() END, rule = v.rule, verdict_reason = v.reason, matrix_digest = p_matrix_digest, approver_roles = v.approvers,
           approvals_needed = v.how_many, judged_at = clock_timestamp(), execute_within = v.execute_within,
           approve_by = CASE WHEN judge.state = 'waiting' THEN clock_timestamp() + v.approve_within END,
           execute_by = CASE WHEN judge.state = 'allowed' THEN clock_timestamp() + v.execute_within END
     WHERE judged.id = a.id;
    PERFORM actions.append_audit('system:governance', state, a.id, a.correlation_id,
                                 jsonb_build_object('rule', v.rule, 'reason', v.reason, 'matrix', p_matrix_digest, 'spent', spent));
    IF p_take AND state = 'allowed' THEN PERFORM set_config('bedrock.action', a.id::text, true); END IF;
    IF cardinality(v.tell) > 0 THEN
        PERFORM actions.append_audit('system:governance', 'told', a.id, a.correlation_id, jsonb_build_object('roles', v.tell));
    END IF;
END $$;

-- What the matrix in force makes of an action now, with its facts taken again; writes nothing down.
CREATE FUNCTION actions.judged_again(p_action_id bigint, p_facts jsonb, p_matrix_digest text, OUT verdict actions.verdict, OUT spent jsonb, OUT has_moved boolean)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE a actions.action;
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor judges' USING ERRCODE = '42501'; END IF;
    PERFORM actions.hold_matrix(p_matrix_digest);
    SELECT * INTO a FROM actions.action WHERE id = p_action_id;
    a.facts := p_facts;
    spent := actions.spent(a);
    verdict := actions.decided(a.name, p_facts, spent);
    has_moved := a.rests_on <> '[]' AND a.rests_on <> actions.versioned(a.rests_on);
END $$;

-- An executor that finds a reason of its own against what was only proposed says so; nobody says yes in this way.
CREATE FUNCTION actions.refuse(p_action_id bigint, p_rule text, p_reason text, p_matrix_digest text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE correlation uuid;
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor judges' USING ERRCODE = '42501'; END IF;
    UPDATE actions.action SET state = 'refused', rule = p_rule, verdict_reason = p_reason, matrix_digest = p_matrix_digest, judged_at = clock_timestamp()
     WHERE id = p_action_id AND state = 'proposed' RETURNING correlation_id INTO correlation;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM actions.append_audit('system:governance', 'refused', p_action_id, correlation,
                                 jsonb_build_object('rule', p_rule, 'reason', p_reason, 'matrix', p_matrix_digest));
    RETURN true;
END $$;

-- 4. Who may rule.
ALTER TABLE staff.member ADD COLUMN customer_id bigint REFERENCES crm.customer;
COMMENT ON COLUMN staff.member.customer_id IS 'their own household with us, where they have one: they neither propose nor approve what it gains by';
CREATE INDEX member_who_is_customer ON staff.member (customer_id) WHERE customer_id IS NOT NULL;

-- A role lent for a stretch of time. It is not lent on: only roles held by themselves are looked at in whoever lent it.
CREATE TABLE actions.delegation (
    id          bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    grantor_id  bigint NOT NULL REFERENCES staff.member,
    delegate_id bigint NOT NULL REFERENCES staff.member CHECK (delegate_id <> grantor_id),
    role        text NOT NULL CHECK (role <> 'auditor'),
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL CHECK (ends_at > starts_at AND ends_at <= starts_at + interval '14 days'),
    reason      text NOT NULL CHECK (reason <> ''),
    granted_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    revoked_at  timestamptz
);
CREATE INDEX delegation_of_delegate ON actions.delegation (delegate_id, ends_at);
CREATE INDEX delegation_of_grantor ON actions.delegation (grantor_id, ends_at);
COMMENT ON TABLE actions.delegation IS 'a fortnight''s leave at most: whoever is away for longer gives up the role, and somebody else is given it';

-- A role taken in an emergency: for an hour at most, with a reason, and somebody is told at once.
CREATE TABLE actions.break_glass (
    id        bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    staff_id  bigint NOT NULL REFERENCES staff.member,
    role      text NOT NULL CHECK (role <> 'auditor'),
    reason    text NOT NULL CHECK (length(btrim(reason)) >= 10),
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ends_at   timestamptz NOT NULL CHECK (ends_at > opened_at AND ends_at <= opened_at + interval '1 hour'),
    closed_at timestamptz,
    alarmed   int NOT NULL CHECK (alarmed > 0),
    action_id bigint NOT NULL REFERENCES actions.action
);
CREATE INDEX break_glass_open ON actions.break_glass (staff_id, ends_at);

CREATE FUNCTION actions.held_roles(p_staff_id bigint) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT held.role FROM staff.role_held AS held JOIN staff.member ON member.id = held.staff_id AND member.is_active
     WHERE held.staff_id = p_staff_id AND held.valid_from <= clock_timestamp() AND (held.valid_until IS NULL OR held.valid_until > clock_timestamp())
$$;

-- Each role that somebody may rule with now, and whose authority it is: their own, taken by breaking the glass, or lent.
CREATE FUNCTION actions.authorities(p_staff_id bigint) RETURNS TABLE (role text, holder_id bigint)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT own, p_staff_id FROM actions.held_roles(p_staff_id) AS own
    UNION
    SELECT glass.role, p_staff_id FROM actions.break_glass AS glass JOIN staff.member ON member.id = glass.staff_id AND member.is_active
     WHERE glass.staff_id = p_staff_id AND glass.closed_at IS NULL AND glass.ends_at > clock_timestamp()
    UNION
    SELECT lent.role, lent.grantor_id FROM actions.delegation AS lent JOIN staff.member ON member.id = lent.delegate_id AND member.is_active
     WHERE lent.delegate_id = p_staff_id AND lent.revoked_at IS NULL AND lent.starts_at <= clock_timestamp() AND lent.ends_at > clock_timestamp()
       AND lent.role IN (SELECT actions.held_roles(lent.grantor_id))
$$;

-- Whether somebody who works here gains by it: their own household is among those it is for.
CREATE FUNCTION actions.gains(p_reference text, a actions.action) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p_reference LIKE 'staff:%' AND EXISTS (
        SELECT 1 FROM staff.member
         WHERE member.id = substr(p_reference, 7)::bigint AND member.customer_id IS NOT NULL
           AND (member.customer_id = a.proposed_for OR a.facts -> 'touched_customers' @> to_jsonb(member.customer_id)))
$$;

-- Whether one of the two stood in for the other at any moment since it was asked.
CREATE FUNCTION actions.are_a_pair(one bigint, other bigint, since timestamptz) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT 1 FROM actions.delegation AS lent
                    WHERE ((lent.grantor_id = one AND lent.delegate_id = other) OR (lent.grantor_id = other AND lent.delegate_id = one))
                      AND lent.starts_at <= clock_timestamp() AND coalesce(lent.revoked_at, lent.ends_at) > since)
$$;

-- Why this person may have no say in this action at all; NULL where nothing stands against it.
CREATE FUNCTION actions.partial_because(p_staff_id bigint, a actions.action) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        WHEN a.proposer = 'staff:' || p_staff_id THEN 'the proposer may not rule on it'
        WHEN actions.gains('staff:' || p_staff_id, a) THEN 'whoever gains by it may not rule on it'
        WHEN a.proposer LIKE 'staff:%' AND actions.are_a_pair(p_staff_id, substr(a.proposer, 7)::bigint, a.proposed_at)
        THEN 'whoever stands in for the proposer, or has the proposer stand in for them, may not rule on it'
        WHEN EXISTS (SELECT 1 FROM staff.member WHERE member.customer_id IS NOT NULL AND actions.gains('staff:' || member.id, a)
                        AND actions.are_a_pair(p_staff_id, member.id, a.proposed_at))
        THEN 'whoever stands in for somebody who gains by it, or has them stand in, may not rule on it' END
$$;

-- Who approved exactly this and may still do so, with each of the roles asked for that their authority still gives.
CREATE FUNCTION actions.approvers(a actions.action) RETURNS TABLE (staff_id bigint, role text)
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ruling.staff_id, had.role
      FROM actions.ruling
     CROSS JOIN LATERAL actions.authorities(ruling.staff_id) AS had
     WHERE ruling.action_id = a.id AND ruling.is_approval AND ruling.digest_seen = a.digest
       AND had.holder_id = ruling.on_behalf_of AND had.role = ANY (a.approver_roles)
       AND actions.partial_because(ruling.staff_id, a) IS NULL AND actions.partial_because(ruling.on_behalf_of, a) IS NULL
$$;

-- Enough people, and a different one for each role: any set of the roles has at least as many people behind it (Hall's theorem).
CREATE FUNCTION actions.is_approved(a actions.action) RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH given AS (SELECT staff_id, role FROM actions.approvers(a))
    SELECT (SELECT count(DISTINCT staff_id) FROM given) >= greatest(a.approvals_needed, 1)
       AND NOT EXISTS (
           SELECT 1 FROM generate_series(1, (1 << cardinality(a.approver_roles)) - 1) AS chosen
            WHERE (SELECT count(DISTINCT given.staff_id) FROM given
                    WHERE (chosen >> (array_position(a.approver_roles, given.role) - 1)) & 1 = 1) < bit_count(chosen::bit(32)))
$$;

-- When whoever is at this door last proved who they are; NULL where no live sign-in of theirs is named. A session that was revoked has no row
-- here, or one whose time is over.
CREATE FUNCTION actions.signed_in_at() RETURNS timestamptz
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT fresh_at FROM staff.session
     WHERE token_hash = atlas.session() AND staff_id = atlas.staff_id() AND expires_at > clock_timestamp() AND fresh_at <= clock_timestamp()
$$;

-- Long enough to read one approval with care, short enough that an unlocked desk is of no use to a passer-by.
CREATE FUNCTION actions.is_fresh() RETURNS boolean
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(actions.signed_in_at() >= clock_timestamp() - interval '5 minutes', false) $$;

-- Money or a disconnection; what cannot be read counts as both.
CREATE FUNCTION actions.is_grave(p_facts jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT ((p_facts ->> 'money')::numeric = 0 AND (p_facts ->> 'is_disconnection')::boolean = false) IS NOT TRUE $$;

-- Whose authority somebody rules with: their own where they have one of the roles, else the first lent one whose holder had no say yet.
CREATE FUNCTION actions.authority_for(p_staff_id bigint, a actions.action) RETURNS bigint
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT had.holder_id FROM actions.authorities(p_staff_id) AS had
     WHERE had.role = ANY (a.approver_roles)
       AND NOT EXISTS (SELECT 1 FROM actions.ruling WHERE ruling.action_id = a.id AND had.holder_id IN (ruling.staff_id, ruling.on_behalf_of))
       AND actions.partial_because(had.holder_id, a) IS NULL
     ORDER BY had.holder_id <> p_staff_id, had.holder_id LIMIT 1
$$;

-- One person's ruling, bound to the digest that was on their screen. Answers what became of the action; an unmet condition is an error that says which.
CREATE FUNCTION actions.rule(p_action_id bigint, p_is_approval boolean, p_digest_seen bytea, p_note text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a      actions.action;
    me     bigint := atlas.staff_id();
    holder bigint;
BEGIN
    IF me IS NULL THEN RAISE EXCEPTION 'only a signed-in member of staff may rule' USING ERRCODE = '42501'; END IF;
    SELECT * INTO a FROM actions.action WHERE id = p_action_id FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no action %', p_action_id USING ERRCODE = 'P0002'; END IF;
    IF a.state <> 'waiting' THEN RAISE EXCEPTION 'action % is %, not waiting', p_action_id, a.state USING ERRCODE = '55000'; END IF;
    IF (a.approve_by > clock_timestamp()) IS NOT TRUE THEN RAISE EXCEPTION 'the request lapsed at %', a.approve_by USING ERRCODE = '55000'; END IF;
    IF a.digest IS DISTINCT FROM p_digest_seen OR a.seal IS DISTINCT FROM actions.seal_of(a)
    THEN RAISE EXCEPTION 'what you saw is no longer what is asked' USING ERRCODE = '55000'; END IF;
    IF actions.partial_because(me, a) IS NOT NULL THEN RAISE EXCEPTION '%', actions.partial_because(me, a) USING ERRCODE = '42501'; END IF;
    IF EXISTS (SELECT 1 FROM actions.ruling WHERE ruling.action_id = a.id AND me IN (ruling.staff_id, ruling.on_behalf_of))
    THEN RAISE EXCEPTION 'you have ruled on it already' USING ERRCODE = '23505'; END IF;
    holder := actions.authority_for(me, a);
    IF holder IS NULL THEN RAISE EXCEPTION 'this needs one of: %', array_to_string(a.approver_roles, ', ') USING ERRCODE = '42501'; END IF;
    IF actions.signed_in_at() IS NULL THEN RAISE EXCEPTION 'a ruling is given by somebody who is signed in' USING ERRCODE = '42501'; END IF;
    IF actions.is_grave(a.facts) AND NOT actions.is_fresh()
    THEN RAISE EXCEPTION 'sign in again first: money or a disconnection is at stake' USING ERRCODE = '42501'; END IF;
    INSERT INTO actions.ruling (action_id, staff_id, on_behalf_of, is_approval, note, digest_seen)
    VALUES (p_action_id, me, holder, p_is_approval, p_note, p_digest_seen);
    PERFORM actions.append_audit('staff:' || me, CASE WHEN p_is_approval THEN 'approved' ELSE 'rejected' END, p_action_id, a.correlation_id,
                                 jsonb_build_object('note', p_note, 'digest', encode(p_digest_seen, 'hex'), 'on_behalf_of', 'staff:' || holder));
    IF NOT p_is_approval THEN
        UPDATE actions.action SET state = 'rejected', ruled_at = clock_timestamp(), finished_at = clock_timestamp() WHERE id = p_action_id;
        RETURN 'rejected';
    ELSIF actions.is_approved(a) THEN
        UPDATE actions.action SET state = 'approved', ruled_at = now(), execute_by = clock_timestamp() + a.execute_within WHERE id = p_action_id;
        RETURN 'approved';
    END IF;
    RETURN 'waiting';
END $$;

-- How the one who asks stands to an action: what governance says before they try. The gate asks all of it again.
CREATE FUNCTION actions.standing(p_action_id bigint, OUT signed_in_ago interval, OUT own_roles text[], OUT household bigint, OUT stands_with bigint[],
                                 OUT gaining bigint[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a  actions.action;
    me bigint := atlas.staff_id();
BEGIN
    IF me IS NULL THEN RAISE EXCEPTION 'only for members of staff' USING ERRCODE = '42501'; END IF;
    SELECT * INTO a FROM actions.action WHERE id = p_action_id;
    signed_in_ago := clock_timestamp() - actions.signed_in_at();
    own_roles := ARRAY(SELECT had.role FROM actions.authorities(me) AS had WHERE had.holder_id = me ORDER BY 1);
    SELECT customer_id INTO household FROM staff.member WHERE id = me;
    stands_with := ARRAY(SELECT id FROM staff.member WHERE id <> me AND actions.are_a_pair(me, id, a.proposed_at) ORDER BY id);
    gaining := ARRAY(SELECT id FROM staff.member WHERE customer_id IS NOT NULL AND actions.gains('staff:' || id, a) ORDER BY id);
END $$;

-- Lends a role of one's own. Not to oneself, not a role that was itself lent or taken, not for longer than a fortnight.
CREATE FUNCTION actions.delegate(p_delegate_id bigint, p_role text, p_starts_at timestamptz, p_ends_at timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me  bigint := atlas.staff_id();
    made bigint;
BEGIN
    IF me IS NULL OR NOT actions.is_fresh() THEN RAISE EXCEPTION 'sign in again first: a role is to be lent' USING ERRCODE = '42501'; END IF;
    IF p_role NOT IN (SELECT actions.held_roles(me)) THEN RAISE EXCEPTION '% is not a role of your own', p_role USING ERRCODE = '42501'; END IF;
    IF NOT EXISTS (SELECT 1 FROM staff.member WHERE id = p_delegate_id AND is_active) OR p_delegate_id = me
    THEN RAISE EXCEPTION 'there is nobody else of the number % who works here', p_delegate_id USING ERRCODE = '22023'; END IF;
    IF p_ends_at <= clock_timestamp() OR p_ends_at > greatest(p_starts_at, clock_timestamp()) + interval '14 days'
    THEN RAISE EXCEPTION 'a role is lent for fourteen days at most, and until some time ahead' USING ERRCODE = '22023'; END IF;
    INSERT INTO actions.delegation (grantor_id, delegate_id, role, starts_at, ends_at, reason)
    VALUES (me, p_delegate_id, p_role, greatest(p_starts_at, clock_timestamp()), p_ends_at, p_reason) RETURNING id INTO made;
    PERFORM actions.append_audit('staff:' || me, 'delegated', NULL, NULL, jsonb_build_object('delegation', made, 'to', 'staff:' || p_delegate_id,
                                 'role', p_role, 'until', p_ends_at, 'reason', p_reason));
    RETURN made;
END $$;

CREATE FUNCTION actions.revoke_delegation(p_delegation_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE me bigint := atlas.staff_id();
BEGIN
    UPDATE actions.delegation SET revoked_at = clock_timestamp()
     WHERE id = p_delegation_id AND revoked_at IS NULL AND ends_at > clock_timestamp()
       AND (me IN (grantor_id, delegate_id) OR 'operations_director' IN (SELECT actions.held_roles(me)));
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM actions.append_audit('staff:' || me, 'delegation_revoked', NULL, NULL, jsonb_build_object('delegation', p_delegation_id));
    RETURN true;
END $$;

-- Takes a role in an emergency. The words of the alarm are made here, so that nobody who breaks the glass can leave it out or soften it.
CREATE FUNCTION actions.break_the_glass(p_role text, p_reason text, p_for interval) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me       bigint := atlas.staff_id();
    v_action bigint;
    v_name   text;
    v_ends   timestamptz := clock_timestamp() + p_for;
    v_told   bigint[];
    made     bigint;
BEGIN
    IF me IS NULL OR NOT actions.is_fresh() THEN RAISE EXCEPTION 'sign in again first: a role is to be taken' USING ERRCODE = '42501'; END IF;
    IF NOT EXISTS (SELECT 1 FROM actions.held_roles(me)) THEN RAISE EXCEPTION 'only somebody with a role here takes another' USING ERRCODE = '42501'; END IF;
    IF NOT EXISTS (SELECT 1 FROM staff.role_held WHERE role = p_role) OR p_role = 'auditor'
    THEN RAISE EXCEPTION 'there is no role % to take', p_role USING ERRCODE = '22023'; END IF;
    IF length(btrim(p_reason)) < 10 THEN RAISE EXCEPTION 'say why, in a sentence' USING ERRCODE = '22023'; END IF;
    IF p_for <= interval '0' OR p_for > interval '1 hour' THEN RAISE EXCEPTION 'for an hour at most' USING ERRCODE = '22023'; END IF;
    v_told := ARRAY(SELECT DISTINCT member.id FROM staff.member JOIN staff.role_held AS held ON held.staff_id = member.id
                     WHERE member.is_active AND member.id <> me AND held.role IN ('operations_director', p_role)
                       AND held.valid_from <= clock_timestamp() AND (held.valid_until IS NULL OR held.valid_until > clock_timestamp()));
    IF cardinality(v_told) = 0 THEN RAISE EXCEPTION 'there is nobody whom this would alarm, so it stays whole' USING ERRCODE = '55000'; END IF;
    SELECT name INTO v_name FROM staff.member WHERE id = me;
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state, rule, verdict_reason, judged_at, finished_at)
    VALUES ('break_glass', jsonb_build_object('role', p_role, 'until', v_ends), '{}', '', 'break_glass:' || gen_random_uuid(), 'staff:' || me, p_reason,
            gen_random_uuid(), 'done', 'break-glass', 'an emergency', clock_timestamp(), clock_timestamp()) RETURNING id INTO v_action;
    INSERT INTO actions.break_glass (staff_id, role, reason, ends_at, alarmed, action_id)
    VALUES (me, p_role, p_reason, v_ends, cardinality(v_told), v_action) RETURNING id INTO made;
    INSERT INTO helpdesk.notice (purpose, key, channel, address, language, template, words, action_id)
    SELECT 'alarm', format('break_glass:%s:staff:%s', made, member.id), CASE WHEN member.phone IS NULL THEN 'email' ELSE 'sms' END,
           coalesce(member.phone, member.email), 'en', 'break_glass',
           format('Break-glass: %s took the role %s until %s UTC. Reason given: %s', v_name, replace(p_role, '_', ' '),
                  to_char(v_ends AT TIME ZONE 'UTC', 'HH24:MI'), left(regexp_replace(p_reason, '[[:cntrl:]]+', ' ', 'g'), 200)), v_action
      FROM staff.member WHERE member.id = ANY (v_told);
    PERFORM actions.append_audit('staff:' || me, 'glass_broken', v_action, NULL, jsonb_build_object('role', p_role, 'until', v_ends, 'reason', p_reason,
                                 'alarmed', v_told));
    PERFORM actions.append_audit('system:governance', 'told', v_action, NULL, jsonb_build_object('roles', ARRAY['operations_director', p_role]));
    RETURN made;
END $$;

CREATE FUNCTION actions.mend_the_glass(p_break_glass_id bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    me       bigint := atlas.staff_id();
    v_action bigint;
BEGIN
    UPDATE actions.break_glass SET closed_at = clock_timestamp()
     WHERE id = p_break_glass_id AND closed_at IS NULL AND ends_at > clock_timestamp()
       AND (me = staff_id OR 'operations_director' IN (SELECT actions.held_roles(me))) RETURNING action_id INTO v_action;
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM actions.append_audit('staff:' || me, 'glass_mended', v_action, NULL, '{}');
    RETURN true;
END $$;

-- 5. The claim. Takes an action for this very transaction, under row lock, or says why not. Only then do the effect tables take rows.
CREATE FUNCTION actions.claim(p_action_id bigint, p_digest bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    a   actions.action;
    v   actions.verdict;
BEGIN
    IF atlas.zone() IS DISTINCT FROM 'executor' THEN RAISE EXCEPTION 'only the executor claims' USING ERRCODE = '42501'; END IF;
    SELECT * INTO a FROM actions.action WHERE id = p_action_id FOR UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'there is no action %', p_action_id USING ERRCODE = 'P0002'; END IF;
    IF a.state NOT IN ('allowed', 'approved') THEN RAISE EXCEPTION 'action % is %', p_action_id, a.state USING ERRCODE = '55000'; END IF;
    IF (a.execute_by >= clock_timestamp()) IS NOT TRUE
    THEN RAISE EXCEPTION 'action % was not carried out in time', p_action_id USING ERRCODE = '55000'; END IF;
    IF a.digest IS DISTINCT FROM p_digest OR a.seal IS DISTINCT FROM actions.seal_of(a)
    THEN RAISE EXCEPTION 'action % is not what was judged', p_action_id USING ERRCODE = '55000'; END IF;
    IF actions.stopped_because(a) IS NOT NULL THEN RAISE EXCEPTION 'action % is switched off: %', p_action_id, a.name USING ERRCODE = '55000'; END IF;
    IF a.rests_on <> '[]' AND a.rests_on <> actions.versioned(a.rests_on)
    THEN RAISE EXCEPTION 'action %: what it rests on has changed', p_action_id USING ERRCODE = '55000'; END IF;
    IF (a.state = 'approved' OR a.approvals_needed > 0) AND NOT actions.is_approved(a)
    THEN RAISE EXCEPTION 'action % lacks approvals', p_action_id USING ERRCODE = '42501'; END IF;
    -- Again under today's matrix: a row or a limit that was tightened since counts, one that was loosened gives nothing.
    PERFORM actions.hold_matrix(NULL);
    v := actions.decided(a.name, a.facts, actions.spent(a));
    IF v.answer = 'refused' THEN RAISE EXCEPTION 'action %: %', p_action_id, v.reason USING ERRCODE = '42501'; END IF;
    IF v.answer = 'needs_approval' AND (v.how_many > a.approvals_needed OR NOT v.approvers <@ a.approver_roles)
    THEN RAISE EXCEPTION 'action % now needs other approvals: %', p_action_id, v.reason USING ERRCODE = '42501'; END IF;
    UPDATE actions.action SET state = 'executing', claimed_xid = pg_current_xact_id() WHERE id = a.id;
    PERFORM set_config('bedrock.action', a.id::text, true);
END $$;

-- Propose, judge and take in one call: what a part of the system does alone costs one round trip to the gate.
CREATE FUNCTION actions.ask(p_name text, p_arguments jsonb, p_facts jsonb, p_digest bytea, p_operation_key text, p_proposed_for bigint,
                            p_reason text, p_evidence jsonb, p_correlation_id uuid, p_incident_id bigint, p_supersedes_id bigint, p_rests_on jsonb,
                            p_matrix_digest text, OUT action_id bigint, OUT is_new boolean, OUT state text, OUT answer text, OUT rule text,
                            OUT reason text, OUT approvers text[], OUT how_many int, OUT approve_within interval, OUT execute_within interval,
                            OUT tell text[], OUT spent jsonb)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT asked.action_id, asked.is_new INTO action_id, is_new
      FROM actions.propose(p_name, p_arguments, p_facts, p_digest, p_operation_key, p_proposed_for, p_reason, p_evidence, p_correlation_id,
                           p_incident_id, p_supersedes_id, p_rests_on) AS asked;
    IF NOT is_new THEN RETURN; END IF;
    SELECT * INTO state, answer, rule, reason, approvers, how_many, approve_within, execute_within, tell, spent
      FROM actions.judge(action_id, p_matrix_digest, true);
END $$;

-- What happens at a door, on record; what the gate alone may say of an action is not said in this way.
CREATE FUNCTION actions.note_at_door(p_actor text, p_event text, p_detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_event IN ('proposed', 'allowed', 'waiting', 'refused', 'approved', 'rejected', 'done', 'failed', 'superseded', 'expired', 'told', 'stopped',
                   'released', 'matrix_in_force', 'delegated', 'delegation_revoked', 'glass_broken', 'glass_mended', 'settled')
    THEN RAISE EXCEPTION 'only the gate says that something was %', p_event USING ERRCODE = '42501'; END IF;
    PERFORM actions.append_audit(p_actor, p_event, NULL, NULL, p_detail);
END $$;

CALL atlas.protect('actions.hard_limit');
CALL atlas.protect('actions.matrix_in_force');
CALL atlas.protect('actions.matrix_row');
CALL atlas.protect('actions.matrix_allowance');
CALL atlas.protect('actions.delegation');
CALL atlas.protect('actions.break_glass');
CALL atlas.announce_changes(ARRAY['actions.matrix_in_force', 'actions.delegation', 'actions.break_glass']::regclass[]);

GRANT USAGE ON SCHEMA atlas, actions TO bedrock_governance;
GRANT EXECUTE ON FUNCTION atlas.principal_part(int), atlas.customer_id(), atlas.staff_id(), atlas.assurance(), atlas.zone(), atlas.session()
    TO bedrock_governance;
GRANT EXECUTE ON FUNCTION actions.put_in_force TO bedrock_governance;
GRANT EXECUTE ON FUNCTION actions.propose TO bedrock_customer, bedrock_staff, bedrock_executor;
GRANT EXECUTE ON FUNCTION actions.judge, actions.judged_again, actions.refuse, actions.ask, actions.claim, actions.note_at_door TO bedrock_executor;
GRANT EXECUTE ON FUNCTION actions.rule, actions.signed_in_at, actions.standing, actions.delegate, actions.revoke_delegation, actions.break_the_glass,
    actions.mend_the_glass TO bedrock_staff;
