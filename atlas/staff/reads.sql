-- name: members
SELECT member.id AS staff_id, member.name, member.email,
       ARRAY(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = member.id AND held.valid_from <= now() AND (held.valid_until IS NULL OR held.valid_until > now())
              ORDER BY held.role) AS roles
  FROM staff.member
 WHERE member.is_active
   AND (%(staff_id)s::bigint IS NULL OR member.id = %(staff_id)s)
   AND (%(email)s::text IS NULL OR member.email = %(email)s)
   AND (%(role)s::text IS NULL OR EXISTS (
         SELECT 1 FROM staff.role_held AS held
          WHERE held.staff_id = member.id AND held.role = %(role)s
            AND held.valid_from <= now() AND (held.valid_until IS NULL OR held.valid_until > now())))
 ORDER BY member.name, member.id;

-- name: credentials
SELECT member.id AS staff_id, member.password_hash, coalesce(member.password_given_at + %(lives)s < now(), false) AS has_lapsed
  FROM staff.member
 WHERE member.email = %(email)s AND member.is_active;

-- name: signed_in
SELECT session.id AS session_id, member.id AS staff_id, member.name, member.email,
       ARRAY(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = member.id AND held.valid_from <= now() AND (held.valid_until IS NULL OR held.valid_until > now())
              ORDER BY held.role) AS roles,
       session.proved_by, session.fresh_at, session.expires_at, now() AS now,
       member.password_given_at IS NOT NULL AND 'password' = ANY (session.proved_by) AS has_given_password
  FROM staff.session
  JOIN staff.member ON member.id = session.staff_id
 WHERE session.token_hash = %(token_hash)s AND session.expires_at > now() AND session.last_used_at + %(idles)s > now() AND member.is_active;

-- name: sessions_of
SELECT id AS session_id, started_at, last_used_at, expires_at, proved_by, address, browser
  FROM staff.session
 WHERE staff_id = %(staff_id)s AND expires_at > now() AND last_used_at + %(idles)s > now()
 ORDER BY last_used_at DESC, id DESC;

-- name: unfinished
SELECT staff_id, sealed FROM staff.unfinished_proof WHERE token_hash = %(token_hash)s AND purpose = %(purpose)s AND expires_at > now();

-- name: totp_of
SELECT sealed_secret, last_step FROM staff.totp WHERE staff_id = %(staff_id)s;

-- name: totp_held
SELECT sealed_secret, last_step FROM staff.totp WHERE staff_id = %(staff_id)s FOR UPDATE;

-- name: passkeys_of
SELECT id AS passkey_id, credential_id, staff_id, public_key, sign_count, name, is_backed_up, added_at, last_used_at
  FROM staff.passkey
 WHERE staff_id = %(staff_id)s
 ORDER BY added_at, id;

-- name: passkey_held
SELECT passkey.id AS passkey_id, passkey.credential_id, passkey.staff_id, passkey.public_key, passkey.sign_count, passkey.name,
       passkey.is_backed_up, passkey.added_at, passkey.last_used_at
  FROM staff.passkey
  JOIN staff.member ON member.id = passkey.staff_id AND member.is_active
 WHERE passkey.credential_id = %(credential)s
   FOR UPDATE OF passkey;

-- name: factors_of
SELECT member.password_hash IS NOT NULL AS has_password,
       EXISTS (SELECT 1 FROM staff.totp WHERE totp.staff_id = member.id) AS has_totp,
       (SELECT count(*) FROM staff.passkey WHERE passkey.staff_id = member.id) AS passkeys,
       (SELECT count(*) FROM staff.recovery_code AS code WHERE code.staff_id = member.id) AS recovery_codes
  FROM staff.member
 WHERE member.id = %(staff_id)s;

-- name: staff_of_outside_account
SELECT account.staff_id
  FROM staff.outside_account AS account
  JOIN staff.member ON member.id = account.staff_id AND member.is_active
 WHERE account.issuer = %(issuer)s AND account.subject = %(subject)s;

-- name: token_holder
SELECT token_id, name, staff_id, scopes FROM staff.token_holder(%(token_hash)s);

-- name: api_tokens
SELECT token.id AS token_id, token.name, member.email AS owner, token.scopes, token.made_at, token.expires_at, token.last_used_at, token.revoked_at
  FROM staff.api_token AS token
  JOIN staff.member ON member.id = token.staff_id
 ORDER BY token.made_at DESC, token.id DESC;

-- name: on_shift
SELECT member.id AS staff_id, member.name,
       ARRAY(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = member.id AND held.valid_from <= now() AND (held.valid_until IS NULL OR held.valid_until > now())
              ORDER BY held.role) AS roles,
       shift.ends_at
  FROM staff.shift
  JOIN staff.member ON member.id = shift.staff_id
 WHERE shift.starts_at <= %(at)s AND shift.ends_at > %(at)s AND member.is_active
 ORDER BY member.name, member.id;
