-- Whoever waits for the first sign of a line is taken up when it comes. Until now a job was left for the sequences, but the one that waits was not due
-- yet: it had looked for itself, in vain, and its next look was seconds or a minute away. What is read at every login stays as it was: a line has its
-- first accept once, and its sessions begin before it works only once or twice.
CREATE FUNCTION radius.line_was_seen(p_subscriber_id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE actions.sequence SET next_at = clock_timestamp()
      FROM oms.product_order AS ordered
     WHERE ordered.subscriber_id = p_subscriber_id AND sequence.kind = 'line_start' AND sequence.key = ordered.id::text AND sequence.state = 'running';
    PERFORM jobs.defer('forge.sequences', '{}', NULL, 'forge.sequences', NULL);
END $$;

CREATE OR REPLACE FUNCTION radius.standing(p_username text, p_nas text, p_port text, p_calling text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text := radius.canonical(p_username);
    v_station text := radius.canonical(p_calling);
    v_port text := radius.raw(p_port);
    line record;
    others bigint;
BEGIN
    SELECT held.id, held.subscriber_id, held.simultaneous_use, held.accepted_at, subscriber.state INTO line
      FROM cmdb.credential AS held JOIN crm.subscriber ON subscriber.id = held.subscriber_id
     WHERE held.username = v_name AND held.removed_at IS NULL;
    IF NOT FOUND THEN RETURN 'unknown'; END IF;
    IF line.state = 'suspended' THEN RETURN 'suspended'; END IF;
    -- A line that is being set up comes in: its first session is the evidence that it works.
    IF line.state NOT IN ('active', 'pendingActive') THEN RETURN 'terminated'; END IF;
    SELECT count(*) INTO others
      FROM cmdb.accounting AS open JOIN cmdb.nas ON nas.device_id = open.nas_device_id
     WHERE open.subscriber_id = line.subscriber_id AND open.ended_at IS NULL
       AND open.heard_at > clock_timestamp() - make_interval(secs => 3 * nas.interim_s)
       AND NOT (open.calling_station <> '' AND open.calling_station = v_station)
       AND NOT (open.nas_port <> '' AND open.nas_port = v_port AND open.nas_device_id::text = p_nas);
    IF others >= line.simultaneous_use THEN RETURN 'in_use'; END IF;
    -- Once in a credential's life; every later login only reads.
    IF line.accepted_at IS NULL THEN
        UPDATE cmdb.credential SET accepted_at = clock_timestamp(), accepted_by_device_id = nullif(p_nas, '')::bigint
         WHERE credential.id = line.id AND credential.accepted_at IS NULL;
        IF FOUND AND line.state = 'pendingActive' THEN PERFORM radius.line_was_seen(line.subscriber_id); END IF;
    END IF;
    RETURN 'welcome';
END $$;

CREATE OR REPLACE FUNCTION radius.line_reported(was cmdb.accounting, becomes cmdb.accounting, p_at timestamptz, p_is_new boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_is_new OR (was.ended_at, was.end_cause, was.framed_address) IS DISTINCT FROM (becomes.ended_at, becomes.end_cause, becomes.framed_address) THEN
        -- A Stop of yesterday's session that comes today does not end today's.
        INSERT INTO cmdb.session AS present (subscriber_id, username, nas_device_id, framed_address, started_at, ended_at, end_cause, accounting_id)
        VALUES (becomes.subscriber_id, becomes.username, becomes.nas_device_id, becomes.framed_address, becomes.started_at, becomes.ended_at,
                becomes.end_cause, becomes.id)
            ON CONFLICT (subscriber_id) DO UPDATE
               SET username = excluded.username, nas_device_id = excluded.nas_device_id, framed_address = excluded.framed_address,
                   started_at = excluded.started_at, ended_at = excluded.ended_at, end_cause = excluded.end_cause, accounting_id = excluded.accounting_id
             WHERE present.accounting_id = excluded.accounting_id OR excluded.started_at >= present.started_at;
    END IF;
    IF becomes.up_bytes > was.up_bytes OR becomes.down_bytes > was.down_bytes THEN
        INSERT INTO cmdb.usage AS used (subscriber_id, day, up_bytes, down_bytes)
        SELECT becomes.subscriber_id, (p_at AT TIME ZONE customer.timezone)::date, becomes.up_bytes - was.up_bytes, becomes.down_bytes - was.down_bytes
          FROM crm.subscriber AS line JOIN crm.customer ON customer.id = line.customer_id WHERE line.id = becomes.subscriber_id
            ON CONFLICT (subscriber_id, day) DO UPDATE
               SET up_bytes = used.up_bytes + excluded.up_bytes, down_bytes = used.down_bytes + excluded.down_bytes;
    END IF;
    -- What the network does for the line, where its BNG says so: laid beside what is billed as drift.
    IF becomes.rate ~ '^[1-9][0-9]{0,8}k/[1-9][0-9]{0,8}k$' AND (p_is_new OR was.rate <> becomes.rate) THEN
        INSERT INTO cmdb.observed_profile AS seen (subscriber_id, up_kbps, down_kbps, since, seen_at)
        VALUES (becomes.subscriber_id, replace(split_part(becomes.rate, '/', 1), 'k', '')::int,
                replace(split_part(becomes.rate, '/', 2), 'k', '')::int, p_at, p_at)
            ON CONFLICT (subscriber_id) DO UPDATE
               SET up_kbps = excluded.up_kbps, down_kbps = excluded.down_kbps, seen_at = greatest(seen.seen_at, excluded.seen_at),
                   since = CASE WHEN (seen.up_kbps, seen.down_kbps) = (excluded.up_kbps, excluded.down_kbps) THEN seen.since
                                ELSE greatest(seen.seen_at, excluded.since) END;
    END IF;
    IF p_is_new AND EXISTS (SELECT FROM crm.subscriber WHERE id = becomes.subscriber_id AND state = 'pendingActive') THEN
        PERFORM radius.line_was_seen(becomes.subscriber_id);
    END IF;
END $$;

-- A customer moves the visit of their own order as surely known as they book and call off a repair visit.
INSERT INTO actions.assurance_needed (action, level) VALUES ('move_installation', 2) ON CONFLICT (action) DO NOTHING;
