-- name: credits_given
SELECT credit.subscriber_id, credit.cause, credit.amount_minor AS amount, credit.formula, credit.granted_at
  FROM billing.credit
 WHERE credit.customer_id = %(customer_id)s
   AND credit.granted_at >= %(since)s
 ORDER BY credit.granted_at DESC, credit.id DESC;

-- name: outages_suffered
SELECT subscriber.customer_id, subscriber.id AS subscriber_id,
       coalesce(lost.restored_at, greatest(%(now)s::timestamptz, lost.lost_at)) - lost.lost_at AS lasted,
       price.minor AS monthly_price,
       rate.minimum_outage, rate.flat_minor AS flat, rate.monthly_share_per_day,
       given.minor AS given, given.kinds AS kinds_given
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id AND subscriber.state = 'active'
  JOIN catalogue.offering_version AS version ON version.id = subscriber.offering_version_id
  JOIN catalogue.offering ON offering.id = version.offering_id
  JOIN (SELECT offering_version_id, sum(amount_minor)::bigint AS minor
          FROM catalogue.price
         WHERE kind = 'recurring'
         GROUP BY offering_version_id) AS price ON price.offering_version_id = version.id
  JOIN LATERAL (SELECT compensation_rate.minimum_outage, compensation_rate.flat_minor, compensation_rate.monthly_share_per_day
                  FROM billing.compensation_rate
                 WHERE compensation_rate.segment = offering.segment AND compensation_rate.valid_from <= lost.lost_at::date
                 ORDER BY compensation_rate.valid_from DESC
                 LIMIT 1) AS rate ON true
 CROSS JOIN LATERAL (SELECT coalesce(sum(credit.amount_minor), 0)::bigint AS minor,
                            coalesce(array_agg(CASE credit.cause WHEN %(goodwill_cause)s::text THEN 'goodwill' ELSE 'duration' END)
                                     FILTER (WHERE credit.id IS NOT NULL), '{}') AS kinds
                       FROM billing.credit
                      WHERE credit.subscriber_id = subscriber.id
                        AND credit.cause IN (%(goodwill_cause)s::text, %(duration_cause)s::text)) AS given
 WHERE lost.incident_id = %(incident_id)s
 ORDER BY subscriber.id;

-- name: bill_contacts
SELECT customer.id AS customer_id, contact.channel, contact.address, customer.language, customer.timezone, contact.quiet_from, contact.quiet_until,
       '' AS pays_for
  FROM crm.customer
  JOIN LATERAL (SELECT one.channel, one.address, one.quiet_from, one.quiet_until
                  FROM crm.contact AS one
                  LEFT JOIN crm.consent ON consent.customer_id = one.customer_id AND consent.purpose = 'billing' AND consent.channel = one.channel
                 WHERE one.customer_id = customer.id
                   AND consent.is_given IS DISTINCT FROM false
                 ORDER BY one.is_preferred DESC, one.id
                 LIMIT 1) AS contact ON true
 WHERE customer.id = ANY (%(customer_ids)s::bigint[])
   AND customer.state = 'active'
 ORDER BY customer.id;

-- name: lost_since
SELECT subscriber.customer_id, min(lost.lost_at) AS lost_at
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
 WHERE lost.incident_id = %(incident_id)s
 GROUP BY subscriber.customer_id;

-- name: last_incident_of
SELECT lost.incident_id
  FROM itsm.incident_subscriber AS lost
  JOIN crm.subscriber ON subscriber.id = lost.subscriber_id
  JOIN itsm.incident ON incident.id = lost.incident_id
 WHERE subscriber.customer_id = %(customer_id)s
   AND incident.is_outage
   AND lost.lost_at >= %(since)s
 ORDER BY lost.lost_at DESC
 LIMIT 1;
