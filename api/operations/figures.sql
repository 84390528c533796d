-- name: figures
SELECT 'jobs' AS name, job.status::text AS label, count(*)::float AS value
  FROM jobs.procrastinate_jobs AS job WHERE job.status IN ('todo', 'doing', 'failed') GROUP BY job.status
UNION ALL
SELECT 'job_age_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - min(deferred.at)), 0)::float
  FROM jobs.procrastinate_jobs AS job
  JOIN jobs.procrastinate_events AS deferred ON deferred.job_id = job.id AND deferred.type = 'deferred'
 WHERE job.status = 'todo' AND coalesce(job.scheduled_at <= clock_timestamp(), true)
UNION ALL
SELECT 'notices', notice.state, count(*)::float FROM helpdesk.notice WHERE notice.state IN ('queued', 'leased') GROUP BY notice.state
UNION ALL
SELECT 'notices', 'in_doubt', count(*)::float FROM helpdesk.notice WHERE notice.state = 'in_doubt'
UNION ALL
SELECT 'notice_age_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - min(notice.queued_at)), 0)::float
  FROM helpdesk.notice WHERE notice.state IN ('queued', 'leased') AND notice.not_before <= clock_timestamp()
UNION ALL
SELECT 'errands', errand.state, count(*)::float FROM actions.errand WHERE errand.state IN ('queued', 'leased') GROUP BY errand.state
UNION ALL
SELECT 'errands', 'in_doubt', count(*)::float FROM actions.errand WHERE errand.state = 'in_doubt'
UNION ALL
SELECT 'errand_age_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - min(errand.queued_at)), 0)::float
  FROM actions.errand WHERE errand.state IN ('queued', 'leased')
UNION ALL
SELECT 'actions_unfinished', action.state, count(*)::float
  FROM actions.action WHERE action.state IN ('proposed', 'allowed', 'waiting', 'approved', 'executing') GROUP BY action.state
UNION ALL
SELECT 'actions_finished', action.state, count(*)::float
  FROM actions.action WHERE action.finished_at > clock_timestamp() - interval '1 hour' GROUP BY action.state
UNION ALL
SELECT 'approval_age_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - min(action.judged_at)), 0)::float
  FROM actions.action WHERE action.state = 'waiting'
UNION ALL
SELECT 'alarms_open', '', count(*)::float FROM nms.alarm WHERE alarm.is_open
UNION ALL
SELECT 'alarms_set_aside', '', count(*)::float FROM nms.quarantine WHERE quarantine.replayed_at IS NULL
UNION ALL
SELECT 'incidents_open', '', count(*)::float FROM itsm.incident WHERE incident.state <> 'closed'
UNION ALL
SELECT 'audit_age_seconds', '', coalesce(extract(epoch FROM clock_timestamp() - max(entry.at)), 0)::float
  FROM actions.audit_head AS head
  JOIN actions.audit AS entry ON entry.stream = head.stream AND entry.seq = head.seq
UNION ALL
SELECT 'audit_entries', head.stream, head.seq::float FROM actions.audit_head AS head;
