-- Columns travel as raw big-endian bytes, one value per column: a million rows in a second, where a million Python rows take ten.
-- name: network_devices
SELECT coalesce(string_agg(int8send(device.id), ''), ''),
       coalesce(string_agg(int4send(array_position(%(kinds)s::text[], device.kind) - 1), ''), ''),
       coalesce(string_agg(int8send(device.area_id), ''), ''),
       coalesce(string_agg(int8send(coalesce(device.site_id, 0)), ''), ''),
       coalesce(string_agg(boolsend(device.kind = 'gateway'), ''), ''),
       coalesce(string_agg(boolsend(device.is_monitored), ''), '')
  FROM (SELECT id, kind, area_id, site_id, is_monitored FROM cmdb.device ORDER BY id) AS device;

-- name: network_links
SELECT coalesce(string_agg(int8send(link.id), ''), ''),
       coalesce(string_agg(int8send(link.from_device_id), ''), ''),
       coalesce(string_agg(int8send(link.to_device_id), ''), ''),
       coalesce(string_agg(int8send(coalesce(link.conduit_id, 0)), ''), '')
  FROM (SELECT id, from_device_id, to_device_id, conduit_id FROM cmdb.link ORDER BY id) AS link;

-- name: live_lines
WITH offered AS (
    SELECT version.id, offering.segment = 'business' AS is_business,
           coalesce((SELECT sum(price.amount_minor) FROM catalogue.price
                      WHERE price.offering_version_id = version.id AND price.kind = 'recurring'), 0)::bigint AS monthly_minor
      FROM catalogue.offering_version AS version
      JOIN catalogue.offering ON offering.id = version.offering_id
)
SELECT coalesce(string_agg(int8send(subscriber.id), ''), ''),
       coalesce(string_agg(int8send(subscriber.customer_id), ''), ''),
       coalesce(string_agg(int8send(access.device_id), ''), ''),
       coalesce(string_agg(int8send(premise.area_id), ''), ''),
       coalesce(string_agg(int8send(offered.monthly_minor), ''), ''),
       coalesce(string_agg(boolsend(customer.is_vulnerable), ''), ''),
       coalesce(string_agg(boolsend(offered.is_business), ''), '')
  FROM crm.subscriber
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
  JOIN crm.customer ON customer.id = subscriber.customer_id
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN offered ON offered.id = subscriber.offering_version_id
 WHERE subscriber.state = 'active';

-- name: topology_version
SELECT last_value - CASE WHEN is_called THEN 0 ELSE 1 END FROM cmdb.topology_version;

-- name: device_named
SELECT device.id AS device_id, device.name, device.kind, area.name AS area, site.name AS site,
       host(device.management_address) AS management_address, device.vendor, device.model, device.operational_state,
       device.state_changed_at, device.is_monitored,
       (SELECT count(*) FROM cmdb.access JOIN crm.subscriber ON subscriber.id = access.subscriber_id
         WHERE access.device_id = device.id AND subscriber.state = 'active') AS lines
  FROM cmdb.device
  JOIN gis.area ON area.id = device.area_id
  LEFT JOIN cmdb.site ON site.id = device.site_id
 WHERE device.name = %(name)s;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: lines_of
SELECT subscriber.id AS subscriber_id, subscriber.customer_id, subscriber.state, subscriber.suspended_for,
       offering.name AS offering, offering.technology, area.name AS area, access.cpe_serial, access.cpe_model,
       access.received_power_dbm, access.measured_at, session.started_at AS session_started_at, session.ended_at AS session_ended_at,
       session.end_cause AS session_end_cause
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
  LEFT JOIN cmdb.session ON session.subscriber_id = subscriber.id
 WHERE subscriber.customer_id = %(customer_id)s
   AND subscriber.state IN ('active', 'suspended')
 ORDER BY subscriber.id;

-- name: reach_of
SELECT device.kind, device.name, host(device.management_address) AS management_address,
       count(DISTINCT customer.id) AS customers,
       coalesce(bool_or(customer.is_vulnerable), false) AS touches_vulnerable,
       coalesce(bool_or(customer.has_emergency_line), false) AS touches_emergency_line
  FROM cmdb.device
  LEFT JOIN cmdb.access ON access.device_id = device.id OR access.reported_by_device_id = device.id
  LEFT JOIN crm.subscriber ON subscriber.id = access.subscriber_id AND subscriber.state = 'active'
  LEFT JOIN crm.customer ON customer.id = subscriber.customer_id
 WHERE device.id = %(device_id)s
 GROUP BY device.id;

-- name: equipment_of
SELECT subscriber.customer_id, access.cpe_serial, access.managed_object, device.name AS reported_by,
       host(device.management_address) AS management_address,
       customer.is_vulnerable AS touches_vulnerable, customer.has_emergency_line AS touches_emergency_line
  FROM cmdb.access
  JOIN crm.subscriber ON subscriber.id = access.subscriber_id
  JOIN crm.customer ON customer.id = subscriber.customer_id
  JOIN cmdb.device ON device.id = access.reported_by_device_id
 WHERE access.subscriber_id = %(subscriber_id)s
   AND subscriber.state IN ('active', 'suspended', 'pendingActive', 'pendingTerminate');

-- name: diagnoses_of_incident
SELECT diagnosis.device_id, device.name AS device, diagnosis.at, diagnosis.is_reachable, diagnosis.round_trip
  FROM actions.action
  JOIN actions.errand ON errand.action_id = action.id
  JOIN cmdb.diagnosis ON diagnosis.errand_id = errand.id
  JOIN cmdb.device ON device.id = diagnosis.device_id
 WHERE action.incident_id = %(incident_id)s
 ORDER BY diagnosis.at DESC, device.name
 LIMIT %(most)s;

