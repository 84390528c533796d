-- name: change_operational_state
UPDATE cmdb.device
   SET operational_state = %(operational_state)s, state_changed_at = %(at)s, action_id = actions.claimed()
 WHERE id = %(device_id)s AND operational_state <> %(operational_state)s;

-- name: record_diagnosis
INSERT INTO cmdb.diagnosis (device_id, errand_id, at, is_reachable, round_trip, detail)
VALUES (%(device_id)s, %(errand_id)s, %(at)s, %(is_reachable)s, %(round_trip)s, %(detail)s::jsonb)
ON CONFLICT (errand_id, device_id) DO NOTHING;

-- name: record_conduits
INSERT INTO cmdb.conduit (name) SELECT unnest(%(names)s::text[]) ON CONFLICT (name) DO NOTHING;

-- name: record_sites
INSERT INTO cmdb.site (name, area_id, latitude, longitude)
SELECT DISTINCT ON (planned.site) planned.site, area.id, coalesce(planned.latitude, area.latitude), coalesce(planned.longitude, area.longitude)
  FROM unnest(%(site)s::text[], %(area)s::text[], %(latitude)s::float8[], %(longitude)s::float8[]) AS planned (site, area, latitude, longitude)
  JOIN gis.area ON area.name = planned.area
 WHERE planned.site IS NOT NULL
 ORDER BY planned.site
ON CONFLICT (name) DO NOTHING;

-- name: record_devices
INSERT INTO cmdb.device (name, kind, area_id, site_id, management_address, vendor, model, serial, firmware, is_monitored)
SELECT planned.name, planned.kind, area.id, site.id, planned.address::inet, planned.vendor, planned.model, planned.serial, planned.firmware,
       planned.is_monitored
  FROM unnest(%(name)s::text[], %(kind)s::text[], %(area)s::text[], %(site)s::text[], %(management_address)s::text[], %(vendor)s::text[],
              %(model)s::text[], %(serial)s::text[], %(firmware)s::text[], %(is_monitored)s::boolean[])
       AS planned (name, kind, area, site, address, vendor, model, serial, firmware, is_monitored)
  JOIN gis.area ON area.name = planned.area
  LEFT JOIN cmdb.site ON site.name = planned.site
ON CONFLICT (name) DO NOTHING;

-- name: record_links
INSERT INTO cmdb.link (name, kind, from_device_id, from_port, to_device_id, to_port, conduit_id, length_m)
SELECT planned.name, planned.kind, near.id, planned.from_port, far.id, planned.to_port, conduit.id, planned.length_m
  FROM unnest(%(name)s::text[], %(kind)s::text[], %(from_device)s::text[], %(from_port)s::text[], %(to_device)s::text[], %(to_port)s::text[],
              %(conduit)s::text[], %(length_m)s::int[])
       AS planned (name, kind, from_device, from_port, to_device, to_port, conduit, length_m)
  JOIN cmdb.device AS near ON near.name = planned.from_device
  JOIN cmdb.device AS far ON far.name = planned.to_device
  LEFT JOIN cmdb.conduit ON conduit.name = planned.conduit
ON CONFLICT DO NOTHING;

-- name: define_vrf
INSERT INTO cmdb.vrf (name) VALUES (%(vrf)s) ON CONFLICT (name) DO NOTHING;

-- name: define_pool
INSERT INTO cmdb.pool (name, kind, serves, mode, vrf_id, prefix_id, network, block_length, gateway, device_id, area_id, s_tag, first_place, last_place, next_place,
                       quarantine)
SELECT %(name)s, %(kind)s, %(serves)s, %(mode)s, vrf.id,
       (SELECT prefix.id FROM cmdb.prefix WHERE prefix.vrf_id = vrf.id AND prefix.network >>= %(network)s::cidr ORDER BY masklen(prefix.network) DESC LIMIT 1),
       %(network)s::cidr, %(block_length)s, %(gateway)s::inet,
       (SELECT device.id FROM cmdb.device WHERE device.name = %(device)s), (SELECT area.id FROM gis.area WHERE area.name = %(area)s), %(s_tag)s,
       %(first_place)s, %(last_place)s, %(first_place)s, %(quarantine)s
  FROM (SELECT max(id) AS id FROM cmdb.vrf WHERE vrf.name = %(vrf)s AND %(network)s::cidr IS NOT NULL) AS vrf
