-- name: columns
SELECT n.nspname || '.' || c.relname AS place, a.attname::text AS name,
       CASE WHEN format_type(a.atttypid, NULL) ~ '^(text|character|json|bytea|inet|cidr|macaddr|vector|double|real|point|tsvector|xml)'
                 AND a.attgenerated = '' THEN format_type(a.atttypid, NULL) ELSE '' END AS type,
       coalesce((SELECT con.confrelid::regclass::text FROM pg_constraint AS con
                  WHERE con.contype = 'f' AND con.conrelid = c.oid AND a.attnum = ANY (con.conkey)
                  ORDER BY cardinality(con.conkey) LIMIT 1), '') AS refers_to
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
   AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'public', 'jobs', 'checkpoints') AND n.nspname NOT LIKE 'pg\_%%'
   -- A measure is nobody's by itself: what matters are words, octets and positions.
   AND NOT (format_type(a.atttypid, NULL) IN ('double precision', 'real') AND a.attname NOT IN ('latitude', 'longitude'))
 ORDER BY place, a.attnum;

-- name: collected
SELECT place, content FROM privacy.collected(%(customer_id)s);

-- name: threads
SELECT thread FROM helpdesk.conversation WHERE customer_id = %(customer_id)s;

-- name: reasons_to_keep
SELECT unnest(privacy.reasons_to_keep(%(customer_id)s));

-- name: erasures
SELECT customer_id, erased_at, is_whole, because, removed, ledger_until, action_id
  FROM privacy.erasure
 WHERE customer_id = coalesce(%(customer_id)s, customer_id)
 ORDER BY id DESC LIMIT %(most)s;

-- Customers of whom something was left, whose reasons are over: they wished to be forgotten and did not wish it twice.
-- name: erasures_to_finish
SELECT latest.customer_id
  FROM (SELECT DISTINCT ON (customer_id) customer_id, is_whole FROM privacy.erasure ORDER BY customer_id, id DESC) AS latest
 WHERE NOT latest.is_whole AND privacy.reasons_to_keep(latest.customer_id) = '{}'
 ORDER BY latest.customer_id LIMIT %(most)s;

-- name: kept
SELECT rule.rule, rule.place, rule.keep, rule.how, rule.basis, latest.applied_at, latest.removed, coalesce(whole.removed, 0)::bigint AS removed_in_all,
       latest.oldest_left
  FROM privacy.retention_rule AS rule
  LEFT JOIN LATERAL (SELECT proof.applied_at, proof.removed, proof.oldest_left FROM privacy.retention_proof AS proof
                      WHERE proof.rule = rule.rule ORDER BY proof.applied_at DESC LIMIT 1) AS latest ON true
  LEFT JOIN LATERAL (SELECT sum(proof.removed) AS removed FROM privacy.retention_proof AS proof WHERE proof.rule = rule.rule) AS whole ON true
 ORDER BY rule.position;

-- name: is_customer
SELECT EXISTS (SELECT FROM crm.customer WHERE id = %(customer_id)s);

-- name: held
SELECT EXISTS (SELECT FROM privacy.legal_hold WHERE customer_id = %(customer_id)s AND lifted_at IS NULL);

-- By what a person is known: names, ways to reach them, where they live, the login and the equipment of their lines.
-- name: known_of
SELECT kind, value FROM (
    SELECT 'name' AS kind, name AS value FROM crm.customer WHERE id = ANY (%(customer_ids)s::bigint[])
    UNION SELECT 'given_name', given_name FROM crm.customer WHERE id = ANY (%(customer_ids)s::bigint[])
    UNION SELECT 'contact', address FROM crm.contact WHERE customer_id = ANY (%(customer_ids)s::bigint[])
    UNION SELECT 'address', home.value
      FROM crm.subscriber
      JOIN gis.premise ON premise.id = subscriber.premise_id
     CROSS JOIN LATERAL (VALUES (premise.number || ' ' || premise.street), (premise.postcode), (nullif(premise.unit, ''))) AS home (value)
     WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
    UNION SELECT 'username', session.username
      FROM cmdb.session JOIN crm.subscriber ON subscriber.id = session.subscriber_id
     WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])
    UNION SELECT 'cpe_serial', access.cpe_serial
      FROM cmdb.access JOIN crm.subscriber ON subscriber.id = access.subscriber_id
     WHERE subscriber.customer_id = ANY (%(customer_ids)s::bigint[])) AS known
 WHERE value <> '';

-- name: named_among
SELECT id FROM crm.customer WHERE lower(name) = ANY (%(runs)s::text[]) ORDER BY id LIMIT 50;

-- name: wishes
SELECT action.id AS action_id, action.name, action.proposed_for AS customer_id, action.arguments ->> 'source' AS source, action.proposer,
       action.proposed_at, action.state, action.approver_roles, coalesce((action.arguments ->> 'is_held')::boolean, false) AS is_held,
       coalesce(action.failure, '') AS failure
  FROM actions.action
 WHERE action.name IN ('erase_customer', 'hold_customer_records')
 ORDER BY action.id DESC LIMIT %(most)s;

-- name: copies_taken
SELECT audit.actor, audit.at, (audit.detail ->> 'customer')::bigint AS customer_id, (audit.detail ->> 'rows')::bigint AS rows
  FROM actions.audit
 WHERE audit.event = 'copied'
 ORDER BY audit.at DESC LIMIT %(most)s;

-- name: holds
SELECT hold.customer_id, hold.reason, hold.placed_at, hold.action_id
  FROM privacy.legal_hold AS hold
 WHERE hold.lifted_at IS NULL
 ORDER BY hold.placed_at, hold.id;