-- name: stops_of_incident
WITH lost AS MATERIALIZED (
    SELECT device_id, restored_at FROM itsm.incident_device WHERE incident_id = %(incident_id)s
), root AS (
    SELECT link.from_device_id, link.to_device_id FROM itsm.incident JOIN cmdb.link ON link.id = incident.root_link_id
     WHERE incident.id = %(incident_id)s
), beside AS (
    SELECT CASE WHEN link.from_device_id = lost.device_id THEN link.to_device_id ELSE link.from_device_id END AS device_id
      FROM lost JOIN cmdb.link ON lost.device_id IN (link.from_device_id, link.to_device_id)
    UNION SELECT from_device_id FROM root UNION SELECT to_device_id FROM root
), lines AS (
    SELECT access.reported_by_device_id AS speaker, access.device_id AS hanging, count(*) AS lines
      FROM itsm.incident_subscriber AS line JOIN cmdb.access ON access.subscriber_id = line.subscriber_id
     WHERE line.incident_id = %(incident_id)s GROUP BY access.reported_by_device_id, access.device_id
)
SELECT device.id AS device_id, device.name, device.kind, lost.device_id IS NOT NULL AS was_lost,
       lost.device_id IS NOT NULL AND lost.restored_at IS NULL AS is_lost,
       coalesce((SELECT sum(lines.lines) FROM lines JOIN cmdb.device AS hanging ON hanging.id = lines.hanging
                  WHERE CASE WHEN hanging.kind IN ('pon_port', 'splitter') THEN lines.speaker ELSE lines.hanging END = device.id), 0)::bigint AS lines
  FROM cmdb.device LEFT JOIN lost ON lost.device_id = device.id
 WHERE device.id IN (SELECT device_id FROM lost UNION SELECT device_id FROM beside)
   AND device.kind NOT IN ('pon_port', 'splitter')
 ORDER BY was_lost, device.id;

-- name: spans_of_incident
SELECT link.id AS link_id, link.from_device_id AS one, link.to_device_id AS other, link.conduit_id
  FROM cmdb.link
  JOIN cmdb.device AS one ON one.id = link.from_device_id
  JOIN cmdb.device AS other ON other.id = link.to_device_id
 WHERE one.kind NOT IN ('pon_port', 'splitter') AND other.kind NOT IN ('pon_port', 'splitter')
   AND EXISTS (SELECT 1 FROM itsm.incident_device AS lost
                WHERE lost.incident_id = %(incident_id)s AND lost.device_id IN (link.from_device_id, link.to_device_id))
 ORDER BY link.id;

-- Passive plant cannot answer, and a device that was asked in this incident is not asked again.
-- name: probe_targets
SELECT device.id AS device_id, device.name, device.kind, host(device.management_address) AS management_address
  FROM itsm.incident_device AS lost
  JOIN cmdb.device ON device.id = lost.device_id
 WHERE lost.incident_id = %(incident_id)s AND lost.restored_at IS NULL
   AND device.is_monitored AND device.kind NOT IN ('pon_port', 'splitter')
   AND NOT EXISTS (SELECT 1 FROM actions.errand WHERE errand.key = 'diagnose:' || lost.incident_id || ':' || device.id)
 ORDER BY device.id;

-- name: devices_by_id
SELECT device.id AS device_id, device.name, device.kind, host(device.management_address) AS management_address
  FROM cmdb.device
 WHERE device.id = ANY(%(devices)s)
 ORDER BY device.id;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: line_checks
SELECT subscriber.id AS subscriber_id, offering.name AS offering, offering.technology, subscriber.state, subscriber.suspended_for,
       fault.incident_id, fault.cause AS incident_cause, fault.is_outage AS incident_is_outage, fault.lost_at,
       access.received_power_dbm, access.measured_at, session.started_at AS session_started_at, session.ended_at AS session_ended_at,
       session.end_cause AS session_end_cause
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  LEFT JOIN cmdb.access ON access.subscriber_id = subscriber.id
  LEFT JOIN cmdb.session ON session.subscriber_id = subscriber.id
  LEFT JOIN LATERAL (
       SELECT lost.incident_id, incident.cause, incident.is_outage, lost.lost_at
         FROM itsm.incident_subscriber AS lost
         JOIN itsm.incident ON incident.id = lost.incident_id AND incident.state = 'inProgress'
        WHERE lost.subscriber_id = subscriber.id AND lost.restored_at IS NULL
        ORDER BY incident.is_outage DESC, lost.lost_at LIMIT 1) AS fault ON true
 WHERE subscriber.customer_id = %(customer_id)s AND subscriber.state IN ('active', 'suspended')
 ORDER BY subscriber.id;

-- name: line_owner
SELECT subscriber.customer_id, customer.is_vulnerable AS touches_vulnerable, customer.has_emergency_line AS touches_emergency_line
  FROM crm.subscriber
  JOIN crm.customer ON customer.id = subscriber.customer_id
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
 WHERE subscriber.id = %(subscriber_id)s AND subscriber.state IN ('active', 'suspended');

-- Of what its plan needs by the catalogue. The nearest first: a pool of its own OLT, of its area, of its kind of customer, then one for anybody.
-- name: pools_for
SELECT pool.id AS pool_id, pool.name AS pool, pool.kind
  FROM crm.subscriber AS line
  JOIN gis.premise ON premise.id = line.premise_id
  LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = line.offering_version_id
 CROSS JOIN cmdb.pool
 WHERE line.id = %(subscriber_id)s
   AND (pool.serves = '' OR pool.serves = policy.address_pool)
   AND (pool.area_id IS NULL OR pool.area_id = premise.area_id)
   AND (pool.device_id IS NULL OR pool.device_id = %(device_id)s::bigint)
   AND EXISTS (SELECT FROM catalogue.offered_service AS offered
                 JOIN catalogue.offering_version AS version ON version.id = offered.offering_version_id
                 JOIN catalogue.offering ON offering.id = version.offering_id
                 JOIN catalogue.realisation AS made ON made.cfs_id = offered.cfs_id
                 JOIN catalogue.specification AS rfs ON rfs.id = made.rfs_id AND rfs.technology IN ('any', offering.technology)
                 JOIN catalogue.resource_need AS need ON need.rfs_id = rfs.id
                WHERE offered.offering_version_id = line.offering_version_id
                  AND need.kind = CASE WHEN pool.kind = 'vlan' THEN 'vlan' WHEN pool.kind = 'address' AND family(pool.network) = 4 THEN 'ipv4'
                                       ELSE 'ipv6_prefix' END)
 ORDER BY pool.kind, pool.device_id IS NULL, pool.area_id IS NULL, pool.serves = '', pool.id;

