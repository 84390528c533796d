-- Whoever holds the executor's login can have a small order allowed and claimed, and write in its name. What they write is bound here to what was
-- judged: which kinds of effect an order of this name may have at all, whose rows, how many customers, and how far up the network.
CREATE TABLE actions.may_write (
    action  text NOT NULL,
    effect  text NOT NULL,
    PRIMARY KEY (action, effect)
);
COMMENT ON TABLE actions.may_write IS 'which critical effects an action may have, by its name; only a migration says so';
COMMENT ON COLUMN actions.may_write.effect IS 'a table, or PORT.OPERATION of an errand';
CALL atlas.protect('actions.may_write');
INSERT INTO actions.may_write (effect, action)
SELECT kind.effect, unnest(kind.actions)
  FROM (VALUES
        ('prober.diagnose', ARRAY['run_diagnostics']),
        ('provisioner.restart', ARRAY['restart_device']),
        ('provisioner.restore_config', ARRAY['restore_config']),
        ('provisioner.reserve', ARRAY['configure_line']),
        ('provisioner.release', ARRAY['configure_line']),
        ('provisioner.add_profile', ARRAY['configure_line']),
        ('provisioner.remove_profile', ARRAY['configure_line']),
        ('provisioner.activate', ARRAY['configure_line']),
        ('provisioner.deactivate', ARRAY['configure_line']),
        ('provisioner.set_speed', ARRAY['configure_line', 'amend_order', 'rule_on_drift']),
        ('provisioner.refresh_session', ARRAY['configure_line', 'amend_order']),
        ('provisioner.disconnect_session', ARRAY['remove_credential', 'suspend_for_non_payment', 'disconnect_session']),
        ('payments.ask', ARRAY['request_payment_link']),
        ('payments.refund', ARRAY['refund_payment']),
        ('crm.subscriber', ARRAY['place_order', 'sign_up', 'advance_order', 'cancel_order', 'confirm_activation', 'pass_return', 'close_order',
                                 'amend_order', 'move_plan', 'suspend_for_non_payment', 'restrict_for_non_payment', 'terminate_for_non_payment',
                                 'restore_service', 'move_to_current_price']),
        ('crm.contact', ARRAY['record_contact_preference', 'register_customer', 'sign_up']),
        ('crm.consent', ARRAY['record_contact_preference']),
        ('crm.customer', ARRAY['register_customer', 'sign_up', 'amend_customer']),
        ('crm.party_role', ARRAY['give_role', 'let_somebody_act', 'end_authority']),
        ('cmdb.access', ARRAY['connect_line', 'replace_box']),
        ('cmdb.credential', ARRAY['create_credential', 'remove_credential']),
        ('billing.charge', ARRAY['start_charging', 'change_charge', 'stop_charging', 'confirm_activation', 'pass_return', 'move_plan',
                                 'move_to_current_price']),
        ('field_service.job', ARRAY['dispatch_crew', 'book_visit', 'cancel_visit', 'complete_job', 'book_installation', 'move_installation',
                                    'call_off_installation'])
       ) AS kind (effect, actions);

-- Raises unless the action claimed in this transaction may have this effect (NULL: anybody may), on these customers.
CREATE FUNCTION actions.must_be_judged(p_effect text, p_customers bigint[]) RETURNS void
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    act     record;
    touched bigint[];
BEGIN
    SELECT action.id, action.name, action.facts INTO act FROM actions.action WHERE action.id = actions.claimed();
    IF p_effect IS NOT NULL AND NOT EXISTS (SELECT FROM actions.may_write WHERE may_write.action = act.name AND may_write.effect = p_effect) THEN
        RAISE EXCEPTION 'an order to % does not come to %', act.name, p_effect USING ERRCODE = '42501';
    END IF;
    touched := ARRAY(SELECT one::bigint FROM jsonb_array_elements_text(CASE jsonb_typeof(act.facts -> 'touched_customers') WHEN 'array'
                                                                         THEN act.facts -> 'touched_customers' ELSE '[]' END) AS one);
    IF cardinality(touched) > 0 THEN
        IF EXISTS (SELECT unnest(p_customers) EXCEPT SELECT unnest(touched)) THEN
            RAISE EXCEPTION 'action % was judged for other customers', act.id USING ERRCODE = '42501';
        END IF;
    ELSIF (SELECT count(DISTINCT one) FROM unnest(p_customers) AS one) > coalesce((act.facts ->> 'customers')::numeric, 0) THEN
        RAISE EXCEPTION 'action % was judged for % customers', act.id, coalesce(act.facts ->> 'customers', '0') USING ERRCODE = '42501';
    END IF;
