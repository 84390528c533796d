-- name: move_premise
UPDATE gis.premise SET latitude = %(latitude)s, longitude = %(longitude)s, corrected_by_action_id = actions.claimed()
 WHERE premise.id = %(premise_id)s
   AND premise.latitude = %(was_latitude)s
   AND premise.longitude = %(was_longitude)s;

-- name: record_areas
INSERT INTO gis.area (name, latitude, longitude)
SELECT name, latitude, longitude FROM unnest(%(names)s::text[], %(latitudes)s::float8[], %(longitudes)s::float8[]) AS area (name, latitude, longitude)
ON CONFLICT (name) DO NOTHING;

-- name: device_held
SELECT device.name AS device, point.ports, 0::bigint AS lines, 0::bigint AS reserved
  FROM gis.serving_point AS point
  JOIN cmdb.device ON device.id = point.device_id
 WHERE point.device_id = %(device_id)s
   FOR NO KEY UPDATE OF point, device;

-- name: reservation_held
SELECT held.id, held.device_id, device.name AS device, held.port, held.premise_id, held.key, held.expires_at
  FROM gis.reservation AS held
  JOIN cmdb.device ON device.id = held.device_id
 WHERE held.key = %(key)s
   AND held.ended_at IS NULL
   AND held.expires_at > clock_timestamp();

-- name: end_expired
UPDATE gis.reservation SET ended_at = clock_timestamp(), ended_as = 'expired'
 WHERE (reservation.device_id = %(device_id)s OR reservation.key = %(key)s)
   AND reservation.ended_at IS NULL
   AND reservation.expires_at <= clock_timestamp();

-- name: ports_left
SELECT device.name AS device, point.ports,
       (SELECT count(*) FROM cmdb.access JOIN crm.subscriber ON subscriber.id = access.subscriber_id
         WHERE access.device_id = point.device_id AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')) AS lines,
       (SELECT count(*) FROM gis.reservation AS held WHERE held.device_id = point.device_id AND held.ended_at IS NULL)
       + (SELECT count(*) FROM oms.port_hold AS kept
           WHERE kept.device_id = point.device_id AND kept.ended_at IS NULL AND kept.until > clock_timestamp()) AS reserved
  FROM gis.serving_point AS point
  JOIN cmdb.device ON device.id = point.device_id
 WHERE point.device_id = %(device_id)s;

-- name: reserve_port
INSERT INTO gis.reservation (device_id, port, premise_id, key, expires_at)
SELECT point.device_id, free.port, %(premise_id)s, %(key)s, clock_timestamp() + %(ttl)s
  FROM gis.serving_point AS point
 CROSS JOIN LATERAL (
    SELECT min(number) AS port
      FROM generate_series(1, point.ports) AS number
     WHERE NOT EXISTS (SELECT 1 FROM cmdb.access WHERE access.device_id = point.device_id AND access.port = number)
       AND NOT EXISTS (SELECT 1 FROM gis.reservation AS held
                        WHERE held.device_id = point.device_id AND held.port = number AND held.ended_at IS NULL)) AS free
 WHERE point.device_id = %(device_id)s
RETURNING id, device_id, (SELECT device.name FROM cmdb.device WHERE device.id = device_id) AS device, port, premise_id, key, expires_at;

-- name: extend_reservation
UPDATE gis.reservation SET expires_at = clock_timestamp() + %(ttl)s
 WHERE reservation.key = %(key)s
   AND reservation.ended_at IS NULL
   AND reservation.expires_at > clock_timestamp();

-- name: end_reservation
UPDATE gis.reservation SET ended_at = clock_timestamp(), ended_as = %(ended_as)s
 WHERE reservation.key = %(key)s
   AND reservation.ended_at IS NULL
   AND reservation.expires_at > clock_timestamp();

-- name: record_lead
INSERT INTO gis.lead (premise_id, written, postcode, customer_id, wanted_kbps, reason, key)
VALUES (%(premise_id)s, %(written)s, %(postcode)s, %(customer_id)s, %(wanted_kbps)s, %(reason)s, %(key)s)
ON CONFLICT (key) DO NOTHING;

-- name: record_buildings
INSERT INTO gis.building (area_id, name, consent)
SELECT DISTINCT area.id, named.building, 'missing'
  FROM unnest(%(areas)s::text[], %(buildings)s::text[]) AS named (area, building)
  JOIN gis.area ON area.name = named.area
 WHERE named.building <> ''
ON CONFLICT (area_id, name) DO NOTHING;

-- name: record_premises
INSERT INTO gis.premise (area_id, building_id, number, unit, street, town, postcode, kind, external_id, is_provisional, latitude, longitude)
SELECT area.id, building.id, row.number, row.unit, row.street, row.town, row.postcode, row.kind, nullif(row.external_id, ''), row.is_provisional,
       row.latitude, row.longitude
  FROM unnest(%(numbers)s::text[], %(units)s::text[], %(streets)s::text[], %(towns)s::text[], %(postcodes)s::text[], %(areas)s::text[],
              %(buildings)s::text[], %(kinds)s::text[], %(external_ids)s::text[], %(is_provisionals)s::boolean[], %(latitudes)s::float8[],
              %(longitudes)s::float8[])
       AS row (number, unit, street, town, postcode, area, building, kind, external_id, is_provisional, latitude, longitude)
  JOIN gis.area ON area.name = row.area
  LEFT JOIN gis.building ON building.area_id = area.id AND building.name = row.building
ON CONFLICT DO NOTHING;

-- name: change_premises
UPDATE gis.premise
   SET area_id = area.id, building_id = building.id, number = row.number, unit = row.unit, street = row.street, town = row.town,
       postcode = row.postcode, kind = row.kind, external_id = nullif(row.external_id, ''), is_provisional = row.is_provisional,
       latitude = row.latitude, longitude = row.longitude, action_id = actions.claimed()
  FROM unnest(%(ids)s::bigint[], %(numbers)s::text[], %(units)s::text[], %(streets)s::text[], %(towns)s::text[], %(postcodes)s::text[],
              %(areas)s::text[], %(buildings)s::text[], %(kinds)s::text[], %(external_ids)s::text[], %(is_provisionals)s::boolean[],
              %(latitudes)s::float8[], %(longitudes)s::float8[])
       AS row (id, number, unit, street, town, postcode, area, building, kind, external_id, is_provisional, latitude, longitude)
  JOIN gis.area ON area.name = row.area
  LEFT JOIN gis.building ON building.area_id = area.id AND building.name = row.building
 WHERE premise.id = row.id;

-- name: record_coverage
INSERT INTO gis.coverage (name, technology, down_kbps, up_kbps, ready_on, geometry, south, west, north, east)
VALUES (%(name)s, %(technology)s, %(down_kbps)s, %(up_kbps)s, %(ready_on)s, %(geometry)s::jsonb, %(south)s, %(west)s, %(north)s, %(east)s)
ON CONFLICT (name) DO UPDATE
   SET technology = excluded.technology, down_kbps = excluded.down_kbps, up_kbps = excluded.up_kbps, ready_on = excluded.ready_on,
       geometry = excluded.geometry, south = excluded.south, west = excluded.west, north = excluded.north, east = excluded.east;

-- name: lay_drop
INSERT INTO gis.drop (premise_id, device_id, length_m, laid_at) VALUES (%(premise_id)s, %(device_id)s, %(length_m)s, %(at)s)
ON CONFLICT (premise_id, device_id) DO NOTHING;

-- name: record_consent
UPDATE gis.building SET consent = %(consent)s, consent_changed_at = %(at)s WHERE building.id = %(building_id)s AND building.consent = %(was)s;
