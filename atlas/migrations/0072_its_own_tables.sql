-- Every order writes its own tables and no others: what 0070 said of lines, contacts and charges, said here of everything an order writes.
INSERT INTO actions.may_write (effect, action)
SELECT kind.effect, unnest(kind.actions)
  FROM (VALUES
        ('billing.account', ARRAY['confirm_activation', 'start_charging']),
        ('billing.dispute', ARRAY['close_dispute', 'open_dispute']),
        ('billing.dunning_step', ARRAY['restrict_for_non_payment', 'send_dunning_notices', 'terminate_for_non_payment', 'warn_of_suspension']),
        ('billing.journal.credit', ARRAY['compensate_failing', 'issue_credits', 'request_credit']),
        ('billing.journal.credit_note', ARRAY['issue_credit_note']),
        ('billing.journal.invoice', ARRAY['issue_bill_batch', 'release_held_bills']),
        ('billing.journal.match', ARRAY['match_payment']),
        ('billing.journal.opening', ARRAY['merge_customers']),
        ('billing.journal.payment', ARRAY['record_payment']),
        ('billing.journal.refund', ARRAY['refund_payment']),
        ('billing.journal.reversal', ARRAY['undo_merge']),
        ('billing.one_off', ARRAY['charge_late_fees', 'charge_once', 'waive_late_fee']),
        ('billing.payment_request', ARRAY['request_payment_link']),
        ('billing.promise_to_pay', ARRAY['take_promise_to_pay']),
        ('billing.provider_event', ARRAY['match_payment']),
        ('catalogue.access_policy', ARRAY['change_price']),
        ('catalogue.offered_service', ARRAY['change_price']),
        ('catalogue.offering', ARRAY['retire_offering']),
        ('catalogue.offering_version', ARRAY['change_price']),
        ('catalogue.price', ARRAY['change_price']),
        ('catalogue.price_phase', ARRAY['change_price']),
        ('catalogue.price_tier', ARRAY['change_price']),
        ('catalogue.reply_item', ARRAY['change_price']),
        ('cmdb.access', ARRAY['disconnect_line', 'erase_customer']),
        ('cmdb.allotment', ARRAY['connect_line', 'disconnect_line', 'free_numbers', 'reserve_numbers']),
        ('cmdb.asset', ARRAY['connect_line', 'give_box', 'move_box', 'receive_boxes', 'replace_box', 'take_box_back']),
        ('cmdb.asset_event', ARRAY['connect_line', 'give_box', 'move_box', 'replace_box', 'take_box_back']),
        ('cmdb.config', ARRAY['mark_config_good']),
        ('cmdb.device', ARRAY['mark_device_state', 'remove_device']),
        ('cmdb.drift_ruling', ARRAY['rule_on_drift']),
        ('cmdb.pool', ARRAY['define_pool', 'reserve_numbers']),
        ('cmdb.relation', ARRAY['relate_devices']),
        ('cmdb.vrf', ARRAY['define_pool']),
        ('crm.interaction', ARRAY['amend_customer', 'end_authority', 'give_role', 'let_somebody_act', 'merge_customers', 'record_interaction',
                                  'register_customer', 'sign_up', 'undo_merge']),
        ('crm.merge', ARRAY['merge_customers', 'undo_merge']),
        ('crm.moved_number', ARRAY['note_moved_number']),
        ('field_service.hands_free', ARRAY['give_hands_free']),
        ('field_service.reading', ARRAY['record_reading']),
        ('gis.building', ARRAY['import_premises', 'record_landlord_consent']),
        ('gis.coverage', ARRAY['import_coverage']),
        ('gis.drop', ARRAY['record_installation']),
        ('gis.lead', ARRAY['record_lead']),
        ('gis.premise', ARRAY['correct_premise_position', 'import_premises']),
        ('gis.reservation', ARRAY['connect_line', 'hold_port', 'let_port_go', 'mend_order', 'release_port', 'reserve_port']),
        ('helpdesk.conversation', ARRAY['hand_back_conversation', 'hand_over_to_person', 'take_conversation']),
        ('helpdesk.message', ARRAY['hand_back_conversation', 'send_message', 'take_conversation', 'tell_ruling']),
        ('helpdesk.notice', ARRAY['book_installation', 'close_order', 'compensate_failing', 'hand_back_conversation', 'issue_credits',
                                  'move_installation', 'notify_outage', 'notify_restored', 'request_credit', 'restore_service',
                                  'restrict_for_non_payment', 'send_dunning_notices', 'send_message', 'send_one_time_code', 'send_sign_in_code',
                                  'take_conversation', 'tell_of_order', 'tell_ruling', 'warn_of_suspension']),
        ('helpdesk.one_time_code', ARRAY['send_one_time_code', 'send_sign_in_code']),
        ('helpdesk.promise', ARRAY['notify_outage', 'notify_restored', 'record_promise']),
        ('itsm.incident', ARRAY['close_incident', 'open_incident', 'resolve_incident', 'revise_incident']),
        ('itsm.incident_alarm', ARRAY['open_incident', 'resolve_incident', 'revise_incident']),
        ('itsm.incident_device', ARRAY['open_incident', 'resolve_incident', 'revise_incident']),
        ('itsm.incident_event', ARRAY['close_incident', 'complete_job', 'dispatch_crew', 'notify_outage', 'notify_restored', 'open_child_tickets',
                                      'open_incident', 'resolve_incident', 'revise_incident', 'run_diagnostics']),
        ('itsm.incident_subscriber', ARRAY['open_incident', 'resolve_incident', 'revise_incident']),
        ('itsm.ticket', ARRAY['close_incident', 'hand_over_to_person', 'open_child_tickets', 'resolve_incident', 'revise_incident']),
        ('nms.maintenance_window', ARRAY['set_maintenance_window']),
        ('oms.order_event', ARRAY['advance_order', 'amend_order', 'cancel_order', 'close_order', 'move_installation', 'place_cease', 'place_order',
                                  'request_plan_change', 'sign_up']),
        ('oms.order_item', ARRAY['advance_order', 'amend_order', 'cancel_order', 'close_order', 'place_cease', 'place_order', 'sign_up']),
        ('oms.order_visit', ARRAY['book_installation', 'move_installation']),
        ('oms.product_order', ARRAY['advance_order', 'amend_order', 'cancel_order', 'close_order', 'confirm_activation', 'mend_order',
                                    'move_installation', 'pass_return', 'place_cease', 'place_order', 'record_landlord_consent',
                                    'request_plan_change', 'sign_up']),
        ('oms.quote', ARRAY['give_quote', 'place_order', 'sign_up']),
        ('privacy.legal_hold', ARRAY['hold_customer_records'])
       ) AS kind (effect, actions);
