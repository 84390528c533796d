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
