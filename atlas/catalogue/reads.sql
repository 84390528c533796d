-- name: plans_on_sale
SELECT version.id AS offering_version_id, offering.code, offering.name, offering.technology, offering.segment, version.down_kbps, version.up_kbps,
       version.contract_months,
       coalesce(sum(price.amount_minor) FILTER (WHERE price.kind = 'recurring'), 0)::bigint AS monthly,
       coalesce(sum(price.amount_minor) FILTER (WHERE price.kind = 'one_off'), 0)::bigint AS one_off
  FROM catalogue.offering
  JOIN catalogue.offering_version AS version ON version.offering_id = offering.id
  LEFT JOIN catalogue.price ON price.offering_version_id = version.id
 WHERE offering.lifecycle_status IN ('active', 'launched')
   AND offering.category = 'base'
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
SELECT offering.id, offering.code, offering.name, offering.technology, offering.segment, offering.lifecycle_status, offering.category
  FROM catalogue.offering
 WHERE offering.code = %(code)s;

-- name: every_offering
-- Lines are counted once for all: the base is looked through once, however many versions there are.
WITH had AS (
    SELECT subscriber.offering_version_id, count(*) AS lines
      FROM crm.subscriber
     WHERE subscriber.state IN ('active', 'suspended')
     GROUP BY subscriber.offering_version_id
     UNION ALL
    SELECT held.offering_version_id, count(*)
      FROM catalogue.add_on_held AS held
     WHERE held.held_until IS NULL
     GROUP BY held.offering_version_id
), counted AS (
    SELECT version.offering_id, count(DISTINCT version.id)::int AS versions, coalesce(sum(had.lines), 0)::bigint AS lines
      FROM catalogue.offering_version AS version
      LEFT JOIN had ON had.offering_version_id = version.id
     GROUP BY version.offering_id
)
SELECT offering.code, offering.name, offering.technology, offering.segment, offering.lifecycle_status, offering.category,
       coalesce(counted.versions, 0) AS versions, coalesce(counted.lines, 0) AS lines, sold.down_kbps, sold.up_kbps, price.monthly
  FROM catalogue.offering
  LEFT JOIN counted ON counted.offering_id = offering.id
  LEFT JOIN catalogue.offering_version AS sold ON sold.offering_id = offering.id AND sold.valid_from <= %(day)s
        AND (sold.valid_to IS NULL OR sold.valid_to > %(day)s)
  LEFT JOIN LATERAL (SELECT CASE WHEN bool_and(one.every_months = 1) THEN sum(one.amount_minor)::bigint END AS monthly
                       FROM catalogue.price AS one
                      WHERE one.offering_version_id = sold.id AND one.kind = 'recurring') AS price ON true
 ORDER BY offering.lifecycle_status IN ('retired', 'obsolete'), offering.category <> 'base', offering.technology, offering.segment, sold.down_kbps, offering.code;

-- name: versions
SELECT version.id, version.valid_from, version.valid_to, version.down_kbps, version.up_kbps, version.contract_months, sla.repair_hours,
       coalesce(lines.number, 0) + (SELECT count(*) FROM catalogue.add_on_held AS held
                                     WHERE held.offering_version_id = version.id AND held.held_until IS NULL) AS subscribers
  FROM catalogue.offering_version AS version
  LEFT JOIN catalogue.sla ON sla.id = version.sla_id
  -- The base is looked through once for all of them.
  LEFT JOIN (SELECT subscriber.offering_version_id, count(*) AS number
               FROM crm.subscriber
              WHERE subscriber.state IN ('active', 'suspended')
                AND subscriber.offering_version_id IN (SELECT one.id FROM catalogue.offering_version AS one WHERE one.offering_id = %(offering_id)s)
              GROUP BY subscriber.offering_version_id) AS lines ON lines.offering_version_id = version.id
 WHERE version.offering_id = %(offering_id)s
 ORDER BY version.valid_from DESC;

-- name: prices
SELECT price.kind, price.label, price.amount_minor AS amount, price.tax_category
  FROM catalogue.price
 WHERE price.offering_version_id = %(offering_version_id)s
 ORDER BY price.kind, price.label;

