-- name: in_doubt
SELECT 'N-' || notice.id AS reference, notice.purpose || ' by ' || notice.channel AS what,
       coalesce('customer ' || notice.customer_id, 'somebody unknown') || ' at …' || right(notice.address, 3) AS "to", notice.key, notice.action_id,
       notice.queued_at AS since, notice.attempts, coalesce(notice.failure, '') AS why
  FROM helpdesk.notice
 WHERE notice.state = 'in_doubt'
 UNION ALL
SELECT 'E-' || errand.id, errand.port || ' ' || errand.operation,
       coalesce(errand.arguments ->> 'device', errand.arguments ->> 'reference', errand.arguments ->> 'line', ''), errand.key, errand.action_id,
       errand.queued_at, errand.attempts, coalesce(errand.answer ->> 'why', '')
  FROM actions.errand
 WHERE errand.state = 'in_doubt'
 UNION ALL
SELECT 'S-' || step.id, 'undoing ' || step.name || ' of ' || sequence.kind, sequence.key, sequence.kind || ':' || sequence.key || ':' || step.position,
       step.action_id, step.changed_at, step.failures, coalesce(step.failure, '')
  FROM actions.sequence_step AS step
  JOIN actions.sequence ON sequence.id = step.sequence_id
 WHERE step.state = 'in_doubt'
 ORDER BY since;

-- name: settle
SELECT actions.settle(%(kind)s, %(id)s, %(happened)s, %(note)s);
