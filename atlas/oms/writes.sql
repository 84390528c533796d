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

-- name: order_of_key
SELECT product_order.id FROM oms.product_order WHERE product_order.key = %(key)s;

-- name: place_order
WITH placed AS (
    INSERT INTO oms.product_order (customer_id, subscriber_id, kind, state, offering_version_id, wanted_on, ordered_at, state_changed_at, key, premise_id,
                                   monthly_minor, needs_visit, serial, follows_id)
    VALUES (%(customer_id)s, %(subscriber_id)s, %(kind)s, 'acknowledged', %(offering_version_id)s, %(wanted_on)s, %(at)s, %(at)s, %(key)s, %(premise_id)s,
            %(monthly_minor)s, %(needs_visit)s, %(serial)s, %(follows_id)s)
    RETURNING id
), itemised AS (
    INSERT INTO oms.order_item (order_id, position, action, offering_version_id, state_changed_at)
    SELECT placed.id, 1, CASE %(kind)s WHEN 'add_on' THEN 'add' WHEN 'end_add_on' THEN 'delete' ELSE %(kind)s END, %(offering_version_id)s, %(at)s
      FROM placed
), noted AS (
    INSERT INTO oms.order_event (order_id, at, state, reason)
    SELECT placed.id, %(at)s, 'acknowledged', %(reason)s FROM placed
)
SELECT placed.id FROM placed;

-- name: move_items
UPDATE oms.order_item SET state = %(state)s, state_changed_at = %(at)s
 WHERE order_item.order_id = %(order_id)s AND order_item.state NOT IN ('rejected', 'cancelled', 'completed', 'failed');

-- name: note_why
UPDATE oms.product_order SET retry_at = %(retry_at)s, cause_class = %(cause_class)s WHERE product_order.id = %(order_id)s;

-- What can still be taken back is so until this; whoever assesses a cancellation asks the same row.
-- name: pass_return
UPDATE oms.product_order SET past_return_at = %(at)s, evidence = coalesce(%(evidence)s, evidence), evidence_at = coalesce(%(evidence_at)s, evidence_at)
 WHERE product_order.id = %(order_id)s AND product_order.state = 'inProgress' AND product_order.past_return_at IS NULL;

-- name: not_past_return
SELECT product_order.past_return_at IS NULL FROM oms.product_order WHERE product_order.id = %(order_id)s FOR UPDATE;

-- name: amend_order
WITH amended AS (
    UPDATE oms.product_order SET offering_version_id = %(offering_version_id)s, monthly_minor = %(monthly_minor)s
     WHERE product_order.id = %(order_id)s AND product_order.past_return_at IS NULL
       AND product_order.state IN ('acknowledged', 'pending', 'held', 'inProgress')
    RETURNING id, state
), itemised AS (
    UPDATE oms.order_item SET offering_version_id = %(offering_version_id)s FROM amended WHERE order_item.order_id = amended.id
)
INSERT INTO oms.order_event (order_id, at, state, reason)
SELECT amended.id, %(at)s, amended.state, %(reason)s FROM amended;

-- name: name_serial
UPDATE oms.product_order SET serial = %(serial)s WHERE product_order.id = %(order_id)s;

-- name: keep_visit
INSERT INTO oms.order_visit (job_id, order_id) VALUES (%(job_id)s, %(order_id)s);

-- name: move_dates
WITH moved AS (
    UPDATE oms.product_order SET wanted_on = %(day)s
     WHERE (product_order.follows_id = %(order_id)s OR %(is_own)s AND product_order.id = %(order_id)s)
       AND product_order.wanted_on < %(day)s
       AND product_order.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial')
    RETURNING id, state
), noted AS (
    INSERT INTO oms.order_event (order_id, at, state, reason) SELECT moved.id, %(at)s, moved.state, %(reason)s FROM moved
)
SELECT moved.id FROM moved ORDER BY moved.id;

-- name: keep_quote
INSERT INTO oms.quote (customer_id, premise_id, offering_version_id, monthly_minor, quoted_at, stands_until)
VALUES (%(customer_id)s, %(premise_id)s, %(version)s, %(monthly_minor)s, %(at)s, %(until)s)
RETURNING quote.id;

-- name: order_from_quote
UPDATE oms.quote SET ordered_as = %(order_id)s WHERE quote.id = %(quote_id)s AND quote.ordered_as IS NULL;

-- name: look_again_in
UPDATE oms.product_order SET retry_at = NULL
  FROM crm.subscriber AS line JOIN gis.premise ON premise.id = line.premise_id
 WHERE line.id = product_order.subscriber_id AND premise.building_id = %(building_id)s AND product_order.state = 'held';
