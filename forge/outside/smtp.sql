-- name: begin_letter
-- From here on it may have left. A second attempt under the key finds the row of the first.
INSERT INTO helpdesk.handed_letter (key) VALUES (%(key)s)
    ON CONFLICT (key) DO UPDATE SET begun_at = clock_timestamp()
RETURNING accepted_at IS NOT NULL;

-- name: accepted
UPDATE helpdesk.handed_letter SET accepted_at = clock_timestamp() WHERE key = %(key)s;

-- name: surely_refused
DELETE FROM helpdesk.handed_letter WHERE key = %(key)s AND accepted_at IS NULL;

-- name: handed
SELECT accepted_at IS NOT NULL FROM helpdesk.handed_letter WHERE key = %(key)s;

-- A reply's key names the conversation and our message; the letter it answers is the last that came from this address before it.
-- name: occasion
SELECT notice.purpose, notice.language, coalesce(asked.subject, '') AS subject, coalesce(asked.provider_id, '') AS answers,
       notice.customer_id,
       bill.id AS bill_id, bill.number AS bill
  FROM helpdesk.notice
  LEFT JOIN LATERAL (SELECT inbox.subject, inbox.provider_id
                       FROM helpdesk.message
                       JOIN helpdesk.inbox ON inbox.message_id = message.id AND inbox.provider = 'email'
                      WHERE notice.key LIKE 'conversation:%%:reply:%%' AND NOT message.is_from_us AND message.address = notice.address
                        AND message.conversation_id = CASE WHEN notice.key LIKE 'conversation:%%' THEN split_part(notice.key, ':', 2)::bigint END
                        AND message.id < CASE WHEN notice.key LIKE 'conversation:%%:reply:%%' THEN split_part(notice.key, ':', 4)::bigint END
                      ORDER BY message.id DESC LIMIT 1) AS asked ON true
  -- Whoever only pays reads how much and by when; every line of it only who may be told.
  LEFT JOIN billing.invoice AS bill ON bill.id = CASE WHEN notice.key LIKE 'bill:%%' THEN split_part(notice.key, ':', 2)::bigint END
   AND (notice.purpose <> 'bill_payer'
        OR EXISTS (SELECT FROM crm.party_role AS payer
                    WHERE payer.customer_id = notice.customer_id AND payer.address = notice.address AND payer.may && ARRAY['be_told', 'everything']
                      AND (payer.valid_until IS NULL OR payer.valid_until > clock_timestamp())))
 WHERE notice.key = %(key)s;
