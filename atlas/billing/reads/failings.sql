-- name: suffered
-- Whoever is cut off for debt had no service to lose; what was credited for the very thing is passed over by its cause.
WITH happened AS (
    SELECT subscriber.customer_id, subscriber.id AS subscriber_id, 'late_repair' AS rule, 'late_repair:' || lost.incident_id AS cause,
           lost.lost_at AS began_at, lost.restored_at AS ended_at,
           (SELECT coalesce(sum(credit.amount_minor), 0)::bigint FROM billing.credit
             WHERE credit.subscriber_id = subscriber.id
               AND credit.cause IN ('incident:' || lost.incident_id, 'incident:' || lost.incident_id || ':duration')) AS given
      FROM itsm.incident_subscriber AS lost
      JOIN itsm.incident ON incident.id = lost.incident_id AND incident.is_outage
      JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
     WHERE lost.restored_at BETWEEN %(since)s AND %(now)s
    UNION ALL
    SELECT job.customer_id, line.id, 'missed_visit', 'missed_visit:' || job.id, job.window_from, job.window_until, 0
      FROM field_service.job
      JOIN LATERAL (SELECT subscriber.id FROM crm.subscriber
                     WHERE subscriber.customer_id = job.customer_id AND (job.premise_id IS NULL OR subscriber.premise_id = job.premise_id)
                     ORDER BY subscriber.id LIMIT 1) AS line ON true
     WHERE job.window_until BETWEEN %(since)s AND %(now)s
       AND (job.state IN ('acknowledged', 'held', 'failed')
            OR (job.state = 'cancelled'
                AND EXISTS (SELECT FROM actions.action AS called_off
                             WHERE called_off.name = 'cancel_visit' AND called_off.state = 'done' AND called_off.proposer NOT LIKE 'customer:%%'
                               AND (called_off.arguments ->> 'job')::bigint = job.id
                               AND called_off.finished_at > job.window_from - interval '24 hours')))
    UNION ALL
    SELECT product_order.customer_id, product_order.subscriber_id, 'late_start', 'late_start:' || product_order.id,
           product_order.wanted_on::timestamp AT TIME ZONE customer.timezone, product_order.state_changed_at, 0
      FROM oms.product_order
      JOIN crm.customer ON customer.id = product_order.customer_id
     WHERE product_order.kind IN ('add', 'move') AND product_order.state = 'completed' AND product_order.subscriber_id IS NOT NULL
       AND product_order.state_changed_at BETWEEN %(since)s AND %(now)s
       AND product_order.wanted_on < (product_order.state_changed_at AT TIME ZONE customer.timezone)::date
)
SELECT happened.customer_id, happened.subscriber_id, happened.rule, happened.cause, happened.began_at, happened.ended_at, customer.timezone,
       rate.amount_minor AS rate, rate.free_working_days, rate.most_days, happened.given
  FROM happened
  JOIN crm.customer ON customer.id = happened.customer_id
  JOIN crm.subscriber ON subscriber.id = happened.subscriber_id AND subscriber.suspended_for IS DISTINCT FROM 'non_payment'
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN LATERAL (SELECT failing_rate.amount_minor, failing_rate.free_working_days, failing_rate.most_days
                  FROM billing.failing_rate
                 WHERE failing_rate.rule = happened.rule AND failing_rate.segment = offering.segment
                   AND failing_rate.valid_from <= (happened.began_at AT TIME ZONE customer.timezone)::date
                 ORDER BY failing_rate.valid_from DESC
                 LIMIT 1) AS rate ON true
 WHERE NOT EXISTS (SELECT FROM billing.credit WHERE credit.subscriber_id = happened.subscriber_id AND credit.cause = happened.cause)
   AND (%(cause)s::text IS NULL OR happened.cause = %(cause)s::text)
 ORDER BY happened.cause, happened.subscriber_id;