-- Where an add-on says which pool, that; else one of static addresses. Never one of which the line holds a number: that is its plan's.
-- name: pools_for_add_on
SELECT pool.id AS pool_id, pool.name AS pool, pool.kind
  FROM crm.subscriber AS line
  JOIN gis.premise ON premise.id = line.premise_id
  LEFT JOIN cmdb.access ON access.subscriber_id = line.id
  LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = %(version)s
 CROSS JOIN cmdb.pool
 WHERE line.id = %(subscriber_id)s AND pool.kind = 'address' AND family(pool.network) = 4
   AND CASE WHEN coalesce(policy.address_pool, '') = '' THEN pool.mode = 'static' ELSE pool.serves = policy.address_pool END
   AND (pool.area_id IS NULL OR pool.area_id = premise.area_id)
   AND (pool.device_id IS NULL OR pool.device_id = access.reported_by_device_id)
   AND NOT EXISTS (SELECT FROM cmdb.allotment WHERE allotment.pool_id = pool.id AND allotment.subscriber_id = line.id)
 ORDER BY pool.device_id IS NULL, pool.area_id IS NULL, pool.id;

-- Of the plan that is ordered, else of the one it has: whichever has the speed that is set. Empty is the device's own default.
-- name: profiles_for
-- What an add-on has of its own goes before it, the one that was begun last first.
SELECT policy.line_profile, coalesce(extra.service_profile, policy.service_profile) AS service_profile, coalesce(extra.dhcp_class, policy.dhcp_class) AS dhcp_class
  FROM crm.subscriber AS line
  LEFT JOIN oms.product_order AS ordered ON ordered.id = %(order_id)s AND ordered.subscriber_id = line.id
   AND ordered.kind NOT IN ('add_on', 'end_add_on')
 CROSS JOIN LATERAL (
       SELECT (array_agg(own.service_profile ORDER BY held.id DESC) FILTER (WHERE own.service_profile <> ''))[1] AS service_profile,
              (array_agg(own.dhcp_class ORDER BY held.id DESC) FILTER (WHERE own.dhcp_class <> ''))[1] AS dhcp_class
         FROM catalogue.add_on_held AS held
         JOIN catalogue.access_policy AS own ON own.offering_version_id = held.offering_version_id
        WHERE held.subscriber_id = line.id AND held.held_until IS NULL) AS extra
  JOIN catalogue.offering_version AS version ON version.id IN (line.offering_version_id, ordered.offering_version_id)
  JOIN catalogue.access_policy AS policy ON policy.offering_version_id = version.id
 WHERE line.id = %(subscriber_id)s
 ORDER BY (version.down_kbps, version.up_kbps) = (%(down_kbps)s, %(up_kbps)s) DESC, version.id IS NOT DISTINCT FROM ordered.offering_version_id DESC
 LIMIT 1;

-- name: numbers_of
SELECT allotment.id AS allotment_id, pool.name AS pool, pool.kind, abbrev(allotment.block) AS block, allotment.place, pool.s_tag, allotment.state,
       allotment.until
  FROM cmdb.allotment
  JOIN cmdb.pool ON pool.id = allotment.pool_id
 WHERE allotment.subscriber_id = %(subscriber_id)s
 ORDER BY pool.kind, pool.id;

-- name: pool_uses
WITH coming AS (
    SELECT pool.id AS pool_id, count(*) AS lines
      FROM oms.product_order AS ordered
      JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
      JOIN gis.premise ON premise.id = line.premise_id
      LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = coalesce(ordered.offering_version_id, line.offering_version_id)
     CROSS JOIN (VALUES ('address'), ('prefix')) AS wanted (kind)
     CROSS JOIN LATERAL (
           SELECT pool.id FROM cmdb.pool
            WHERE pool.kind = wanted.kind AND (pool.serves = '' OR pool.serves = policy.address_pool)
              AND (pool.area_id IS NULL OR pool.area_id = premise.area_id)
            ORDER BY pool.area_id IS NULL, pool.serves = '', pool.id LIMIT 1) AS pool
     WHERE ordered.kind = 'add' AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')
       AND coalesce(ordered.wanted_on, ordered.ordered_at::date) <= (clock_timestamp() + %(horizon)s::interval)::date
       AND NOT EXISTS (SELECT 1 FROM cmdb.allotment WHERE allotment.subscriber_id = line.id AND allotment.pool_id = pool.id)
     GROUP BY pool.id
), going AS (
    SELECT allotment.pool_id, count(*) AS lines
      FROM oms.product_order AS ordered
      JOIN cmdb.allotment ON allotment.subscriber_id = ordered.subscriber_id
      JOIN cmdb.pool ON pool.id = allotment.pool_id
     WHERE ordered.kind = 'delete' AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')
       AND coalesce(ordered.wanted_on, ordered.ordered_at::date) + pool.quarantine <= clock_timestamp() + %(horizon)s::interval
     GROUP BY allotment.pool_id
), held AS (
    SELECT allotment.pool_id, count(*) FILTER (WHERE allotment.state = 'assigned' OR allotment.state = 'reserved' AND allotment.until > clock_timestamp()) AS used,
           count(*) FILTER (WHERE allotment.state = 'quarantine' AND allotment.until > clock_timestamp()) AS kept_back,
           count(*) FILTER (WHERE allotment.state = 'quarantine' AND allotment.until > clock_timestamp()
                              AND allotment.until <= clock_timestamp() + %(horizon)s::interval) AS returning,
           count(*) FILTER (WHERE allotment.state = 'quarantine' AND allotment.changed_at > clock_timestamp() - %(horizon)s::interval) AS lost
      FROM cmdb.allotment
     WHERE allotment.state <> 'free'
     GROUP BY allotment.pool_id
)
SELECT pool.id AS pool_id, pool.name AS pool, pool.kind,
       (pool.last_place - pool.first_place + 1 - CASE WHEN pool.gateway IS NULL THEN 0 ELSE 1 END)::bigint AS size,
       coalesce(held.used, 0)::bigint AS in_use, coalesce(held.kept_back, 0)::bigint AS in_quarantine, coalesce(coming.lines, 0)::bigint AS due_in,
       coalesce(going.lines, 0)::bigint AS due_out, coalesce(held.returning, 0)::bigint AS returning, coalesce(held.lost, 0)::bigint AS lost_lately,
       pool.quarantine
  FROM cmdb.pool
  LEFT JOIN held ON held.pool_id = pool.id
  LEFT JOIN coming ON coming.pool_id = pool.id
  LEFT JOIN going ON going.pool_id = pool.id
 ORDER BY pool.name;