COMMENT ON COLUMN actions.may_write.effect IS 'a table, PORT.OPERATION of an errand, or billing.journal.KIND';

-- Before a statement: did an order that comes to this claim this transaction? After it: do its rows name that order?
CREATE OR REPLACE FUNCTION actions.require_claim() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE claimed bigint := actions.claimed();
BEGIN
    IF TG_WHEN = 'AFTER' THEN
        IF EXISTS (SELECT 1 FROM written WHERE action_id IS DISTINCT FROM claimed) THEN
            RAISE EXCEPTION '%.% takes rows only from the action claimed in this transaction', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '42501';
        END IF;
    -- An errand is bound by its operation, and not by its table.
    ELSIF TG_RELID <> 'actions.errand'::regclass THEN
        PERFORM actions.must_be_judged(TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME, '{}');
    END IF;
    RETURN NULL;
END $$;

-- The network's elements: none higher up than was judged. How many is held already.
CREATE FUNCTION cmdb.device_stays_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE facts jsonb;
BEGIN
    SELECT action.facts INTO facts FROM actions.action WHERE action.id = actions.claimed();
    IF EXISTS (SELECT FROM written WHERE actions.tier_of(kind) > coalesce((facts ->> 'device_tier')::int, 0))
    THEN RAISE EXCEPTION 'action % was judged at a lower tier', actions.claimed() USING ERRCODE = '42501'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER stay_within_changed AFTER UPDATE ON cmdb.device REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION cmdb.device_stays_within();

