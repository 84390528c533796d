-- Reached by a customer's own agent: the database's own function says when somebody could come, and not who.
-- name: shifts
SELECT one.shift_from, one.shift_until, one.latitude, one.longitude, one.busy_from, one.busy_until
  FROM field_service.availability(%(skill)s, %(since)s, %(until)s) AS one;

-- name: engineer_shifts
SELECT engineer.staff_id AS engineer_id, member.name AS engineer, shift.starts_at AS shift_from, shift.ends_at AS shift_until,
       area.latitude, area.longitude,
       ARRAY(SELECT job.window_from FROM field_service.job WHERE job.engineer_id = engineer.staff_id
                AND job.state IN ('acknowledged', 'inProgress') AND job.window_until > %(since)s ORDER BY job.id) AS busy_from,
       ARRAY(SELECT job.window_until FROM field_service.job WHERE job.engineer_id = engineer.staff_id
                AND job.state IN ('acknowledged', 'inProgress') AND job.window_until > %(since)s ORDER BY job.id) AS busy_until
  FROM field_service.engineer
  JOIN staff.member ON member.id = engineer.staff_id AND member.is_active
  JOIN staff.shift ON shift.staff_id = engineer.staff_id
  JOIN gis.area ON area.id = engineer.area_id
 WHERE %(skill)s = ANY(engineer.skills) AND shift.ends_at > %(since)s AND shift.starts_at < %(until)s;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: visit_places
SELECT subscriber.id AS subscriber_id, premise.id AS premise_id, offering.technology, area.name AS area, premise.latitude, premise.longitude,
       (SELECT min(incident.id) FROM itsm.incident_subscriber AS lost
          JOIN itsm.incident ON incident.id = lost.incident_id AND incident.state = 'inProgress' AND incident.is_outage
           AND incident.cause <> 'drop'
         WHERE lost.subscriber_id = subscriber.id AND lost.restored_at IS NULL) AS incident_id
  FROM crm.subscriber
  JOIN gis.premise ON premise.id = subscriber.premise_id
  JOIN gis.area ON area.id = premise.area_id
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
 WHERE subscriber.customer_id = %(customer_id)s AND subscriber.state IN ('active', 'suspended')
 ORDER BY subscriber.id;

-- A link is found at its nearer end, a duct at its first link, a lost drop at the customer's home.
-- name: fault_place
SELECT incident.cause, coalesce(device.id, near.id) AS root_device_id, coalesce(device.kind, near.kind) AS root_device_kind,
       coalesce(site.latitude, area.latitude, home.latitude) AS latitude, coalesce(site.longitude, area.longitude, home.longitude) AS longitude,
       coalesce(device.name, link.name, conduit.name, site.name, area.name, home.label, '') AS label,
       floor(incident.confidence * 10 + 0.000001) / 10 AS confidence,
       incident.is_outage AND incident.cause NOT IN ('monitoring', 'unknown') AS is_confirmed,
       (SELECT count(*) FROM field_service.job WHERE job.incident_id = incident.id) AS jobs_before,
       EXISTS (SELECT 1 FROM field_service.job WHERE job.incident_id = incident.id AND job.state NOT IN ('failed', 'cancelled')) AS has_open_job
  FROM itsm.incident
  LEFT JOIN cmdb.device ON device.id = incident.root_device_id
  LEFT JOIN cmdb.conduit ON conduit.id = incident.root_conduit_id
  LEFT JOIN LATERAL (SELECT one.name, one.from_device_id FROM cmdb.link AS one
                      WHERE one.id = incident.root_link_id OR one.conduit_id = incident.root_conduit_id
                      ORDER BY one.id LIMIT 1) AS link ON true
  LEFT JOIN cmdb.device AS near ON near.id = link.from_device_id
  LEFT JOIN cmdb.site ON site.id = coalesce(incident.root_site_id, device.site_id, near.site_id)
  LEFT JOIN gis.area ON area.id = coalesce(device.area_id, near.area_id)
  LEFT JOIN LATERAL (SELECT premise.latitude, premise.longitude, premise.number || ' ' || premise.street AS label
                       FROM itsm.incident_subscriber AS lost
                       JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
                       JOIN gis.premise ON premise.id = subscriber.premise_id
                      WHERE lost.incident_id = incident.id ORDER BY lost.subscriber_id LIMIT 1) AS home ON true
 WHERE incident.id = %(incident_id)s;