-- name: assets
SELECT asset.id AS asset_id, asset.kind, asset.vendor, asset.model, asset.serial, asset.mac::text AS mac, asset.firmware, asset.state, asset.subscriber_id,
       line.customer_id, engineer.name AS engineer, asset.changed_at
  FROM cmdb.asset
  LEFT JOIN crm.subscriber AS line ON line.id = asset.subscriber_id
  LEFT JOIN staff.member AS engineer ON engineer.id = asset.engineer_id
 WHERE (%(serial)s::text IS NULL OR asset.serial = %(serial)s::text)
   AND (%(subscriber_id)s::bigint IS NULL OR asset.subscriber_id = %(subscriber_id)s::bigint)
   AND (%(kind)s::text IS NULL OR asset.kind = %(kind)s::text AND asset.state = 'stock')
 ORDER BY asset.engineer_id IS NOT NULL, asset.id
 LIMIT %(most)s;

-- name: history_of_place
SELECT event.at, asset.serial, event.state, event.subscriber_id, engineer.name AS engineer, event.reason
  FROM cmdb.asset_event AS event
  JOIN cmdb.asset ON asset.id = event.asset_id
  LEFT JOIN staff.member AS engineer ON engineer.id = event.engineer_id
 WHERE event.premise_id = (SELECT premise_id FROM crm.subscriber WHERE id = %(subscriber_id)s)
 ORDER BY event.id;

-- The place keeps what was there, whoever lives in it by now.
-- name: story_of_place
WITH here AS MATERIALIZED (
    SELECT premise_id FROM crm.subscriber WHERE id = %(subscriber_id)s
), lines AS MATERIALIZED (
    SELECT line.id, line.activated_at FROM crm.subscriber AS line JOIN here ON here.premise_id = line.premise_id
)
SELECT told.at, told.kind, told.what, told.line
  FROM (SELECT event.at, 'box' AS kind, asset.serial || ': ' || event.state || ' (' || event.reason || ')' AS what, event.subscriber_id AS line
          FROM here JOIN cmdb.asset_event AS event ON event.premise_id = here.premise_id JOIN cmdb.asset ON asset.id = event.asset_id
         UNION ALL
        SELECT coalesce(job.completed_at, job.window_from), 'visit', job.kind || ', ' || job.state, NULL
          FROM here JOIN field_service.job ON job.premise_id = here.premise_id
         UNION ALL
        SELECT lines.activated_at, 'line', 'in use', lines.id FROM lines WHERE lines.activated_at IS NOT NULL
         UNION ALL
        SELECT min(session.started_at), 'address', host(session.framed_address), lines.id
          FROM lines JOIN cmdb.accounting AS session ON session.subscriber_id = lines.id
         WHERE session.framed_address IS NOT NULL GROUP BY lines.id, session.framed_address) AS told
 ORDER BY told.at, told.kind;

-- name: behind_baseline
SELECT asset.id AS asset_id, asset.kind, asset.vendor, asset.model, asset.serial, asset.mac::text AS mac, asset.firmware, asset.state, asset.subscriber_id,
       line.customer_id, NULL::text AS engineer, asset.changed_at
  FROM cmdb.asset
  JOIN cmdb.firmware_baseline AS baseline ON baseline.vendor = asset.vendor AND baseline.model = asset.model
  LEFT JOIN crm.subscriber AS line ON line.id = asset.subscriber_id
 WHERE asset.state IN ('assigned', 'installed') AND asset.firmware <> baseline.version
 ORDER BY asset.id
 LIMIT %(most)s;

