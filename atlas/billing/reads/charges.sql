-- name: charges_of_line
SELECT charge.id, charge.customer_id, charge.subscriber_id, charge.offering_version_id, offering.name AS plan, charge.is_add_on, charge.starts_on,
       charge.ends_on, charge.evidence, charge.evidence_at, charge.started_by_order_id, charge.stopped_by_order_id, charge.stopped_because
  FROM billing.charge
  JOIN catalogue.offering_version AS version ON version.id = charge.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE charge.subscriber_id = %(subscriber_id)s
 ORDER BY charge.starts_on, charge.id;
