-- name: plans_on_sale
SELECT version.id AS offering_version_id, offering.code, offering.name, offering.technology, offering.segment, version.down_kbps, version.up_kbps,
       version.contract_months,
       coalesce(sum(price.amount_minor) FILTER (WHERE price.kind = 'recurring'), 0)::bigint AS monthly,
       coalesce(sum(price.amount_minor) FILTER (WHERE price.kind = 'one_off'), 0)::bigint AS one_off
  FROM catalogue.offering
  JOIN catalogue.offering_version AS version ON version.offering_id = offering.id
  LEFT JOIN catalogue.price ON price.offering_version_id = version.id
 WHERE offering.lifecycle_status IN ('active', 'launched')
   AND version.valid_from <= %(day)s
   AND (version.valid_to IS NULL OR version.valid_to > %(day)s)
 GROUP BY version.id, offering.id
 ORDER BY monthly, offering.code;

-- name: plans_within_reach
SELECT DISTINCT offering.technology, offering.segment
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted');

-- name: offering
SELECT offering.id, offering.code, offering.name, offering.technology, offering.segment, offering.lifecycle_status
  FROM catalogue.offering
 WHERE offering.code = %(code)s;

-- name: versions
SELECT version.id, version.valid_from, version.valid_to, version.down_kbps, version.up_kbps, version.contract_months, sla.repair_hours,
       (SELECT count(*) FROM crm.subscriber
         WHERE subscriber.offering_version_id = version.id AND subscriber.state IN ('active', 'suspended')) AS subscribers
  FROM catalogue.offering_version AS version
  LEFT JOIN catalogue.sla ON sla.id = version.sla_id
 WHERE version.offering_id = %(offering_id)s
 ORDER BY version.valid_from DESC;

-- name: prices
SELECT price.kind, price.label, price.amount_minor AS amount, price.tax_category
  FROM catalogue.price
 WHERE price.offering_version_id = %(offering_version_id)s
 ORDER BY price.kind, price.label;

-- name: use_of_offering
SELECT count(DISTINCT subscriber.customer_id) AS customers, count(subscriber.id) AS subscribers,
       (SELECT count(*)
          FROM oms.product_order AS ordered
          JOIN catalogue.offering_version AS wanted ON wanted.id = ordered.offering_version_id
         WHERE wanted.offering_id = %(offering_id)s
           AND ordered.state IN ('acknowledged', 'pending', 'held', 'inProgress')) AS open_orders
  FROM crm.subscriber
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
 WHERE version.offering_id = %(offering_id)s
   AND subscriber.state IN ('active', 'suspended');