-- name: use_of_offering
-- As a plan, or held beside one.
SELECT count(DISTINCT line.customer_id) AS customers, count(line.id) AS subscribers,
       (SELECT count(*)
          FROM oms.product_order AS ordered
          JOIN catalogue.offering_version AS wanted ON wanted.id = ordered.offering_version_id
         WHERE wanted.offering_id = %(offering_id)s
           AND ordered.state IN ('acknowledged', 'pending', 'held', 'inProgress')) AS open_orders
  FROM (SELECT subscriber.id, subscriber.customer_id
          FROM crm.subscriber
          JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
         WHERE version.offering_id = %(offering_id)s AND subscriber.state IN ('active', 'suspended')
         UNION
        SELECT subscriber.id, subscriber.customer_id
          FROM catalogue.add_on_held AS held
          JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id
          JOIN crm.subscriber ON subscriber.id = held.subscriber_id
         WHERE version.offering_id = %(offering_id)s AND held.held_until IS NULL AND subscriber.state IN ('active', 'suspended')) AS line;

-- name: price_components
SELECT price.id, price.kind, price.label, price.amount_minor AS amount, price.tax_category, price.is_tax_inclusive, price.charged, price.meter,
       price.unit, price.per_units, price.allowance_units, price.is_rolled_over, price.tiering, '{}'::text[] AS phases, '{}'::text[] AS tiers,
       price.every_months
  FROM catalogue.price
 WHERE price.offering_version_id = %(offering_version_id)s
 ORDER BY price.kind DESC, price.label;

-- name: phases
SELECT phase.price_id, phase.kind, phase.months, phase.amount_minor AS amount
  FROM catalogue.price_phase AS phase
  JOIN catalogue.price ON price.id = phase.price_id
 WHERE price.offering_version_id = %(offering_version_id)s
 ORDER BY phase.price_id, phase.ordinal;

-- name: tiers
SELECT tier.price_id, tier.from_units, tier.amount_minor AS amount, tier.per_units, tier.entry_minor AS entry
  FROM catalogue.price_tier AS tier
  JOIN catalogue.price ON price.id = tier.price_id
 WHERE price.offering_version_id = %(offering_version_id)s
 ORDER BY tier.price_id, tier.from_units;

-- name: services_of
SELECT offering.code, offering.technology, coalesce(array_agg(cfs.code ORDER BY cfs.code) FILTER (WHERE cfs.id IS NOT NULL), '{}') AS cfs
  FROM catalogue.offering_version AS version
  JOIN catalogue.offering ON offering.id = version.offering_id
  LEFT JOIN catalogue.offered_service AS offered ON offered.offering_version_id = version.id
  LEFT JOIN catalogue.specification AS cfs ON cfs.id = offered.cfs_id
 WHERE version.id = %(offering_version_id)s
 GROUP BY offering.id;

-- name: resource_needs
SELECT cfs.code AS cfs, rfs.code AS rfs, need.ordinal, need.kind, need.model, need.needed
  FROM catalogue.offered_service AS offered
  JOIN catalogue.offering_version AS version ON version.id = offered.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN catalogue.specification AS cfs ON cfs.id = offered.cfs_id
  JOIN catalogue.realisation AS made ON made.cfs_id = cfs.id
  JOIN catalogue.specification AS rfs ON rfs.id = made.rfs_id AND rfs.technology IN ('any', offering.technology)
  JOIN catalogue.resource_need AS need ON need.rfs_id = rfs.id
 WHERE offered.offering_version_id = %(offering_version_id)s
 ORDER BY need.ordinal, rfs.code;

-- name: access_policy
SELECT policy.offering_version_id, policy.rate_limit, policy.session_timeout_s, policy.address_pool, policy.line_profile, policy.service_profile,
       policy.dhcp_class, '{}'::text[] AS reply_items
  FROM catalogue.access_policy AS policy
 WHERE policy.offering_version_id = %(offering_version_id)s;

-- name: reply_items
SELECT reply.attribute, reply.op, reply.value
  FROM catalogue.reply_item AS reply
 WHERE reply.offering_version_id = %(offering_version_id)s
 ORDER BY reply.ordinal;

