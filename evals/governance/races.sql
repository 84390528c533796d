-- name: hire
WITH made AS (
    INSERT INTO staff.member (name, email) VALUES (%(name)s, lower(replace(%(name)s, ' ', '.')) || '@example.com') RETURNING id
), held AS (
    INSERT INTO staff.role_held (staff_id, role) SELECT made.id, role FROM made, unnest(%(roles)s::text[]) AS role
)
SELECT id FROM made;

-- name: let_race
INSERT INTO actions.may_write (action, effect) VALUES ('give_credit', 'prober.race') ON CONFLICT DO NOTHING;

-- name: sign_in
INSERT INTO staff.session (token_hash, staff_id, fresh_at, expires_at)
VALUES (%(token)s, %(staff_id)s, now(), now() + interval '10 hours');

-- name: amend
UPDATE actions.action SET arguments = '{"amended": true}' WHERE id = %(action_id)s;

-- name: lapse
UPDATE actions.action SET approve_by = now() - interval '1 second', execute_by = CASE WHEN execute_by IS NULL THEN NULL ELSE now() - interval '1 second' END
 WHERE id = %(action_id)s;

-- name: effect
INSERT INTO actions.errand (port, operation, arguments, key)
VALUES ('prober', 'race', '{}', 'race:' || %(action_id)s || ':' || gen_random_uuid());

-- name: ending
SELECT action.state, action.approvals_needed AS needed,
       (SELECT count(*) FROM actions.ruling WHERE action_id = action.id AND is_approval AND digest_seen = %(digest)s)::int AS approvals,
       (SELECT count(DISTINCT staff_id) FROM actions.ruling WHERE action_id = action.id AND is_approval)::int AS people,
       (SELECT count(*) FROM actions.ruling WHERE action_id = action.id AND NOT is_approval)::int AS rejections,
       (SELECT count(*) FROM actions.errand WHERE action_id = action.id)::int AS effects,
       -- Whoever amends after it was done changes nothing that happened.
       (action.seal = actions.seal_of(action) OR action.arguments = '{"amended": true}') AS is_sealed,
       EXISTS (SELECT 1 FROM actions.ruling AS given
                WHERE given.action_id = action.id
                  AND ('staff:' || given.staff_id = action.proposer
                       OR NOT EXISTS (SELECT 1 FROM staff.role_held AS held WHERE held.staff_id = given.staff_id AND held.role = ANY (action.approver_roles)))
              ) AS has_wrong_ruler
  FROM actions.action
 WHERE action.id = %(action_id)s;

-- name: propose
SELECT action_id
  FROM actions.propose('give_credit', '{}', %(facts)s::jsonb, %(digest)s, gen_random_uuid()::text, NULL, 'a race', '[]', gen_random_uuid(), NULL, NULL);

-- name: judge
SELECT state FROM actions.judge(%(action_id)s, %(matrix_digest)s, true);

-- name: rule
SELECT actions.rule(%(action_id)s, %(is_approval)s, %(digest)s, '');

-- name: claim
SELECT actions.claim(%(action_id)s, %(digest)s);

-- name: finish
SELECT actions.finish('done', '{}', NULL);
