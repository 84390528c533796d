-- The first sign-in of a line is evidence that it works: it is kept, and wakes the order that waits for it. What a BNG is told comes from the catalogue's
-- reply items and from the numbers that are allotted to the line.
ALTER TABLE cmdb.credential ADD COLUMN accepted_at timestamptz, ADD COLUMN accepted_by_device_id bigint;
COMMENT ON COLUMN cmdb.credential.accepted_at IS 'when it was first accepted, at the BNG accepted_by_device_id: what showed that its line works';
GRANT SELECT (accepted_at, accepted_by_device_id) ON cmdb.credential TO bedrock_staff, bedrock_executor;

CREATE OR REPLACE FUNCTION radius.radreply(p_username text, p_nas text) RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_name text := radius.canonical(p_username);
BEGIN
    RETURN QUERY SELECT item.place, held.username, item.attribute, item.value, item.op
      FROM cmdb.credential AS held
      JOIN crm.subscriber AS line ON line.id = held.subscriber_id
      JOIN catalogue.offering_version AS plan ON plan.id = line.offering_version_id
      LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = plan.id
      LEFT JOIN LATERAL (
          -- What the line holds of pools that RADIUS hands out; DHCP's own are told by DHCP.
          SELECT min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 4) AS v4,
                 min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 6) AS v6,
                 min(host(allotted.block) || '/' || masklen(allotted.block)) FILTER (WHERE pool.kind = 'prefix' AND family(allotted.block) = 6) AS delegated
            FROM cmdb.allotment AS allotted JOIN cmdb.pool ON pool.id = allotted.pool_id
           WHERE allotted.subscriber_id = line.id AND allotted.state IN ('reserved', 'assigned') AND pool.mode IN ('static', 'radius')) AS own ON true
      CROSS JOIN LATERAL (
          VALUES
          (1::bigint, 'Acct-Interim-Interval', (SELECT nas.interim_s::text FROM cmdb.nas WHERE nas.device_id = nullif(p_nas, '')::bigint), ':='),
          (2, 'Session-Timeout', policy.session_timeout_s::text, ':='),
          -- A pool is for a line that has no address of its own.
          (3, 'Framed-Pool', CASE WHEN own.v4 IS NULL THEN policy.address_pool END, ':='),
          (4, 'Mikrotik-Rate-Limit', policy.rate_limit, ':='),
          (5, 'WISPr-Bandwidth-Max-Up', least(plan.up_kbps * 1000::bigint, 4294967295)::text, ':='),
          (6, 'WISPr-Bandwidth-Max-Down', least(plan.down_kbps * 1000::bigint, 4294967295)::text, ':='),
          (7, 'Framed-IP-Address', own.v4, ':='),
          (8, 'Framed-IPv6-Address', own.v6, ':='),
          (9, 'Delegated-IPv6-Prefix', own.delegated, ':=')
          UNION ALL
          SELECT 100 + reply.ordinal, reply.attribute, reply.value, reply.op FROM catalogue.reply_item AS reply WHERE reply.offering_version_id = plan.id
          ) AS item (place, attribute, value, op)
     WHERE held.username = v_name AND held.removed_at IS NULL AND item.value IS NOT NULL
     ORDER BY item.place;
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
        IF FOUND AND line.state = 'pendingActive' THEN PERFORM jobs.defer('forge.sequences', '{}', NULL, 'forge.sequences', NULL); END IF;
    END IF;
    RETURN 'welcome';
END $$;
