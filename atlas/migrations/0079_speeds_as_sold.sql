-- A speed that differs is said as speeds are sold, in Mbit/s. Else the view is as it was.
CREATE OR REPLACE VIEW billing.leak WITH (security_invoker = true) AS
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
       observed.since, format('%s / %s Mbit/s delivered, %s / %s Mbit/s charged', trim_scale(observed.down_kbps / 1000.0), trim_scale(observed.up_kbps / 1000.0),
                              trim_scale(version.down_kbps / 1000.0), trim_scale(version.up_kbps / 1000.0))
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
