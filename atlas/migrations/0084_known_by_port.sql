-- A line may be known by its port: the access node says at which one a box asks (DHCP option 82, which a BNG hands on as RFC 4679 has it), and the address
-- that is told is that of the line on this port. What is asked at a port of nobody's is refused and kept for whoever looks after the network. Where a box
-- is seen is kept too, so that one that moved or was copied is noticed.
ALTER TABLE cmdb.mac_sighting ADD COLUMN subscriber_id bigint;
ALTER TABLE cmdb.mac_sighting ADD CONSTRAINT mac_sighting_subscriber_id_fkey FOREIGN KEY (subscriber_id) REFERENCES crm.subscriber NOT VALID;
COMMENT ON COLUMN cmdb.mac_sighting.subscriber_id IS 'whose line is at that place; none where it is nobody''s';

CREATE TABLE cmdb.port_doubt (
    nas_device_id bigint NOT NULL REFERENCES cmdb.device,
    circuit_id    text NOT NULL CHECK (length(circuit_id) <= 253),
    remote_id     text NOT NULL DEFAULT '' CHECK (length(remote_id) <= 253),
    station       text NOT NULL DEFAULT '' CHECK (length(station) <= 253),
    reason        text NOT NULL CHECK (reason IN ('unknown_port', 'no_line', 'no_number', 'other_box')),
    first_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    times         bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (nas_device_id, circuit_id, reason)
);
COMMENT ON TABLE cmdb.port_doubt IS 'a port at which a box asked, and what does not fit; all but other_box were refused';
COMMENT ON COLUMN cmdb.port_doubt.reason IS 'unknown_port: no such node or port; no_line: nobody is on it; no_number: its line has no number that is told by port; other_box: the node names another line''s box there';
CREATE INDEX port_doubt_lately ON cmdb.port_doubt (last_seen_at);
CALL atlas.protect('cmdb.port_doubt');

-- FreeRADIUS writes octets as 0x…: text again where they are printable, else as they came.
CREATE FUNCTION radius.octets(p_written text) RETURNS text LANGUAGE plpgsql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE plain text := radius.raw(btrim(p_written));
BEGIN
    IF plain !~ '^0x([2-7][0-9a-fA-F])+$' THEN RETURN left(plain, 253); END IF;
    RETURN left(btrim(convert_from(decode(substr(plain, 3), 'hex'), 'SQL_ASCII')), 253);
END $$;

