-- name: orders_of
SELECT ordered.id, ordered.customer_id, ordered.subscriber_id, ordered.kind, ordered.state, offering.name AS plan, ordered.wanted_on,
       ordered.ordered_at, ordered.state_changed_at, last.reason AS last_reason
  FROM oms.product_order AS ordered
  LEFT JOIN catalogue.offering_version AS version ON version.id = ordered.offering_version_id
  LEFT JOIN catalogue.offering ON offering.id = version.offering_id
  LEFT JOIN LATERAL (SELECT event.reason
                       FROM oms.order_event AS event
                      WHERE event.order_id = ordered.id
                      ORDER BY event.id DESC
                      LIMIT 1) AS last ON true
 WHERE ordered.customer_id = %(customer_id)s
   AND (%(order_id)s::bigint IS NULL OR ordered.id = %(order_id)s::bigint)
 ORDER BY ordered.ordered_at DESC, ordered.id DESC
 LIMIT %(most)s;

-- name: fulfilment
SELECT ordered.id AS order_id, ordered.customer_id, ordered.subscriber_id, ordered.state, line.offering_version_id AS version_before,
       ordered.offering_version_id AS version_after, held.name AS plan_before, wanted.name AS plan_after, was.down_kbps AS down_kbps_before,
       was.up_kbps AS up_kbps_before, becomes.down_kbps AS down_kbps_after, becomes.up_kbps AS up_kbps_after
  FROM oms.product_order AS ordered
  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
  JOIN catalogue.offering_version AS was ON was.id = line.offering_version_id
  JOIN catalogue.offering AS held ON held.id = was.offering_id
  JOIN catalogue.offering_version AS becomes ON becomes.id = ordered.offering_version_id
  JOIN catalogue.offering AS wanted ON wanted.id = becomes.offering_id
 WHERE ordered.id = %(order_id)s AND ordered.kind = 'modify';

-- name: plan_changes
SELECT line.customer_id, line.id AS subscriber_id, line.state AS line_state, held.name AS plan_before, wanted.name AS plan_after, wanted.code,
       offered.id AS offering_version_id, wanted.lifecycle_status AS offering_status, offered.id = current_version.id AS is_same_version,
       wanted.technology = held.technology AS is_same_technology, wanted.segment = held.segment AS is_same_segment,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = current_version.id AND price.kind = 'recurring') AS monthly_before,
       (SELECT coalesce(sum(price.amount_minor), 0)::bigint
          FROM catalogue.price WHERE price.offering_version_id = offered.id AND price.kind = 'recurring') AS monthly_after,
       (SELECT max(ordered.id) FROM oms.product_order AS ordered WHERE ordered.subscriber_id = line.id) AS latest_order_id,
       (SELECT min(ordered.id)
          FROM oms.product_order AS ordered
         WHERE ordered.subscriber_id = line.id
           AND ordered.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')) AS open_order_id
  FROM crm.subscriber AS line
  JOIN catalogue.offering_version AS current_version ON current_version.id = line.offering_version_id
  JOIN catalogue.offering AS held ON held.id = current_version.offering_id
 CROSS JOIN catalogue.offering AS wanted
  JOIN catalogue.offering_version AS offered ON offered.offering_id = wanted.id
   AND offered.valid_from <= %(day)s AND (offered.valid_to IS NULL OR offered.valid_to > %(day)s)
 WHERE line.customer_id = %(customer_id)s
   AND (%(subscriber_id)s::bigint IS NULL OR line.id = %(subscriber_id)s::bigint)
   AND line.state NOT IN ('terminated', 'cancelled', 'aborted')
   AND lower(%(code)s) IN (lower(wanted.code), lower(wanted.name))
 ORDER BY line.id;
