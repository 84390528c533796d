-- name: window
SELECT clock_timestamp() - %(settles)s::interval AS until, pg_try_advisory_xact_lock(hashtext('bedrock traces')) AS is_ours;

-- name: steps
-- Ids, words of ours and counts only: no customer, address or text leaves by this way.
SELECT incident.correlation_id, 'worker' AS part, 'incident' AS name, 'root' AS kind, '' AS identifier, NULL AS parent_kind, NULL AS parent,
       incident.first_alarm_at AS began_at, incident.opened_at AS ended_at, incident.state,
       jsonb_build_object('incident_id', incident.id, 'cause', incident.cause) AS about
  FROM itsm.incident
 WHERE incident.opened_at > %(since)s AND incident.opened_at <= %(until)s
UNION ALL
SELECT incident.correlation_id, 'doors', 'heard by ' || alarm.door, 'door', incident.id || ':' || alarm.door, NULL, NULL,
       min(least(alarm.last_received_at, incident.opened_at)), max(least(alarm.last_received_at, incident.opened_at)), 'stored',
       jsonb_build_object('incident_id', incident.id, 'alarms', count(*))
  FROM itsm.incident
  JOIN itsm.incident_alarm AS held ON held.incident_id = incident.id
  JOIN nms.alarm ON alarm.id = held.alarm_id
 WHERE incident.opened_at > %(since)s AND incident.opened_at <= %(until)s
 GROUP BY incident.id, alarm.door
UNION ALL
SELECT incident.correlation_id, 'worker', 'look', 'look', incident.id::text, NULL, NULL,
       max(least(alarm.last_received_at, incident.opened_at)), incident.opened_at, 'found',
       jsonb_build_object('incident_id', incident.id, 'alarms', count(*))
  FROM itsm.incident
  JOIN itsm.incident_alarm AS held ON held.incident_id = incident.id
  JOIN nms.alarm ON alarm.id = held.alarm_id
 WHERE incident.opened_at > %(since)s AND incident.opened_at <= %(until)s
 GROUP BY incident.id
UNION ALL
-- A message is known by what it set going: the answer's own correlation.
SELECT action.correlation_id, 'web', 'message', 'root', '', NULL, NULL, coalesce(max(asked.at), reply.at), reply.at, 'answered',
       jsonb_build_object('conversation_id', reply.conversation_id, 'message_id', max(asked.id))
  FROM helpdesk.message AS reply
  JOIN actions.action ON action.id = reply.action_id
  LEFT JOIN helpdesk.message AS asked ON asked.conversation_id = reply.conversation_id AND NOT asked.is_from_us AND asked.id < reply.id
 WHERE reply.at > %(since)s AND reply.at <= %(until)s AND reply.is_from_us
 GROUP BY action.correlation_id, reply.id
UNION ALL
SELECT action.correlation_id, 'worker', 'reply', 'reply', reply.id::text, 'action', action.id::text, reply.at, reply.at, 'kept',
       jsonb_build_object('message_id', reply.id)
  FROM helpdesk.message AS reply
  JOIN actions.action ON action.id = reply.action_id
 WHERE reply.at > %(since)s AND reply.at <= %(until)s AND reply.is_from_us
UNION ALL
SELECT action.correlation_id, 'worker', action.name, 'action', action.id::text, NULL, NULL, action.proposed_at, action.finished_at, action.state,
       jsonb_build_object('action_id', action.id, 'incident_id', action.incident_id, 'rule', action.rule,
                          'approvals_needed', action.approvals_needed)
  FROM actions.action
 WHERE action.finished_at > %(since)s AND action.finished_at <= %(until)s
UNION ALL
SELECT action.correlation_id, 'worker', 'awaited approval', 'ruling', action.id::text, 'action', action.id::text, action.judged_at,
       action.ruled_at, action.state, jsonb_build_object('action_id', action.id)
  FROM actions.action
 WHERE action.finished_at > %(since)s AND action.finished_at <= %(until)s AND action.ruled_at IS NOT NULL
UNION ALL
SELECT action.correlation_id, 'worker', 'notice', 'notice', notice.id::text, 'action', action.id::text, notice.queued_at, notice.sent_at,
       notice.state, jsonb_build_object('notice_id', notice.id, 'channel', notice.channel, 'purpose', notice.purpose, 'attempts', notice.attempts)
  FROM helpdesk.notice
  JOIN actions.action ON action.id = notice.action_id
 WHERE notice.sent_at > %(since)s AND notice.sent_at <= %(until)s
UNION ALL
SELECT action.correlation_id, 'worker', errand.port || ' ' || errand.operation, 'errand', errand.id::text, 'action', action.id::text,
       errand.queued_at, errand.finished_at, errand.state, jsonb_build_object('errand_id', errand.id, 'attempts', errand.attempts)
  FROM actions.errand
  JOIN actions.action ON action.id = errand.action_id
 WHERE errand.finished_at > %(since)s AND errand.finished_at <= %(until)s;
