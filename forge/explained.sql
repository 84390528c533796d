-- name: effects
SELECT place, content FROM actions.effects_of(%(action_id)s, %(most)s);

-- name: messages
SELECT id AS notice_id, purpose, channel, language, state, delivery, failure, words
  FROM helpdesk.notice
 WHERE action_id = %(action_id)s
 ORDER BY id LIMIT %(most)s;

-- name: outside
SELECT id AS errand_id, port, operation, state, attempts, answer FROM actions.errand WHERE action_id = %(action_id)s ORDER BY id;

-- The reply of the turn in which it was asked for carries the same correlation, and what was thought on the way to it.
-- name: traces
SELECT message.trace
  FROM helpdesk.message
  JOIN actions.action AS told ON told.id = message.action_id
 WHERE told.correlation_id = %(correlation_id)s AND message.is_from_us AND message.trace <> '{}'
 ORDER BY message.id;
