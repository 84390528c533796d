-- Whoever assigns waits for whoever is assigning: two dispatchers cannot send one engineer to two places.
-- name: lock_dispatch
SELECT pg_advisory_xact_lock(hashtextextended('field_service.dispatch', 0));

-- name: open_crew_job
INSERT INTO field_service.job (kind, incident_id, device_id, latitude, longitude, skill, engineer_id, window_from, window_until, instructions, created_at)
VALUES (%(kind)s, %(incident_id)s, %(device_id)s, %(latitude)s, %(longitude)s, %(skill)s, %(engineer_id)s, %(window_from)s, %(window_until)s,
        %(instructions)s, %(at)s)
ON CONFLICT (incident_id) WHERE incident_id IS NOT NULL AND state NOT IN ('failed', 'cancelled') DO NOTHING
RETURNING id;

-- name: open_visit
INSERT INTO field_service.job (kind, customer_id, premise_id, latitude, longitude, skill, engineer_id, window_from, window_until, instructions, created_at)
VALUES (%(kind)s, %(customer_id)s, %(premise_id)s, %(latitude)s, %(longitude)s, %(skill)s, %(engineer_id)s, %(window_from)s, %(window_until)s,
        %(instructions)s, %(at)s)
RETURNING id;

-- name: cancel_visit
UPDATE field_service.job SET state = 'cancelled' WHERE id = %(job_id)s AND state = 'acknowledged';

-- name: complete_job
UPDATE field_service.job
   SET state = 'completed', completed_at = %(at)s, findings = %(findings)s
 WHERE id = %(job_id)s AND state IN ('acknowledged', 'held', 'inProgress');

-- name: record_reading
INSERT INTO field_service.reading (job_id, kind, value, at) VALUES (%(job_id)s, %(kind)s, %(value)s, %(at)s)
RETURNING id;

-- name: give_hands_free
INSERT INTO field_service.hands_free (staff_id, phone, pin_mac) VALUES (%(staff_id)s, %(phone)s, %(pin_mac)s)
    ON CONFLICT (staff_id) DO UPDATE SET phone = excluded.phone, pin_mac = excluded.pin_mac, action_id = excluded.action_id;
