-- name: incidents_of_fault
SELECT incident.id
  FROM itsm.incident
  JOIN itsm.incident_alarm AS held ON held.incident_id = incident.id
  JOIN nms.alarm ON alarm.id = held.alarm_id
 WHERE alarm.device_id = ANY(%(device_ids)s::bigint[])
   AND incident.opened_at >= %(since)s
 GROUP BY incident.id
 ORDER BY count(*) DESC, incident.id;

-- name: incidents_standing
SELECT incident.id
  FROM itsm.incident
  JOIN itsm.incident_alarm AS held ON held.incident_id = incident.id
  JOIN nms.alarm ON alarm.id = held.alarm_id
 WHERE alarm.device_id = ANY(%(device_ids)s::bigint[])
   AND incident.state = 'inProgress'
 GROUP BY incident.id;

-- name: alarms_open
SELECT count(*)
  FROM nms.alarm
 WHERE alarm.device_id = ANY(%(device_ids)s::bigint[])
   AND alarm.is_open;

-- name: happenings
SELECT event.at, 'event' AS source, event.kind AS subject, event.detail
  FROM itsm.incident_event AS event
 WHERE event.incident_id = %(incident_id)s
UNION ALL
SELECT action.judged_at, 'waits', action.name,
       jsonb_build_object('action', action.id, 'rule', action.rule, 'because', action.verdict_reason, 'roles', action.approver_roles,
                          'facts', action.facts)
  FROM actions.action
 WHERE action.incident_id = %(incident_id)s AND action.approvals_needed > 0 AND action.judged_at IS NOT NULL
UNION ALL
SELECT ruling.ruled_at, 'ruled', action.name,
       jsonb_build_object('action', action.id, 'by', member.name, 'approved', ruling.is_approval, 'note', ruling.note)
  FROM actions.ruling
  JOIN actions.action ON action.id = ruling.action_id
  JOIN staff.member ON member.id = ruling.staff_id
 WHERE action.incident_id = %(incident_id)s
UNION ALL
SELECT action.finished_at, action.state, action.name, coalesce(action.outcome, jsonb_build_object('why', action.failure))
  FROM actions.action
 WHERE action.incident_id = %(incident_id)s
   AND action.finished_at IS NOT NULL
   AND action.state <> 'superseded'
   AND NOT EXISTS (SELECT 1 FROM itsm.incident_event AS event WHERE event.action_id = action.id)
UNION ALL
SELECT max(notice.sent_at), 'sent', notice.purpose, jsonb_object_agg(notice.channel, notice.notices)
  FROM (SELECT notice.action_id, notice.purpose, notice.channel, max(notice.sent_at) AS sent_at, count(*) AS notices,
               bool_and(notice.sent_at IS NOT NULL) AS is_all
          FROM helpdesk.notice
         WHERE notice.incident_id = %(incident_id)s
         GROUP BY notice.action_id, notice.purpose, notice.channel) AS notice
 GROUP BY notice.action_id, notice.purpose
HAVING bool_and(notice.is_all)
UNION ALL
SELECT max(diagnosis.at), 'diagnosed', errand.operation,
       jsonb_build_object('devices', count(DISTINCT diagnosis.device_id), 'reachable', count(*) FILTER (WHERE diagnosis.is_reachable))
  FROM cmdb.diagnosis
  JOIN actions.errand ON errand.id = diagnosis.errand_id
  JOIN actions.action ON action.id = errand.action_id
 WHERE action.incident_id = %(incident_id)s
 GROUP BY errand.operation
ORDER BY 1, 2;

