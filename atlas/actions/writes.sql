-- name: propose
SELECT action_id, is_new
  FROM actions.propose(%(action)s, %(arguments)s::jsonb, %(facts)s::jsonb, %(digest)s, %(operation_key)s, %(proposed_for)s, %(reason)s,
                       %(evidence)s::jsonb, %(correlation_id)s, %(incident_id)s, %(supersedes_id)s, %(rests_on)s::jsonb);

-- name: ask
SELECT action_id, is_new, state, answer, rule, reason, approvers, how_many, approve_within, execute_within, tell, spent
  FROM actions.ask(%(action)s, %(arguments)s::jsonb, %(facts)s::jsonb, %(digest)s, %(operation_key)s, %(proposed_for)s, %(reason)s,
                   %(evidence)s::jsonb, %(correlation_id)s, %(incident_id)s, %(supersedes_id)s, %(rests_on)s::jsonb, %(matrix_digest)s);

-- name: judge
SELECT state, answer, rule, reason, approvers, how_many, approve_within, execute_within, tell, spent
  FROM actions.judge(%(action_id)s, %(matrix_digest)s, %(take)s);

-- name: judged_again
SELECT (again.verdict).answer, (again.verdict).rule, (again.verdict).reason, (again.verdict).approvers, (again.verdict).how_many,
       (again.verdict).approve_within, (again.verdict).execute_within, (again.verdict).tell, again.spent, again.has_moved
  FROM actions.judged_again(%(action_id)s, %(facts)s::jsonb, %(matrix_digest)s) AS again;

-- name: refuse
SELECT actions.refuse(%(action_id)s, %(rule)s, %(reason)s, %(matrix_digest)s);

-- name: rule
SELECT actions.rule(%(action_id)s, %(is_approval)s, %(digest_seen)s, %(note)s);

-- name: claim
SELECT actions.claim(%(action_id)s, %(digest)s);

-- name: finish
SELECT actions.finish(%(state)s, %(outcome)s::jsonb, %(failure)s);

-- name: withdraw
SELECT actions.withdraw(%(action_id)s, %(state)s, %(why)s);

-- name: queue_errands
INSERT INTO actions.errand (port, operation, arguments, key)
SELECT %(port)s, %(operation)s, arguments, key
  FROM unnest(%(arguments)s::jsonb[], %(keys)s::text[]) AS wanted (arguments, key)
    ON CONFLICT (key) DO NOTHING;

-- name: lease_errands
UPDATE actions.errand
   SET state = 'leased', leased_until = clock_timestamp() + %(lease)s::interval, attempts = errand.attempts + 1
  FROM (SELECT waiting.id, action.incident_id
          FROM actions.errand AS waiting
          JOIN actions.action ON action.id = waiting.action_id
         WHERE waiting.not_before <= clock_timestamp()
           AND (waiting.state = 'queued' OR (waiting.state = 'leased' AND waiting.leased_until < clock_timestamp()))
         ORDER BY waiting.id
         LIMIT %(most)s
           FOR UPDATE OF waiting SKIP LOCKED) AS taken
 WHERE errand.id = taken.id
RETURNING errand.id, errand.action_id, taken.incident_id, errand.port, errand.operation, errand.arguments, errand.key, errand.attempts;

-- name: finish_errand
UPDATE actions.errand
   SET state = %(state)s, finished_at = clock_timestamp(), answer = %(answer)s::jsonb, leased_until = NULL
 WHERE id = %(errand_id)s
   AND state = 'leased'
   AND attempts = %(attempts)s;

-- name: put_off_errand
UPDATE actions.errand
   SET state = 'queued', attempts = least(attempts - 1, 1), leased_until = NULL, not_before = clock_timestamp() + %(after)s::interval, answer = %(answer)s::jsonb
 WHERE id = %(errand_id)s
   AND state = 'leased'
   AND attempts = %(attempts)s;

-- name: call_off_errands
UPDATE actions.errand
   SET state = 'failed', finished_at = clock_timestamp(), answer = '{"why": "called off before it was begun"}'
 WHERE action_id = %(action_id)s
   AND state = 'queued'
   AND attempts = 0;

-- What failed is begun anew under its next name; what was done before it stays done.
-- name: resume_sequence
WITH resumed AS (
    UPDATE actions.sequence SET state = 'running', why = NULL, fallen_at = NULL, deadline = clock_timestamp() + %(within)s::interval, next_at = clock_timestamp()
     WHERE sequence.id = %(sequence_id)s AND sequence.state = 'fallen_out'
    RETURNING id
)
UPDATE actions.sequence_step AS step SET state = 'waiting', began_at = NULL, changed_at = clock_timestamp()
  FROM resumed WHERE step.sequence_id = resumed.id AND step.state = 'failed';

-- name: turn_sequence_back
UPDATE actions.sequence SET state = 'undoing', why = %(why)s, next_at = clock_timestamp(), fallen_at = NULL
 WHERE sequence.id = %(sequence_id)s AND sequence.state IN ('running', 'fallen_out');
