-- What the doors left to be answered, each conversation once: taken as a worker takes it, so that nothing is left for the next scenario.
-- name: left_to_answer
WITH taken AS (
    DELETE FROM jobs.procrastinate_jobs
     WHERE task_name = 'agents.answer' AND status = 'todo'
    RETURNING (args ->> 'conversation_id')::bigint AS conversation_id
)
SELECT DISTINCT conversation_id FROM taken ORDER BY conversation_id;

-- name: newest_message
SELECT coalesce(max(id), 0) FROM helpdesk.message;

-- name: traces_since
SELECT trace FROM helpdesk.message WHERE id > %(after)s AND is_from_us ORDER BY id;

-- name: address_on_file
SELECT contact.address
  FROM crm.contact
 WHERE contact.channel = %(channel)s
   AND contact.customer_id = (SELECT known.customer_id FROM crm.contact AS known WHERE known.address = %(phone)s LIMIT 1)
 ORDER BY contact.id LIMIT 1;

-- name: code_texted
SELECT words FROM helpdesk.recorded_message WHERE key LIKE 'code:%%' ORDER BY at DESC, reference LIMIT 1;
