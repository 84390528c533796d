-- Orders that a killed process left behind: neither ended nor going on by themselves, and steps or sequences that nobody finished.
-- name: stuck
SELECT (SELECT count(*) FROM oms.product_order AS ordered
          JOIN actions.sequence ON sequence.key = ordered.id::text AND sequence.kind IN ('line_start', 'line_end')
         WHERE ordered.state IN ('acknowledged', 'pending', 'held', 'inProgress') OR sequence.state NOT IN ('done', 'undone'))
     + (SELECT count(*) FROM oms.product_order AS ordered
         WHERE ordered.kind = 'add' AND ordered.state = 'completed'
           AND NOT EXISTS (SELECT FROM billing.charge WHERE charge.started_by_order_id = ordered.id)
           AND EXISTS (SELECT FROM actions.sequence WHERE sequence.key = ordered.id::text AND sequence.kind = 'line_start')) AS stuck;

-- What is held and serves no line: ports, numbers, boxes, places in the plant and credentials.
-- name: leaked
SELECT (SELECT count(*) FROM gis.reservation AS kept JOIN oms.product_order AS ordered ON kept.key = 'order:' || ordered.id
         WHERE kept.ended_at IS NULL AND ordered.state IN ('completed', 'failed', 'cancelled', 'rejected'))
     + (SELECT count(*) FROM cmdb.allotment JOIN crm.subscriber AS line ON line.id = allotment.subscriber_id
         WHERE line.state IN ('terminated', 'aborted', 'cancelled') OR allotment.state = 'reserved' AND line.state = 'active')
     + (SELECT count(*) FROM cmdb.asset JOIN crm.subscriber AS line ON line.id = asset.subscriber_id
         WHERE line.state IN ('aborted', 'cancelled') OR asset.state = 'assigned' AND line.state = 'active')
     + (SELECT count(*) FROM cmdb.access JOIN crm.subscriber AS line ON line.id = access.subscriber_id WHERE line.state IN ('aborted', 'cancelled'))
     + (SELECT count(*) FROM cmdb.credential AS held JOIN crm.subscriber AS line ON line.id = held.subscriber_id
         WHERE held.removed_at IS NULL AND line.state IN ('aborted', 'cancelled')) AS leaked;

-- Lines that are charged for their plan more than once at the same time.
-- name: charged_twice
SELECT count(*) FROM (SELECT charge.subscriber_id FROM billing.charge
                       WHERE charge.stopped_by_order_id IS NULL AND charge.started_by_order_id IS NOT NULL
                       GROUP BY charge.subscriber_id, charge.offering_version_id HAVING count(*) > 1) AS twice;
