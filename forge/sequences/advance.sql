-- name: begin
INSERT INTO actions.sequence (kind, key, arguments, reason, correlation_id, deadline)
VALUES (%(kind)s, %(key)s, %(arguments)s::jsonb, %(reason)s, %(correlation_id)s, clock_timestamp() + %(within)s::interval)
    ON CONFLICT (kind, key) DO NOTHING
RETURNING id;

-- name: begin_steps
INSERT INTO actions.sequence_step (sequence_id, position, name, after)
SELECT %(sequence_id)s, step.position, step.name, string_to_array(step.after, ';')
  FROM unnest(%(names)s::text[], %(afters)s::text[]) WITH ORDINALITY AS step (name, after, position);

-- name: sequence_of_key
SELECT sequence.id FROM actions.sequence WHERE sequence.kind = %(kind)s AND sequence.key = %(key)s;

-- name: held
SELECT sequence.id, sequence.kind, sequence.key, sequence.arguments, sequence.reason, sequence.correlation_id, sequence.state,
       sequence.deadline < clock_timestamp() AS is_late, sequence.why
  FROM actions.sequence
 WHERE sequence.id = %(sequence_id)s
   FOR UPDATE;

-- name: steps
SELECT step.id, step.position, step.name, step.state, step.failures, step.action_id, step.outcome, step.failure, step.after,
       coalesce(extract(epoch FROM clock_timestamp() - step.began_at), 0)::float8 AS running_s
  FROM actions.sequence_step AS step
 WHERE step.sequence_id = %(sequence_id)s
 ORDER BY step.position;

-- Whoever takes one has it to themselves for a while; if they die meanwhile, the next one takes it up.
-- name: take_due
UPDATE actions.sequence
   SET next_at = clock_timestamp() + %(hold)s::interval
 WHERE sequence.id IN (SELECT due.id FROM actions.sequence AS due
                        WHERE due.state IN ('running', 'undoing', 'fallen_out') AND due.next_at <= clock_timestamp() AND due.kind = ANY (%(kinds)s)
                        ORDER BY due.next_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
RETURNING sequence.id;

-- Whoever takes one puts its next look ahead; where that is due all the same, it was woken meanwhile, and what woke it may not have been seen.
-- name: rest
UPDATE actions.sequence SET next_at = clock_timestamp() + %(pause)s::interval
 WHERE sequence.id = %(sequence_id)s AND sequence.state IN ('running', 'undoing', 'fallen_out') AND sequence.next_at > clock_timestamp();

-- name: turn_back
UPDATE actions.sequence SET state = 'undoing', why = %(why)s, next_at = clock_timestamp(), fallen_at = NULL
 WHERE sequence.id = %(sequence_id)s AND sequence.state IN ('running', 'fallen_out');

-- name: fall_out
UPDATE actions.sequence
   SET state = 'fallen_out', why = %(why)s, fallen_at = clock_timestamp(), deadline = greatest(deadline, clock_timestamp() + %(within)s::interval),
       next_at = greatest(deadline, clock_timestamp() + %(within)s::interval)
 WHERE sequence.id = %(sequence_id)s AND sequence.state = 'running';

-- name: end
UPDATE actions.sequence SET state = %(state)s, ended_at = CASE WHEN %(state)s IN ('done', 'undone') THEN clock_timestamp() END
 WHERE sequence.id = %(sequence_id)s AND sequence.state IN ('running', 'undoing');

-- A step goes from one state to the next once, whoever else may be looking: where it is no longer as it was, nothing is changed.
-- name: move_step
UPDATE actions.sequence_step AS step
   SET state = %(state)s, failures = %(failures)s, failure = coalesce(%(failure)s, step.failure), action_id = coalesce(%(action_id)s, step.action_id),
       undo_action_id = coalesce(%(undo_action_id)s, step.undo_action_id), cause = coalesce(%(cause)s, step.cause),
       began_at = CASE WHEN step.began_at IS NULL THEN clock_timestamp() ELSE step.began_at END, outcome = coalesce(%(outcome)s::jsonb, step.outcome),
       changed_at = clock_timestamp()
 WHERE step.id = %(step_id)s AND step.state = %(was)s AND step.failures = %(failed_before)s;

-- Within the transaction that carried the step's action out: it counts only while the sequence still wants it. The step's own row is where this
-- and the turning back of it meet: one of the two waits for the other, and sees what it did.
-- name: carried_out
UPDATE actions.sequence_step AS step
   SET action_id = %(action_id)s, outcome = %(outcome)s::jsonb, changed_at = clock_timestamp(),
       state = CASE WHEN EXISTS (SELECT 1 FROM actions.errand WHERE errand.action_id = %(action_id)s) THEN 'doing' ELSE 'done' END
  FROM actions.sequence
 WHERE sequence.id = step.sequence_id AND sequence.state = 'running' AND step.id = %(step_id)s AND step.state = 'doing';

-- name: action_of_operation
SELECT action.id FROM actions.action WHERE action.operation_key = %(key)s;

-- name: errand_states
SELECT errand.state FROM actions.errand WHERE errand.action_id = %(action_id)s;

-- name: refusal
SELECT errand.port, errand.operation, coalesce(nullif(errand.answer ->> 'why', ''), 'it did not say why') AS why
  FROM actions.errand
 WHERE errand.action_id = %(action_id)s AND errand.state = 'failed'
 ORDER BY errand.id
 LIMIT 1;
