-- name: areas
SELECT area.id, area.name, count(premise.id) AS premises, area.latitude, area.longitude
  FROM gis.area
  LEFT JOIN gis.premise ON premise.area_id = area.id
 GROUP BY area.id
 ORDER BY area.name;

-- name: premise
SELECT premise.id, premise.unit, premise.number, premise.street, premise.town, premise.postcode, area.name AS area, premise.latitude,
       premise.longitude, count(DISTINCT subscriber.customer_id) AS customers, count(subscriber.id) AS subscribers
  FROM gis.premise
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN crm.subscriber ON subscriber.premise_id = premise.id AND subscriber.state IN ('active', 'suspended')
 WHERE premise.id = %(premise_id)s
 GROUP BY premise.id, area.id;

-- name: premises_like
SELECT premise.id, premise.unit, premise.number, premise.street, premise.town, premise.postcode, area.name AS area, premise.latitude,
       premise.longitude, count(DISTINCT subscriber.customer_id) AS customers, count(subscriber.id) AS subscribers
  FROM (SELECT found.id
          FROM gis.premise AS found
         WHERE (found.postcode = %(postcode)s OR lower(found.street) = ANY (%(streets)s::text[]))
           AND (%(building)s::text = '' OR found.number ~ ('^' || %(building)s::text || '[A-Za-z]?$'))
         ORDER BY found.postcode = %(postcode)s DESC, found.id
         LIMIT %(most)s) AS near
  JOIN gis.premise ON premise.id = near.id
  JOIN gis.area ON area.id = premise.area_id
  LEFT JOIN crm.subscriber ON subscriber.premise_id = premise.id AND subscriber.state IN ('active', 'suspended')
 GROUP BY premise.id, area.id
 ORDER BY premise.id;

-- name: areas_of_lines
SELECT premise.id AS premise_id, area.name AS area, premise.street, premise.town
  FROM crm.subscriber
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted')
 ORDER BY subscriber.id;