-- name: terms_on
SELECT version.id AS offering_version_id, offering.code, offering.name, offering.technology, offering.segment, version.down_kbps, version.up_kbps,
       version.contract_months, offering.worst_credit_class,
       ARRAY(SELECT sold.area_id FROM catalogue.sold_in AS sold WHERE sold.offering_id = offering.id ORDER BY sold.area_id) AS areas,
       coalesce((SELECT sum(price.amount_minor) FROM catalogue.price
                  WHERE price.offering_version_id = version.id AND price.kind = 'recurring'), 0)::bigint AS monthly,
       coalesce((SELECT sum(price.amount_minor) FROM catalogue.price
                  WHERE price.offering_version_id = version.id AND price.kind = 'one_off'), 0)::bigint AS one_off
  FROM catalogue.offering
  JOIN catalogue.offering_version AS version ON version.offering_id = offering.id
 WHERE offering.lifecycle_status IN ('active', 'launched')
   AND offering.category = 'base'
   AND version.valid_from <= %(day)s
   AND (version.valid_to IS NULL OR version.valid_to > %(day)s)
 ORDER BY monthly, offering.code;

-- name: allowed_changes
SELECT held.code AS from_code, wanted.code AS to_code, change.timing, change.fee_minor AS fee
  FROM catalogue.plan_change AS change
  JOIN catalogue.offering AS held ON held.id = change.from_id
  JOIN catalogue.offering AS wanted ON wanted.id = change.to_id
 WHERE held.code = %(from_code)s
 ORDER BY wanted.code;

-- name: relations_of
SELECT one.code, relation.kind, other.code AS other_code
  FROM catalogue.relation
  JOIN catalogue.offering AS one ON one.id = relation.offering_id
  JOIN catalogue.offering AS other ON other.id = relation.other_id
 WHERE one.code = ANY (%(codes)s::text[]) OR other.code = ANY (%(codes)s::text[])
 ORDER BY one.code, relation.kind, other.code;

-- name: held
-- By what is charged, for that is what the next bill is made of.
SELECT version.id AS offering_version_id, coalesce(charge.phased_from, charge.starts_on) AS activated_on, version.contract_months,
       count(*) AS subscribers, count(DISTINCT charge.customer_id) AS customers, bool_and(same.is_same) AS is_same_service
  FROM billing.charge
  JOIN crm.subscriber ON subscriber.id = charge.subscriber_id AND subscriber.state IN ('active', 'suspended')
  JOIN catalogue.offering_version AS version ON version.id = charge.offering_version_id
  LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = version.id
  LEFT JOIN catalogue.offering_version AS onto ON onto.id = %(onto)s
  LEFT JOIN catalogue.access_policy AS there ON there.offering_version_id = onto.id
 CROSS JOIN LATERAL (SELECT (version.down_kbps, version.up_kbps, policy.rate_limit, policy.address_pool)
                            IS NOT DISTINCT FROM (onto.down_kbps, onto.up_kbps, there.rate_limit, there.address_pool) AS is_same) AS same
 WHERE version.offering_id = %(offering_id)s
   AND charge.ends_on IS NULL
 GROUP BY version.id, activated_on
 ORDER BY version.id, activated_on;

-- name: tax_categories
SELECT code FROM catalogue.tax_category ORDER BY code;

-- name: version_on
SELECT version.id
  FROM catalogue.offering_version AS version
 WHERE version.offering_id = %(offering_id)s
   AND version.valid_from <= %(day)s
   AND (version.valid_to IS NULL OR version.valid_to > %(day)s);

