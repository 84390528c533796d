-- name: signed_in_as
SELECT session.username, session.nas_device_id
  FROM crm.contact
  JOIN crm.subscriber AS line ON line.customer_id = contact.customer_id AND line.state = 'active'
  JOIN cmdb.session ON session.subscriber_id = line.id
 WHERE contact.address = %(address)s
 ORDER BY line.id LIMIT 1;

-- name: report
SELECT radius.accounting(%(status)s, %(session)s, %(session)s, %(username)s, %(nas)s, '', '', '', '', '', '', '', '', '', '', '', %(cause)s, '');
