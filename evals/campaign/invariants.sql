-- Each statement finds what breaks one sentence, said by its name; no row is what must be. Read as the owner, after everything is quiet.

-- name: every_notice_has_reached_its_end
SELECT format('notice %%s, %%s by %%s, is %%s since %%s', id, purpose, channel, state, queued_at)
  FROM helpdesk.notice
 WHERE state = 'leased' OR (state = 'queued' AND not_before <= clock_timestamp() + interval '1 minute');

-- name: no_notice_waits_for_a_clock_that_was_wrong
SELECT format('notice %%s of %%s waits until %%s', id, queued_at, not_before)
  FROM helpdesk.notice
 WHERE state = 'queued' AND not_before > clock_timestamp() + interval '13 hours';

-- name: every_errand_is_run
SELECT format('errand %%s, %%s %%s, is %%s after %%s attempts', id, port, operation, state, attempts)
  FROM actions.errand
 WHERE state IN ('queued', 'leased');

-- name: no_recorded_message_was_handed_over_twice
SELECT format('%%s: %%s times', key, times) FROM helpdesk.recorded_message WHERE times > 1;

-- name: no_action_is_stuck
SELECT format('A-%%s %%s is %%s', id, name, state)
  FROM actions.action
 WHERE state IN ('proposed', 'allowed', 'approved', 'executing');

-- name: no_request_was_carried_out_without_its_approvals
SELECT format('A-%%s %%s', action.id, action.name)
  FROM actions.action
 WHERE action.state = 'done' AND action.approvals_needed > 0
   AND action.approvals_needed > (SELECT count(*) FROM actions.ruling WHERE ruling.action_id = action.id AND ruling.is_approval);

-- name: every_credit_was_given_once_and_by_an_action_that_is_done
SELECT format('credit %%s of subscriber %%s', credit.id, credit.subscriber_id)
  FROM billing.credit
  JOIN actions.action ON action.id = credit.action_id
 WHERE action.state <> 'done'
    OR NOT EXISTS (SELECT 1 FROM billing.posting WHERE posting.journal_id = credit.journal_id AND posting.customer_id = credit.customer_id);

-- name: every_incident_is_closed
-- With what it waits for: its requests that are not over, and the jobs that would wake it.
SELECT format('INC-%%s is %%s: %%s alarms, %%s devices, %%s lines, %%s tickets and %%s crews are held by it; asked: %%s; woken by: %%s',
              incident.id, incident.state,
              (SELECT count(*) FROM itsm.incident_alarm AS held WHERE held.incident_id = incident.id AND held.left_at IS NULL),
              (SELECT count(*) FROM itsm.incident_device AS held WHERE held.incident_id = incident.id AND held.restored_at IS NULL),
              (SELECT count(*) FROM itsm.incident_subscriber AS held WHERE held.incident_id = incident.id AND held.restored_at IS NULL),
              (SELECT count(*) FROM itsm.ticket WHERE ticket.incident_id = incident.id AND kind = 'incident'
                  AND ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected')),
              (SELECT count(*) FROM field_service.job WHERE job.incident_id = incident.id AND job.state = 'inProgress'),
              (SELECT coalesce(string_agg(format('A-%%s %%s %%s %%s', action.id, action.name, action.state, action.failure), ', ' ORDER BY action.id), 'nothing')
                 FROM actions.action WHERE action.incident_id = incident.id AND action.state NOT IN ('done', 'superseded')),
              (SELECT coalesce(string_agg(format('job %%s, %%s since %%s', job.id, job.status, (SELECT max(event.at) FROM jobs.procrastinate_events AS event
                                                                                   WHERE event.job_id = job.id)), ', ' ORDER BY job.id), 'nothing')
                 FROM jobs.procrastinate_jobs AS job
                WHERE job.task_name = 'forge.playbook' AND job.args ->> 'incident_id' = incident.id::text))
  FROM itsm.incident
 WHERE incident.state <> 'closed';

-- name: whoever_heard_of_an_outage_heard_that_it_was_over
SELECT format('customer %%s, INC-%%s', told.customer_id, told.incident_id)
  FROM helpdesk.notice AS told
 WHERE told.purpose = 'outage' AND told.state IN ('sent', 'delivered')
   AND NOT EXISTS (SELECT FROM helpdesk.notice AS back
                    WHERE back.customer_id = told.customer_id AND back.purpose = 'restored' AND back.queued_at > told.queued_at);

-- name: no_ticket_of_a_closed_incident_is_open
SELECT format('ticket %%s of INC-%%s is %%s', ticket.id, ticket.incident_id, ticket.state)
  FROM itsm.ticket
  JOIN itsm.incident ON incident.id = ticket.incident_id
 WHERE incident.state = 'closed' AND ticket.kind = 'incident' AND ticket.state NOT IN ('resolved', 'closed', 'cancelled', 'rejected');

-- name: no_job_is_older_than_its_lease
SELECT format('job %%s, %%s, is %%s', job.id, job.task_name, job.status)
  FROM jobs.procrastinate_jobs AS job
  LEFT JOIN jobs.procrastinate_workers AS worker ON worker.id = job.worker_id
 WHERE (job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < clock_timestamp() - interval '15 seconds'))
    OR (job.status = 'todo' AND coalesce(job.scheduled_at, '-infinity') < clock_timestamp() - interval '1 minute'
        AND (SELECT min(event.at) FROM jobs.procrastinate_events AS event WHERE event.job_id = job.id) < clock_timestamp() - interval '1 minute');

-- name: the_ledger_sums_to_zero
SELECT format('journal %%s is out by %%s', journal_id, sum(amount_minor)) FROM billing.posting GROUP BY journal_id HAVING sum(amount_minor) <> 0;

-- name: nobody_was_asked_about_one_message_twice
SELECT format('action %%s answered what %%s answered', min(id), max(id))
  FROM actions.action
 WHERE name = 'send_message' AND state = 'done' AND arguments ->> 'message_id' IS NOT NULL
 GROUP BY arguments ->> 'message_id'
HAVING count(*) > 1;

-- name: every_sequence_is_done_or_compensated
SELECT format('sequence %%s, %%s %%s, is %%s', id, kind, key, state) FROM actions.sequence WHERE state IN ('running', 'undoing');

-- name: every_message_is_answered_or_a_persons
SELECT format('message %%s of %%s is %%s after %%s tries: %%s', provider_id, received_at, state, tries, error_kind)
  FROM helpdesk.inbox
 WHERE kind = 'message' AND state = 'received';
