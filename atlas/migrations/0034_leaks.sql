-- Billing beside provisioning beside the session beside the inventory: where they do not agree, and what it costs a month. Always askable; looked
-- at again for every line of which something changed, and whole every night.

-- Each row is one disagreement. A view with the eyes of whoever asks.
CREATE VIEW billing.leak WITH (security_invoker = true) AS
WITH price AS (
    SELECT price.offering_version_id, sum(price.amount_minor)::bigint AS minor
      FROM catalogue.price WHERE price.kind = 'recurring' GROUP BY price.offering_version_id
)
-- Served and not charged: the session lives, and no charge runs.
SELECT 'session_without_charge' AS kind, subscriber.id AS subscriber_id, subscriber.customer_id, 'cmdb.session' AS place, subscriber.id AS row_id,
       coalesce(price.minor, 0) AS monthly_minor, session.started_at AS since, 'online as ' || subscriber.state AS detail
  FROM cmdb.session
  JOIN crm.subscriber ON subscriber.id = session.subscriber_id AND subscriber.state <> 'suspended'
  LEFT JOIN price ON price.offering_version_id = subscriber.offering_version_id
 WHERE session.ended_at IS NULL
   AND NOT EXISTS (SELECT FROM billing.charge WHERE charge.subscriber_id = session.subscriber_id AND charge.ends_on IS NULL AND NOT charge.is_add_on)
UNION ALL
-- Charged and not used: for thirty days nobody was online, and what is charged will be asked back.
SELECT 'charge_without_session', subscriber.id, subscriber.customer_id, 'billing.charge', charge.id, coalesce(price.minor, 0),
       coalesce(session.ended_at, charge.evidence_at), 'charged since ' || charge.starts_on
  FROM billing.charge
  JOIN crm.subscriber ON subscriber.id = charge.subscriber_id AND subscriber.state = 'active'
  LEFT JOIN cmdb.session ON session.subscriber_id = charge.subscriber_id
  LEFT JOIN price ON price.offering_version_id = charge.offering_version_id
 WHERE charge.ends_on IS NULL AND NOT charge.is_add_on
   AND coalesce(session.ended_at, CASE WHEN session.subscriber_id IS NULL THEN charge.evidence_at END) < now() - interval '30 days'
UNION ALL
-- Another speed is delivered than is charged: worth the difference to the plan that has that speed, else its share of the price.
SELECT 'speed_differs', subscriber.id, subscriber.customer_id, 'cmdb.observed_profile', subscriber.id,
       abs(coalesce((SELECT min(other.minor) FROM catalogue.offering_version AS sold JOIN price AS other ON other.offering_version_id = sold.id
                      WHERE (sold.down_kbps, sold.up_kbps) = (observed.down_kbps, observed.up_kbps)),
                    price.minor * observed.down_kbps / version.down_kbps) - price.minor),
       observed.since, format('%s/%s kbit/s delivered, %s/%s charged', observed.down_kbps, observed.up_kbps, version.down_kbps, version.up_kbps)
  FROM cmdb.observed_profile AS observed
  JOIN crm.subscriber ON subscriber.id = observed.subscriber_id AND subscriber.state = 'active' AND subscriber.restricted_for IS NULL
  JOIN billing.charge ON charge.subscriber_id = subscriber.id AND charge.ends_on IS NULL AND NOT charge.is_add_on
  JOIN catalogue.offering_version AS version ON version.id = charge.offering_version_id
  JOIN price ON price.offering_version_id = version.id
 WHERE (observed.down_kbps, observed.up_kbps) <> (version.down_kbps, version.up_kbps)
   AND NOT EXISTS (SELECT FROM cmdb.drift_ruling AS ruled
                    WHERE ruled.subscriber_id = observed.subscriber_id AND (ruled.down_kbps, ruled.up_kbps) = (observed.down_kbps, observed.up_kbps)
                      AND ruled.is_accepted)
