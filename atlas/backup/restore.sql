-- name: hold_everything
INSERT INTO actions.kill_switch (scope, name, is_on, reason, by)
SELECT held.scope, '*', true, %(reason)s, 'system:restore'
  FROM (VALUES ('action'), ('agent'), ('channel')) AS held (scope)
    ON CONFLICT (scope, name) DO UPDATE SET is_on = true, reason = excluded.reason, by = excluded.by, at = clock_timestamp();

-- name: ask_before_sending
-- An attempt beyond the first asks the carrier for the key before it sends: what went out after the moment is found there.
UPDATE helpdesk.notice SET attempts = greatest(attempts, 1) WHERE state IN ('queued', 'leased');
