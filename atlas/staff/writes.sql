-- name: forget_lapsed
DELETE FROM staff.session WHERE staff_id = %(staff_id)s AND expires_at <= now();

-- name: record_sign_in
INSERT INTO staff.session (token_hash, staff_id, expires_at) VALUES (%(token_hash)s, %(staff_id)s, %(expires_at)s);

-- name: record_proof
UPDATE staff.session SET fresh_at = now() WHERE token_hash = %(token_hash)s;

-- name: record_sign_out
DELETE FROM staff.session WHERE token_hash = %(token_hash)s;

-- name: record_password
UPDATE staff.member SET password_hash = %(password_hash)s WHERE id = %(staff_id)s;
