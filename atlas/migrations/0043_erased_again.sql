-- A restore brings back whoever was erased after its moment: the owner erases them again before anybody is served, and it is on the trail.

-- What an erasure does, whoever ordered it; for which reasons something stays is the caller's to say.
CREATE FUNCTION privacy.erase_rows(p_customer_id bigint, p_threads text[], p_action bigint, p_because text[]) RETURNS jsonb
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_values  text[] := ARRAY(SELECT privacy.known_values(p_customer_id));
    v_removed jsonb;
    v_set     text;
    one       privacy.place;
    touched   bigint;
    v_until   date;
BEGIN
    PERFORM privacy.stop_what_is_under_way(p_customer_id, p_action);
    v_removed := CASE WHEN 'hold' = ANY (p_because) THEN '{}' ELSE privacy.sweep(v_values) END;
    FOR one IN SELECT * FROM privacy.place WHERE erasure <> 'keep' AND NOT needed_for && p_because ORDER BY position LOOP
        IF one.erasure = 'delete' THEN
            EXECUTE format('DELETE FROM %s WHERE %s', one.place::regclass, privacy.condition(one.place)) USING p_customer_id;
        ELSE
            v_set := privacy.assignments(one.place, 'Erased customer ' || p_customer_id);
            EXECUTE format('UPDATE %s SET %s WHERE %s', one.place::regclass, v_set,
                           privacy.condition(one.place) || CASE one.place WHEN 'actions.action' THEN format(' AND id <> %s', p_action) ELSE '' END)
                USING p_customer_id;
        END IF;
        GET DIAGNOSTICS touched = ROW_COUNT;
        IF touched > 0 THEN v_removed := v_removed || jsonb_build_object(one.place, coalesce((v_removed ->> one.place)::bigint, 0) + touched); END IF;
    END LOOP;
    IF NOT 'hold' = ANY (p_because) THEN PERFORM privacy.forget_threads(p_threads); END IF;
    IF cardinality(p_because) = 0 THEN PERFORM privacy.unplace(p_customer_id); END IF;
    SELECT (max(issued_at) + (SELECT keep FROM privacy.retention_rule WHERE rule = 'books'))::date INTO v_until
      FROM billing.invoice WHERE customer_id = p_customer_id;
    INSERT INTO privacy.erasure (customer_id, because, removed, ledger_until, action_id)
    VALUES (p_customer_id, p_because, v_removed, v_until, p_action);
    RETURN jsonb_build_object('is_whole', cardinality(p_because) = 0, 'because', p_because, 'removed', v_removed, 'ledger_until', v_until);
END $$;

-- As before: the effect of the action erase_customer, in the transaction that claimed it, and of nothing else.
CREATE OR REPLACE FUNCTION privacy.erase(p_customer_id bigint, p_threads text[]) RETURNS jsonb
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_action bigint := actions.claimed();
BEGIN
    IF NOT EXISTS (SELECT FROM actions.action WHERE id = v_action AND name = 'erase_customer' AND arguments ->> 'customer_id' = p_customer_id::text)
    THEN RAISE EXCEPTION 'action % does not erase customer %', v_action, p_customer_id USING ERRCODE = '42501'; END IF;
    -- Alone the system finishes what a person approved before; it begins nothing.
    IF (SELECT approvals_needed FROM actions.action WHERE id = v_action) = 0
       AND NOT EXISTS (SELECT FROM privacy.erasure WHERE customer_id = p_customer_id AND NOT is_whole)
    THEN RAISE EXCEPTION 'nobody approved that customer % is erased', p_customer_id USING ERRCODE = '42501'; END IF;
    PERFORM FROM crm.customer WHERE id = p_customer_id FOR UPDATE;
    RETURN privacy.erase_rows(p_customer_id, p_threads, v_action, privacy.reasons_to_keep(p_customer_id));
END $$;

-- The owner's alone, after a restore: what a person approved and Atlas did once is done again, no less of it, though the restored rows would
-- give a reason to leave something: a line that has ended since, a bill that was paid since.
CREATE FUNCTION privacy.erase_again(p_customer_id bigint, p_erased_at timestamptz, p_because text[], p_threads text[]) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_key     text := format('erase_customer:%s:again:%s', p_customer_id, p_erased_at AT TIME ZONE 'UTC');
    v_words   text := format('erased on %s, after the moment that was restored', p_erased_at AT TIME ZONE 'UTC');
    v_action  bigint;
    v_outcome jsonb;
BEGIN
    PERFORM FROM crm.customer WHERE id = p_customer_id FOR UPDATE;
    INSERT INTO actions.action (name, arguments, facts, digest, operation_key, proposer, proposed_for, reason, correlation_id, state, rule,
                                verdict_reason, judged_at, finished_at)
    VALUES ('erase_customer', jsonb_build_object('customer_id', p_customer_id, 'source', 'restored'), '{}', sha256(convert_to(v_key, 'UTF8')), v_key,
            'system:restore', p_customer_id, v_words, gen_random_uuid(), 'done', 'erased-again', v_words, now(), now())
    RETURNING id INTO v_action;
    -- Nothing runs while a house is restored: what was on its way then is not waited for.
    UPDATE helpdesk.notice SET leased_until = NULL, state = 'queued' WHERE customer_id = p_customer_id AND state = 'leased';
    UPDATE actions.errand SET state = 'failed', finished_at = now()
      FROM actions.action WHERE action.id = action_id AND action.proposed_for = p_customer_id AND errand.state IN ('queued', 'leased');
    v_outcome := privacy.erase_rows(p_customer_id, p_threads, v_action, p_because);
    UPDATE actions.action SET outcome = v_outcome WHERE id = v_action;
    PERFORM actions.append_audit('system:restore', 'done', v_action, (SELECT correlation_id FROM actions.action WHERE id = v_action), v_outcome);
    RETURN v_action;
END $$;
