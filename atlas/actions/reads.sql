-- name: action
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE id = %(action_id)s;

-- name: hold
-- Only the database's own functions may lock the row itself; whoever works on an action agrees on this lock instead.
SELECT pg_advisory_xact_lock(hashtextextended('action:' || %(action_id)s::bigint, 0));

-- name: is_stopped
SELECT actions.stopped_because(action) IS NOT NULL FROM actions.action WHERE action.id = %(action_id)s;

-- name: newest_of
-- Whatever became of an operation: where it was proposed anew, the newest proposal.
WITH RECURSIVE newer AS (
    SELECT id, 0 AS depth FROM actions.action WHERE id = %(action_id)s
    UNION ALL
    SELECT action.id, newer.depth + 1 FROM actions.action JOIN newer ON action.supersedes_id = newer.id WHERE newer.depth < 100
)
SELECT id FROM newer ORDER BY depth DESC LIMIT 1;

-- name: actions_of_incident
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE incident_id = %(incident_id)s
 ORDER BY id;

-- name: actions_by_correlation
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE correlation_id = %(correlation_id)s
 ORDER BY id;

-- name: actions_named
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE id = ANY (%(action_ids)s::bigint[]);

-- name: newest_actions
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 ORDER BY id DESC
 LIMIT %(most)s;

-- name: waiting
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE state = 'waiting'
   AND approve_by > clock_timestamp()
   AND (%(roles)s::text[] IS NULL OR approver_roles && %(roles)s::text[])
 ORDER BY approve_by, id;

-- name: told_to
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE id IN (SELECT audit.action_id FROM actions.audit
               WHERE audit.event = 'told' AND audit.at > clock_timestamp() - %(within)s::interval
                 AND audit.detail -> 'roles' ?| %(roles)s::text[])
 ORDER BY id DESC
 LIMIT %(most)s;

-- name: rulings
SELECT ruling.action_id, ruling.staff_id, ruling.on_behalf_of, member.name, ruling.is_approval, ruling.note, ruling.digest_seen, ruling.ruled_at,
       array(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = ruling.on_behalf_of AND held.valid_from <= clock_timestamp()
                AND (held.valid_until IS NULL OR held.valid_until > clock_timestamp())
              UNION
             SELECT glass.role FROM actions.break_glass AS glass
              WHERE glass.staff_id = ruling.on_behalf_of AND glass.closed_at IS NULL AND glass.ends_at > clock_timestamp()
              ORDER BY 1) AS roles
  FROM actions.ruling
  JOIN staff.member ON member.id = ruling.staff_id
 WHERE ruling.action_id = ANY (%(action_ids)s)
 ORDER BY ruling.ruled_at;

-- name: unsettled
-- Recorded, but whoever proposed or approved it died before it was judged or carried out.
SELECT id
  FROM actions.action
 WHERE state IN ('proposed', 'allowed', 'approved')
   AND coalesce(ruled_at, judged_at, proposed_at) < clock_timestamp() - %(older_than)s::interval
 ORDER BY id
 LIMIT 100;

-- name: lapsed
-- By the database's clock; the gate takes no ruling and no claim on any of them.
SELECT id, name, arguments::text AS arguments, facts::text AS facts, digest, operation_key, proposer, proposed_for, proposed_at, reason, evidence,
       correlation_id, incident_id, state, rule, verdict_reason, matrix_digest, approver_roles, approvals_needed, judged_at, approve_by, execute_by,
       ruled_at, finished_at, outcome, failure, supersedes_id
  FROM actions.action
 WHERE (state = 'waiting' AND approve_by < clock_timestamp())
    OR (state IN ('allowed', 'approved') AND execute_by < clock_timestamp())
 ORDER BY id
 LIMIT 200;

-- name: in_force
SELECT digest, source FROM actions.matrix_in_force;

-- name: standing
SELECT signed_in_ago, own_roles, household, stands_with, gaining FROM actions.standing(%(action_id)s);

-- name: delegations
-- Those that are not over, or (all) every one there was.
SELECT lent.id, lent.grantor_id, grantor.name AS grantor, lent.delegate_id, delegate.name AS delegate, lent.role, lent.starts_at, lent.ends_at,
       lent.reason, lent.revoked_at,
       array(SELECT held.role FROM staff.role_held AS held
              WHERE held.staff_id = lent.grantor_id AND grantor.is_active AND held.valid_from <= clock_timestamp()
                AND (held.valid_until IS NULL OR held.valid_until > clock_timestamp())
              ORDER BY held.role) AS grantor_roles
  FROM actions.delegation AS lent
  JOIN staff.member AS grantor ON grantor.id = lent.grantor_id
  JOIN staff.member AS delegate ON delegate.id = lent.delegate_id
 WHERE (%(delegate_id)s::bigint IS NULL OR lent.delegate_id = %(delegate_id)s)
   AND (%(all)s OR (lent.revoked_at IS NULL AND lent.ends_at > clock_timestamp()))
 ORDER BY lent.ends_at, lent.id;

