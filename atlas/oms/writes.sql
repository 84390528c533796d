-- name: lock_line
SELECT subscriber.id FROM crm.subscriber WHERE subscriber.id = %(subscriber_id)s FOR UPDATE;

-- name: place_plan_change
WITH placed AS (
    INSERT INTO oms.product_order (customer_id, subscriber_id, kind, state, offering_version_id, wanted_on, ordered_at, state_changed_at)
    VALUES (%(customer_id)s, %(subscriber_id)s, 'modify', %(state)s, %(offering_version_id)s, %(wanted_on)s, %(at)s, %(at)s)
    RETURNING id, state
), noted AS (
    INSERT INTO oms.order_event (order_id, at, state, reason)
    SELECT placed.id, %(at)s, placed.state, %(reason)s FROM placed
)
SELECT placed.id FROM placed;

-- name: change_order_state
WITH changed AS (
    UPDATE oms.product_order SET state = %(state)s, state_changed_at = %(at)s
     WHERE product_order.id = %(order_id)s
       AND product_order.state = %(was)s
    RETURNING id, state
)
INSERT INTO oms.order_event (order_id, at, state, reason)
SELECT changed.id, %(at)s, changed.state, %(reason)s FROM changed;