-- What the network does against what is billed; the money is the difference to the cheapest plan on sale that would give what is given now.
-- name: drifts
SELECT seen.subscriber_id, line.customer_id, held.name AS plan, billed.down_kbps AS billed_down_kbps, billed.up_kbps AS billed_up_kbps,
       seen.down_kbps AS actual_down_kbps, seen.up_kbps AS actual_up_kbps, seen.since,
       (SELECT 'A-' || action.id FROM actions.action
         WHERE action.name = 'configure_line' AND (action.arguments->>'line')::bigint = line.id AND action.state = 'done' AND action.finished_at <= seen.since
         ORDER BY action.finished_at DESC LIMIT 1) AS since_change,
       (SELECT least_price.minor - charged.minor FROM (
               SELECT min((SELECT coalesce(sum(price.amount_minor), 0) FROM catalogue.price
                            WHERE price.offering_version_id = version.id AND price.kind = 'recurring'))::bigint AS minor
                 FROM catalogue.offering_version AS version JOIN catalogue.offering ON offering.id = version.offering_id
                WHERE offering.technology = held.technology AND offering.segment = held.segment AND version.valid_to IS NULL
                  AND offering.lifecycle_status IN ('active', 'launched')
                  AND version.down_kbps >= seen.down_kbps AND version.up_kbps >= seen.up_kbps) AS least_price) AS costs_us,
       coalesce((SELECT ruling.is_accepted FROM cmdb.drift_ruling AS ruling
                  WHERE ruling.subscriber_id = line.id AND ruling.down_kbps = seen.down_kbps AND ruling.up_kbps = seen.up_kbps
                  ORDER BY ruling.id DESC LIMIT 1), false) AS is_accepted
  FROM cmdb.observed_profile AS seen
  JOIN crm.subscriber AS line ON line.id = seen.subscriber_id
  JOIN catalogue.offering_version AS billed ON billed.id = line.offering_version_id
  JOIN catalogue.offering AS held ON held.id = billed.offering_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(price.amount_minor), 0)::bigint AS minor FROM catalogue.price
                      WHERE price.offering_version_id = billed.id AND price.kind = 'recurring') AS charged
 WHERE line.state IN ('active', 'suspended') AND (seen.down_kbps, seen.up_kbps) <> (billed.down_kbps, billed.up_kbps)
   AND (%(subscriber_id)s::bigint IS NULL OR line.id = %(subscriber_id)s::bigint)
 ORDER BY is_accepted, abs(seen.down_kbps - billed.down_kbps) DESC, line.id
 LIMIT %(most)s;

-- name: sightings
SELECT seen.device_id, seen.managed_object, seen.first_seen_at, seen.last_seen_at,
       (SELECT max(event.at) FROM cmdb.access
          JOIN cmdb.asset_event AS event ON event.subscriber_id = access.subscriber_id AND event.state = 'installed'
         WHERE access.reported_by_device_id = seen.device_id AND access.managed_object = seen.managed_object) AS swapped_at,
       device.name AS device, seen.subscriber_id
  FROM cmdb.mac_sighting AS seen
  JOIN cmdb.device ON device.id = seen.device_id
 WHERE seen.mac = %(mac)s::macaddr
 ORDER BY seen.first_seen_at;

-- Boxes of which more than one place says at this moment that it is signed in there. Three of a BNG's intervals of silence end a session anyway.
-- name: stations_seen_twice
WITH signed_in AS MATERIALIZED (
    SELECT session.calling_station, session.subscriber_id, session.nas_device_id, session.nas_port, session.started_at, session.heard_at
      FROM cmdb.accounting AS session
     WHERE session.ended_at IS NULL AND session.calling_station <> '' AND session.subscriber_id IS NOT NULL
)
SELECT seen.calling_station AS mac, seen.subscriber_id, device.name AS device, seen.nas_device_id AS device_id, seen.nas_port AS managed_object,
       min(seen.started_at) AS first_seen_at, max(seen.heard_at) AS last_seen_at,
       (SELECT max(event.at) FROM cmdb.asset_event AS event WHERE event.subscriber_id = seen.subscriber_id AND event.state = 'installed') AS swapped_at
  FROM signed_in AS seen
  JOIN cmdb.device ON device.id = seen.nas_device_id
 WHERE seen.calling_station IN (SELECT one.calling_station FROM signed_in AS one
                                 GROUP BY one.calling_station HAVING count(DISTINCT (one.nas_device_id, one.nas_port)) > 1)
 GROUP BY seen.calling_station, seen.subscriber_id, device.name, seen.nas_device_id, seen.nas_port
 ORDER BY seen.calling_station, first_seen_at;

-- Of boxes that somebody's line was seen with at a place which is new since a day.
-- name: stations_seen_elsewhere
SELECT seen.mac::text AS mac, seen.subscriber_id, device.name AS device, seen.device_id, seen.managed_object, seen.first_seen_at, seen.last_seen_at,
       (SELECT max(event.at) FROM cmdb.asset_event AS event WHERE event.subscriber_id = seen.subscriber_id AND event.state = 'installed') AS swapped_at
  FROM cmdb.mac_sighting AS seen
  JOIN cmdb.device ON device.id = seen.device_id
 WHERE seen.subscriber_id IS NOT NULL
   AND seen.mac IN (SELECT late.mac FROM cmdb.mac_sighting AS late
                     WHERE late.last_seen_at > clock_timestamp() - interval '1 day' AND late.first_seen_at > clock_timestamp() - interval '1 day')
 ORDER BY seen.mac, seen.first_seen_at;

-- Whether a chain of dependencies leads from the one device to the other.
-- name: depends_on
WITH RECURSIVE reached AS (
    SELECT %(from_device)s::bigint AS device_id
    UNION
    SELECT relation.to_device_id FROM reached JOIN cmdb.relation ON relation.from_device_id = reached.device_id AND relation.kind = 'dependsOn'
)
SELECT EXISTS (SELECT 1 FROM reached WHERE device_id = %(to_device)s::bigint);

-- What would be left hanging, in words; NULL where nothing would.
-- name: hanging_from
SELECT CASE WHEN lines > 0 THEN lines || ' lines hang from it' WHEN dependents > 0 THEN dependents || ' devices depend on it'
            WHEN pools > 0 THEN 'VLANs are handed out on it' END
  FROM (SELECT (SELECT count(*) FROM cmdb.access WHERE %(device_id)s IN (access.device_id, access.reported_by_device_id)) AS lines,
               (SELECT count(*) FROM cmdb.relation WHERE relation.to_device_id = %(device_id)s AND relation.kind IN ('dependsOn', 'hostedOn')) AS dependents,
               (SELECT count(*) FROM cmdb.pool WHERE pool.device_id = %(device_id)s) AS pools) AS found;

-- name: first_seen
SELECT min(accounting.started_at) FROM cmdb.accounting WHERE accounting.subscriber_id = %(subscriber_id)s;

