-- A landlord is a person: whose building it is can be said by a record of theirs, and no customer's login reads a landlord's name.
ALTER TABLE gis.building ADD COLUMN landlord_id bigint REFERENCES crm.customer;
COMMENT ON COLUMN gis.building.landlord_id IS 'the landlord''s own record, where we have one: their copy holds the building and their erasure takes their name out of it';

-- Where a line could be laid is answered by vetted functions, which say whether there is consent and not whose.
REVOKE SELECT ON gis.building FROM bedrock_customer;