-- The access port that a circuit-id names, and the line on it: `NODE PORT` as TR-101 has it (`olt-1 xpon 0/1/3:5`, a VLAN behind it left out), the node by its
-- name. Without a port that we know, the remote-id may be the serial of the box.
CREATE FUNCTION radius.port_of(p_circuit text, p_remote text) RETURNS TABLE (device_id bigint, managed_object text, subscriber_id bigint, serial text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_circuit text := radius.octets(p_circuit);
    v_node    text := split_part(v_circuit, ' ', 1);
    v_port    text := regexp_replace(btrim(substr(v_circuit, length(v_node) + 1)), '\.\d+(\.\d+)?$', '');
    v_ont     text := 'ont ' || regexp_replace(v_port, '^(xpon|gpon|epon|xgspon|xgs-pon|pon|ont|onu|eth|atm) +', '', 'i');
    v_serial  text := upper(radius.octets(p_remote));
    v_device  bigint;
BEGIN
    IF v_node <> '' THEN
        SELECT node.id INTO v_device FROM cmdb.device AS node WHERE node.name IN (v_node, lower(v_node), upper(v_node)) LIMIT 1;
        RETURN QUERY SELECT access.reported_by_device_id, access.managed_object, access.subscriber_id, access.cpe_serial FROM cmdb.access
                      WHERE access.reported_by_device_id = v_device AND access.managed_object IN (v_port, v_ont)
                      ORDER BY access.managed_object <> v_port LIMIT 1;
        IF FOUND THEN RETURN; END IF;
        IF v_device IS NOT NULL AND v_port <> '' THEN
            RETURN QUERY SELECT v_device, left(v_port, 253), NULL::bigint, NULL::text;
            RETURN;
        END IF;
    END IF;
    IF v_serial <> '' THEN
        RETURN QUERY SELECT access.reported_by_device_id, access.managed_object, access.subscriber_id, access.cpe_serial FROM cmdb.access
                      WHERE access.cpe_serial = v_serial;
    END IF;
END $$;

CREATE FUNCTION radius.doubted(p_nas text, p_circuit text, p_remote text, p_station text, p_reason text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE cmdb.port_doubt SET last_seen_at = clock_timestamp(), times = times + 1, station = left(radius.canonical(p_station), 253),
                               remote_id = radius.octets(p_remote)
     WHERE nas_device_id = p_nas::bigint AND circuit_id = radius.octets(p_circuit) AND reason = p_reason;
    -- A node that names a new port at every question fills no disk.
    IF NOT FOUND AND (SELECT count(*) FROM cmdb.port_doubt WHERE nas_device_id = p_nas::bigint) < 1000 THEN
        INSERT INTO cmdb.port_doubt (nas_device_id, circuit_id, remote_id, station, reason)
        VALUES (p_nas::bigint, radius.octets(p_circuit), radius.octets(p_remote), left(radius.canonical(p_station), 253), p_reason)
            ON CONFLICT (nas_device_id, circuit_id, reason) DO NOTHING;
    END IF;
END $$;

-- Asked before the secret, of a box that names its port: the number of the line that it gets in as, empty where its name is somebody's (then its secret
-- decides), or `refused`.
CREATE FUNCTION radius.port_asks(p_username text, p_circuit text, p_remote text, p_station text, p_nas text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_name text := radius.canonical(p_username);
    v_serial text := upper(radius.octets(p_remote));
    port   record;
BEGIN
    IF EXISTS (SELECT FROM cmdb.credential AS held WHERE held.username = v_name AND held.removed_at IS NULL) THEN RETURN ''; END IF;
    SELECT found.device_id, found.subscriber_id, found.serial INTO port FROM radius.port_of(p_circuit, p_remote) AS found;
    IF port.subscriber_id IS NULL THEN
        PERFORM radius.doubted(p_nas, p_circuit, p_remote, p_station, CASE WHEN port.device_id IS NULL THEN 'unknown_port' ELSE 'no_line' END);
        RETURN 'refused';
    END IF;
    IF NOT EXISTS (SELECT FROM cmdb.allotment AS held JOIN cmdb.pool ON pool.id = held.pool_id
                    WHERE held.subscriber_id = port.subscriber_id AND held.state IN ('reserved', 'assigned') AND pool.mode = 'option82') THEN
        PERFORM radius.doubted(p_nas, p_circuit, p_remote, p_station, 'no_number');
        RETURN 'refused';
    END IF;
    IF v_serial <> port.serial AND EXISTS (SELECT FROM cmdb.access WHERE access.cpe_serial = v_serial) THEN
        PERFORM radius.doubted(p_nas, p_circuit, p_remote, p_station, 'other_box');
    END IF;
    RETURN port.subscriber_id::text;
END $$;

-- Where a box is seen, by its hardware address; any order of arrival ends the same. What is no such address is no box.
CREATE FUNCTION radius.saw(p_station text, p_device bigint, p_object text, p_line bigint, p_at timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- An odd second digit is a group's address.
    IF p_station !~ '^[0-9a-f][02468ace](:[0-9a-f]{2}){5}$' OR p_station = '00:00:00:00:00:00' THEN RETURN; END IF;
    -- What was seen there within the minute is known: most logins and reports only read.
    IF EXISTS (SELECT FROM cmdb.mac_sighting AS seen WHERE seen.mac = p_station::macaddr AND seen.device_id = p_device AND seen.managed_object = p_object
                  AND seen.subscriber_id IS NOT DISTINCT FROM p_line AND p_at BETWEEN seen.first_seen_at AND seen.last_seen_at + interval '1 minute')
    THEN RETURN; END IF;
    INSERT INTO cmdb.mac_sighting AS seen (mac, device_id, managed_object, first_seen_at, last_seen_at, subscriber_id)
    VALUES (p_station::macaddr, p_device, p_object, p_at, p_at, p_line)
        ON CONFLICT (mac, device_id, managed_object) DO UPDATE
           SET first_seen_at = least(seen.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(seen.last_seen_at, excluded.last_seen_at),
               subscriber_id = CASE WHEN excluded.last_seen_at >= seen.last_seen_at THEN excluded.subscriber_id ELSE seen.subscriber_id END;
END $$;

CREATE FUNCTION radius.radcheck(p_username text, p_line text) RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Only what port_asks answered is a number here; nothing that a box says is.
    IF p_line ~ '^\d+$' THEN RETURN QUERY SELECT p_line::bigint, p_username, 'Auth-Type', 'Accept', ':=';
    ELSE RETURN QUERY SELECT item.id, item.username, item.attribute, item.value, item.op FROM radius.radcheck(p_username) AS item; END IF;
END $$;

-- What a line is told: its plan, as the BNG is to enforce it, and what it holds of pools of these modes.
CREATE FUNCTION radius.reply_of(p_line bigint, p_username text, p_nas text, p_modes text[]) RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT item.place, p_username, item.attribute, item.value, item.op
      FROM crm.subscriber AS line
      JOIN catalogue.offering_version AS plan ON plan.id = line.offering_version_id
      LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = plan.id
      LEFT JOIN LATERAL (
          -- What the line holds of pools that RADIUS hands out; DHCP's own are told by DHCP.
          SELECT min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 4) AS v4,
                 min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 6) AS v6,
                 min(host(allotted.block) || '/' || masklen(allotted.block)) FILTER (WHERE pool.kind = 'prefix' AND family(allotted.block) = 6) AS delegated
            FROM cmdb.allotment AS allotted JOIN cmdb.pool ON pool.id = allotted.pool_id
           WHERE allotted.subscriber_id = line.id AND allotted.state IN ('reserved', 'assigned') AND pool.mode = ANY (p_modes)) AS own ON true
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
     WHERE line.id = p_line AND item.value IS NOT NULL
     ORDER BY item.place;
END $$;
CREATE OR REPLACE FUNCTION radius.radreply(p_username text, p_nas text) RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_name text := radius.canonical(p_username);
BEGIN
    RETURN QUERY SELECT item.id, item.username, item.attribute, item.value, item.op
      FROM cmdb.credential AS held CROSS JOIN LATERAL radius.reply_of(held.subscriber_id, held.username, p_nas, '{static,radius}') AS item
     WHERE held.username = v_name AND held.removed_at IS NULL;
END $$;
CREATE FUNCTION radius.radreply(p_username text, p_nas text, p_line text) RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_line ~ '^\d+$' THEN
        RETURN QUERY SELECT item.id, item.username, item.attribute, item.value, item.op
                       FROM radius.reply_of(p_line::bigint, p_username, p_nas, '{static,radius,option82}') AS item;
    ELSE
        RETURN QUERY SELECT item.id, item.username, item.attribute, item.value, item.op FROM radius.radreply(p_username, p_nas) AS item;
    END IF;
END $$;

-- As radius.standing, which stays for whoever signs in by name; a line known by its port is not counted: its port is one, whatever boxes hang from it.
CREATE FUNCTION radius.standing(p_username text, p_nas text, p_port text, p_calling text, p_line text, p_circuit text, p_remote text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_said text;
    v_line bigint;
    port   record;
BEGIN
    IF p_line ~ '^\d+$' THEN
        v_line := p_line::bigint;
        SELECT CASE WHEN line.state IN ('active', 'pendingActive') THEN 'welcome' WHEN line.state = 'suspended' THEN 'suspended' ELSE 'terminated' END INTO v_said
          FROM crm.subscriber AS line WHERE line.id = v_line;
    ELSE
        v_said := radius.standing(p_username, p_nas, coalesce(nullif(radius.octets(p_circuit), ''), p_port), p_calling);
        SELECT held.subscriber_id INTO v_line FROM cmdb.credential AS held WHERE held.username = radius.canonical(p_username) AND held.removed_at IS NULL;
    END IF;
    SELECT found.device_id, found.managed_object INTO port FROM radius.port_of(p_circuit, p_remote) AS found;
    IF v_said = 'welcome' AND p_nas <> '' THEN
        PERFORM radius.saw(radius.canonical(p_calling), coalesce(port.device_id, p_nas::bigint), coalesce(port.managed_object, radius.raw(p_port)), v_line,
                           clock_timestamp());
    END IF;
    RETURN coalesce(v_said, 'terminated');
END $$;

-- As before, and where the name is nobody's the line is the port's; the box is seen where it reports from.
CREATE FUNCTION radius.accounting(p_status text, p_unique text, p_session text, p_username text, p_nas text, p_port text, p_calling text, p_address text,
                                  p_prefix text, p_delegated text, p_up text, p_up_gigawords text, p_down text, p_down_gigawords text, p_seconds text,
                                  p_delay text, p_cause text, p_rate text, p_circuit text, p_remote text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_at      timestamptz := clock_timestamp() - make_interval(secs => least(coalesce(nullif(p_delay, '')::bigint, 0), 86400));
    v_seconds bigint := coalesce(nullif(p_seconds, '')::bigint, 0);
    v_name    text := radius.canonical(p_username);
    v_line    bigint;
    v_port    record;
    v_is_new  boolean;
    was       cmdb.accounting;
    becomes   cmdb.accounting;
BEGIN
    IF NOT EXISTS (SELECT FROM cmdb.nas WHERE device_id = p_nas::bigint) THEN RAISE EXCEPTION 'no BNG has the number %', p_nas; END IF;
    IF p_status IN ('Accounting-On', 'Accounting-Off') THEN
        PERFORM radius.nas_restarted(p_nas::bigint, p_status = 'Accounting-Off', v_at);
        RETURN 'restarted';
    END IF;
    -- A BNG that counts its sessions from one again after a restart: an old session's number, long after its end, is another session.
    UPDATE cmdb.accounting SET unique_session = unique_session || '#' || id
     WHERE unique_session = p_unique AND p_status = 'Start' AND ended_at < v_at - interval '1 minute';
    -- A name says whose session it is; where it is nobody's, the port at which it begins.
    SELECT port.device_id, port.managed_object, port.subscriber_id INTO v_port FROM radius.port_of(p_circuit, p_remote) AS port;
    SELECT coalesce((SELECT held.subscriber_id FROM cmdb.credential AS held WHERE held.username = v_name AND held.removed_at IS NULL), v_port.subscriber_id,
                    (SELECT held.subscriber_id FROM cmdb.credential AS held WHERE held.username = v_name ORDER BY held.id DESC LIMIT 1)) INTO v_line;
    INSERT INTO cmdb.accounting (unique_session, session_id, username, subscriber_id, nas_device_id, started_at, heard_at)
    VALUES (p_unique, radius.raw(p_session), radius.raw(p_username), v_line, p_nas::bigint, v_at - make_interval(secs => v_seconds), v_at)
        ON CONFLICT (unique_session) DO NOTHING;
    v_is_new := FOUND;
    SELECT * INTO was FROM cmdb.accounting WHERE unique_session = p_unique FOR UPDATE;

    becomes := was;
    becomes.heard_at := greatest(was.heard_at, v_at);
    becomes.session_s := greatest(was.session_s, v_seconds);
    becomes.up_bytes := radius.counted(was.up_bytes, p_up, p_up_gigawords, v_seconds > was.session_s);
    becomes.down_bytes := radius.counted(was.down_bytes, p_down, p_down_gigawords, v_seconds > was.session_s);
    -- The access port, where its node named it: behind one port of a BNG there are many.
    becomes.nas_port := coalesce(nullif(radius.octets(p_circuit), ''), nullif(radius.raw(p_port), ''), was.nas_port);
    becomes.calling_station := coalesce(nullif(radius.canonical(p_calling), ''), was.calling_station);
    becomes.framed_address := coalesce(nullif(p_address, '')::inet, was.framed_address);
    becomes.framed_prefix := coalesce(nullif(radius.raw(p_prefix), '')::inet, was.framed_prefix);
    becomes.delegated_prefix := coalesce(nullif(radius.raw(p_delegated), '')::inet, was.delegated_prefix);
    IF v_seconds >= was.session_s THEN becomes.rate := coalesce(nullif(radius.raw(p_rate), ''), was.rate); END IF;
    IF p_status = 'Stop' AND (was.ended_at IS NULL OR was.is_end_inferred) THEN
        becomes.ended_at := greatest(was.started_at, v_at);
        becomes.end_cause := radius.raw(p_cause);
        becomes.is_end_inferred := false;
    ELSIF p_status <> 'Stop' AND was.end_cause = 'Session-Stale' AND v_at > was.ended_at THEN
        -- It was only silent.
        becomes.ended_at := NULL;
        becomes.end_cause := NULL;
        becomes.is_end_inferred := false;
    END IF;
    UPDATE cmdb.accounting
       SET heard_at = becomes.heard_at, session_s = becomes.session_s, up_bytes = becomes.up_bytes, down_bytes = becomes.down_bytes,
           nas_port = becomes.nas_port, calling_station = becomes.calling_station, framed_address = becomes.framed_address,
           framed_prefix = becomes.framed_prefix, delegated_prefix = becomes.delegated_prefix, rate = becomes.rate, ended_at = becomes.ended_at,
           end_cause = becomes.end_cause, is_end_inferred = becomes.is_end_inferred
     WHERE id = was.id;
    IF was.subscriber_id IS NOT NULL THEN PERFORM radius.line_reported(was, becomes, v_at, v_is_new); END IF;
    PERFORM radius.saw(becomes.calling_station, coalesce(v_port.device_id, was.nas_device_id), coalesce(v_port.managed_object, becomes.nas_port),
                       was.subscriber_id, v_at);
    RETURN 'recorded';
END $$;

CREATE OR REPLACE FUNCTION radius.accounting(p_status text, p_unique text, p_session text, p_username text, p_nas text, p_port text, p_calling text, p_address text,
                                  p_prefix text, p_delegated text, p_up text, p_up_gigawords text, p_down text, p_down_gigawords text, p_seconds text,
                                  p_delay text, p_cause text, p_rate text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN radius.accounting(p_status, p_unique, p_session, p_username, p_nas, p_port, p_calling, p_address, p_prefix, p_delegated, p_up, p_up_gigawords,
                             p_down, p_down_gigawords, p_seconds, p_delay, p_cause, p_rate, '', '');
END $$;

REVOKE EXECUTE ON FUNCTION radius.octets, radius.port_of, radius.doubted, radius.saw, radius.reply_of FROM PUBLIC;
GRANT EXECUTE ON FUNCTION radius.port_asks, radius.radcheck(text, text), radius.radreply(text, text, text),
      radius.standing(text, text, text, text, text, text, text),
      radius.accounting(text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text, text)
   TO bedrock_radius;

-- A person is known by the hardware addresses of their boxes as well, however these are written.
CREATE OR REPLACE FUNCTION privacy.known_values(p_customer_id bigint) RETURNS SETOF text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$
    WITH theirs AS MATERIALIZED (
        SELECT id FROM crm.subscriber WHERE customer_id = p_customer_id
    ), box AS MATERIALIZED (
        SELECT mac FROM cmdb.mac_sighting WHERE subscriber_id IN (SELECT id FROM theirs)
        UNION SELECT mac FROM cmdb.asset WHERE subscriber_id IN (SELECT id FROM theirs) AND mac IS NOT NULL
        UNION SELECT calling_station::macaddr FROM cmdb.accounting
               WHERE subscriber_id IN (SELECT id FROM theirs) AND calling_station ~ '^([0-9a-f]{2}:){5}[0-9a-f]{2}$'
    ), written AS (
        SELECT form.said
          FROM box
         CROSS JOIN LATERAL (SELECT replace(mac::text, ':', '') AS bare) AS digits
         CROSS JOIN LATERAL (VALUES (mac::text), (replace(mac::text, ':', '-')), (digits.bare), (regexp_replace(digits.bare, '(....)(....)(....)', '\1.\2.\3')))
                    AS form (said)
    )
    SELECT said FROM (
        SELECT name AS said FROM crm.customer WHERE id = p_customer_id
        UNION SELECT address FROM privacy.sole_address WHERE customer_id = p_customer_id
        UNION SELECT username FROM cmdb.session WHERE subscriber_id IN (SELECT id FROM theirs)
        UNION SELECT cpe_serial FROM cmdb.access WHERE subscriber_id IN (SELECT id FROM theirs)
        UNION SELECT said FROM written
        UNION SELECT upper(said) FROM written) AS known
     WHERE length(said) >= 5
     ORDER BY length(said) DESC, said
$$;