-- name: credential_of
SELECT credential.id AS credential_id, credential.subscriber_id, credential.username, credential.scheme, credential.simultaneous_use,
       credential.created_at
  FROM cmdb.credential
 WHERE credential.subscriber_id = %(subscriber_id)s AND credential.removed_at IS NULL;

-- name: secret_for_equipment
SELECT cmdb.secret_for_equipment(%(subscriber_id)s);

-- name: nases
SELECT nas.device_id, device.name, host(nas.address) AS address, nas.coa_port, nas.interim_s, nas.sealed_secret
  FROM cmdb.nas
  JOIN cmdb.device ON device.id = nas.device_id
 WHERE %(device_id)s::bigint IS NULL OR nas.device_id = %(device_id)s
 ORDER BY nas.device_id;

-- name: open_sessions
SELECT session.id AS accounting_id, session.subscriber_id, session.nas_device_id, device.name AS bng, session.session_id, session.username,
       host(session.framed_address) AS framed_address, session.calling_station, session.started_at, session.heard_at, session.up_bytes,
       session.down_bytes
  FROM cmdb.accounting AS session
  JOIN cmdb.nas ON nas.device_id = session.nas_device_id
  JOIN cmdb.device ON device.id = nas.device_id
 WHERE session.ended_at IS NULL AND session.subscriber_id IS NOT NULL
   AND (%(lines)s::bigint[] IS NULL OR session.subscriber_id = ANY (%(lines)s::bigint[]))
   AND (%(device_id)s::bigint IS NULL OR session.nas_device_id = %(device_id)s::bigint)
 ORDER BY session.started_at, session.id
 LIMIT %(most)s;

-- name: sessions_seen
-- What was imported was never reported on, so it has no row among those that were.
WITH seen AS (
    SELECT one.id AS session, one.subscriber_id, one.nas_device_id, one.username, host(one.framed_address) AS framed_address, one.calling_station, one.rate,
           one.started_at, one.heard_at, one.ended_at, one.end_cause, one.up_bytes, one.down_bytes
      FROM cmdb.accounting AS one
     WHERE (%(session)s::bigint IS NULL OR one.id = %(session)s::bigint)
     UNION ALL
    SELECT NULL, one.subscriber_id, one.nas_device_id, one.username, host(one.framed_address), '', '', one.started_at, NULL, one.ended_at, one.end_cause, 0, 0
      FROM cmdb.session AS one
     WHERE one.accounting_id IS NULL AND %(session)s::bigint IS NULL
)
SELECT seen.session, subscriber.customer_id, seen.subscriber_id, device.name AS bng, seen.username, seen.framed_address, seen.calling_station, seen.rate,
       seen.started_at, seen.heard_at, seen.ended_at, seen.end_cause, seen.up_bytes / 1000000 AS up_mb, seen.down_bytes / 1000000 AS down_mb,
       coalesce(ordered.operation, '') AS last_order, coalesce(ordered.said, '') AS bng_said, coalesce(ordered.why, '') AS why
  FROM seen
  JOIN crm.subscriber ON subscriber.id = seen.subscriber_id
  JOIN cmdb.device ON device.id = seen.nas_device_id
  LEFT JOIN LATERAL (SELECT errand.operation, errand.answer ->> 'why' AS why,
                            CASE WHEN errand.state = 'failed' THEN 'NAK' ELSE errand.answer ->> 'answer' END AS said
                       FROM actions.errand
                      WHERE errand.port = 'provisioner' AND (errand.arguments -> 'session' ->> 'accounting')::bigint = seen.session
                      ORDER BY errand.id DESC LIMIT 1) AS ordered ON true
 WHERE (%(customer_id)s::bigint IS NULL OR subscriber.customer_id = %(customer_id)s::bigint)
   AND (%(line)s::bigint IS NULL OR seen.subscriber_id = %(line)s::bigint)
   AND (%(device_id)s::bigint IS NULL OR (seen.nas_device_id = %(device_id)s::bigint AND seen.ended_at IS NULL))
 ORDER BY seen.ended_at DESC NULLS FIRST, seen.started_at DESC
 LIMIT %(most)s;

-- name: session_ended
SELECT EXISTS (SELECT FROM cmdb.accounting AS session WHERE session.id = %(accounting_id)s AND session.ended_at IS NOT NULL);

-- Compared with what the BNG said after it had acknowledged the last order about the session.
-- name: speeds_not_kept
SELECT DISTINCT ON (session.id) errand.id AS errand_id, session.subscriber_id, device.name AS bng,
       (errand.arguments ->> 'up_kbps') || 'k/' || (errand.arguments ->> 'down_kbps') || 'k' AS ordered, session.rate AS reported, session.heard_at
  FROM actions.errand
  JOIN cmdb.accounting AS session ON session.id = (errand.arguments -> 'session' ->> 'accounting')::bigint
  JOIN cmdb.device ON device.id = session.nas_device_id
 WHERE errand.operation = 'refresh_session' AND errand.state = 'done' AND errand.answer ->> 'answer' = 'ACK'
   AND errand.finished_at > clock_timestamp() - %(horizon)s::interval
   AND session.heard_at > errand.finished_at AND session.rate <> ''
   AND session.rate <> (errand.arguments ->> 'up_kbps') || 'k/' || (errand.arguments ->> 'down_kbps') || 'k'
   AND NOT EXISTS (SELECT FROM actions.errand AS later
                    WHERE later.operation = 'refresh_session' AND later.id > errand.id
                      AND (later.arguments -> 'session' ->> 'accounting')::bigint = session.id)
 ORDER BY session.id, errand.id DESC;

-- name: use_of
SELECT used.day, used.up_bytes, used.down_bytes
  FROM cmdb.usage AS used
 WHERE used.subscriber_id = %(subscriber_id)s AND used.day >= %(since)s
 ORDER BY used.day DESC;

