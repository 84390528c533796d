-- name: leaks
SELECT found.id, found.kind, found.subscriber_id, subscriber.customer_id, customer.name, found.place, found.row_id, found.monthly_minor AS monthly,
       found.detail, found.since, found.found_at
  FROM billing.leak_found AS found
  JOIN crm.subscriber ON subscriber.id = found.subscriber_id
  JOIN crm.customer ON customer.id = subscriber.customer_id
 WHERE found.gone_at IS NULL
   AND (%(leak_id)s::bigint IS NULL OR found.id = %(leak_id)s::bigint)
 ORDER BY found.monthly_minor DESC, found.id
 LIMIT %(most)s;

-- name: leak_totals
SELECT found.kind, count(*)::int AS count, sum(found.monthly_minor)::bigint AS monthly
  FROM billing.leak_found AS found
 WHERE found.gone_at IS NULL
 GROUP BY found.kind
 ORDER BY sum(found.monthly_minor) DESC, found.kind;

-- name: line_as_charged
SELECT subscriber.state, version.id AS offering_version_id, version.down_kbps, version.up_kbps, session.started_at AS session_started_at
  FROM crm.subscriber
  LEFT JOIN billing.charge ON charge.subscriber_id = subscriber.id AND charge.ends_on IS NULL AND NOT charge.is_add_on
  JOIN catalogue.offering_version AS version ON version.id = coalesce(charge.offering_version_id, subscriber.offering_version_id)
  LEFT JOIN cmdb.session ON session.subscriber_id = subscriber.id AND session.ended_at IS NULL
 WHERE subscriber.id = %(subscriber_id)s;
