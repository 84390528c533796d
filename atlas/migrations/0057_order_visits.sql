-- The visits in which the last metres of an order are laid: which jobs of the field they are. The latest is the one that counts.
CREATE TABLE oms.order_visit (
    job_id    bigint PRIMARY KEY REFERENCES field_service.job,
    order_id  bigint NOT NULL REFERENCES oms.product_order,
    action_id bigint NOT NULL DEFAULT nullif(current_setting('bedrock.action', true), '')::bigint REFERENCES actions.action
);
CREATE INDEX visit_of_order ON oms.order_visit (order_id, job_id);
CALL atlas.protect('oms.order_visit', 'order_id IN (SELECT id FROM oms.product_order WHERE customer_id = (SELECT atlas.verified_customer_id()))');
CALL actions.guard(ARRAY['oms.order_visit']::regclass[]);
GRANT INSERT ON oms.order_visit TO bedrock_executor;