-- name: changes_of
SELECT told.at, told.ci, told.field, told.was, told.became, coalesce(did.proposer, '') AS by, coalesce(did.reason, '') AS reason
  FROM (SELECT change.id, change.at, change.ci, change.field, change.was, change.became, change.action_id
          FROM cmdb.ci_change AS change
         WHERE (change.ci IN ('device', 'serving_point') AND change.ci_id = %(device_id)s)
            OR (change.ci = 'link' AND change.ci_id IN (SELECT link.id FROM cmdb.link WHERE %(device_id)s IN (link.from_device_id, link.to_device_id)))
         UNION ALL
        SELECT here.splice_id, change.at, 'splice', here.port, CASE WHEN change.is_end THEN cable.name || '/' || other.strand || '@' || other.cable_end END,
               CASE WHEN NOT change.is_end THEN cable.name || '/' || other.strand || '@' || other.cable_end END, change.action_id
          FROM cmdb.splice_end AS here
          JOIN cmdb.splice_end AS other ON other.splice_id = here.splice_id AND other.half = 3 - here.half
          JOIN cmdb.cable ON cable.id = other.cable_id
         CROSS JOIN LATERAL (VALUES (here.made_at, here.action_id, false), (here.removed_at, here.removed_by_action_id, true)) AS change (at, action_id, is_end)
         WHERE here.device_id = %(device_id)s AND change.at IS NOT NULL) AS told
  LEFT JOIN actions.action AS did ON did.id = told.action_id
 ORDER BY told.at DESC, told.id DESC
 LIMIT %(most)s;

-- name: configs_of
SELECT config.id, config.taken_at, config.is_good, array_length(string_to_array(config.words, E'\n'), 1) AS lines, encode(config.sha256, 'hex') AS sha256
  FROM cmdb.config
 WHERE config.device_id = %(device_id)s
   AND (%(config_id)s::bigint IS NULL OR config.id = %(config_id)s::bigint)
 ORDER BY config.id DESC
 LIMIT %(most)s;

-- name: config_words
SELECT config.words FROM cmdb.config WHERE config.id = %(config_id)s;

-- name: cables
SELECT cable.name, cable.kind, near.name AS from_site, far.name AS to_site, cable.tubes, cable.strands_per_tube, conduit.name AS conduit, cable.length_m
  FROM cmdb.cable
  JOIN cmdb.site AS near ON near.id = cable.from_site_id
  JOIN cmdb.site AS far ON far.id = cable.to_site_id
  LEFT JOIN cmdb.conduit ON conduit.id = cable.conduit_id
 WHERE cable.name = ANY (%(names)s::text[]);

-- name: cables_in_use
SELECT cable.name, cable.kind, near.name AS from_site, far.name AS to_site, cable.tubes, cable.strands_per_tube, conduit.name AS conduit, cable.length_m,
       (SELECT count(DISTINCT made.strand) FROM cmdb.splice_end AS made WHERE made.cable_id = cable.id AND made.removed_at IS NULL) AS spliced
  FROM cmdb.cable
  JOIN cmdb.site AS near ON near.id = cable.from_site_id
  JOIN cmdb.site AS far ON far.id = cable.to_site_id
  LEFT JOIN cmdb.conduit ON conduit.id = cable.conduit_id
 WHERE %(find)s = '' OR strpos(lower(cable.name || ' ' || near.name || ' ' || far.name || ' ' || coalesce(conduit.name, '')), lower(%(find)s)) > 0
 ORDER BY cable.name
 LIMIT %(most)s;

-- name: legs_of
SELECT point.ports FROM gis.serving_point AS point WHERE point.device_id = %(device_id)s;

-- name: spliced_to
SELECT coalesce(cable.name || '/' || other.strand || '@' || other.cable_end, device.name || '#' || other.port)
  FROM cmdb.splice_end AS here
  JOIN cmdb.splice_end AS other ON other.splice_id = here.splice_id AND other.half = 3 - here.half
  LEFT JOIN cmdb.cable ON cable.id = other.cable_id
  LEFT JOIN cmdb.device ON device.id = other.device_id
 WHERE here.removed_at IS NULL
   AND (here.cable_id = (SELECT id FROM cmdb.cable WHERE name = %(cable)s::text) AND here.strand = %(strand)s AND here.cable_end = %(cable_end)s::text
        OR here.device_id = (SELECT id FROM cmdb.device WHERE name = %(device)s::text) AND here.port = %(port)s::text);

-- name: splices
SELECT one.splice_id, coalesce(one_cable.name || '/' || one.strand || '@' || one.cable_end, one_device.name || '#' || one.port) AS one,
       coalesce(other_cable.name || '/' || other.strand || '@' || other.cable_end, other_device.name || '#' || other.port) AS other,
       one.made_at, one.removed_at, coalesce(made.proposer, '') AS by
  FROM cmdb.splice_end AS one
  JOIN cmdb.splice_end AS other ON other.splice_id = one.splice_id AND other.half = 2
  LEFT JOIN cmdb.cable AS one_cable ON one_cable.id = one.cable_id
  LEFT JOIN cmdb.device AS one_device ON one_device.id = one.device_id
  LEFT JOIN cmdb.cable AS other_cable ON other_cable.id = other.cable_id
  LEFT JOIN cmdb.device AS other_device ON other_device.id = other.device_id
  LEFT JOIN actions.action AS made ON made.id = one.action_id
 WHERE one.half = 1 AND one.splice_id = %(splice_id)s;

-- name: line_end
SELECT access.subscriber_id, device.name AS splitter, device.kind, access.port AS leg, speaker.name AS olt, access.managed_object,
       access.cpe_serial AS ont, laid.length_m AS drop_m
  FROM cmdb.access
  JOIN crm.subscriber ON subscriber.id = access.subscriber_id
  JOIN cmdb.device ON device.id = access.device_id AND device.kind = 'splitter'
  JOIN cmdb.device AS speaker ON speaker.id = access.reported_by_device_id
  LEFT JOIN gis.drop AS laid ON laid.premise_id = subscriber.premise_id AND laid.device_id = access.device_id
 WHERE access.subscriber_id = %(subscriber_id)s;