-- name: defects
WITH live AS (
    -- What is on sale, and what somebody still has.
    SELECT version.id, offering.code, offering.category, offering.technology, version.down_kbps, version.up_kbps
      FROM catalogue.offering_version AS version
      JOIN catalogue.offering ON offering.id = version.offering_id
     WHERE (offering.lifecycle_status IN ('active', 'launched') AND version.valid_from <= %(day)s
            AND (version.valid_to IS NULL OR version.valid_to > %(day)s))
        OR EXISTS (SELECT 1 FROM crm.subscriber
                    WHERE subscriber.offering_version_id = version.id AND subscriber.state IN ('active', 'suspended'))
        OR EXISTS (SELECT 1 FROM catalogue.add_on_held AS held WHERE held.offering_version_id = version.id AND held.held_until IS NULL)
), had AS (
    -- What each line that holds an add-on has: its plan and its add-ons.
    SELECT line.id AS line, offering.id AS offering_id, offering.code, true AS is_add_on
      FROM catalogue.add_on_held AS held
      JOIN crm.subscriber AS line ON line.id = held.subscriber_id
      JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id
      JOIN catalogue.offering ON offering.id = version.offering_id
     WHERE held.held_until IS NULL
     UNION ALL
    SELECT line.id, offering.id, offering.code, false
      FROM crm.subscriber AS line
      JOIN catalogue.offering_version AS version ON version.id = line.offering_version_id
      JOIN catalogue.offering ON offering.id = version.offering_id
     WHERE line.id IN (SELECT held.subscriber_id FROM catalogue.add_on_held AS held WHERE held.held_until IS NULL)
), unfit (line, code, why) AS (
    SELECT extra.line, extra.code, format('without %%s', (SELECT string_agg(other.code, ' or ' ORDER BY other.code)
                                                           FROM catalogue.relation JOIN catalogue.offering AS other ON other.id = relation.other_id
                                                          WHERE relation.offering_id = extra.offering_id AND relation.kind = 'requires'))
      FROM had AS extra
     WHERE extra.is_add_on
       AND EXISTS (SELECT FROM catalogue.relation WHERE relation.offering_id = extra.offering_id AND relation.kind = 'requires')
       AND NOT EXISTS (SELECT FROM catalogue.relation JOIN had AS beside ON beside.line = extra.line AND beside.offering_id = relation.other_id
                        WHERE relation.offering_id = extra.offering_id AND relation.kind = 'requires')
     UNION ALL
    SELECT extra.line, extra.code, CASE relation.kind WHEN 'excludes' THEN 'beside ' ELSE 'though it comes with ' END || beside.code
      FROM had AS extra
      JOIN had AS beside ON beside.line = extra.line AND beside.offering_id <> extra.offering_id
      JOIN catalogue.relation
        ON (relation.offering_id, relation.other_id) = (extra.offering_id, beside.offering_id) AND relation.kind IN ('excludes', 'included_in')
        OR (relation.offering_id, relation.other_id) = (beside.offering_id, extra.offering_id) AND relation.kind = 'excludes'
     WHERE extra.is_add_on
), found (kind, code, detail) AS (
    SELECT 'no_access_policy', live.code, format('version %%s has no access policy', live.id)
      FROM live
     WHERE live.category = 'base'
       AND NOT EXISTS (SELECT 1 FROM catalogue.access_policy AS policy WHERE policy.offering_version_id = live.id AND policy.rate_limit <> '')
     UNION ALL
    SELECT 'no_tax_code', live.code, format('price %%L of version %%s has the tax category %%L, which is none of ours', price.label, live.id, price.tax_category)
      FROM live
      JOIN catalogue.price ON price.offering_version_id = live.id
     WHERE NOT EXISTS (SELECT 1 FROM catalogue.tax_category AS known WHERE known.code = price.tax_category)
     UNION ALL
    SELECT 'too_fast', live.code, format('version %%s promises %%s kbit/s, and the fastest %%s gives %%s', live.id, live.down_kbps, live.technology, fastest.kbps)
      FROM live
     CROSS JOIN LATERAL (SELECT coalesce(max(point.down_kbps), 0) AS kbps FROM gis.serving_point AS point
                          WHERE point.technology = live.technology) AS fastest
     WHERE live.category = 'base' AND live.down_kbps > fastest.kbps AND EXISTS (SELECT 1 FROM gis.serving_point)
     UNION ALL
    SELECT 'not_decomposable', live.code, format('version %%s offers no service that anything realises on %%s', live.id, live.technology)
      FROM live
     WHERE live.category = 'base'
       AND NOT EXISTS (SELECT 1
                         FROM catalogue.offered_service AS offered
                         JOIN catalogue.realisation AS made ON made.cfs_id = offered.cfs_id
                         JOIN catalogue.specification AS rfs ON rfs.id = made.rfs_id AND rfs.technology = live.technology
                         JOIN catalogue.resource_need AS need ON need.rfs_id = rfs.id
                        WHERE offered.offering_version_id = live.id)
     UNION ALL
    SELECT 'no_price', live.code, format('version %%s costs nothing', live.id)
      FROM live
     WHERE NOT EXISTS (SELECT 1 FROM catalogue.price WHERE price.offering_version_id = live.id)
     UNION ALL
    SELECT 'change_to_what_is_gone', held.code, format('a change leads to %%s, which is %%s', wanted.code, wanted.lifecycle_status)
      FROM catalogue.plan_change AS change
      JOIN catalogue.offering AS held ON held.id = change.from_id
      JOIN catalogue.offering AS wanted ON wanted.id = change.to_id
     WHERE wanted.lifecycle_status NOT IN ('active', 'launched')
     UNION ALL
    SELECT 'add_on_unfit', unfit.code, format('%%s lines have it %%s', count(DISTINCT unfit.line), unfit.why)
      FROM unfit
     GROUP BY unfit.code, unfit.why
     UNION ALL
    SELECT 'requires_what_is_gone', one.code, format('it can only be had beside %%s, of which none is sold', string_agg(other.code, ', ' ORDER BY other.code))
      FROM catalogue.relation
      JOIN catalogue.offering AS one ON one.id = relation.offering_id AND one.lifecycle_status IN ('active', 'launched')
      JOIN catalogue.offering AS other ON other.id = relation.other_id
     WHERE relation.kind = 'requires'
     GROUP BY one.code
    HAVING NOT bool_or(other.lifecycle_status IN ('active', 'launched'))
     UNION ALL
    SELECT 'policy_differs', live.code, format('version %%s is sold as %%s kbit/s down and the network gives %%s', live.id, live.down_kbps, policy.rate_limit)
      FROM live
      JOIN catalogue.access_policy AS policy ON policy.offering_version_id = live.id
     WHERE policy.rate_limit NOT IN ('', format('%%sk/%%sk', live.up_kbps, live.down_kbps))
)
SELECT found.kind, found.code, found.detail
  FROM found
 ORDER BY found.kind, found.code, found.detail;

