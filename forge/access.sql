-- name: holders
SELECT held.role, member.id AS staff_id, member.name, 'own' AS by, '' AS lent_by, NULL::bigint AS lender_id, held.valid_until AS until, NULL::bigint AS number, '' AS reason
  FROM staff.role_held AS held
  JOIN staff.member ON member.id = held.staff_id AND member.is_active
 WHERE held.valid_from <= clock_timestamp() AND (held.valid_until IS NULL OR held.valid_until > clock_timestamp())
UNION ALL
SELECT lent.role, member.id, member.name, 'lent', grantor.name, grantor.id, lent.ends_at, lent.id, lent.reason
  FROM actions.delegation AS lent
  JOIN staff.member ON member.id = lent.delegate_id AND member.is_active
  JOIN staff.member AS grantor ON grantor.id = lent.grantor_id
 WHERE lent.revoked_at IS NULL AND lent.ends_at > clock_timestamp()
UNION ALL
SELECT glass.role, member.id, member.name, 'emergency', '', NULL, glass.ends_at, glass.id, glass.reason
  FROM actions.break_glass AS glass
  JOIN staff.member ON member.id = glass.staff_id AND member.is_active
 WHERE glass.closed_at IS NULL AND glass.ends_at > clock_timestamp()
 ORDER BY role, by DESC, name;

-- name: lend
SELECT actions.delegate(%(to)s, %(role)s, clock_timestamp(), clock_timestamp() + %(lasts)s::interval, %(reason)s);

-- name: give_back
SELECT actions.revoke_delegation(%(loan)s);

-- name: break_the_glass
SELECT actions.break_the_glass(%(role)s, %(reason)s, %(lasts)s::interval);

-- name: mend_the_glass
SELECT actions.mend_the_glass(%(number)s);