END $$;

-- The tier that a device of this kind has in the matrix: atlas.cmdb.rules.level_of.
CREATE FUNCTION actions.tier_of(p_kind text) RETURNS int LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_kind IN ('gateway', 'core') THEN 5 WHEN p_kind IN ('metro', 'bng') THEN 4 WHEN p_kind = 'aggregation' THEN 3 ELSE 2 END;

CREATE FUNCTION actions.errands_stay_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    facts jsonb;
    one   record;
BEGIN
    SELECT action.facts INTO facts FROM actions.action WHERE action.id = actions.claimed();
    FOR one IN SELECT DISTINCT written.port || '.' || written.operation AS effect FROM written LOOP
        PERFORM actions.must_be_judged(one.effect, ARRAY(
            SELECT line.customer_id
              FROM written JOIN crm.subscriber AS line ON line.id = (written.arguments ->> 'line')::bigint
             WHERE written.port || '.' || written.operation = one.effect
             UNION
            SELECT line.customer_id
              FROM written
              JOIN cmdb.access ON access.cpe_serial = written.arguments ->> 'serial'
              JOIN crm.subscriber AS line ON line.id = access.subscriber_id
             WHERE written.port || '.' || written.operation = one.effect
             UNION
            SELECT (written.arguments ->> 'customer_id')::bigint
              FROM written WHERE written.arguments ? 'customer_id' AND written.port || '.' || written.operation = one.effect));
    END LOOP;
    IF EXISTS (SELECT FROM written JOIN cmdb.device ON device.id = (written.arguments ->> 'device_id')::bigint
                WHERE actions.tier_of(device.kind) > coalesce((facts ->> 'device_tier')::int, 0)
                   OR (written.arguments ->> 'address')::inet IS DISTINCT FROM device.management_address)
    THEN RAISE EXCEPTION 'a device was judged at another tier, or stands at another address' USING ERRCODE = '42501'; END IF;
    IF (SELECT count(*) FROM written WHERE written.operation IN ('restart', 'restore_config')) > coalesce((facts ->> 'devices')::numeric, 0)
    THEN RAISE EXCEPTION 'action % was judged for % devices', actions.claimed(), coalesce(facts ->> 'devices', '0') USING ERRCODE = '42501'; END IF;
    IF EXISTS (SELECT FROM written WHERE written.arguments ->> 'address' IS NOT NULL AND NOT EXISTS
               (SELECT FROM cmdb.device WHERE device.management_address = (written.arguments ->> 'address')::inet))
    THEN RAISE EXCEPTION 'no device of ours stands at this address' USING ERRCODE = '42501'; END IF;
    IF EXISTS (SELECT FROM written WHERE written.port = 'payments' AND written.operation = 'refund'
                  AND ((written.arguments ->> 'amount_minor')::numeric <= coalesce((facts ->> 'money')::numeric, 0) * 100) IS NOT TRUE)
    THEN RAISE EXCEPTION 'less money was judged than is given back' USING ERRCODE = '42501'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stay_within AFTER INSERT ON actions.errand REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION actions.errands_stay_within();

