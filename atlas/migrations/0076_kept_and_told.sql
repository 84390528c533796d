-- What stands in a customer's timeline stays as it was said: no login was ever granted to change or remove it, and now neither their owner nor a function
-- that runs as their owner does, but those that forget somebody as the law wants it, or what is older than its rule.
CREATE FUNCTION crm.timeline_stays() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_called_by text;
BEGIN
    -- Who called is read from the stack: a setting could be made by anybody.
    GET DIAGNOSTICS v_called_by = PG_CONTEXT;
    IF v_called_by ~ 'function privacy\.\w+\(' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    IF TG_OP = 'TRUNCATE' AND NOT EXISTS (SELECT FROM crm.interaction) THEN RETURN NULL; END IF;
    RAISE EXCEPTION 'what stands in a timeline is neither changed nor removed' USING ERRCODE = '23001';
END $$;
CREATE TRIGGER stays BEFORE UPDATE OR DELETE ON crm.interaction FOR EACH ROW EXECUTE FUNCTION crm.timeline_stays();
CREATE TRIGGER stays_whole BEFORE TRUNCATE ON crm.interaction FOR EACH STATEMENT EXECUTE FUNCTION crm.timeline_stays();

-- A ticket for what no alarm says: a pool that will run out, one box in two places. It is opened once and closed when its reason is gone.
INSERT INTO actions.may_write (effect, action) VALUES ('itsm.ticket', 'open_problem'), ('itsm.ticket', 'close_problem');
-- A line may be cut off at its customer's own wish, or for abuse; until now only for a debt.
INSERT INTO actions.may_write (effect, action) VALUES
    ('crm.subscriber', 'suspend_line'), ('crm.subscriber', 'resume_line'), ('provisioner.disconnect_session', 'suspend_line'),
    ('crm.interaction', 'suspend_line'), ('crm.interaction', 'resume_line');

-- A new offering comes in by an order of its own; until now only whoever owned the database could put one on sale.
INSERT INTO actions.may_write (effect, action)
SELECT effect, 'define_offering' FROM unnest(ARRAY['catalogue.offering', 'catalogue.offering_version', 'catalogue.price', 'catalogue.price_phase',
                                                   'catalogue.offered_service', 'catalogue.access_policy', 'catalogue.sold_in']) AS effect;
