-- What is kept of people: the map of it, for how long, the proof that it went, and erasure as the effect of an action.

-- 1. The audit trail names no words. What people and models wrote lies beside the chain, held to it by a salted hash: it can be erased without
-- breaking a link, and cannot be exchanged without breaking one.
CREATE TABLE actions.audit_words (
    stream    text NOT NULL,
    seq       bigint NOT NULL,
    action_id bigint,
    actor     text NOT NULL,
    -- 128 bits: without it a short word could be guessed from its hash.
    salt      uuid NOT NULL DEFAULT gen_random_uuid(),
    words     jsonb NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX words_of_action ON actions.audit_words (action_id) WHERE action_id IS NOT NULL;
COMMENT ON TABLE actions.audit_words IS 'what an entry of the trail said in words; the entry holds their hash, so that they can be erased and not exchanged';

CREATE FUNCTION actions.words_hash(p_salt uuid, p_words jsonb) RETURNS text
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT encode(sha256(convert_to(p_salt::text || p_words::text, 'UTF8')), 'hex') $$;

GRANT EXECUTE ON FUNCTION actions.words_hash TO bedrock_staff, bedrock_executor;

-- What the chain says in the clear: names of ours, references, roles, digests, moments; and every number.
CREATE FUNCTION actions.is_plain(p_key text, p_value jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_typeof(p_value) IN ('number', 'boolean', 'null')
        OR p_key = ANY (ARRAY['name', 'digest', 'rule', 'matrix', 'is', 'spent', 'roles', 'to', 'role', 'until', 'alarmed', 'on_behalf_of', 'kind',
                              'scope'])
$$;

CREATE OR REPLACE FUNCTION actions.append_audit(p_actor text, p_event text, p_action_id bigint, p_correlation_id uuid, p_detail jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- Eight chains: one alone would make every action in the house wait for every other.
    p_stream text := 'actions/' || coalesce(p_action_id, 0) % 8;
    head  actions.audit_head;
    v_at  timestamptz := clock_timestamp();
    v_hash bytea;
    v_salt uuid := gen_random_uuid();
    v_plain jsonb;
    v_words jsonb;
BEGIN
    SELECT coalesce(jsonb_object_agg(key, value) FILTER (WHERE actions.is_plain(key, value)), '{}'),
           jsonb_object_agg(key, value) FILTER (WHERE NOT actions.is_plain(key, value))
      INTO v_plain, v_words FROM jsonb_each(p_detail);
    IF v_words IS NOT NULL THEN v_plain := v_plain || jsonb_build_object('words', actions.words_hash(v_salt, v_words)); END IF;
    INSERT INTO actions.audit_head VALUES (p_stream, 0, ''::bytea) ON CONFLICT DO NOTHING;
    SELECT * INTO head FROM actions.audit_head WHERE stream = p_stream FOR UPDATE;
    v_hash := actions.audit_hash(p_stream, head.seq + 1, v_at, p_actor, p_event, p_action_id, p_correlation_id, v_plain, head.hash);
    INSERT INTO actions.audit VALUES (p_stream, head.seq + 1, v_at, p_actor, p_event, p_action_id, p_correlation_id, v_plain, head.hash, v_hash);
    IF v_words IS NOT NULL
    THEN INSERT INTO actions.audit_words VALUES (p_stream, head.seq + 1, p_action_id, p_actor, v_salt, v_words, v_at); END IF;
    UPDATE actions.audit_head SET seq = head.seq + 1, hash = v_hash WHERE stream = p_stream;
END $$;
CALL atlas.protect('actions.audit_words');

-- 2. The map: what of whom lies where. Written by the owner from atlas/privacy/map.yaml whenever the schema is brought up; nobody else may.
CREATE SCHEMA privacy;
GRANT USAGE ON SCHEMA privacy TO bedrock_staff, bedrock_executor;

CREATE TABLE privacy.place (
    place      text PRIMARY KEY,
    position   int NOT NULL,
    whose      text[] NOT NULL DEFAULT '{}',
    erasure    text NOT NULL CHECK (erasure IN ('delete', 'rewrite', 'keep')),
    needed_for text[] NOT NULL DEFAULT '{}' CHECK (needed_for <@ ARRAY['contract', 'debt', 'hold']),
    because    text NOT NULL
);
COMMENT ON TABLE privacy.place IS 'every table that says something of a customer';
COMMENT ON COLUMN privacy.place.position IS 'erasure goes through the places in this order: what refers to a row before the row';
COMMENT ON COLUMN privacy.place.whose IS 'how a row is known to be somebody''s: COLUMN (it holds the customer''s number), COLUMN = TABLE.COLUMN (of a row that is theirs), or COLUMN = customer:* (it holds customer:NUMBER)';
COMMENT ON COLUMN privacy.place.needed_for IS 'what is a reason to leave it for now: a contract in force, an unpaid bill, a legal hold';
CREATE TABLE privacy.treatment (
    place     text NOT NULL,
    name      text NOT NULL,
    treatment text NOT NULL CHECK (treatment IN ('blank', 'erased', 'null', 'empty', 'numbered', 'pseudonym', 'no', 'swept', 'swept_row')),
    PRIMARY KEY (place, name, treatment)
);
COMMENT ON TABLE privacy.treatment IS 'what becomes of a column at an erasure; swept: only what names the person is taken out, whosever row it is';

CREATE VIEW privacy.sole_address WITH (security_invoker = true) AS
    SELECT address, min(customer_id) AS customer_id FROM crm.contact GROUP BY address HAVING count(DISTINCT customer_id) = 1;
COMMENT ON VIEW privacy.sole_address IS 'addresses that are one customer''s alone: what lies under a family''s number is not one person''s to take away';
GRANT SELECT ON privacy.sole_address TO bedrock_executor;

-- 3. Retention: rules as rows, and a row of proof for each night.
CREATE TABLE privacy.retention_rule (
    rule      text PRIMARY KEY,
    position  int NOT NULL,
    place     text NOT NULL,
    since     text NOT NULL,
    only_if   text,
    keep      interval NOT NULL CHECK (keep > interval '0'),
    how       text NOT NULL CHECK (how IN ('delete', 'rewrite', 'elsewhere', 'kept')),
    basis     text NOT NULL CHECK (basis <> '')
);
COMMENT ON COLUMN privacy.retention_rule.since IS 'the column from which the time is counted';
COMMENT ON COLUMN privacy.retention_rule.only_if IS 'COLUMN in A B: rows in another state are not over yet';
COMMENT ON COLUMN privacy.retention_rule.how IS 'rewrite: as the map says for an erasure; elsewhere: a job of its own does it; kept: only shown';
CREATE TABLE privacy.retention_proof (
    rule        text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed     bigint NOT NULL CHECK (removed >= 0),
    oldest_left timestamptz,
    PRIMARY KEY (rule, applied_at)
);

-- 4. What is asked of us about one person.
CREATE TABLE privacy.legal_hold (
    id          bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    customer_id bigint NOT NULL REFERENCES crm.customer,
    reason      text NOT NULL CHECK (reason <> ''),
    placed_at   timestamptz NOT NULL DEFAULT now(),
    lifted_at   timestamptz,
    action_id   bigint NOT NULL DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action
);
CREATE UNIQUE INDEX one_hold_at_a_time ON privacy.legal_hold (customer_id) WHERE lifted_at IS NULL;
CREATE TABLE privacy.erasure (
    id            bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    customer_id   bigint NOT NULL REFERENCES crm.customer,
    erased_at     timestamptz NOT NULL DEFAULT now(),
    because       text[] NOT NULL,
    is_whole      boolean NOT NULL GENERATED ALWAYS AS (cardinality(because) = 0) STORED,
    removed       jsonb NOT NULL,
    ledger_until  date,
    action_id     bigint NOT NULL DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action
);
CREATE INDEX erasure_of_customer ON privacy.erasure (customer_id, id);
COMMENT ON COLUMN privacy.erasure.because IS 'why something was left: contract, debt, hold';
COMMENT ON COLUMN privacy.erasure.ledger_until IS 'until then the law wants the books kept; whose they were they no longer say';

-- Why something of theirs must be left for now.
CREATE FUNCTION privacy.reasons_to_keep(p_customer_id bigint) RETURNS text[]
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT array_remove(ARRAY[
        CASE WHEN EXISTS (SELECT FROM crm.subscriber WHERE customer_id = p_customer_id
                             AND state NOT IN ('terminated', 'cancelled', 'aborted')) THEN 'contract' END,
        CASE WHEN EXISTS (SELECT FROM billing.open_item WHERE customer_id = p_customer_id AND open_minor > 0) THEN 'debt' END,
        CASE WHEN EXISTS (SELECT FROM privacy.legal_hold WHERE customer_id = p_customer_id AND lifted_at IS NULL) THEN 'hold' END], NULL)
$$;
GRANT EXECUTE ON FUNCTION privacy.reasons_to_keep TO bedrock_staff, bedrock_executor;

-- The rows of a place that are one customer's, as a condition on $1. Built from the map alone, every name quoted.
CREATE FUNCTION privacy.condition(p_place text) RETURNS text
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one text; col text; target text; parent text;
    parts text[] := '{}';
BEGIN
    FOREACH one IN ARRAY (SELECT whose FROM privacy.place WHERE place = p_place) LOOP
        col := split_part(one, ' = ', 1);
        target := split_part(one, ' = ', 2);
        IF target = '' THEN
            parts := parts || format('%I = $1', col);
        ELSIF target = 'customer:*' THEN
            parts := parts || format('%I = ''customer:'' || $1', col);
        ELSE
            parent := regexp_replace(target, '\.[^.]+$', '');
            parts := parts || format('%I IN (SELECT %I FROM %I.%I WHERE %s)', col, split_part(target, '.', 3), split_part(target, '.', 1),
                                     split_part(target, '.', 2),
                                     CASE parent WHEN 'privacy.sole_address' THEN 'customer_id = $1' ELSE privacy.condition(parent) END);
        END IF;
    END LOOP;
    RETURN '(' || coalesce(nullif(array_to_string(parts, ' OR '), ''), 'false') || ')';
END $$;
GRANT EXECUTE ON FUNCTION privacy.condition TO bedrock_executor;

CREATE FUNCTION privacy.assignments(p_place text, p_pseudonym text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('%I = %s', treatment.name, CASE treatment.treatment
               WHEN 'blank' THEN '''''' WHEN 'erased' THEN '''[erased]''' WHEN 'null' THEN 'NULL' WHEN 'no' THEN 'false'
               WHEN 'numbered' THEN '''erased:'' || id' WHEN 'pseudonym' THEN quote_literal(p_pseudonym)
               WHEN 'empty' THEN CASE WHEN attribute.atttypid = 'jsonb'::regtype
                                      THEN format('(CASE jsonb_typeof(%I) WHEN ''array'' THEN ''[]'' ELSE ''{}'' END)::jsonb', treatment.name)
                                      ELSE '''{}''' END END), ', ' ORDER BY treatment.name)
      FROM privacy.treatment
      JOIN pg_attribute AS attribute ON attribute.attrelid = treatment.place::regclass AND attribute.attname = treatment.name
     WHERE treatment.place = p_place AND treatment.treatment NOT IN ('swept', 'swept_row')
$$;

-- Everything of one person, a row at a time, for the copy that they may have; but for columns that nobody reads back, as the secret of a line.
CREATE FUNCTION privacy.collected(p_customer_id bigint) RETURNS TABLE (place text, content jsonb)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one       text;
    v_columns text;
BEGIN
    FOR one IN SELECT known.place FROM privacy.place AS known ORDER BY known.place LOOP
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) INTO v_columns FROM pg_attribute
         WHERE attrelid = one::regclass AND attnum > 0 AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT');
        RETURN QUERY EXECUTE format('SELECT %L, to_jsonb(readable) FROM (SELECT %s FROM %s AS theirs WHERE %s) AS readable',
                                    one, v_columns, one::regclass, privacy.condition(one))
            USING p_customer_id;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION privacy.collected TO bedrock_executor;

-- By what a person is named in texts that are nobody's: whole names, addresses, logins and serial numbers, the longest first.
CREATE FUNCTION privacy.known_values(p_customer_id bigint) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT said FROM (
        SELECT name AS said FROM crm.customer WHERE id = p_customer_id
        UNION SELECT address FROM privacy.sole_address WHERE customer_id = p_customer_id
        UNION SELECT username FROM cmdb.session JOIN crm.subscriber ON subscriber.id = subscriber_id WHERE customer_id = p_customer_id
        UNION SELECT cpe_serial FROM cmdb.access JOIN crm.subscriber ON subscriber.id = subscriber_id WHERE customer_id = p_customer_id) AS known
     WHERE length(said) >= 5
     ORDER BY length(said) DESC, said
$$;

CREATE FUNCTION privacy.sweep(p_values text[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one record; value text; touched bigint; read text; swept jsonb := '{}';
BEGIN
    FOR one IN SELECT t.place, t.name, t.treatment, format_type(a.atttypid, NULL) AS type
                 FROM privacy.treatment AS t JOIN pg_attribute AS a ON a.attrelid = t.place::regclass AND a.attname = t.name
                WHERE t.treatment IN ('swept', 'swept_row') LOOP
        -- Octets are searched as they are; a word inside JSON as JSON writes it.
        read := CASE one.type WHEN 'bytea' THEN format('encode(%I, ''escape'')', one.name) ELSE format('%I::text', one.name) END;
        FOREACH value IN ARRAY p_values LOOP
            IF one.type = 'jsonb' THEN value := btrim(to_jsonb(value)::text, '"');
            ELSIF one.type = 'bytea' THEN value := encode(convert_to(value, 'UTF8'), 'escape'); END IF;
            IF one.treatment = 'swept_row' THEN
                EXECUTE format('DELETE FROM %s WHERE position($1 IN %s) > 0', one.place::regclass, read) USING value;
            ELSE
                EXECUTE format('UPDATE %s SET %I = replace(%s, $1, ''[erased]'')::%s WHERE position($1 IN %s) > 0', one.place::regclass, one.name,
                               read, one.type, read) USING value;
            END IF;
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched > 0 THEN swept := swept || jsonb_build_object(one.place, coalesce((swept ->> one.place)::bigint, 0) + touched); END IF;
        END LOOP;
    END LOOP;
    RETURN swept;
END $$;

-- Erases what may be erased of one customer: the effect of the action erase_customer, in the transaction that claimed it, and of nothing else.
CREATE FUNCTION privacy.erase(p_customer_id bigint, p_threads text[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_action  bigint := actions.claimed();
    v_because text[];
    v_values  text[];
    v_removed jsonb;
    v_set     text;
    one       privacy.place;
    touched   bigint;
    v_until   date;
BEGIN
    IF NOT EXISTS (SELECT FROM actions.action WHERE id = v_action AND name = 'erase_customer' AND arguments ->> 'customer_id' = p_customer_id::text)
    THEN RAISE EXCEPTION 'action % does not erase customer %', v_action, p_customer_id USING ERRCODE = '42501'; END IF;
    -- Alone the system finishes what a person approved before; it begins nothing.
    IF (SELECT approvals_needed FROM actions.action WHERE id = v_action) = 0
       AND NOT EXISTS (SELECT FROM privacy.erasure WHERE customer_id = p_customer_id AND NOT is_whole)
    THEN RAISE EXCEPTION 'nobody approved that customer % is erased', p_customer_id USING ERRCODE = '42501'; END IF;
    PERFORM FROM crm.customer WHERE id = p_customer_id FOR UPDATE;
    v_because := privacy.reasons_to_keep(p_customer_id);
    v_values := ARRAY(SELECT privacy.known_values(p_customer_id));
    PERFORM privacy.stop_what_is_under_way(p_customer_id, v_action);
    v_removed := CASE WHEN 'hold' = ANY (v_because) THEN '{}' ELSE privacy.sweep(v_values) END;
    FOR one IN SELECT * FROM privacy.place WHERE erasure <> 'keep' AND NOT needed_for && v_because ORDER BY position LOOP
        IF one.erasure = 'delete' THEN
            EXECUTE format('DELETE FROM %s WHERE %s', one.place::regclass, privacy.condition(one.place)) USING p_customer_id;
        ELSE
            v_set := privacy.assignments(one.place, 'Erased customer ' || p_customer_id);
            EXECUTE format('UPDATE %s SET %s WHERE %s', one.place::regclass, v_set,
                           privacy.condition(one.place) || CASE one.place WHEN 'actions.action' THEN format(' AND id <> %s', v_action) ELSE '' END)
                USING p_customer_id;
        END IF;
        GET DIAGNOSTICS touched = ROW_COUNT;
        IF touched > 0 THEN v_removed := v_removed || jsonb_build_object(one.place, coalesce((v_removed ->> one.place)::bigint, 0) + touched); END IF;
    END LOOP;
    IF NOT 'hold' = ANY (v_because) THEN PERFORM privacy.forget_threads(p_threads); END IF;
    IF cardinality(v_because) = 0 THEN PERFORM privacy.unplace(p_customer_id); END IF;
    SELECT (max(issued_at) + (SELECT keep FROM privacy.retention_rule WHERE rule = 'books'))::date INTO v_until
      FROM billing.invoice WHERE customer_id = p_customer_id;
    INSERT INTO privacy.erasure (customer_id, because, removed, ledger_until, action_id)
    VALUES (p_customer_id, v_because, v_removed, v_until, v_action);
    RETURN jsonb_build_object('is_whole', cardinality(v_because) = 0, 'because', v_because, 'removed', v_removed, 'ledger_until', v_until);
END $$;
GRANT EXECUTE ON FUNCTION privacy.erase TO bedrock_executor;

-- Nothing is sent to them and nothing is asked for them any more; what has left the house and is not answered yet is waited for.
CREATE FUNCTION privacy.stop_what_is_under_way(p_customer_id bigint, p_except bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE one bigint;
BEGIN
    IF EXISTS (SELECT FROM helpdesk.notice WHERE customer_id = p_customer_id AND state = 'leased' AND leased_until > clock_timestamp())
       OR EXISTS (SELECT FROM actions.errand JOIN actions.action ON action.id = action_id
                   WHERE action.proposed_for = p_customer_id AND errand.state IN ('queued', 'leased'))
    THEN RAISE EXCEPTION 'something for this customer is on its way; try again when it is done' USING ERRCODE = '55006'; END IF;
    UPDATE helpdesk.notice SET state = 'failed', failure = 'erased' WHERE customer_id = p_customer_id AND state IN ('queued', 'leased', 'in_doubt');
    FOR one IN SELECT id FROM actions.action WHERE proposed_for = p_customer_id AND id <> p_except
                  AND state IN ('proposed', 'allowed', 'waiting', 'approved') LOOP
        PERFORM actions.withdraw(one, 'failed', 'the customer was erased');
    END LOOP;
END $$;

CREATE FUNCTION privacy.forget_threads(p_threads text[]) RETURNS void
LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM checkpoints.checkpoint_writes WHERE thread_id = ANY (p_threads);
    DELETE FROM checkpoints.checkpoint_blobs WHERE thread_id = ANY (p_threads);
    DELETE FROM checkpoints.checkpoints WHERE thread_id = ANY (p_threads);
$$;

-- Where they lived: lines that ended, and visits, say the area and no house.
CREATE FUNCTION privacy.unplace(p_customer_id bigint) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO gis.premise (area_id, number, street, town, postcode, latitude, longitude)
    SELECT DISTINCT area.id, '', '[erased]', '', 'area ' || area.id, area.latitude, area.longitude
      FROM crm.subscriber JOIN gis.premise ON premise.id = premise_id JOIN gis.area ON area.id = premise.area_id
     WHERE customer_id = p_customer_id
        ON CONFLICT DO NOTHING;
    -- A tenth of a degree is the town.
    UPDATE field_service.job SET premise_id = NULL, latitude = round(latitude::numeric, 1), longitude = round(longitude::numeric, 1)
     WHERE customer_id = p_customer_id;
    UPDATE crm.subscriber SET premise_id = nowhere.id
      FROM gis.premise AS was, gis.premise AS nowhere
     WHERE customer_id = p_customer_id AND was.id = subscriber.premise_id AND nowhere.postcode = 'area ' || was.area_id AND nowhere.street = '[erased]';
END $$;

-- One rule, at most `p_most` rows; how many went. The proof is written by whoever knows that none is left.
CREATE FUNCTION privacy.apply_retention(p_rule text, p_most int) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one privacy.retention_rule;
    v_over text;
    touched bigint;
BEGIN
    SELECT * INTO STRICT one FROM privacy.retention_rule WHERE rule = p_rule AND how IN ('delete', 'rewrite');
    v_over := privacy.over(one);
    IF one.how = 'delete' THEN
        EXECUTE format('DELETE FROM %1$s WHERE ctid IN (SELECT ctid FROM %1$s WHERE %2$s LIMIT %3$s)', one.place::regclass, v_over, p_most);
    ELSE
        EXECUTE format('UPDATE %1$s SET %4$s WHERE ctid IN (SELECT ctid FROM %1$s WHERE %2$s AND %5$s LIMIT %3$s)', one.place::regclass, v_over, p_most,
                       privacy.assignments(one.place, ''), privacy.still_says(one.place));
    END IF;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN touched;
END $$;
GRANT EXECUTE ON FUNCTION privacy.apply_retention TO bedrock_executor;

CREATE FUNCTION privacy.over(p_rule privacy.retention_rule) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('%I < clock_timestamp() - %L::interval', p_rule.since, p_rule.keep)
        || CASE WHEN p_rule.only_if IS NULL THEN ''
                ELSE format(' AND %I = ANY (string_to_array(%L, '' ''))', split_part(p_rule.only_if, ' in ', 1), split_part(p_rule.only_if, ' in ', 2)) END
$$;

-- Whether a row was not rewritten yet: one of its words is not what a rewriting leaves.
CREATE FUNCTION privacy.still_says(p_place text) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT '(' || string_agg(format('%I IS DISTINCT FROM %s', name, CASE treatment WHEN 'erased' THEN '''[erased]''' ELSE '''''' END), ' OR ') || ')'
      FROM privacy.treatment WHERE place = p_place AND treatment IN ('erased', 'blank')
$$;

CREATE FUNCTION privacy.prove_retention(p_rule text, p_removed bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    one privacy.retention_rule;
    v_oldest timestamptz;
BEGIN
    SELECT * INTO STRICT one FROM privacy.retention_rule WHERE rule = p_rule;
    IF one.how <> 'elsewhere' THEN
        EXECUTE format('SELECT min(%I)::timestamptz FROM %s WHERE %s', one.since, one.place::regclass,
                       CASE one.how WHEN 'rewrite' THEN privacy.still_says(one.place) ELSE 'true' END) INTO v_oldest;
    END IF;
    INSERT INTO privacy.retention_proof (rule, removed, oldest_left) VALUES (p_rule, p_removed, v_oldest);
END $$;
GRANT EXECUTE ON FUNCTION privacy.prove_retention TO bedrock_executor;

CALL atlas.protect('privacy.place');
CALL atlas.protect('privacy.treatment');
CALL atlas.protect('privacy.retention_rule');
CALL atlas.protect('privacy.retention_proof');
CALL atlas.protect('privacy.legal_hold');
CALL atlas.protect('privacy.erasure');
CALL actions.guard(ARRAY['privacy.legal_hold', 'privacy.erasure']::regclass[]);
GRANT INSERT ON privacy.legal_hold TO bedrock_executor;
GRANT UPDATE (lifted_at) ON privacy.legal_hold TO bedrock_executor;
