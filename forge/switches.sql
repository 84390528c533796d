-- name: switches
SELECT scope, name, is_on, reason, by, at FROM actions.kill_switch ORDER BY is_on DESC, at DESC, scope, name;

-- name: switch
SELECT actions.switch(%(scope)s, %(name)s, %(is_on)s, %(reason)s);
