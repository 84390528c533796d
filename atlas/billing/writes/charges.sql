-- name: lock_charged_line
SELECT subscriber.id FROM crm.subscriber WHERE subscriber.id = %(subscriber_id)s AND subscriber.customer_id = %(customer_id)s FOR UPDATE;

-- name: charge_of_order
SELECT charge.id
  FROM billing.charge
 WHERE charge.started_by_order_id = %(order_id)s
   AND charge.subscriber_id = %(subscriber_id)s
   AND charge.offering_version_id = %(offering_version_id)s;

-- name: open_account
INSERT INTO billing.account (customer_id, cycle_day)
SELECT customer.id,
       CASE convention.cycle WHEN 'fixed' THEN convention.fixed_day
            ELSE extract(day FROM %(at)s::timestamptz AT TIME ZONE customer.timezone)::int END
  FROM crm.customer CROSS JOIN billing.convention
 WHERE customer.id = %(customer_id)s
    ON CONFLICT (customer_id) DO NOTHING;

-- name: start_charge
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, is_add_on, starts_on, evidence, evidence_at, started_by_order_id)
SELECT customer.id, %(subscriber_id)s, %(offering_version_id)s, %(is_add_on)s,
       (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date
           + (%(is_change)s::boolean AND convention.change_day = 'old')::int,
       %(evidence)s, %(at)s, %(order_id)s::bigint
  FROM crm.customer CROSS JOIN billing.convention
 WHERE customer.id = %(customer_id)s
    ON CONFLICT DO NOTHING
RETURNING id;

-- name: stop_charges
UPDATE billing.charge
   SET ends_on = greatest(charge.starts_on, (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date + (convention.change_day = 'old')::int),
       stopped_by_order_id = %(order_id)s::bigint, stopped_because = %(because)s
  FROM crm.customer CROSS JOIN billing.convention
 WHERE customer.id = charge.customer_id
   AND charge.subscriber_id = %(subscriber_id)s
   AND charge.ends_on IS NULL
   AND (%(with_add_ons)s::boolean OR NOT charge.is_add_on)
   AND (%(offering_version_id)s::bigint IS NULL OR charge.offering_version_id = %(offering_version_id)s::bigint)
RETURNING charge.id;

-- name: move_charges
-- In the order of the lines, so that two who move the same ones wait for each other instead of crossing.
WITH wanted AS (
    SELECT charge.id, charge.customer_id, charge.subscriber_id, charge.starts_on, coalesce(charge.phased_from, charge.starts_on) AS phased_from,
           (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date + (convention.change_day = 'old')::int AS day
      FROM billing.charge
      JOIN unnest(%(versions)s::bigint[], %(begun)s::date[]) AS one (version, begun)
        ON one.version = charge.offering_version_id AND one.begun = coalesce(charge.phased_from, charge.starts_on)
      JOIN crm.subscriber ON subscriber.id = charge.subscriber_id AND subscriber.state IN ('active', 'suspended')
      JOIN crm.customer ON customer.id = charge.customer_id
     CROSS JOIN billing.convention
     WHERE charge.ends_on IS NULL AND NOT charge.is_add_on
     ORDER BY charge.subscriber_id
       FOR UPDATE OF charge, subscriber
), ended AS (
    UPDATE billing.charge SET ends_on = greatest(charge.starts_on, wanted.day), stopped_because = %(evidence)s
      FROM wanted
     WHERE charge.id = wanted.id
    RETURNING charge.customer_id, charge.subscriber_id, charge.ends_on, wanted.phased_from
)
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, is_add_on, starts_on, evidence, evidence_at, phased_from)
SELECT ended.customer_id, ended.subscriber_id, %(onto)s, false, ended.ends_on, %(evidence)s, %(at)s, ended.phased_from
  FROM ended
RETURNING subscriber_id;

-- name: stopped_by_order
SELECT charge.id FROM billing.charge
 WHERE charge.stopped_by_order_id = %(order_id)s AND charge.subscriber_id = %(subscriber_id)s ORDER BY charge.id;

-- name: stop_add_on_charges
UPDATE billing.charge
   SET ends_on = greatest(charge.starts_on, (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date + (convention.change_day = 'old')::int),
       stopped_by_order_id = %(order_id)s::bigint, stopped_because = %(because)s
  FROM crm.customer CROSS JOIN billing.convention
 WHERE customer.id = charge.customer_id
   AND charge.subscriber_id = %(subscriber_id)s
   AND charge.ends_on IS NULL
   AND charge.is_add_on
   AND charge.offering_version_id = ANY (%(versions)s::bigint[])
RETURNING charge.id;

-- Never charged at all.
-- name: take_back_charge
UPDATE billing.charge SET ends_on = charge.starts_on, stopped_by_order_id = %(order_id)s, stopped_because = %(because)s
 WHERE charge.started_by_order_id = %(order_id)s AND charge.ends_on IS NULL AND charge.is_add_on
RETURNING charge.id;

-- From the day on which it ended: nothing is charged twice, and what is charged once is not charged again.
-- name: charge_add_ons_again
INSERT INTO billing.charge (customer_id, subscriber_id, offering_version_id, is_add_on, starts_on, evidence, evidence_at, phased_from)
SELECT was.customer_id, was.subscriber_id, was.offering_version_id, true, was.ends_on, %(evidence)s, %(at)s, coalesce(was.phased_from, was.starts_on)
  FROM billing.charge AS was
 WHERE was.stopped_by_order_id = %(order_id)s AND was.subscriber_id = %(subscriber_id)s AND was.is_add_on
    ON CONFLICT DO NOTHING
RETURNING charge.id;