RETURNING id;

-- name: next_free
SELECT cmdb.next_free(%(pool_id)s, %(subscriber_id)s, %(keep)s::interval);

-- name: assign_numbers
UPDATE cmdb.allotment SET state = 'assigned', until = NULL, changed_at = clock_timestamp(), action_id = actions.claimed()
 WHERE allotment.subscriber_id = %(subscriber_id)s AND allotment.state = 'reserved';

-- What was never used is free at once; what was is kept back first.
-- name: free_numbers
UPDATE cmdb.allotment AS freed
   SET state = CASE WHEN freed.state = 'assigned' AND pool.quarantine > interval '0' THEN 'quarantine' ELSE 'free' END,
       until = CASE WHEN freed.state = 'assigned' AND pool.quarantine > interval '0' THEN clock_timestamp() + pool.quarantine END,
       subscriber_id = NULL, changed_at = clock_timestamp(), action_id = actions.claimed()
  FROM cmdb.pool
 WHERE pool.id = freed.pool_id AND freed.subscriber_id = %(subscriber_id)s;

-- name: assign_number
UPDATE cmdb.allotment SET state = 'assigned', until = NULL, changed_at = clock_timestamp(), action_id = (SELECT actions.claimed())
 WHERE allotment.id = %(allotment_id)s AND allotment.subscriber_id = %(subscriber_id)s;

-- name: free_number
UPDATE cmdb.allotment AS freed
   SET state = CASE WHEN pool.quarantine > interval '0' THEN 'quarantine' ELSE 'free' END,
       until = CASE WHEN pool.quarantine > interval '0' THEN clock_timestamp() + pool.quarantine END,
       subscriber_id = NULL, changed_at = clock_timestamp(), action_id = (SELECT actions.claimed())
  FROM cmdb.pool
 WHERE pool.id = freed.pool_id AND freed.id = ANY (%(allotment_ids)s::bigint[]) AND freed.subscriber_id = %(subscriber_id)s;

-- In quarantine nobody else is given it.
-- name: take_number_again
UPDATE cmdb.allotment SET state = 'assigned', until = NULL, subscriber_id = %(subscriber_id)s, changed_at = clock_timestamp(),
       action_id = (SELECT actions.claimed())
 WHERE allotment.id = ANY (%(allotment_ids)s::bigint[]) AND (allotment.subscriber_id IS NULL OR allotment.subscriber_id = %(subscriber_id)s);

-- name: receive_assets
INSERT INTO cmdb.asset (kind, vendor, model, serial, mac, firmware)
SELECT box.kind, box.vendor, box.model, box.serial, box.mac::macaddr, box.firmware
  FROM unnest(%(kinds)s::text[], %(vendors)s::text[], %(models)s::text[], %(serials)s::text[], %(macs)s::text[], %(firmwares)s::text[])
       AS box (kind, vendor, model, serial, mac, firmware)
    ON CONFLICT DO NOTHING
RETURNING id;

-- Locks the box, so that of two who want it the second sees what the first made of it.
-- name: lock_asset
SELECT asset.state FROM cmdb.asset WHERE asset.id = %(asset_id)s FOR UPDATE;

-- name: pick_from_stock
SELECT asset.id FROM cmdb.asset
 WHERE asset.state = 'stock' AND asset.kind = %(kind)s AND asset.engineer_id IS NULL
 ORDER BY asset.id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: move_asset
