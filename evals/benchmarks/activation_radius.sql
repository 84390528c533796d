-- name: a_bng
SELECT device.id FROM cmdb.device WHERE device.kind = 'bng' ORDER BY device.id LIMIT 1;

-- name: set_up_at
SELECT max(errand.finished_at)
  FROM actions.errand
  JOIN actions.action ON action.id = errand.action_id AND action.name = 'configure_line' AND (action.arguments ->> 'order')::bigint = %(order_id)s
 WHERE errand.operation = 'activate' AND errand.state = 'done';

-- Boxes are seen by the network again.
-- name: nobody_asks
DELETE FROM cmdb.nas;
