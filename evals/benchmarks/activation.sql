-- People with a fibre line, and the area in which a further line has most room.
-- name: homes
SELECT customer.id, elsewhere.id
  FROM (SELECT one.id, row_number() OVER (ORDER BY one.id) AS nth FROM crm.customer AS one
         WHERE one.kind = 'individual' AND NOT EXISTS (SELECT 1 FROM crm.subscriber AS line WHERE line.customer_id = one.id AND line.state = 'suspended')
           AND NOT EXISTS (SELECT 1 FROM billing.open_item AS item WHERE item.customer_id = one.id AND item.open_minor > 0)) AS customer
  JOIN (SELECT premise.id, row_number() OVER (ORDER BY premise.id) AS nth FROM gis.premise
         WHERE premise.area_id = (SELECT device.area_id FROM cmdb.device
                                   WHERE device.kind = 'splitter'
                                   GROUP BY device.area_id
                                   ORDER BY count(*) * 32 - (SELECT count(*) FROM cmdb.access JOIN cmdb.device AS at ON at.id = access.device_id
                                                              WHERE at.area_id = device.area_id AND at.kind = 'splitter') DESC LIMIT 1)) AS elsewhere
    ON elsewhere.nth = customer.nth
   AND NOT EXISTS (SELECT 1 FROM crm.subscriber AS line WHERE line.customer_id = customer.id AND line.premise_id = elsewhere.id)
 LIMIT %(most)s;

-- name: splitters
SELECT device.id, 32 - (SELECT count(*) FROM cmdb.access WHERE access.device_id = device.id) AS free
  FROM cmdb.device JOIN gis.premise ON premise.area_id = device.area_id
 WHERE premise.id = %(premise)s AND device.kind IN ('splitter', 'business_switch') ORDER BY device.id;

-- name: fill
WITH made AS (
    INSERT INTO crm.subscriber (customer_id, premise_id, offering_version_id, state, activated_at)
    SELECT 1, %(premise)s, 2, 'active', now() FROM generate_series(1, %(lines)s)
    RETURNING id
)
INSERT INTO cmdb.access (subscriber_id, device_id, reported_by_device_id, managed_object, cpe_serial)
SELECT made.id, %(device)s, %(device)s, 'fill-' || made.id, 'FILL' || lpad(made.id::text, 8, '0') FROM made;
