-- The catalogue whole: what a plan costs over time, what it is made of, how the network treats it, to whom it is sold, and what may become of it.
-- Where an operator's books know no rate for a price's category, the catalogue's lint says so; the rates themselves are dated and are billing's.
CREATE TABLE catalogue.tax_category (
    code  text PRIMARY KEY,
    title text NOT NULL
);
INSERT INTO catalogue.tax_category VALUES
    ('standard', 'Standard rate'), ('reduced', 'Reduced rate'), ('zero', 'Zero rate'), ('exempt', 'Exempt');

-- `any`: an add-on that rests on no technology of its own.
ALTER TABLE catalogue.offering DROP CONSTRAINT offering_technology_check;
ALTER TABLE catalogue.offering
    ADD CONSTRAINT offering_technology_check CHECK (technology IN ('fibre', 'fixed_wireless', 'docsis', 'any')),
    ADD COLUMN category text NOT NULL DEFAULT 'base' CHECK (category IN ('base', 'add_on', 'standalone', 'bundle')),
    ADD COLUMN worst_credit_class text CHECK (worst_credit_class IN ('A', 'B', 'C', 'D', 'E')),
    ADD COLUMN action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action;
COMMENT ON COLUMN catalogue.offering.worst_credit_class IS 'sold to this class and better (A is best); none: to everybody';
-- No rows: sold wherever the network can carry it.
CREATE TABLE catalogue.sold_in (
    offering_id bigint NOT NULL REFERENCES catalogue.offering,
    area_id     bigint NOT NULL REFERENCES gis.area,
    action_id   bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (offering_id, area_id)
);

-- One version a day and offering. The operator's id doubles as a range, for a server without btree_gist.
ALTER TABLE catalogue.offering_version
    ADD COLUMN made_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
    ADD COLUMN termination_fee_minor bigint NOT NULL DEFAULT 0 CHECK (termination_fee_minor >= 0),
    ADD COLUMN action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    ADD CONSTRAINT one_version_a_day EXCLUDE USING gist (int8range(offering_id, offering_id, '[]') WITH &&, daterange(valid_from, valid_to) WITH &&);
COMMENT ON COLUMN catalogue.offering_version.made_by IS 'the only transaction that may add to what is on sale';
COMMENT ON COLUMN catalogue.offering_version.termination_fee_minor IS 'for each month of the contract that is left, without tax';

ALTER TABLE catalogue.price
    ADD COLUMN is_tax_inclusive boolean NOT NULL DEFAULT false,
    ADD COLUMN charged text NOT NULL DEFAULT 'in_advance' CHECK (charged IN ('in_advance', 'in_arrears')),
    ADD COLUMN meter text NOT NULL DEFAULT '',
    ADD COLUMN unit text NOT NULL DEFAULT '',
    ADD COLUMN per_units bigint NOT NULL DEFAULT 1 CHECK (per_units > 0),
    ADD COLUMN allowance_units bigint NOT NULL DEFAULT 0 CHECK (allowance_units >= 0),
    ADD COLUMN is_rolled_over boolean NOT NULL DEFAULT false,
    ADD COLUMN tiering text NOT NULL DEFAULT 'graduated' CHECK (tiering IN ('graduated', 'volume')),
    ADD COLUMN action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    ADD CHECK ((kind = 'usage') OR (allowance_units = 0 AND per_units = 1 AND NOT is_rolled_over));