-- name: jobs
SELECT job.id AS job_id, job.kind, job.state, job.incident_id, job.customer_id, job.skill, member.name AS engineer, job.window_from,
       job.window_until, job.instructions, job.findings, job.completed_at
  FROM field_service.job
  LEFT JOIN staff.member ON member.id = job.engineer_id
 WHERE (%(incident_id)s::bigint IS NOT NULL AND job.incident_id = %(incident_id)s)
    OR (%(customer_id)s::bigint IS NOT NULL AND job.customer_id = %(customer_id)s)
    OR (%(incident_id)s::bigint IS NULL AND %(customer_id)s::bigint IS NULL AND job.state IN ('acknowledged', 'held', 'inProgress'))
 ORDER BY job.window_from, job.id
 LIMIT %(most)s;

-- Reached by a customer's own agent: only tables whose rows the customer may see.
-- name: visits_of
SELECT job.id AS job_id, job.kind, job.state, job.window_from, job.window_until
  FROM field_service.job
 WHERE job.customer_id = %(customer_id)s AND (job.state IN ('acknowledged', 'held', 'inProgress') OR job.window_until > %(since)s)
 ORDER BY job.window_from;

-- name: job_state
SELECT job.id AS job_id, job.kind, job.state, job.incident_id, job.customer_id, job.window_from,
       (SELECT offering.technology FROM crm.subscriber
          JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
          JOIN catalogue.offering ON offering.id = version.offering_id
         WHERE subscriber.premise_id = job.premise_id AND subscriber.customer_id = job.customer_id
         ORDER BY subscriber.id DESC LIMIT 1) AS technology
  FROM field_service.job
 WHERE job.id = %(job_id)s;

-- What somebody works on: what has begun before what comes next; what should long be over is nobody's any more.
-- name: job_in_hand
SELECT job.id AS job_id, job.kind, job.state,
       (SELECT offering.technology FROM crm.subscriber
          JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
          JOIN catalogue.offering ON offering.id = version.offering_id
         WHERE subscriber.premise_id = job.premise_id AND subscriber.customer_id = job.customer_id
         ORDER BY subscriber.id DESC LIMIT 1) AS technology,
       coalesce((SELECT concat_ws(' ', premise.number, premise.street) FROM gis.premise WHERE premise.id = job.premise_id),
                (SELECT device.name FROM cmdb.device WHERE device.id = job.device_id), '') AS place,
       job.window_from, job.window_until, job.instructions,
       ARRAY(SELECT DISTINCT reading.kind FROM field_service.reading WHERE reading.job_id = job.id) AS measured,
       (SELECT reading.value FROM field_service.reading WHERE reading.job_id = job.id AND reading.kind = 'received_power_dbm'
         ORDER BY reading.id DESC LIMIT 1) AS received_power_dbm
  FROM field_service.job
 WHERE job.engineer_id = %(engineer_id)s AND job.state IN ('acknowledged', 'held', 'inProgress') AND job.window_until > %(now)s - interval '12 hours'
 ORDER BY job.state <> 'inProgress', job.window_from, job.id
 LIMIT 1;

-- name: port_of_job
SELECT device.name AS device, speaker.name AS reported_by, access.managed_object AS port, access.cpe_serial, access.cpe_model,
       access.received_power_dbm, access.measured_at
  FROM field_service.job
  JOIN crm.subscriber ON subscriber.premise_id = job.premise_id AND subscriber.customer_id = job.customer_id
  JOIN cmdb.access ON access.subscriber_id = subscriber.id
  JOIN cmdb.device ON device.id = access.device_id
  JOIN cmdb.device AS speaker ON speaker.id = access.reported_by_device_id
 WHERE job.id = %(job_id)s
 ORDER BY subscriber.id DESC
 LIMIT 1;