-- name: broken_glass
SELECT glass.id, glass.staff_id, member.name, glass.role, glass.reason, glass.opened_at, glass.ends_at, glass.closed_at, glass.alarmed, glass.action_id
  FROM actions.break_glass AS glass
  JOIN staff.member ON member.id = glass.staff_id
 ORDER BY glass.id DESC LIMIT %(most)s;

-- name: errands_of_action
SELECT errand.id, errand.action_id, action.incident_id, errand.port, errand.operation, errand.arguments, errand.key, errand.attempts
  FROM actions.errand
  JOIN actions.action ON action.id = errand.action_id
 WHERE errand.action_id = %(action_id)s
 ORDER BY errand.id;

-- name: audit_of_action
SELECT audit.stream, audit.seq, audit.at, audit.actor, audit.event, audit.action_id, audit.correlation_id,
       CASE WHEN said.words IS NULL THEN audit.detail ELSE audit.detail - 'words' || said.words END AS detail
  FROM actions.audit
  LEFT JOIN actions.audit_words AS said ON said.stream = audit.stream AND said.seq = audit.seq
 WHERE audit.action_id = %(action_id)s
 ORDER BY audit.seq;

-- name: broken_links
WITH link AS (
    SELECT audit.stream, audit.seq, audit.hash, audit.previous_hash,
           actions.audit_hash(audit.stream, audit.seq, audit.at, audit.actor, audit.event, audit.action_id, audit.correlation_id, audit.detail,
                              audit.previous_hash) AS rehashed,
           lag(audit.hash, 1, ''::bytea) OVER chain AS hash_before,
           lag(audit.seq, 1, 0::bigint) OVER chain AS seq_before
      FROM actions.audit
    WINDOW chain AS (PARTITION BY audit.stream ORDER BY audit.seq)
)
SELECT stream, seq, 'its text was changed' AS why FROM link WHERE hash <> rehashed
UNION ALL
SELECT stream, seq, 'an entry before it is gone or was changed' FROM link WHERE previous_hash <> hash_before OR seq <> seq_before + 1
UNION ALL
SELECT said.stream, said.seq, 'its words were exchanged'
  FROM actions.audit_words AS said
  LEFT JOIN actions.audit ON audit.stream = said.stream AND audit.seq = said.seq
 WHERE audit.detail ->> 'words' IS DISTINCT FROM actions.words_hash(said.salt, said.words)
UNION ALL
SELECT head.stream, head.seq, 'the end of the chain is gone'
  FROM actions.audit_head AS head
 WHERE head.seq > 0
   AND NOT EXISTS (SELECT 1 FROM actions.audit WHERE audit.stream = head.stream AND audit.seq = head.seq AND audit.hash = head.hash)
 ORDER BY stream, seq;

-- name: audit_entries
SELECT count(*) FROM actions.audit;

-- name: lately_ruled
SELECT action.id AS action_id, action.name, action.proposer, coalesce(action.rule, '') AS rule, member.name AS ruled_by, ruling.ruled_at, ruling.note,
       action.state
  FROM actions.ruling
  JOIN actions.action ON action.id = ruling.action_id
  JOIN staff.member ON member.id = ruling.staff_id
 ORDER BY ruling.ruled_at DESC LIMIT %(most)s;

-- name: clock
SELECT clock_timestamp();

-- name: audit_heads
SELECT stream, seq, encode(hash, 'hex') AS hash FROM actions.audit_head ORDER BY stream;

-- name: missing_heads
SELECT head.stream, head.seq, 'it is not the entry whose hash was exported' AS why
  FROM unnest(%(streams)s::text[], %(seqs)s::bigint[], %(hashes)s::text[]) AS head (stream, seq, hash)
 WHERE head.seq > 0
   AND NOT EXISTS (SELECT 1 FROM actions.audit
                    WHERE audit.stream = head.stream AND audit.seq = head.seq AND encode(audit.hash, 'hex') = head.hash)
 ORDER BY head.stream, head.seq;
