-- name: waiting
-- Two who hand out at once take different letters.
SELECT letter.reference, letter.address, letter.pages, encode(letter.digest, 'hex') AS sha256, letter.pdf
  FROM helpdesk.letter
 WHERE letter.posted_at IS NULL
 ORDER BY letter.id
   FOR UPDATE SKIP LOCKED;

-- name: post
UPDATE helpdesk.letter SET posted_at = %(at)s WHERE letter.reference = ANY (%(references)s::text[]) AND letter.posted_at IS NULL;

-- name: count_as_delivered
UPDATE helpdesk.notice SET state = 'delivered'
  FROM helpdesk.letter, crm.customer, billing.convention
 WHERE notice.channel = 'letter'
   AND notice.state = 'sent'
   AND letter.reference = notice.provider_reference
   AND customer.id = notice.customer_id
   AND letter.returned_at IS NULL
   AND billing.working_day_after((letter.posted_at AT TIME ZONE customer.timezone)::date, convention.letter_days) <= %(today)s;

-- name: came_back
UPDATE helpdesk.letter SET returned_at = %(at)s WHERE letter.reference = %(reference)s AND letter.posted_at IS NOT NULL AND letter.returned_at IS NULL;

-- name: reached_nobody
UPDATE helpdesk.notice SET state = 'failed', failure = 'the letter came back' WHERE notice.provider_reference = %(reference)s AND notice.channel = 'letter';

-- name: spooled
SELECT letter.reference, notice.customer_id, notice.purpose, letter.pages, letter.printed_at, letter.posted_at, letter.returned_at,
       notice.state = 'delivered' AS is_delivered
  FROM helpdesk.letter
  JOIN helpdesk.notice ON notice.provider_reference = letter.reference
 ORDER BY letter.posted_at IS NOT NULL, letter.id DESC
 LIMIT %(most)s;
