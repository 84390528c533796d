-- name: retire_offering
UPDATE catalogue.offering SET lifecycle_status = 'retired', retired_by_action_id = actions.claimed()
 WHERE offering.id = %(offering_id)s
   AND offering.lifecycle_status IN ('active', 'launched');

-- name: lock_version
SELECT version.valid_to AS until
  FROM catalogue.offering_version AS version
 WHERE version.id = %(version)s
   AND version.valid_from < %(day)s
   AND (version.valid_to IS NULL OR version.valid_to > %(day)s)
   FOR UPDATE;

-- name: end_version
UPDATE catalogue.offering_version SET valid_to = %(day)s WHERE offering_version.id = %(version)s;

-- name: copy_version
INSERT INTO catalogue.offering_version (offering_id, valid_from, valid_to, down_kbps, up_kbps, contract_months, sla_id, termination_fee_minor)
SELECT version.offering_id, %(day)s, %(until)s::date, version.down_kbps, version.up_kbps, version.contract_months, version.sla_id, version.termination_fee_minor
  FROM catalogue.offering_version AS version
 WHERE version.id = %(version)s
RETURNING id;

-- name: copy_prices
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, tax_category, is_tax_inclusive, charged, meter, unit, per_units,
                             allowance_units, is_rolled_over, tiering, every_months)
SELECT %(made)s, price.kind, price.label,
       CASE WHEN (price.kind, price.label) = ('recurring', %(label)s) THEN %(amount_minor)s ELSE price.amount_minor END,
       price.tax_category, price.is_tax_inclusive, price.charged, price.meter, price.unit, price.per_units, price.allowance_units, price.is_rolled_over,
       price.tiering, price.every_months
  FROM catalogue.price
 WHERE price.offering_version_id = %(version)s;

-- name: copy_phases
INSERT INTO catalogue.price_phase (price_id, ordinal, kind, months, amount_minor)
SELECT made.id, phase.ordinal, phase.kind, phase.months, phase.amount_minor
  FROM catalogue.price
  JOIN catalogue.price_phase AS phase ON phase.price_id = price.id
  JOIN catalogue.price AS made ON made.offering_version_id = %(made)s AND (made.kind, made.label) = (price.kind, price.label)
 WHERE price.offering_version_id = %(version)s;

-- name: copy_tiers
INSERT INTO catalogue.price_tier (price_id, from_units, amount_minor, per_units, entry_minor)
SELECT made.id, tier.from_units, tier.amount_minor, tier.per_units, tier.entry_minor
  FROM catalogue.price
  JOIN catalogue.price_tier AS tier ON tier.price_id = price.id
  JOIN catalogue.price AS made ON made.offering_version_id = %(made)s AND (made.kind, made.label) = (price.kind, price.label)
 WHERE price.offering_version_id = %(version)s;

-- name: copy_services
INSERT INTO catalogue.offered_service (offering_version_id, cfs_id)
SELECT %(made)s, offered.cfs_id FROM catalogue.offered_service AS offered WHERE offered.offering_version_id = %(version)s;

-- name: copy_policy
INSERT INTO catalogue.access_policy (offering_version_id, rate_limit, session_timeout_s, address_pool, line_profile, service_profile, dhcp_class)
SELECT %(made)s, policy.rate_limit, policy.session_timeout_s, policy.address_pool, policy.line_profile, policy.service_profile, policy.dhcp_class
  FROM catalogue.access_policy AS policy
 WHERE policy.offering_version_id = %(version)s;

-- name: copy_reply_items
INSERT INTO catalogue.reply_item (offering_version_id, ordinal, attribute, op, value)
SELECT %(made)s, reply.ordinal, reply.attribute, reply.op, reply.value FROM catalogue.reply_item AS reply WHERE reply.offering_version_id = %(version)s;