-- The port of an OLT that a PON port is patched to, or the port itself where plans of the network know none.
-- name: olt_port_of
SELECT link.from_port
  FROM cmdb.link
  JOIN cmdb.device AS here ON here.id = link.to_device_id AND here.name = %(device)s
  JOIN cmdb.device AS olt ON olt.id = link.from_device_id AND olt.kind = 'olt'
 ORDER BY link.id
 LIMIT 1;

-- name: light_from
SELECT met.splice_id, cable.name AS cable, met.strand, cable.strands_per_tube, cable.length_m, device.name AS device, coalesce(device.kind, 'strand') AS kind,
       met.entered
  FROM cmdb.light_from((SELECT id FROM cmdb.cable WHERE name = %(cable)s::text), %(strand)s::int, %(cable_end)s::text,
                       (SELECT id FROM cmdb.device WHERE name = %(device)s::text), %(port)s::text) AS met
  LEFT JOIN cmdb.cable ON cable.id = met.cable_id
  LEFT JOIN cmdb.device ON device.id = met.device_id
 ORDER BY met.step;

-- name: strand_ends
SELECT here.strand, max(coalesce(cable.name || '/' || other.strand || '@' || other.cable_end, device.name || '#' || other.port)) FILTER (WHERE here.cable_end = 'from') AS at_from,
       max(coalesce(cable.name || '/' || other.strand || '@' || other.cable_end, device.name || '#' || other.port)) FILTER (WHERE here.cable_end = 'to') AS at_to
  FROM cmdb.splice_end AS here
  JOIN cmdb.splice_end AS other ON other.splice_id = here.splice_id AND other.half = 3 - here.half
  LEFT JOIN cmdb.cable ON cable.id = other.cable_id
  LEFT JOIN cmdb.device ON device.id = other.device_id
 WHERE here.cable_id = (SELECT id FROM cmdb.cable WHERE name = %(cable)s) AND here.removed_at IS NULL
 GROUP BY here.strand
 ORDER BY here.strand;

-- From both ends of each strand outwards; whatever is fed at its input loses all that hangs below, through every splitter after it; where light comes to a
-- leg of a splitter from below, it is that leg's own line.
-- name: lines_lit
WITH RECURSIVE fed (strand, device_id, entered) AS (
    SELECT cut.strand, met.device_id, met.entered
      FROM unnest(%(strands)s::int[]) AS cut (strand)
     CROSS JOIN (VALUES ('from'), ('to')) AS side (cable_end)
     CROSS JOIN LATERAL cmdb.light_from((SELECT id FROM cmdb.cable WHERE name = %(cable)s), cut.strand, side.cable_end, NULL, NULL) AS met
      JOIN cmdb.device ON device.id = met.device_id AND device.kind NOT IN ('pon_port', 'olt')
     UNION
    SELECT fed.strand, below.device_id, below.entered
      FROM fed
      JOIN cmdb.splice_end AS leg ON leg.device_id = fed.device_id AND leg.port LIKE 'leg %%' AND leg.removed_at IS NULL AND fed.entered = 'in'
     CROSS JOIN LATERAL cmdb.light_from(NULL, NULL, NULL, leg.device_id, leg.port) AS below
     WHERE below.device_id IS NOT NULL
)
SELECT DISTINCT fed.strand, access.subscriber_id, line.customer_id, device.name AS splitter, access.port AS leg, access.cpe_serial AS ont,
       concat_ws(', ', nullif(premise.unit, ''), premise.number || ' ' || premise.street, premise.town, premise.postcode) AS address,
       customer.is_vulnerable, customer.has_emergency_line, customer.kind = 'organisation' AS is_business
  FROM fed
  JOIN cmdb.access ON access.device_id = fed.device_id AND (fed.entered NOT LIKE 'leg %%' OR fed.entered = 'leg ' || access.port)
  JOIN cmdb.device ON device.id = access.device_id
  JOIN crm.subscriber AS line ON line.id = access.subscriber_id AND line.state IN ('active', 'suspended')
  JOIN crm.customer ON customer.id = line.customer_id
  JOIN gis.premise ON premise.id = line.premise_id
 ORDER BY fed.strand, device.name, access.port, access.subscriber_id;

-- What a plan names that is there already; `held_by`: what has it.
-- name: plant_known
SELECT 'area' AS kind, area.name, area.name AS held_by FROM gis.area WHERE area.name = ANY (%(names)s::text[])
 UNION ALL
SELECT 'site', site.name, site.name FROM cmdb.site WHERE site.name = ANY (%(names)s::text[])
 UNION ALL
SELECT 'device', device.name, device.kind FROM cmdb.device WHERE device.name = ANY (%(names)s::text[])
 UNION ALL
SELECT 'address', host(device.management_address), device.name FROM cmdb.device WHERE device.management_address = ANY (%(addresses)s::inet[])
 UNION ALL
SELECT 'serial', device.serial, device.name FROM cmdb.device WHERE device.serial = ANY (%(names)s::text[])
 UNION ALL
SELECT 'link', link.name, link.name FROM cmdb.link WHERE link.name = ANY (%(names)s::text[])
 UNION ALL
SELECT 'from_port', device.name || ' ' || link.from_port, link.name FROM cmdb.link JOIN cmdb.device ON device.id = link.from_device_id
 WHERE device.name = ANY (%(names)s::text[])
 UNION ALL
SELECT 'to_port', device.name || ' ' || link.to_port, link.name FROM cmdb.link JOIN cmdb.device ON device.id = link.to_device_id
 WHERE device.name = ANY (%(names)s::text[]);
