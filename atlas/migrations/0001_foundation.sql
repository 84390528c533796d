-- Who may come in, how the principal is proven, and how a change wakes whoever cares.
-- The four login roles (bedrock_customer, bedrock_staff, bedrock_intake, bedrock_executor) are made by atlas/migrate.py before this file runs:
-- they belong to the server, not to the database.

CREATE EXTENSION IF NOT EXISTS vector;
-- From here on a function is nobody's to call until somebody is named: PostgreSQL's own default is everybody.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

CREATE SCHEMA atlas;
GRANT USAGE ON SCHEMA atlas TO bedrock_customer, bedrock_staff, bedrock_intake, bedrock_executor;

-- The two padded halves of the HMAC key (RFC 2104); readable by the owner only, hence by the definer function below.
CREATE TABLE atlas.principal_key (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    inner_pad bytea NOT NULL,
    outer_pad bytea NOT NULL
);
ALTER TABLE atlas.principal_key ENABLE ROW LEVEL SECURITY;
ALTER TABLE atlas.principal_key FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON atlas.principal_key TO CURRENT_USER USING (true) WITH CHECK (true);

-- Splits "zone|customer|staff|assurance|backend|expiry|session|mac" and believes it only if the MAC holds, the backend is this one, the expiry is
-- ahead and the zone is the very login that asks. Anything else is nobody: no rows.
CREATE FUNCTION atlas.principal_part(part int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    setting text := current_setting('bedrock.principal', true);
    claimed text[];
    message text;
    key     atlas.principal_key;
BEGIN
    IF setting IS NULL OR setting = '' THEN RETURN NULL; END IF;
    claimed := string_to_array(setting, '|');
    IF array_length(claimed, 1) <> 8 THEN RETURN NULL; END IF;
    message := array_to_string(claimed[1:7], '|');
    SELECT * INTO key FROM atlas.principal_key;
    IF encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(message, 'UTF8'))), 'hex') <> claimed[8]
       OR claimed[5] <> pg_backend_pid()::text
       OR claimed[6]::bigint < extract(epoch FROM clock_timestamp())
       OR 'bedrock_' || claimed[1] <> session_user
    THEN RETURN NULL; END IF;
    RETURN nullif(claimed[part], '');
END $$;

CREATE FUNCTION atlas.customer_id() RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT atlas.principal_part(2)::bigint $$;
CREATE FUNCTION atlas.staff_id() RETURNS bigint LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT atlas.principal_part(3)::bigint $$;
CREATE FUNCTION atlas.assurance() RETURNS int LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT coalesce(atlas.principal_part(4)::int, 0) $$;
CREATE FUNCTION atlas.zone() RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT atlas.principal_part(1) $$;
-- The fingerprint of the sign-in by which somebody came to this door, where the door names it: rulings are given from a session and from nowhere else.
CREATE FUNCTION atlas.session() RETURNS bytea LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp
AS $$ SELECT decode(atlas.principal_part(7), 'hex') $$;

GRANT EXECUTE ON FUNCTION atlas.principal_part(int), atlas.customer_id(), atlas.staff_id(), atlas.assurance(), atlas.zone(), atlas.session()
    TO bedrock_customer, bedrock_staff, bedrock_intake, bedrock_executor;

-- Opaque on purpose: a payload is seen by every login that listens.
CREATE FUNCTION atlas.announce() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$ BEGIN PERFORM pg_notify('atlas', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME); RETURN NULL; END $$;
-- An update that found no row says nothing: whoever looks for work on every word of a table would otherwise wake themselves for ever.
CREATE FUNCTION atlas.announce_update() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM touched) THEN PERFORM pg_notify('atlas', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME); END IF;
    RETURN NULL;
END $$;

CREATE PROCEDURE atlas.announce_changes(tables regclass[]) LANGUAGE plpgsql AS $$
DECLARE t regclass;
BEGIN
    FOREACH t IN ARRAY tables LOOP
        EXECUTE format('CREATE TRIGGER announce AFTER INSERT OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION atlas.announce()', t);
        EXECUTE format('CREATE TRIGGER announce_update AFTER UPDATE ON %s REFERENCING NEW TABLE AS touched FOR EACH STATEMENT '
                       'EXECUTE FUNCTION atlas.announce_update()', t);
    END LOOP;
END $$;

-- Row security, the same five policies for every table. The customer sees rows by `customer_rule` only; NULL means none at all, `true` whoever
-- came in by that door, known or not.
-- Staff read everything (what they may do is governance's business); the executor reads and writes what it is granted; intake reads what it is granted.
CREATE PROCEDURE atlas.protect(t regclass, customer_rule text DEFAULT NULL) LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true) WITH CHECK (true)', t);
    EXECUTE format('CREATE POLICY staff ON %s TO bedrock_staff USING ((SELECT atlas.staff_id()) IS NOT NULL)', t);
    EXECUTE format('CREATE POLICY intake ON %s TO bedrock_intake USING ((SELECT atlas.zone()) = ''intake'')', t);
    EXECUTE format('CREATE POLICY executor ON %s TO bedrock_executor USING ((SELECT atlas.zone()) = ''executor'')', t);
    EXECUTE format('GRANT SELECT ON %s TO bedrock_staff, bedrock_executor', t);
    IF customer_rule = 'true' THEN customer_rule := '(SELECT atlas.zone()) = ''customer'''; END IF;
    IF customer_rule IS NOT NULL THEN
        EXECUTE format('CREATE POLICY customer ON %s TO bedrock_customer USING (%s)', t, customer_rule);
        EXECUTE format('GRANT SELECT ON %s TO bedrock_customer', t);
    END IF;
END $$;