UNION ALL
-- Cut off in the books and served in the network.
SELECT 'suspended_but_online', subscriber.id, subscriber.customer_id, 'cmdb.session', subscriber.id, coalesce(price.minor, 0), session.started_at,
       'suspended for ' || subscriber.suspended_for
  FROM cmdb.session
  JOIN crm.subscriber ON subscriber.id = session.subscriber_id AND subscriber.state = 'suspended'
  LEFT JOIN price ON price.offering_version_id = subscriber.offering_version_id
 WHERE session.ended_at IS NULL
UNION ALL
-- A port, a number or a box that a line holds which is no more: worth what it could earn there.
SELECT 'held_by_no_line', subscriber.id, subscriber.customer_id, held.place, held.row_id, coalesce(price.minor, 0), held.since, held.what
  FROM (SELECT access.subscriber_id, 'cmdb.access' AS place, access.subscriber_id AS row_id, access.measured_at AS since, 'port ' || access.managed_object AS what
          FROM cmdb.access
        UNION ALL
        SELECT allotment.subscriber_id, 'cmdb.allotment', allotment.id, allotment.changed_at, coalesce('address ' || allotment.block, 'vlan ' || allotment.place)
          FROM cmdb.allotment WHERE allotment.state = 'assigned'
        UNION ALL
        SELECT asset.subscriber_id, 'cmdb.asset', asset.id, asset.changed_at, asset.kind || ' ' || asset.serial
          FROM cmdb.asset WHERE asset.state = 'installed') AS held
  JOIN crm.subscriber ON subscriber.id = held.subscriber_id AND subscriber.state IN ('terminated', 'cancelled', 'aborted')
  LEFT JOIN price ON price.offering_version_id = subscriber.offering_version_id;
GRANT SELECT ON billing.leak TO bedrock_staff, bedrock_executor;

-- What was found, when, and when it was gone again; measured, not decided.
CREATE TABLE billing.leak_found (
    id            bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    kind          text NOT NULL CHECK (kind IN ('session_without_charge', 'charge_without_session', 'speed_differs', 'suspended_but_online', 'held_by_no_line')),
    subscriber_id bigint NOT NULL REFERENCES crm.subscriber,
    place         text NOT NULL,
    row_id        bigint NOT NULL,
    monthly_minor bigint NOT NULL CHECK (monthly_minor >= 0),
    detail        text NOT NULL,
    since         timestamptz,
    found_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    gone_at       timestamptz CHECK (gone_at >= found_at)
);
CREATE UNIQUE INDEX leak_standing ON billing.leak_found (kind, place, row_id) WHERE gone_at IS NULL;
CREATE INDEX leak_of_subscriber ON billing.leak_found (subscriber_id);
-- Lines of which something changed since they were last looked at. Appended only, so that no two writers ever wait for each other.
CREATE TABLE billing.leak_look (
    id            bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    subscriber_id bigint NOT NULL
);

CREATE FUNCTION billing.look_again() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_LEVEL = 'ROW' THEN
        INSERT INTO billing.leak_look (subscriber_id) SELECT (to_jsonb(NEW) ->> TG_ARGV[0])::bigint WHERE to_jsonb(NEW) ->> TG_ARGV[0] IS NOT NULL;
        RETURN NULL;
    END IF;
    INSERT INTO billing.leak_look (subscriber_id) SELECT (to_jsonb(made) ->> TG_ARGV[0])::bigint FROM made WHERE to_jsonb(made) ->> TG_ARGV[0] IS NOT NULL;
    RETURN NULL;