WITH moved AS (
    UPDATE cmdb.asset SET state = %(state)s, subscriber_id = %(subscriber_id)s, engineer_id = %(engineer_id)s, changed_at = %(at)s,
           replaced_by_id = coalesce(%(replaced_by)s::bigint, asset.replaced_by_id), action_id = actions.claimed()
     WHERE asset.id = %(asset_id)s AND asset.state = %(was)s
    RETURNING id, state, subscriber_id, engineer_id
)
INSERT INTO cmdb.asset_event (asset_id, at, state, subscriber_id, premise_id, engineer_id, reason)
SELECT moved.id, %(at)s, moved.state, coalesce(moved.subscriber_id, %(at_line)s::bigint),
       (SELECT line.premise_id FROM crm.subscriber AS line WHERE line.id = coalesce(moved.subscriber_id, %(at_line)s::bigint)), moved.engineer_id, %(reason)s
  FROM moved;

-- name: connect_line
INSERT INTO cmdb.access (subscriber_id, device_id, reported_by_device_id, managed_object, cpe_serial, cpe_model, port)
VALUES (%(subscriber_id)s, %(device_id)s, %(reported_by)s, %(managed_object)s, %(serial)s, %(model)s, %(port)s)
    ON CONFLICT (subscriber_id) DO UPDATE SET device_id = excluded.device_id, reported_by_device_id = excluded.reported_by_device_id,
       managed_object = excluded.managed_object, cpe_serial = excluded.cpe_serial, cpe_model = excluded.cpe_model,
       port = excluded.port;

-- name: change_box
UPDATE cmdb.access SET cpe_serial = %(serial)s, cpe_model = %(model)s, received_power_dbm = NULL, measured_at = NULL
 WHERE access.subscriber_id = %(subscriber_id)s;

-- name: disconnect_line
SELECT cmdb.disconnect(%(subscriber_id)s);

-- name: lock_relations
SELECT pg_advisory_xact_lock(hashtext('cmdb.relation'));

-- name: relate
INSERT INTO cmdb.relation (from_device_id, kind, to_device_id) VALUES (%(from_device)s, %(kind)s, %(to_device)s)
    ON CONFLICT (from_device_id, kind, to_device_id) DO NOTHING;

-- name: remove_device
SELECT cmdb.remove_device(%(device_id)s);

-- name: rule_on_drift
INSERT INTO cmdb.drift_ruling (subscriber_id, down_kbps, up_kbps, is_accepted, reason, at)
VALUES (%(subscriber_id)s, %(down_kbps)s, %(up_kbps)s, %(is_accepted)s, %(reason)s, %(at)s);

-- name: record_profile
INSERT INTO cmdb.observed_profile AS seen (subscriber_id, down_kbps, up_kbps, since, seen_at)
VALUES (%(subscriber_id)s, %(down_kbps)s, %(up_kbps)s, %(at)s, %(at)s)
    ON CONFLICT (subscriber_id) DO UPDATE
   SET since = CASE WHEN (seen.down_kbps, seen.up_kbps) = (excluded.down_kbps, excluded.up_kbps) THEN seen.since ELSE excluded.since END,
       down_kbps = excluded.down_kbps, up_kbps = excluded.up_kbps, seen_at = excluded.seen_at
 WHERE seen.seen_at <= excluded.seen_at;

-- name: record_sighting
INSERT INTO cmdb.mac_sighting AS seen (mac, device_id, managed_object, first_seen_at, last_seen_at)
VALUES (%(mac)s::macaddr, %(device_id)s, %(managed_object)s, %(at)s, %(at)s)
    ON CONFLICT (mac, device_id, managed_object) DO UPDATE
   SET first_seen_at = least(seen.first_seen_at, excluded.first_seen_at), last_seen_at = greatest(seen.last_seen_at, excluded.last_seen_at);

-- name: create_credential
INSERT INTO cmdb.credential (subscriber_id, username, secret, simultaneous_use)
SELECT line.id, %(username)s, %(secret)s, %(simultaneous_use)s
  FROM crm.subscriber AS line
 WHERE line.id = %(subscriber_id)s AND line.customer_id = %(customer_id)s AND line.state NOT IN ('terminated', 'cancelled', 'aborted')
    ON CONFLICT DO NOTHING;

