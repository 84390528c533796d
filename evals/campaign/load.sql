-- name: people
-- People who write from a number that is theirs alone.
SELECT contact.address
  FROM crm.contact
 WHERE contact.channel = 'sms' AND contact.is_preferred
   AND NOT EXISTS (SELECT 1 FROM crm.contact AS other WHERE other.address = contact.address AND other.id <> contact.id)
 ORDER BY contact.id
 LIMIT %(most)s;
