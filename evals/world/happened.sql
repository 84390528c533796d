-- name: open_incidents
SELECT incident.id FROM itsm.incident WHERE incident.state = 'inProgress' ORDER BY incident.id;

-- name: customer_named
SELECT customer.id FROM crm.customer WHERE customer.name = %(name)s;

-- A home beside a fibre line with room on its splitter, in a building of its own, to which no drop was laid.
-- name: home_without_a_drop
SELECT premise.id
  FROM gis.premise
  JOIN gis.serving_point AS point ON point.technology = 'fibre' AND point.latitude = premise.latitude AND point.longitude = premise.longitude
 WHERE premise.number LIKE '%%B' AND premise.unit = ''
   AND NOT EXISTS (SELECT FROM gis.drop WHERE drop.premise_id = premise.id)
   AND NOT EXISTS (SELECT FROM crm.subscriber AS line WHERE line.premise_id = premise.id)
   AND point.ports - 4 > (SELECT count(*) FROM cmdb.access WHERE access.device_id = point.device_id)
 ORDER BY premise.id LIMIT 1;
