-- name: change_operational_state
UPDATE cmdb.device
   SET operational_state = %(operational_state)s, state_changed_at = %(at)s, action_id = actions.claimed()
 WHERE id = %(device_id)s AND operational_state <> %(operational_state)s;

-- name: record_diagnosis
INSERT INTO cmdb.diagnosis (device_id, errand_id, at, is_reachable, round_trip, detail)
VALUES (%(device_id)s, %(errand_id)s, %(at)s, %(is_reachable)s, %(round_trip)s, %(detail)s::jsonb)
ON CONFLICT (errand_id, device_id) DO NOTHING;
