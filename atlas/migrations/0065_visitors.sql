-- The chat on the operator's own site: whoever writes there is nobody, until digits that went to an address on file come back from that browser.

-- Whose browser this is: the customer of the last code that was right there, for half a day. The code itself is the record of it.
CREATE FUNCTION helpdesk.visitor(p_visitor text) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT code.customer_id FROM helpdesk.one_time_code AS code
     WHERE code.channel = 'chat' AND code.address = p_visitor AND code.used_at > clock_timestamp() - interval '12 hours'
     ORDER BY code.used_at DESC LIMIT 1
$$;

-- What a right code says of a conversation of the same customer: for an hour from then, whoever writes from that browser is verified in it.
CREATE FUNCTION helpdesk.verify_visit(p_conversation_id bigint, p_visitor text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE helpdesk.conversation
       SET verified_until = right_one.used_at + interval '1 hour', verified_channel = 'chat', verified_address = p_visitor
      FROM (SELECT code.customer_id, code.used_at FROM helpdesk.one_time_code AS code
             WHERE code.channel = 'chat' AND code.address = p_visitor AND code.used_at > clock_timestamp() - interval '1 hour'
             ORDER BY code.used_at DESC LIMIT 1) AS right_one
     WHERE conversation.id = p_conversation_id AND conversation.customer_id = right_one.customer_id
$$;
REVOKE EXECUTE ON FUNCTION helpdesk.visitor, helpdesk.verify_visit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION helpdesk.visitor, helpdesk.verify_visit TO bedrock_intake;

-- It is sent on behalf of somebody who is nobody yet, so no customer may ask for it.
INSERT INTO actions.assurance_needed (action, level) VALUES ('send_sign_in_code', 3) ON CONFLICT (action) DO NOTHING;
