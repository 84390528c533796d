-- Lean on purpose: it is asked after every change while the platform is being timed.
-- name: whole_incidents
SELECT count(*) FILTER (WHERE incident.root_link_id = %(link_id)s AND held.alarms = %(alarms)s AND out.subscribers = %(subscribers)s
                           AND incident.state = 'inProgress') = 1
       AND count(*) FILTER (WHERE incident.state = 'inProgress') = 1
  FROM itsm.incident
 CROSS JOIN LATERAL (SELECT count(*) AS alarms FROM itsm.incident_alarm WHERE incident_alarm.incident_id = incident.id) AS held
 CROSS JOIN LATERAL (SELECT count(*) AS subscribers FROM itsm.incident_subscriber WHERE incident_subscriber.incident_id = incident.id) AS out
 WHERE incident.opened_at >= %(since)s;