END $$;
DO $$
DECLARE watched record;
BEGIN
    FOR watched IN SELECT * FROM (VALUES
        ('crm.subscriber', 'id', 'OLD.state IS DISTINCT FROM NEW.state OR OLD.restricted_for IS DISTINCT FROM NEW.restricted_for'),
        ('billing.charge', 'subscriber_id', 'OLD.ends_on IS DISTINCT FROM NEW.ends_on'),
        ('cmdb.session', 'subscriber_id', '(OLD.started_at, OLD.ended_at) IS DISTINCT FROM (NEW.started_at, NEW.ended_at)'),
        ('cmdb.observed_profile', 'subscriber_id', '(OLD.down_kbps, OLD.up_kbps) IS DISTINCT FROM (NEW.down_kbps, NEW.up_kbps)'),
        ('cmdb.access', 'subscriber_id', 'OLD.managed_object IS DISTINCT FROM NEW.managed_object'),
        ('cmdb.allotment', 'subscriber_id', 'OLD.state IS DISTINCT FROM NEW.state'),
        ('cmdb.asset', 'subscriber_id', 'OLD.state IS DISTINCT FROM NEW.state'),
        ('cmdb.drift_ruling', 'subscriber_id', 'false')) AS one (place, line, changed)
    LOOP
        EXECUTE format('CREATE TRIGGER look_again AFTER INSERT ON %s REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION billing.look_again(%L)',
                       watched.place, watched.line);
        EXECUTE format('CREATE TRIGGER look_again_changed AFTER UPDATE ON %s FOR EACH ROW WHEN (%s) EXECUTE FUNCTION billing.look_again(%L)',
                       watched.place, watched.changed, watched.line);
    END LOOP;
END $$;

-- What stands of these lines, or of all where none are named: new disagreements are kept, ended ones are closed; how many of each.
CREATE FUNCTION billing.record_leaks(p_subscribers bigint[]) RETURNS TABLE (found bigint, gone bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('leaks', 0));
    RETURN QUERY
    WITH standing AS MATERIALIZED (
        SELECT leak.kind, leak.subscriber_id, leak.place, leak.row_id, leak.monthly_minor, leak.detail, leak.since
          FROM billing.leak WHERE p_subscribers IS NULL OR leak.subscriber_id = ANY (p_subscribers)
    ), kept AS (
        INSERT INTO billing.leak_found AS known (kind, subscriber_id, place, row_id, monthly_minor, detail, since)
        SELECT standing.kind, standing.subscriber_id, standing.place, standing.row_id, standing.monthly_minor, standing.detail, standing.since FROM standing
            ON CONFLICT (kind, place, row_id) WHERE gone_at IS NULL DO UPDATE SET monthly_minor = excluded.monthly_minor, detail = excluded.detail
         WHERE (known.monthly_minor, known.detail) <> (excluded.monthly_minor, excluded.detail)
        RETURNING known.xmax = 0 AS is_new
    ), closed AS (
        UPDATE billing.leak_found AS known SET gone_at = greatest(clock_timestamp(), known.found_at)
         WHERE known.gone_at IS NULL AND (p_subscribers IS NULL OR known.subscriber_id = ANY (p_subscribers))
           AND NOT EXISTS (SELECT FROM standing WHERE (standing.kind, standing.place, standing.row_id) = (known.kind, known.place, known.row_id))
        RETURNING 1
    )
    SELECT (SELECT count(*) FILTER (WHERE kept.is_new) FROM kept), (SELECT count(*) FROM closed);
END $$;

-- The lines that wait to be looked at, at most so many, taken off the list by whoever looks.
CREATE FUNCTION billing.take_leak_looks(p_most int) RETURNS bigint[] LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    WITH taken AS (
        DELETE FROM billing.leak_look WHERE id IN (SELECT id FROM billing.leak_look ORDER BY id LIMIT p_most FOR UPDATE SKIP LOCKED) RETURNING subscriber_id
    )
    SELECT coalesce(array_agg(DISTINCT taken.subscriber_id), '{}') FROM taken
$$;

CALL atlas.protect('billing.leak_found');
CALL atlas.protect('billing.leak_look');
GRANT EXECUTE ON FUNCTION billing.record_leaks, billing.take_leak_looks TO bedrock_executor;
CALL atlas.announce_changes(ARRAY['billing.leak_found']::regclass[]);