-- Is this an address of theirs, of somebody beside them, or one that they wrote from themselves?
CREATE FUNCTION helpdesk.is_address_of(p_customer_id bigint, p_channel text, p_address text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
RETURN EXISTS (SELECT FROM crm.contact WHERE contact.customer_id = p_customer_id AND contact.address = p_address)
    OR EXISTS (SELECT FROM crm.party_role AS beside WHERE beside.customer_id = p_customer_id AND beside.address = p_address)
    OR EXISTS (SELECT FROM helpdesk.conversation AS talk WHERE talk.customer_id = p_customer_id AND talk.channel = p_channel
                  AND (talk.address = p_address OR talk.thread::text = p_address));

CREATE FUNCTION helpdesk.notices_stay_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged(NULL, ARRAY(SELECT DISTINCT notice.customer_id FROM helpdesk.notice
                                                WHERE notice.action_id = actions.claimed() AND notice.customer_id IS NOT NULL));
    IF EXISTS (SELECT FROM written
                WHERE written.customer_id IS NOT NULL
                  AND NOT EXISTS (SELECT FROM crm.contact WHERE contact.customer_id = written.customer_id AND contact.address = written.address)
                  AND NOT helpdesk.is_address_of(written.customer_id, written.channel, written.address))
    THEN RAISE EXCEPTION 'a notice goes to an address that is not its customer''s' USING ERRCODE = '42501'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stay_within AFTER INSERT ON helpdesk.notice REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION helpdesk.notices_stay_within();

CREATE FUNCTION helpdesk.notice_keeps_to_its_customer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.customer_id IS DISTINCT FROM OLD.customer_id OR NOT helpdesk.is_address_of(NEW.customer_id, NEW.channel, NEW.address)
    THEN RAISE EXCEPTION 'notice % goes to its customer, at an address of theirs', OLD.id USING ERRCODE = '42501'; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keeps_to_its_customer BEFORE UPDATE ON helpdesk.notice FOR EACH ROW
    WHEN (current_user = 'bedrock_executor' AND (OLD.address, OLD.customer_id) IS DISTINCT FROM (NEW.address, NEW.customer_id))
    EXECUTE FUNCTION helpdesk.notice_keeps_to_its_customer();

-- Whoever writes what somebody has of us as the executor has claimed an order that comes to that, for that customer.
CREATE FUNCTION crm.stays_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged(TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, ARRAY(SELECT DISTINCT written.customer_id FROM written WHERE written.customer_id IS NOT NULL));
    RETURN NULL;
END $$;
CREATE FUNCTION crm.customer_stays_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged('crm.customer', ARRAY(SELECT written.id FROM written));
    RETURN NULL;
END $$;
-- A job is one, and goes by its number: only what kind of order writes it is asked.
CREATE FUNCTION field_service.job_stays_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged('field_service.job', '{}');
    RETURN NULL;
END $$;
CREATE FUNCTION cmdb.line_stays_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged(TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, ARRAY(
        SELECT DISTINCT line.customer_id FROM written JOIN crm.subscriber AS line ON line.id = written.subscriber_id));
    RETURN NULL;
END $$;
DO $$
DECLARE
    bound record;
    t     regclass;
BEGIN
    FOR bound IN SELECT * FROM (VALUES
            ('crm.subscriber', 'crm.stays_within'), ('crm.contact', 'crm.stays_within'), ('crm.consent', 'crm.stays_within'),
            ('crm.party_role', 'crm.stays_within'), ('field_service.job', 'field_service.job_stays_within'), ('billing.charge', 'crm.stays_within'), ('crm.customer', 'crm.customer_stays_within'),
            ('cmdb.access', 'cmdb.line_stays_within'), ('cmdb.credential', 'cmdb.line_stays_within')) AS one (kept, how) LOOP
        EXECUTE format('CREATE TRIGGER stay_within AFTER INSERT ON %s REFERENCING NEW TABLE AS written FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION %s()', bound.kept, bound.how);
        EXECUTE format('CREATE TRIGGER stay_within_changed AFTER UPDATE ON %s REFERENCING NEW TABLE AS written FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION %s()', bound.kept, bound.how);
    END LOOP;
    -- What else an action made is changed by an action only. Errands and notices have an outbox of their own, bound above.
    FOREACH t IN ARRAY ARRAY['billing.dispute', 'catalogue.offering', 'catalogue.offering_version', 'itsm.ticket', 'helpdesk.promise']::regclass[] LOOP
        EXECUTE format('CREATE TRIGGER require_claim_to_change BEFORE UPDATE ON %s FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION actions.require_claim()', t);
    END LOOP;
END $$;