-- name: define_offering
INSERT INTO catalogue.offering (code, name, technology, segment, category, lifecycle_status)
VALUES (%(code)s, %(name)s, %(technology)s, %(segment)s, %(category)s, 'launched')
    ON CONFLICT (code) DO NOTHING
RETURNING id;

-- name: define_version
INSERT INTO catalogue.offering_version (offering_id, valid_from, down_kbps, up_kbps, contract_months)
VALUES (%(offering_id)s, %(valid_from)s, %(down_kbps)s, %(up_kbps)s, %(contract_months)s)
RETURNING id;

-- name: define_price
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor, tax_category, is_tax_inclusive, charged)
VALUES (%(version)s, %(kind)s, %(label)s, %(amount_minor)s, %(tax_category)s, %(is_tax_inclusive)s, %(charged)s)
RETURNING id;

-- name: define_phase
INSERT INTO catalogue.price_phase (price_id, ordinal, kind, months, amount_minor)
VALUES (%(price_id)s, %(ordinal)s, %(kind)s, %(months)s, %(amount_minor)s);

-- name: define_services
INSERT INTO catalogue.offered_service (offering_version_id, cfs_id)
SELECT %(version)s, specification.id FROM catalogue.specification WHERE specification.kind = 'cfs' AND specification.code = ANY (%(services)s::text[]);

-- name: define_policy
INSERT INTO catalogue.access_policy (offering_version_id, rate_limit, address_pool, line_profile, service_profile, dhcp_class)
VALUES (%(version)s, %(rate_limit)s, %(address_pool)s, %(line_profile)s, %(service_profile)s, %(dhcp_class)s);

-- name: define_areas
INSERT INTO catalogue.sold_in (offering_id, area_id)
SELECT %(offering_id)s, area.id FROM gis.area WHERE area.name = ANY (%(areas)s::text[]);

-- name: define_relations
INSERT INTO catalogue.relation (offering_id, kind, other_id)
SELECT %(offering_id)s, %(kind)s, other.id FROM catalogue.offering AS other WHERE other.code = ANY (%(codes)s::text[]);

-- name: hold_add_on
INSERT INTO catalogue.add_on_held (subscriber_id, offering_version_id, held_from, order_id, allotment_id)
SELECT line.id, %(version)s, (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date, %(order_id)s, %(allotment_id)s::bigint
  FROM crm.subscriber AS line JOIN crm.customer ON customer.id = line.customer_id
 WHERE line.id = %(subscriber_id)s
    ON CONFLICT DO NOTHING
RETURNING id;

-- name: end_add_ons
UPDATE catalogue.add_on_held AS held
   SET held_until = greatest(held.held_from, (%(at)s::timestamptz AT TIME ZONE customer.timezone)::date), ended_by_order_id = %(order_id)s
  FROM crm.subscriber AS line
  JOIN crm.customer ON customer.id = line.customer_id
 CROSS JOIN catalogue.offering_version AS version
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE line.id = held.subscriber_id AND held.subscriber_id = %(subscriber_id)s AND held.held_until IS NULL
   AND version.id = held.offering_version_id AND (%(codes)s::text[] IS NULL OR offering.code = ANY (%(codes)s::text[]))
RETURNING held.offering_version_id, offering.name, held.allotment_id;

-- name: take_back_add_on
UPDATE catalogue.add_on_held AS held SET held_until = held.held_from, ended_by_order_id = %(order_id)s
 WHERE held.order_id = %(order_id)s AND held.held_until IS NULL
RETURNING held.allotment_id;

-- name: hold_add_ons_again
INSERT INTO catalogue.add_on_held (subscriber_id, offering_version_id, held_from, order_id, allotment_id)
SELECT was.subscriber_id, was.offering_version_id, was.held_until, was.order_id, was.allotment_id
  FROM catalogue.add_on_held AS was
 WHERE was.ended_by_order_id = %(order_id)s AND was.subscriber_id = %(subscriber_id)s
    ON CONFLICT DO NOTHING
RETURNING add_on_held.allotment_id;