-- name: figures
SELECT (SELECT count(*) FROM itsm.incident_alarm AS held WHERE held.incident_id = incident.id) AS alarms,
       (SELECT max(held.joined_at) FROM itsm.incident_alarm AS held WHERE held.incident_id = incident.id) AS last_joined_at,
       (SELECT max(event.at) FROM itsm.incident_event AS event
         WHERE event.incident_id = incident.id
           AND event.at < coalesce((SELECT min(back.at) FROM itsm.incident_event AS back
                                     WHERE back.incident_id = incident.id AND back.kind IN ('shrank', 'resolved')), 'infinity')
           AND (event.kind = 'opened' OR event.kind = 'grew' AND coalesce((event.detail ->> 'subscribers_joined')::int, 0)
                                                               + coalesce((event.detail ->> 'devices_joined')::int, 0) > 0)) AS last_grown_at,
       (SELECT count(*) FROM itsm.incident_subscriber AS lost JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
          JOIN itsm.ticket ON ticket.customer_id = subscriber.customer_id
         WHERE lost.incident_id = incident.id AND ticket.incident_id IS NULL AND ticket.state = 'inProgress') AS open_tickets,
       (SELECT count(*) FROM itsm.ticket WHERE ticket.incident_id = incident.id AND ticket.parent_id IS NULL) AS parents,
       (SELECT count(*) FROM itsm.ticket WHERE ticket.incident_id = incident.id AND ticket.parent_id IS NOT NULL) AS children,
       (SELECT max(ticket.opened_at) FROM itsm.ticket WHERE ticket.incident_id = incident.id) AS tickets_at,
       (SELECT count(DISTINCT diagnosis.device_id) FROM cmdb.diagnosis JOIN actions.errand ON errand.id = diagnosis.errand_id
          JOIN actions.action ON action.id = errand.action_id
          JOIN itsm.incident_device AS lost ON lost.incident_id = incident.id AND lost.device_id = diagnosis.device_id
         WHERE action.incident_id = incident.id) AS diagnosed,
       (SELECT min(diagnosis.at) FROM cmdb.diagnosis JOIN actions.errand ON errand.id = diagnosis.errand_id
          JOIN actions.action ON action.id = errand.action_id WHERE action.incident_id = incident.id) AS diagnosed_from,
       (SELECT max(diagnosis.at) FROM cmdb.diagnosis JOIN actions.errand ON errand.id = diagnosis.errand_id
          JOIN actions.action ON action.id = errand.action_id WHERE action.incident_id = incident.id) AS diagnosed_at,
       (SELECT count(*) FROM helpdesk.notice WHERE notice.incident_id = incident.id)
         - (SELECT count(DISTINCT (notice.customer_id, notice.purpose)) FROM helpdesk.notice WHERE notice.incident_id = incident.id) AS told_twice,
       (SELECT count(*) FROM helpdesk.notice
          JOIN crm.consent ON consent.customer_id = notice.customer_id AND consent.channel = notice.channel AND consent.purpose = 'service'
         WHERE notice.incident_id = incident.id AND notice.purpose IN ('outage', 'restored') AND NOT consent.is_given) AS told_after_opting_out,
       (SELECT count(DISTINCT subscriber.customer_id) FROM itsm.incident_subscriber AS lost
          JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
         WHERE lost.incident_id = incident.id
           AND NOT EXISTS (SELECT 1 FROM crm.contact AS way
                             LEFT JOIN crm.consent ON consent.customer_id = way.customer_id AND consent.channel = way.channel
                              AND consent.purpose = 'service'
                            WHERE way.customer_id = subscriber.customer_id AND consent.is_given IS DISTINCT FROM false)) AS opted_out,
       (SELECT count(*) FROM billing.credit JOIN actions.action ON action.id = credit.action_id
         WHERE action.incident_id = incident.id) AS credits,
       (SELECT coalesce(sum(credit.amount_minor), 0)::bigint FROM billing.credit JOIN actions.action ON action.id = credit.action_id
         WHERE action.incident_id = incident.id) AS credited
  FROM itsm.incident
 WHERE incident.id = %(incident_id)s;

-- name: notices
SELECT notice.channel, count(*) AS notices, count(notice.sent_at) AS sent,
       count(*) FILTER (WHERE contact.is_preferred) AS as_preferred, count(*) FILTER (WHERE notice.not_before > notice.queued_at) AS held_back,
       max(notice.queued_at) AS last_queued_at, max(notice.sent_at) AS last_sent_at
  FROM helpdesk.notice
  LEFT JOIN crm.contact ON contact.customer_id = notice.customer_id AND contact.channel = notice.channel AND contact.address = notice.address
 WHERE notice.incident_id = %(incident_id)s AND notice.purpose = %(purpose)s
 GROUP BY notice.channel
 ORDER BY count(*) DESC;

-- name: unsettled
SELECT (SELECT count(*) FROM actions.action
         WHERE action.incident_id = %(incident_id)s AND action.state IN ('proposed', 'allowed', 'approved', 'executing'))
     + (SELECT count(*) FROM helpdesk.notice
         WHERE notice.incident_id = %(incident_id)s AND notice.state IN ('queued', 'leased') AND notice.not_before <= now())
     + (SELECT count(*) FROM actions.errand JOIN actions.action ON action.id = errand.action_id
         WHERE action.incident_id = %(incident_id)s AND errand.state IN ('queued', 'leased'));

-- name: crew_jobs
SELECT job.id AS job_id, job.kind, job.state, member.name AS engineer, job.window_from
  FROM field_service.job
  LEFT JOIN staff.member ON member.id = job.engineer_id
 WHERE job.incident_id = %(incident_id)s
 ORDER BY job.id;

-- name: member_of_role
SELECT member.id AS staff_id, member.name, array_agg(held.role ORDER BY held.role) AS roles
  FROM staff.member
  JOIN staff.role_held AS held ON held.staff_id = member.id AND (held.valid_until IS NULL OR held.valid_until > now())
 WHERE member.is_active
 GROUP BY member.id
HAVING %(role)s = ANY(array_agg(held.role))
 ORDER BY EXISTS (SELECT 1 FROM staff.shift WHERE shift.staff_id = member.id AND shift.starts_at <= now() AND shift.ends_at > now()) DESC, member.id
 LIMIT 1;
