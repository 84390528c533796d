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
SELECT member.id AS staff_id, member.password_hash
  FROM staff.member
 WHERE member.email = %(email)s AND member.is_active;

-- name: signed_in
SELECT member.id AS staff_id, member.name,
       ARRAY(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = member.id AND held.valid_from <= now() AND (held.valid_until IS NULL OR held.valid_until > now())
              ORDER BY held.role) AS roles,
       session.fresh_at, session.expires_at, now() AS now
  FROM staff.session
  JOIN staff.member ON member.id = session.staff_id
 WHERE session.token_hash = %(token_hash)s AND session.expires_at > now() AND member.is_active;

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