-- name: remove_credential
UPDATE cmdb.credential SET secret = NULL, removed_at = now()
 WHERE credential.subscriber_id = %(subscriber_id)s AND credential.removed_at IS NULL
   AND NOT EXISTS (SELECT FROM crm.subscriber AS line WHERE line.id = credential.subscriber_id AND line.state IN ('active', 'suspended'));

-- name: register_nas
INSERT INTO cmdb.nas (device_id, address, coa_port, sealed_secret, interim_s)
VALUES (%(device_id)s, %(address)s::inet, %(coa_port)s, %(sealed_secret)s, %(interim_s)s)
    ON CONFLICT (device_id) DO UPDATE
       SET address = excluded.address, coa_port = excluded.coa_port, sealed_secret = excluded.sealed_secret, interim_s = excluded.interim_s;

-- name: close_stale_sessions
SELECT cmdb.close_stale_sessions();

-- Whoever keeps the same device's at once waits, and sees what the first kept.
-- name: device_locked
SELECT device.id FROM cmdb.device WHERE device.name = %(device)s FOR NO KEY UPDATE;

-- name: keep_config
INSERT INTO cmdb.config (device_id, words, sha256, taken_at)
SELECT device.id, %(words)s, sha256(convert_to(%(words)s, 'UTF8')), %(at)s
  FROM cmdb.device
 WHERE device.name = %(device)s
   AND (SELECT config.sha256 FROM cmdb.config WHERE config.device_id = device.id ORDER BY config.id DESC LIMIT 1)
       IS DISTINCT FROM sha256(convert_to(%(words)s, 'UTF8'));

-- name: mark_config_good
UPDATE cmdb.config SET is_good = true, good_by_action_id = actions.claimed() WHERE config.id = %(config_id)s AND config.device_id = %(device_id)s;

-- name: record_cables
INSERT INTO cmdb.cable (name, kind, from_site_id, to_site_id, conduit_id, tubes, strands_per_tube, length_m)
SELECT planned.name, planned.kind, near.id, far.id, conduit.id, planned.tubes, planned.strands_per_tube, planned.length_m
  FROM unnest(%(name)s::text[], %(kind)s::text[], %(from_site)s::text[], %(to_site)s::text[], %(conduit)s::text[], %(tubes)s::int[],
              %(strands_per_tube)s::int[], %(length_m)s::int[])
       AS planned (name, kind, from_site, to_site, conduit, tubes, strands_per_tube, length_m)
  JOIN cmdb.site AS near ON near.name = planned.from_site
  JOIN cmdb.site AS far ON far.name = planned.to_site
  LEFT JOIN cmdb.conduit ON conduit.name = planned.conduit
ON CONFLICT (name) DO NOTHING;

-- name: record_splices
WITH numbered AS MATERIALIZED (
    SELECT cmdb.next_splice() AS splice_id, joined.*
      FROM unnest(%(one_cable)s::text[], %(one_strand)s::int[], %(one_cable_end)s::text[], %(one_device)s::text[], %(one_port)s::text[],
                  %(other_cable)s::text[], %(other_strand)s::int[], %(other_cable_end)s::text[], %(other_device)s::text[], %(other_port)s::text[])
           AS joined (one_cable, one_strand, one_cable_end, one_device, one_port, other_cable, other_strand, other_cable_end, other_device, other_port)
)
INSERT INTO cmdb.splice_end (splice_id, half, cable_id, strand, cable_end, device_id, port, made_at)
SELECT numbered.splice_id, half.half, cable.id, half.strand, half.cable_end, device.id, half.port, %(at)s
  FROM numbered
 CROSS JOIN LATERAL (VALUES (1, one_cable, one_strand, one_cable_end, one_device, one_port),
                            (2, other_cable, other_strand, other_cable_end, other_device, other_port))
            AS half (half, cable, strand, cable_end, device, port)
  LEFT JOIN cmdb.cable ON cable.name = half.cable
  LEFT JOIN cmdb.device ON device.name = half.device
RETURNING splice_id;

-- name: remove_splice
UPDATE cmdb.splice_end SET removed_at = %(at)s, removed_by_action_id = actions.claimed() WHERE splice_id = %(splice_id)s AND removed_at IS NULL;
