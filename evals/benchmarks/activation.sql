-- Individuals who owe nothing, and homes with a drop round the splitter with most of them about it: all can be hung from the same few ports.
-- name: homes
SELECT customer.id, elsewhere.id
  FROM (SELECT one.id, row_number() OVER (ORDER BY one.id) AS nth FROM crm.customer AS one
         WHERE one.kind = 'individual' AND NOT EXISTS (SELECT 1 FROM crm.subscriber AS line WHERE line.customer_id = one.id AND line.state = 'suspended')
           AND NOT EXISTS (SELECT 1 FROM billing.open_item AS item WHERE item.customer_id = one.id AND item.open_minor > 0)) AS customer
  JOIN (SELECT premise.id, row_number() OVER (ORDER BY point.away) AS nth
          FROM gis.premise
         CROSS JOIN LATERAL (SELECT power(premise.latitude - middle.latitude, 2)
                                    + power((premise.longitude - middle.longitude) * cos(radians(middle.latitude)), 2) AS away
                               FROM (SELECT point.latitude, point.longitude
                                       FROM gis.serving_point AS point
                                       JOIN cmdb.device ON device.id = point.device_id AND device.kind = 'splitter'
                                      ORDER BY (SELECT count(*) FROM gis.premise AS about
                                                 WHERE about.latitude BETWEEN point.latitude - 0.002 AND point.latitude + 0.002
                                                   AND about.longitude BETWEEN point.longitude - 0.003 AND point.longitude + 0.003) DESC, point.device_id
                                      LIMIT 1) AS middle) AS point
         WHERE EXISTS (SELECT FROM gis.drop AS laid WHERE laid.premise_id = premise.id)) AS elsewhere
    ON elsewhere.nth = customer.nth
   AND NOT EXISTS (SELECT 1 FROM crm.subscriber AS line WHERE line.customer_id = customer.id AND line.premise_id = elsewhere.id)
 ORDER BY elsewhere.nth
 LIMIT %(most)s;

-- Every fibre serving point, the nearest to the premise first.
-- name: splitters
SELECT point.device_id, point.ports - (SELECT count(*) FROM cmdb.access WHERE access.device_id = point.device_id) AS free
  FROM gis.serving_point AS point
  JOIN gis.premise ON premise.id = %(premise)s
 WHERE point.technology = 'fibre'
 ORDER BY power(point.latitude - premise.latitude, 2) + power((point.longitude - premise.longitude) * cos(radians(premise.latitude)), 2), point.device_id;

-- name: fill
WITH made AS (
    INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, activated_at)
    SELECT 1, %(premise)s, 2, 'active', now() FROM generate_series(1, %(lines)s)
    RETURNING id
)
INSERT INTO cmdb.access (subscriber_id, device_id, reported_by_device_id, managed_object, cpe_serial)
SELECT made.id, %(device)s, %(device)s, 'fill-' || made.id, 'FILL' || lpad(made.id::text, 8, '0') FROM made;
