-- A plan of the network comes in by an order, as everything else that is written down: no device and no link is put in without one, and none higher up
-- than was judged.
CREATE TRIGGER require_claim_before BEFORE INSERT ON cmdb.device FOR EACH STATEMENT WHEN (current_user = 'bedrock_executor')
    EXECUTE FUNCTION actions.require_claim();
CREATE TRIGGER require_claim_before BEFORE INSERT ON cmdb.link FOR EACH STATEMENT WHEN (current_user = 'bedrock_executor')
    EXECUTE FUNCTION actions.require_claim();
CREATE TRIGGER stay_within_new AFTER INSERT ON cmdb.device REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION cmdb.device_stays_within();
INSERT INTO actions.may_write (effect, action)
VALUES ('gis.area', 'import_topology'), ('cmdb.conduit', 'import_topology'), ('cmdb.site', 'import_topology'), ('cmdb.device', 'import_topology'),
       ('cmdb.link', 'import_topology');