-- What the database's own functions write in the executor's session. session_user: however many functions deep.
CREATE FUNCTION billing.journals_stay_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE one record;
BEGIN
    FOR one IN SELECT DISTINCT kind FROM written LOOP
        PERFORM actions.must_be_judged('billing.journal.' || one.kind, '{}');
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER kinds_stay_within AFTER INSERT ON billing.journal REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION billing.journals_stay_within();
-- Money moves for whom it was judged, and for no more of them.
CREATE FUNCTION billing.postings_stay_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged(NULL, ARRAY(SELECT DISTINCT customer_id FROM written WHERE customer_id IS NOT NULL));
    RETURN NULL;
END $$;
CREATE TRIGGER customers_stay_within AFTER INSERT ON billing.posting REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION billing.postings_stay_within();
CREATE FUNCTION crm.merges_stay_within() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM actions.must_be_judged('crm.merge', ARRAY(SELECT unnest(ARRAY[customer_id, absorbed_id]) FROM written));
    RETURN NULL;
END $$;
CREATE TRIGGER stay_within AFTER INSERT ON crm.merge REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION crm.merges_stay_within();
CREATE TRIGGER stay_within_changed AFTER UPDATE ON crm.merge REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION crm.merges_stay_within();
CREATE TRIGGER require_claim_to_remove BEFORE DELETE ON cmdb.access FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION actions.require_claim();
CREATE TRIGGER require_claim_to_remove BEFORE DELETE ON cmdb.device FOR EACH STATEMENT
    WHEN (session_user = 'bedrock_executor') EXECUTE FUNCTION actions.require_claim();

-- What an order made is changed by an order. Errands, notices and payment requests move on by the outbox and by what the world answers.
DO $$
DECLARE t regclass;
BEGIN
    FOREACH t IN ARRAY ARRAY['billing.one_off', 'catalogue.add_on_held', 'cmdb.allotment', 'cmdb.asset', 'cmdb.device', 'cmdb.pool',
                             'field_service.hands_free', 'gis.reservation', 'itsm.incident', 'itsm.incident_alarm', 'itsm.incident_device',
                             'itsm.incident_subscriber', 'oms.order_item', 'oms.port_hold', 'oms.product_order', 'oms.quote',
                             'privacy.legal_hold']::regclass[] LOOP
        EXECUTE format('CREATE TRIGGER require_claim_to_change BEFORE UPDATE ON %s FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION actions.require_claim()', t);
    END LOOP;
END $$;

-- What is said in our name, and who holds a conversation: by an order. Where it is held (its channel and address) is the doors' alone.
REVOKE INSERT, UPDATE ON helpdesk.conversation FROM bedrock_executor;
GRANT UPDATE (owner, handed_over_because) ON helpdesk.conversation TO bedrock_executor;
DO $$
DECLARE t regclass;
BEGIN
    FOREACH t IN ARRAY ARRAY['helpdesk.message', 'cmdb.vrf', 'gis.building', 'gis.coverage', 'gis.premise', 'billing.account']::regclass[] LOOP
        EXECUTE format('CREATE TRIGGER require_claim_to_add BEFORE INSERT ON %s FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION actions.require_claim()', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['helpdesk.conversation', 'cmdb.config', 'gis.building', 'gis.coverage', 'gis.premise', 'billing.provider_event']::regclass[] LOOP
        EXECUTE format('CREATE TRIGGER require_claim_to_change BEFORE UPDATE ON %s FOR EACH STATEMENT '
                       'WHEN (current_user = ''bedrock_executor'') EXECUTE FUNCTION actions.require_claim()', t);
    END LOOP;
END $$;