-- name: is_billed_otherwise
SELECT EXISTS (SELECT FROM catalogue.price JOIN catalogue.offering_version AS version ON version.id = price.offering_version_id
                WHERE version.offering_id = %(offering_id)s AND price.kind = 'recurring' AND price.every_months <> 1);

-- name: recurring_labels
SELECT price.label
  FROM catalogue.price
  JOIN catalogue.offering_version AS version ON version.id = price.offering_version_id
 WHERE version.offering_id = %(offering_id)s
   AND price.kind = 'recurring'
   AND version.valid_from <= %(day)s
   AND (version.valid_to IS NULL OR version.valid_to > %(day)s)
 ORDER BY price.label;

-- name: add_on_effect
SELECT EXISTS (SELECT FROM catalogue.offered_service AS offered
                 JOIN catalogue.realisation AS made ON made.cfs_id = offered.cfs_id
                 JOIN catalogue.specification AS rfs ON rfs.id = made.rfs_id AND rfs.technology = 'any'
                 JOIN catalogue.resource_need AS need ON need.rfs_id = rfs.id AND need.kind = 'ipv4'
                WHERE offered.offering_version_id = %(version)s) AS needs_address,
       EXISTS (SELECT FROM catalogue.access_policy AS policy
                WHERE policy.offering_version_id = %(version)s AND policy.service_profile || policy.dhcp_class <> '') AS has_profile,
       EXISTS (SELECT FROM catalogue.reply_item AS reply WHERE reply.offering_version_id = %(version)s) AS has_reply;

-- name: plan_of_version
SELECT offering.code
  FROM catalogue.offering_version AS version JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE version.id = %(version)s;

-- name: held_add_ons
SELECT offering.code
  FROM catalogue.add_on_held AS held
  JOIN catalogue.offering_version AS version ON version.id = held.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE held.subscriber_id = %(subscriber_id)s AND held.held_until IS NULL
 ORDER BY offering.code;
