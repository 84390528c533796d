-- name: due_now
UPDATE actions.sequence SET next_at = now() WHERE sequence.state IN ('running', 'undoing');
