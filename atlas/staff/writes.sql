-- name: forget_lapsed_sessions
DELETE FROM staff.session WHERE staff_id = %(staff_id)s AND expires_at <= now();

-- name: forget_lapsed_proofs
DELETE FROM staff.unfinished_proof WHERE expires_at <= now();

-- name: forget_attempts
DELETE FROM staff.attempt WHERE counted_until <= now() AND refused_until <= now();

-- name: record_sign_in
INSERT INTO staff.session (token_hash, staff_id, expires_at, proved_by, address, browser)
VALUES (%(token_hash)s, %(staff_id)s, now() + %(lives)s, %(proved_by)s, %(address)s, %(browser)s);

-- name: record_proof
UPDATE staff.session SET fresh_at = now(), last_used_at = now(), token_hash = %(new_token_hash)s, proved_by = %(proved_by)s
 WHERE token_hash = %(token_hash)s AND expires_at > now();

-- name: record_use
UPDATE staff.session SET last_used_at = now() WHERE token_hash = %(token_hash)s AND last_used_at < now() - interval '1 minute';

-- name: record_sign_out
DELETE FROM staff.session WHERE token_hash = %(token_hash)s;

-- name: end_session
DELETE FROM staff.session WHERE staff_id = %(staff_id)s AND id = %(session_id)s;

-- name: end_sessions
DELETE FROM staff.session WHERE staff_id = %(staff_id)s AND token_hash IS DISTINCT FROM %(but_token_hash)s::bytea;

-- name: record_password
UPDATE staff.member SET password_hash = %(password_hash)s, password_changed_at = now(), password_given_at = NULL WHERE id = %(staff_id)s;

-- name: record_given_password
UPDATE staff.member SET password_hash = %(password_hash)s, password_changed_at = now(), password_given_at = now() WHERE id = %(staff_id)s;

-- name: record_stronger_hash
UPDATE staff.member SET password_hash = %(password_hash)s WHERE id = %(staff_id)s;

-- name: count_attempt
SELECT staff.count_attempt(%(scope)s, %(key)s, %(free)s, %(window)s, %(first)s, %(longest)s);

-- name: forgive_attempts
DELETE FROM staff.attempt WHERE scope = %(scope)s AND key = %(key)s;

-- name: begin_proof
INSERT INTO staff.unfinished_proof (token_hash, purpose, staff_id, sealed, expires_at)
VALUES (%(token_hash)s, %(purpose)s, %(staff_id)s, %(sealed)s, now() + %(lives)s);

-- name: take_proof
DELETE FROM staff.unfinished_proof
 WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND expires_at > now()
RETURNING staff_id, sealed;

-- name: record_totp
INSERT INTO staff.totp (staff_id, sealed_secret, last_step) VALUES (%(staff_id)s, %(sealed_secret)s, %(last_step)s)
    ON CONFLICT (staff_id) DO UPDATE SET sealed_secret = excluded.sealed_secret, last_step = excluded.last_step, enrolled_at = now();

-- name: record_totp_step
UPDATE staff.totp SET last_step = %(step)s WHERE staff_id = %(staff_id)s;

-- name: forget_totp
DELETE FROM staff.totp WHERE staff_id = %(staff_id)s;

-- name: forget_recovery_codes
DELETE FROM staff.recovery_code WHERE staff_id = %(staff_id)s;

-- name: record_recovery_code
INSERT INTO staff.recovery_code (code_hash, staff_id) VALUES (%(code_hash)s, %(staff_id)s);

-- name: use_recovery_code
DELETE FROM staff.recovery_code WHERE staff_id = %(staff_id)s AND code_hash = %(code_hash)s;

-- name: record_passkey
INSERT INTO staff.passkey (credential_id, staff_id, public_key, sign_count, name, is_backed_up)
VALUES (%(credential)s, %(staff_id)s, %(public_key)s, %(sign_count)s, %(name)s, %(is_backed_up)s);

-- name: record_passkey_use
UPDATE staff.passkey SET sign_count = %(sign_count)s, last_used_at = now() WHERE credential_id = %(credential)s;

-- name: forget_passkey
DELETE FROM staff.passkey WHERE staff_id = %(staff_id)s AND id = %(passkey_id)s;

-- name: forget_passkeys
DELETE FROM staff.passkey WHERE staff_id = %(staff_id)s;

-- name: link_outside_account
INSERT INTO staff.outside_account (issuer, subject, staff_id, linked_by) VALUES (%(issuer)s, %(subject)s, %(staff_id)s, %(linked_by)s);

-- name: unlink_outside_accounts
DELETE FROM staff.outside_account WHERE staff_id = %(staff_id)s;

-- name: record_api_token
INSERT INTO staff.api_token (token_hash, name, staff_id, scopes, expires_at)
VALUES (%(token_hash)s, %(name)s, %(staff_id)s, %(scopes)s, now() + %(lives)s)
RETURNING id;

-- name: revoke_api_token
UPDATE staff.api_token SET revoked_at = now() WHERE id = %(token_id)s AND revoked_at IS NULL;

-- name: record_event
SELECT actions.note_at_door(%(actor)s, %(event)s, %(detail)s);