COMMENT ON COLUMN catalogue.price.meter IS 'of usage: what is counted, as in data or calls_international; the name that usage records carry';
COMMENT ON COLUMN catalogue.price.unit IS 'of usage: one unit counted, as in MB, second or message';
COMMENT ON COLUMN catalogue.price.per_units IS 'of usage: amount_minor buys so many units, beyond the allowance';
COMMENT ON COLUMN catalogue.price.tiering IS 'graduated: each unit at the rate of the tier it falls in; volume: all at the rate of the tier reached';
-- Where a usage price has tiers they take the place of its amount: units above from_units, counted beyond the allowance.
CREATE TABLE catalogue.price_tier (
    price_id     bigint NOT NULL REFERENCES catalogue.price,
    from_units   bigint NOT NULL CHECK (from_units >= 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    per_units    bigint NOT NULL DEFAULT 1 CHECK (per_units > 0),
    action_id    bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (price_id, from_units)
);
-- "Six months at X, then Y": phases in their order, counted from activation; after the last of them the price's own amount, for good.
CREATE TABLE catalogue.price_phase (
    price_id     bigint NOT NULL REFERENCES catalogue.price,
    ordinal      int NOT NULL CHECK (ordinal > 0),
    kind         text NOT NULL DEFAULT 'discount' CHECK (kind IN ('trial', 'discount', 'fixed_term')),
    months       int NOT NULL CHECK (months > 0),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    action_id    bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (price_id, ordinal)
);

CREATE TABLE catalogue.bundle_part (
    bundle_id bigint NOT NULL REFERENCES catalogue.offering,
    part_id   bigint NOT NULL REFERENCES catalogue.offering,
    action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (bundle_id, part_id),
    CHECK (bundle_id <> part_id)
);
CREATE TABLE catalogue.relation (
    offering_id bigint NOT NULL REFERENCES catalogue.offering,
    kind        text NOT NULL CHECK (kind IN ('requires', 'excludes', 'included_in')),
    other_id    bigint NOT NULL REFERENCES catalogue.offering,
    action_id   bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (offering_id, kind, other_id),
    CHECK (offering_id <> other_id)
);
COMMENT ON TABLE catalogue.relation IS 'requires: one of those named; excludes: none of them, read both ways; included_in: comes with them, so is not sold beside them';
CREATE TABLE catalogue.plan_change (
    from_id   bigint NOT NULL REFERENCES catalogue.offering,
    to_id     bigint NOT NULL REFERENCES catalogue.offering,
    timing    text NOT NULL CHECK (timing IN ('immediate', 'next_bill', 'end_of_term')),
    fee_minor bigint NOT NULL DEFAULT 0 CHECK (fee_minor >= 0),
    action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (from_id, to_id),
    CHECK (from_id <> to_id)
);
COMMENT ON COLUMN catalogue.plan_change.fee_minor IS 'without tax';
-- What somebody has besides their plan, on the version they bought.
CREATE TABLE catalogue.add_on_held (
    id                  bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    subscriber_id       bigint NOT NULL REFERENCES crm.subscriber,
    offering_version_id bigint NOT NULL REFERENCES catalogue.offering_version,
    held_from           date NOT NULL,
    held_until          date CHECK (held_until >= held_from),
    action_id           bigint NOT NULL DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action
);
COMMENT ON COLUMN catalogue.add_on_held.held_until IS 'the first day without it; none while it is held';
CREATE UNIQUE INDEX add_on_once ON catalogue.add_on_held (subscriber_id, offering_version_id) WHERE held_until IS NULL;

-- Offering version → customer-facing service → resource-facing service → what the network must give (TMF620, 633, 634).
CREATE TABLE catalogue.specification (
    id         bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY,
    code       text NOT NULL UNIQUE,
    kind       text NOT NULL CHECK (kind IN ('cfs', 'rfs')),
    technology text NOT NULL DEFAULT 'any' CHECK (technology IN ('fibre', 'fixed_wireless', 'docsis', 'any')),
    name       text NOT NULL
);
CREATE TABLE catalogue.realisation (
    cfs_id bigint NOT NULL REFERENCES catalogue.specification,
    rfs_id bigint NOT NULL REFERENCES catalogue.specification,
    PRIMARY KEY (cfs_id, rfs_id)
);
COMMENT ON TABLE catalogue.realisation IS 'of those, a version takes what is of its technology, or of any';
CREATE TABLE catalogue.resource_need (
    rfs_id    bigint NOT NULL REFERENCES catalogue.specification,
    ordinal   int NOT NULL CHECK (ordinal > 0),
    kind      text NOT NULL CHECK (kind IN ('visit', 'access_port', 'cpe', 'vlan', 'ipv4', 'ipv6_prefix', 'radius_credential', 'access_profile')),
    model     text NOT NULL DEFAULT '',
    needed    text NOT NULL DEFAULT 'always' CHECK (needed IN ('always', 'without_drop')),
    PRIMARY KEY (rfs_id, ordinal)
);
COMMENT ON COLUMN catalogue.resource_need.ordinal IS 'the order in which they are got hold of, over all services of one offering';
COMMENT ON COLUMN catalogue.resource_need.model IS 'what sort: an ONT, a /56, a static address; empty: any';
CREATE TABLE catalogue.offered_service (
    offering_version_id bigint NOT NULL REFERENCES catalogue.offering_version,
    cfs_id              bigint NOT NULL REFERENCES catalogue.specification,
    action_id           bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (offering_version_id, cfs_id)
);
INSERT INTO catalogue.specification (code, kind, technology, name) VALUES
    ('internet_access', 'cfs', 'any', 'Internet access'),
    ('static_address', 'cfs', 'any', 'Static IPv4 address'),
    ('voice', 'cfs', 'any', 'Telephony'),
    ('gpon_access', 'rfs', 'fibre', 'GPON access line'),
    ('radio_access', 'rfs', 'fixed_wireless', 'Fixed wireless access line'),
    ('cable_access', 'rfs', 'docsis', 'DOCSIS access line'),
    ('ip_session', 'rfs', 'any', 'PPPoE or IPoE session'),
    ('static_ipv4', 'rfs', 'any', 'Routed static IPv4 address');
INSERT INTO catalogue.realisation (cfs_id, rfs_id)
SELECT cfs.id, rfs.id
  FROM (VALUES ('internet_access', 'gpon_access'), ('internet_access', 'radio_access'), ('internet_access', 'cable_access'),
               ('internet_access', 'ip_session'), ('static_address', 'static_ipv4')) AS made (cfs, rfs)
  JOIN catalogue.specification AS cfs ON cfs.code = made.cfs
  JOIN catalogue.specification AS rfs ON rfs.code = made.rfs;
INSERT INTO catalogue.resource_need (rfs_id, ordinal, kind, model, needed)
SELECT rfs.id, need.ordinal, need.kind, need.model, need.needed
  FROM (VALUES ('gpon_access', 10, 'access_port', '', 'always'), ('gpon_access', 20, 'cpe', 'ont', 'always'), ('gpon_access', 30, 'vlan', '', 'always'),
               ('gpon_access', 70, 'access_profile', 'olt', 'always'), ('gpon_access', 80, 'visit', 'install', 'without_drop'),
               ('radio_access', 10, 'access_port', '', 'always'), ('radio_access', 20, 'cpe', 'subscriber_module', 'always'),
               ('radio_access', 70, 'access_profile', 'sector', 'always'), ('radio_access', 80, 'visit', 'install', 'without_drop'),
               ('cable_access', 10, 'access_port', '', 'always'), ('cable_access', 20, 'cpe', 'cable_modem', 'always'),
               ('cable_access', 70, 'access_profile', 'cmts', 'always'), ('cable_access', 80, 'visit', 'install', 'without_drop'),
               ('ip_session', 40, 'ipv4', 'pool', 'always'), ('ip_session', 50, 'ipv6_prefix', '/56', 'always'),
               ('ip_session', 60, 'radius_credential', '', 'always'), ('static_ipv4', 40, 'ipv4', 'static', 'always'))
       AS need (rfs, ordinal, kind, model, needed)
  JOIN catalogue.specification AS rfs ON rfs.code = need.rfs;

-- How the network treats the plan: what RADIUS answers besides the rate limit and the pool, and what the access device is set to.
ALTER TABLE catalogue.access_policy
    ADD COLUMN line_profile text NOT NULL DEFAULT '',
    ADD COLUMN service_profile text NOT NULL DEFAULT '',
    ADD COLUMN dhcp_class text NOT NULL DEFAULT '',
    ADD COLUMN action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action;
COMMENT ON COLUMN catalogue.access_policy.line_profile IS 'the OLT''s line profile, the CMTS''s or the sector''s service class';
CREATE TABLE catalogue.reply_item (
    offering_version_id bigint NOT NULL REFERENCES catalogue.offering_version,
    ordinal   int NOT NULL CHECK (ordinal > 0),
    attribute text NOT NULL CHECK (attribute ~ '^[A-Za-z0-9][A-Za-z0-9.-]{1,63}$'),
    op        text NOT NULL DEFAULT ':=' CHECK (op IN (':=', '=', '+=')),
    value     text NOT NULL CHECK (value <> '' AND value !~ '[[:cntrl:]]'),
    action_id bigint DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action,
    PRIMARY KEY (offering_version_id, ordinal)
);

-- What was ever on sale does not change: neither its owner nor an action does more to it than end it. What it is called may be put right.
CREATE FUNCTION catalogue.is_open_to(p_version bigint) RETURNS boolean STABLE LANGUAGE sql SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce((SELECT offering.lifecycle_status IN ('in_study', 'in_design', 'in_test')
                       FROM catalogue.offering_version AS version JOIN catalogue.offering ON offering.id = version.offering_id
                      WHERE version.id = p_version), true);
END;
CREATE FUNCTION catalogue.keep_what_was_sold() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE version bigint;
BEGIN
    version := CASE TG_TABLE_NAME
        WHEN 'offering_version' THEN (to_jsonb(OLD) ->> 'id')::bigint
        WHEN 'price_tier' THEN (SELECT price.offering_version_id FROM catalogue.price WHERE price.id = (to_jsonb(OLD) ->> 'price_id')::bigint)
        WHEN 'price_phase' THEN (SELECT price.offering_version_id FROM catalogue.price WHERE price.id = (to_jsonb(OLD) ->> 'price_id')::bigint)
        ELSE (to_jsonb(OLD) ->> 'offering_version_id')::bigint END;
    IF catalogue.is_open_to(version) THEN RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END; END IF;
    RAISE EXCEPTION 'version % was on sale: it does not change, make a new one (%.%)', version, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '23001';
END $$;
CREATE FUNCTION catalogue.add_nothing_to_what_was_sold() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
DECLARE version bigint;
BEGIN
    version := CASE WHEN TG_TABLE_NAME IN ('price_tier', 'price_phase')
        THEN (SELECT price.offering_version_id FROM catalogue.price WHERE price.id = (to_jsonb(NEW) ->> 'price_id')::bigint)
        ELSE (to_jsonb(NEW) ->> 'offering_version_id')::bigint END;
    IF catalogue.is_open_to(version)
       OR EXISTS (SELECT 1 FROM catalogue.offering_version AS own WHERE own.id = version AND own.made_by = pg_current_xact_id()) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'version % was on sale: nothing is added to it, make a new one (%.%)', version, TG_TABLE_SCHEMA, TG_TABLE_NAME
        USING ERRCODE = '23001';
END $$;
CREATE TRIGGER keep_what_was_sold BEFORE UPDATE OF id, offering_id, valid_from, down_kbps, up_kbps, contract_months, sla_id, termination_fee_minor, made_by
    OR DELETE ON catalogue.offering_version FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold();
CREATE TRIGGER keep_what_was_sold BEFORE UPDATE OF offering_version_id, kind, amount_minor, tax_category, is_tax_inclusive, charged, meter, unit, per_units,
    allowance_units, is_rolled_over, tiering OR DELETE ON catalogue.price FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold();
CREATE TRIGGER keep_what_was_sold BEFORE UPDATE OR DELETE ON catalogue.price_tier FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold();
CREATE TRIGGER keep_what_was_sold BEFORE UPDATE OR DELETE ON catalogue.price_phase FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold();
CREATE TRIGGER keep_what_was_sold BEFORE UPDATE OR DELETE ON catalogue.offered_service FOR EACH ROW EXECUTE FUNCTION catalogue.keep_what_was_sold();
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['price', 'price_tier', 'price_phase', 'offered_service', 'access_policy', 'reply_item'] LOOP
        EXECUTE format('CREATE TRIGGER add_nothing BEFORE INSERT ON catalogue.%I FOR EACH ROW WHEN (current_user = ''bedrock_executor'') '
                       'EXECUTE FUNCTION catalogue.add_nothing_to_what_was_sold()', t);
    END LOOP;
END $$;

-- A bundle is made of what is no bundle that holds it, however deep.
CREATE FUNCTION catalogue.refuse_circles() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Two halves of a circle laid at once would not see one another.
    PERFORM pg_advisory_xact_lock(hashtext('catalogue.bundle_part'));
    IF EXISTS (WITH RECURSIVE inside (id) AS (
                   SELECT NEW.part_id
                    UNION SELECT part.part_id FROM inside JOIN catalogue.bundle_part AS part ON part.bundle_id = inside.id)
               SELECT 1 FROM inside WHERE inside.id = NEW.bundle_id) THEN
        RAISE EXCEPTION 'offering % would hold itself', NEW.bundle_id USING ERRCODE = '23514', CONSTRAINT = 'no_circles', TABLE = 'bundle_part', SCHEMA = 'catalogue';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_circles BEFORE INSERT OR UPDATE ON catalogue.bundle_part FOR EACH ROW EXECUTE FUNCTION catalogue.refuse_circles();

CALL atlas.protect('catalogue.tax_category', 'true');
CALL atlas.protect('catalogue.sold_in', 'true');
CALL atlas.protect('catalogue.price_tier', 'true');
CALL atlas.protect('catalogue.price_phase', 'true');
CALL atlas.protect('catalogue.bundle_part', 'true');
CALL atlas.protect('catalogue.relation', 'true');
CALL atlas.protect('catalogue.plan_change', 'true');
CALL atlas.protect('catalogue.add_on_held', 'subscriber_id IN (SELECT id FROM crm.subscriber WHERE customer_id = (SELECT atlas.verified_customer_id()))');
CALL atlas.protect('catalogue.specification', 'true');
CALL atlas.protect('catalogue.realisation', 'true');
CALL atlas.protect('catalogue.resource_need', 'true');
CALL atlas.protect('catalogue.offered_service', 'true');
CALL atlas.protect('catalogue.reply_item');
CALL actions.guard(ARRAY['catalogue.offering', 'catalogue.sold_in', 'catalogue.offering_version', 'catalogue.price', 'catalogue.price_tier',
    'catalogue.price_phase', 'catalogue.bundle_part', 'catalogue.relation', 'catalogue.plan_change', 'catalogue.add_on_held', 'catalogue.offered_service',
    'catalogue.access_policy', 'catalogue.reply_item']::regclass[]);
GRANT INSERT ON catalogue.offering, catalogue.sold_in, catalogue.offering_version, catalogue.price, catalogue.price_tier, catalogue.price_phase,
    catalogue.bundle_part, catalogue.relation, catalogue.plan_change, catalogue.add_on_held, catalogue.offered_service, catalogue.access_policy,
    catalogue.reply_item TO bedrock_executor;
GRANT UPDATE (valid_to) ON catalogue.offering_version TO bedrock_executor;
GRANT UPDATE (held_until) ON catalogue.add_on_held TO bedrock_executor;
GRANT EXECUTE ON FUNCTION catalogue.is_open_to TO bedrock_executor;
