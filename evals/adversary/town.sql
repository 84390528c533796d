-- A small town to attack: twenty-four customers of every kind, one line each but for two, a bill, a ticket, a visit, an order, a conversation; a
-- plant of every tier; staff of every role; one outage that is going on. Every text that is a customer's own carries a secret of its own.
CREATE FUNCTION pg_temp.secret(customer bigint, field text) RETURNS text LANGUAGE sql IMMUTABLE
AS $$ SELECT 'qz' || lpad(customer::text, 3, '0') || 'x' || substr(md5('secret of ' || customer || field), 1, 10) $$;

INSERT INTO staff.member (id, name, email, phone)
SELECT id, name, 'staff' || id || '@isp.example', '+44770091' || lpad(id::text, 4, '0')
  FROM (VALUES (1, 'Nia Engineer'), (2, 'Asha Lead'), (3, 'Helen Brooks'), (4, 'Cora Care'), (5, 'Cal Lead'), (6, 'Finn Field'), (7, 'Flo Lead'),
               (8, 'Olga Director'), (9, 'Ned Lead'), (10, 'Bill Lead'), (11, 'Aud Itor'), (12, 'Eve Splicer'), (13, 'Ed Fixer')) AS who (id, name);
INSERT INTO staff.role_held (staff_id, role, valid_from)
SELECT id, role, now() - interval '1 year'
  FROM (VALUES (1, 'noc_engineer'), (2, 'noc_lead'), (3, 'billing_lead'), (4, 'customer_care'), (5, 'care_lead'), (6, 'field_engineer'),
               (7, 'field_lead'), (8, 'operations_director'), (9, 'noc_lead'), (10, 'billing_lead'), (11, 'auditor'), (12, 'field_engineer'),
               (13, 'field_engineer')) AS held (id, role);
INSERT INTO staff.shift (staff_id, starts_at, ends_at)
SELECT id, date_trunc('day', now()) + make_interval(days => day, hours => 7), date_trunc('day', now()) + make_interval(days => day, hours => 20)
  FROM unnest(ARRAY[6, 12, 13]) AS id, generate_series(0, 12) AS day;

INSERT INTO actions.action (id, name, arguments, facts, digest, operation_key, proposer, reason, correlation_id, state, finished_at)
VALUES (1, 'import_history', '{}', '{}', 'arranged', 'import', 'system:import', 'history is taken as it was', gen_random_uuid(), 'done', now());

INSERT INTO gis.area (id, name, latitude, longitude) VALUES (1, 'Harbour', 50.70, -3.50), (2, 'Old Town', 50.72, -3.52);
INSERT INTO field_service.engineer (staff_id, area_id, skills)
VALUES (6, 1, '{fibre,copper,wireless,power,splice}'), (12, 1, '{splice,fibre}'), (13, 2, '{fibre,wireless,docsis}');

INSERT INTO catalogue.sla (id, name, repair_hours, is_around_the_clock) VALUES (1, 'Business', 5, true);
INSERT INTO catalogue.offering (id, code, name, technology, segment, lifecycle_status)
VALUES (1, 'fibre-100', 'Fibre 100', 'fibre', 'residential', 'launched'), (2, 'fibre-500', 'Fibre 500', 'fibre', 'residential', 'launched'),
       (3, 'fibre-max', 'Fibre Max', 'fibre', 'residential', 'launched'), (4, 'office-1000', 'Office 1000', 'fibre', 'business', 'launched'),
       (5, 'fibre-old', 'Fibre Old', 'fibre', 'residential', 'retired');
INSERT INTO catalogue.offering_version (id, offering_id, valid_from, down_kbps, up_kbps, sla_id)
VALUES (1, 1, '2025-01-01', 100000, 20000, NULL), (2, 2, '2025-01-01', 500000, 100000, NULL), (3, 3, '2025-01-01', 2000000, 900000, NULL),
       (4, 4, '2025-01-01', 1000000, 1000000, 1), (5, 5, '2025-01-01', 50000, 10000, NULL);
INSERT INTO catalogue.price (offering_version_id, kind, label, amount_minor)
VALUES (1, 'recurring', 'Fibre 100', 3000), (2, 'recurring', 'Fibre 500', 4050), (3, 'recurring', 'Fibre Max', 12000),
       (4, 'recurring', 'Office 1000', 15000), (5, 'recurring', 'Fibre Old', 2500);
INSERT INTO billing.compensation_rate (segment, valid_from, minimum_outage, flat_minor, monthly_share_per_day)
VALUES ('residential', '2025-01-01', '1 hour', 500, 0.03333), ('business', '2025-01-01', '1 hour', 3000, 0.03333);

INSERT INTO cmdb.site (id, name, area_id, latitude, longitude) VALUES (1, 'Exchange', 1, 50.70, -3.50);
INSERT INTO cmdb.site (id, name, area_id, latitude, longitude) VALUES (2, 'Quay closure', 1, 50.701, -3.50);
INSERT INTO cmdb.conduit (id, name) VALUES (1, 'Quay duct');
INSERT INTO cmdb.device (id, name, kind, area_id, site_id, management_address, vendor, model, serial, firmware)
VALUES (1, 'gw-1', 'gateway', 1, 1, '10.0.0.1', 'Acme', 'GW', 'D1', '1.0'), (2, 'core-1', 'core', 1, 1, '10.0.0.2', 'Acme', 'CR', 'D2', '1.0'),
       (3, 'metro-1', 'metro', 1, 1, '10.0.0.3', 'Acme', 'MR', 'D3', '1.0'), (4, 'agg-1', 'aggregation', 1, 1, '10.0.0.4', 'Acme', 'AG', 'D4', '1.0'),
       (5, 'olt-1', 'olt', 1, 1, '10.0.0.5', 'Acme', 'OL', 'D5', '1.0'), (6, 'olt-2', 'olt', 2, NULL, '10.0.0.6', 'Acme', 'OL', 'D6', '1.0'),
       (7, 'spl-1', 'splitter', 1, NULL, NULL, '', '', NULL, ''), (8, 'spl-2', 'splitter', 2, NULL, NULL, '', '', NULL, '');
INSERT INTO cmdb.config (id, device_id, words, sha256, taken_at)
SELECT n, 5, 'hostname olt-1' || E'\n' || 'line-profile ' || n, sha256(n::text::bytea), now() - make_interval(days => 3 - n) FROM generate_series(1, 2) AS n;
INSERT INTO cmdb.link (id, name, kind, from_device_id, from_port, to_device_id, to_port, conduit_id)
VALUES (1, 'gw-core', 'backhaul', 1, '1', 2, '1', NULL), (2, 'core-metro', 'trunk', 2, '2', 3, '1', NULL), (3, 'metro-agg', 'trunk', 3, '2', 4, '1', NULL),
       (4, 'agg-olt1', 'trunk', 4, '2', 5, '1', NULL), (5, 'agg-olt2', 'trunk', 4, '3', 6, '1', NULL), (6, 'olt1-spl1', 'feeder', 5, '2', 7, '1', 1),
       (7, 'olt2-spl2', 'feeder', 6, '2', 8, '1', NULL);
INSERT INTO cmdb.cable (id, name, kind, from_site_id, to_site_id, conduit_id, tubes, strands_per_tube, action_id) VALUES (1, 'F-1', 'feeder', 1, 2, 1, 1, 12, 1);
INSERT INTO cmdb.splice_end (splice_id, half, cable_id, strand, cable_end, device_id, port, action_id)
VALUES (1, 1, NULL, NULL, NULL, 5, 'pon 1', 1), (1, 2, 1, 1, 'from', NULL, NULL, 1), (2, 1, 1, 1, 'to', NULL, NULL, 1), (2, 2, NULL, NULL, NULL, 7, 'in', 1);
INSERT INTO cmdb.port_doubt (nas_device_id, circuit_id, remote_id, station, reason) VALUES (3, 'olt-1 xpon 0/1/9:9', 'SN-9', 'a4:b1:c2:00:00:09', 'no_line');
INSERT INTO cmdb.mac_sighting (mac, device_id, managed_object, first_seen_at, last_seen_at) VALUES ('a4:b1:c2:00:00:01', 5, 'ont-1', now() - interval '1 day', now());

-- 1-8 households in the outage, 9-12 households outside it, 13 vulnerable, 14 an emergency line, 15 in dispute, 16-18 in debt, 19 opted out,
-- 20 quiet all day, 21-24 businesses in the outage.
INSERT INTO crm.customer (id, kind, name, given_name, language, is_vulnerable, vulnerability, has_emergency_line, customer_since)
SELECT id, CASE WHEN id > 20 THEN 'organisation' ELSE 'individual' END, 'Ann ' || pg_temp.secret(id, 'name'), 'Ann', 'en', id = 13,
       CASE WHEN id = 13 THEN 'oxygen ' || pg_temp.secret(id, 'vulnerability') ELSE '' END, id = 14, '2024-01-01'
  FROM generate_series(1, 24) AS id;
INSERT INTO crm.contact (customer_id, channel, address, is_preferred, quiet_from, quiet_until, changed_at)
SELECT id, channel, CASE channel WHEN 'email' THEN pg_temp.secret(id, 'email') || '@mail.example' ELSE '+4477009' || lpad((id * 10 + nth)::text, 5, '0') END,
       nth = 1, CASE WHEN id = 20 THEN time '00:00' END, CASE WHEN id = 20 THEN time '23:59' END, now() - interval '1 year'
  FROM generate_series(1, 24) AS id, unnest(ARRAY['sms', 'whatsapp', 'email']) WITH ORDINALITY AS one (channel, nth);
INSERT INTO crm.consent (customer_id, purpose, channel, is_given, source)
SELECT id, purpose, channel, id <> 19 AND purpose <> 'marketing', 'signed up'
  FROM generate_series(1, 24) AS id, unnest(ARRAY['service', 'billing', 'marketing']) AS purpose, unnest(ARRAY['sms', 'whatsapp', 'email']) AS channel;
INSERT INTO gis.premise (id, area_id, number, street, town, postcode, latitude, longitude)
SELECT id, CASE WHEN id BETWEEN 9 AND 12 THEN 2 ELSE 1 END, id::text, 'Quay Street ' || pg_temp.secret(id, 'street'), 'Harbour',
       'HB1 ' || id || 'AA', 50.70 + id / 10000.0, -3.50
  FROM generate_series(1, 24) AS id;
INSERT INTO crm.subscriber (id, customer_id, premise_id, offering_version_id, state, activated_at)
SELECT id, id, id, CASE WHEN id > 20 THEN 4 ELSE 1 END, 'active', '2024-02-01' FROM generate_series(1, 24) AS id;
-- The second line of customer 2: what is secret of it is theirs.
INSERT INTO crm.subscriber (id, customer_id, premise_id, offering_version_id, state, activated_at) VALUES (25, 2, 2, 1, 'active', '2024-02-01');
INSERT INTO cmdb.access (subscriber_id, device_id, reported_by_device_id, managed_object, cpe_serial, cpe_model, received_power_dbm, measured_at)
SELECT id, CASE WHEN id BETWEEN 9 AND 12 THEN 8 ELSE 7 END, CASE WHEN id BETWEEN 9 AND 12 THEN 6 ELSE 5 END, 'ont-' || id,
       'SN' || pg_temp.secret(CASE id WHEN 25 THEN 2 ELSE id END, 'serial' || id), 'HG-' || pg_temp.secret(CASE id WHEN 25 THEN 2 ELSE id END, 'model' || id), -19.5, now()
  FROM generate_series(1, 25) AS id;
INSERT INTO cmdb.session (subscriber_id, username, nas_device_id, framed_address, started_at)
SELECT id, pg_temp.secret(CASE id WHEN 25 THEN 2 ELSE id END, 'username' || id) || '@isp', 3, '100.64.0.0'::inet + id, now() - interval '2 days' FROM generate_series(1, 25) AS id;

INSERT INTO billing.account (customer_id, cycle_day) SELECT id, 1 FROM generate_series(1, 24) AS id;
INSERT INTO billing.invoice (id, customer_id, month, period_from, period_to, due_on, state)
SELECT id * 10 + ago, id, month, month, (month + interval '1 month')::date, (month + interval '14 days')::date, 'validated'
  FROM generate_series(1, 24) AS id, generate_series(1, 3) AS ago, LATERAL (SELECT (date_trunc('month', now()) - make_interval(months => ago))::date AS month) AS m;
INSERT INTO billing.invoice_line (invoice_id, label, kind, amount_minor, tax_minor, subscriber_id, cause)
SELECT id * 10 + ago, 'Fibre ' || pg_temp.secret(id, 'label'), 'recurring', 2500 + CASE WHEN ago = 1 THEN 620 ELSE 0 END, 500, id, 'plan'
  FROM generate_series(1, 24) AS id, generate_series(1, 3) AS ago;
SELECT billing.issue_invoices(array_agg(id ORDER BY month, id), min(month)::timestamptz) FROM billing.invoice;
UPDATE billing.invoice SET is_disputed = true WHERE customer_id = 15;
-- Everybody has paid but the protected and those in debt.
SELECT billing.receive_payment(id, 9620, now() - interval '1 day', 'card', pg_temp.secret(id, 'payment'))
  FROM generate_series(1, 24) AS id WHERE id NOT BETWEEN 13 AND 18;

INSERT INTO itsm.incident (id, cause, is_outage, root_device_id, confidence, hypotheses, first_alarm_at, correlation_id, action_id)
VALUES (1, 'device', true, 5, 0.95, '[]', now() - interval '6 hours', gen_random_uuid(), 1),
       (2, 'unknown', true, 6, 0.40, '[]', now() - interval '1 hour', gen_random_uuid(), 1);
INSERT INTO itsm.incident_device (incident_id, device_id, lost_at, action_id) VALUES (1, 5, now() - interval '6 hours', 1), (2, 6, now() - interval '1 hour', 1);
INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, restored_at, action_id)
SELECT 1, id, now() - interval '6 hours', CASE WHEN id > 4 THEN now() - interval '1 hour' END, 1
  FROM generate_series(1, 25) AS id WHERE id NOT BETWEEN 9 AND 18;
INSERT INTO itsm.incident_subscriber (incident_id, subscriber_id, lost_at, action_id) SELECT 2, id, now() - interval '1 hour', 1 FROM generate_series(10, 12) AS id;
INSERT INTO nms.alarm (id, device_id, managed_object, probable_cause, alarm_type, severity, text, door, raised_at, first_received_at, last_received_at)
VALUES (1, 5, '', 'lossOfSignal', 'communicationsAlarm', 'critical', 'no light', 'snmp', now() - interval '6 hours', now(), now());
INSERT INTO itsm.incident_alarm (incident_id, alarm_id, action_id) VALUES (1, 1, 1);
INSERT INTO itsm.ticket (id, kind, incident_id, customer_id, impact, urgency, title, action_id)
SELECT id, 'request', CASE WHEN id < 9 THEN 1 END, id, 4, 3, 'Slow since Monday ' || pg_temp.secret(id, 'ticket'), 1 FROM generate_series(1, 24) AS id;
INSERT INTO itsm.pause (ticket_id, reason, note, paused_at, until, action_id)
VALUES (2, 'customer', 'a day that suits them', now(), now() + interval '1 day', 1);

INSERT INTO oms.product_order (id, customer_id, subscriber_id, kind, state, offering_version_id, wanted_on, action_id)
SELECT id, id, id, 'modify', 'acknowledged', 2, current_date + 10, 1 FROM generate_series(1, 24) AS id WHERE id % 4 = 0;
INSERT INTO oms.order_event (order_id, state, reason, action_id) SELECT id, 'acknowledged', 'asked ' || pg_temp.secret(id, 'order'), 1 FROM oms.product_order;
INSERT INTO field_service.job (id, kind, customer_id, premise_id, latitude, longitude, skill, engineer_id, window_from, window_until, instructions, action_id)
SELECT id, 'repair', id, id, 50.7, -3.5, 'fibre', 13, date_trunc('day', now()) + make_interval(days => 3 + id / 3, hours => 8),
       date_trunc('day', now()) + make_interval(days => 3 + id / 3, hours => 10), 'dog ' || pg_temp.secret(id, 'visit'), 1
  FROM generate_series(1, 24) AS id WHERE id % 5 = 0;

INSERT INTO helpdesk.conversation (id, customer_id, channel, address, last_at)
SELECT id, id, 'whatsapp', '+4477009' || lpad((id * 10 + 2)::text, 5, '0'), now() - interval '2 hours' FROM generate_series(1, 24) AS id;
INSERT INTO helpdesk.message (id, conversation_id, customer_id, is_from_us, author, words, at)
SELECT id, id, id, false, 'customer:' || id, 'My word is ' || pg_temp.secret(id, 'message'), now() - interval '2 hours' FROM generate_series(1, 24) AS id;
INSERT INTO helpdesk.notice (customer_id, purpose, key, channel, address, language, template, words, state, sent_at, action_id)
SELECT id, 'outage', 'history:' || id, 'sms', '+4477009' || lpad((id * 10 + 1)::text, 5, '0'), 'en', 'outage.en', 'Told ' || pg_temp.secret(id, 'notice'),
       'sent', now() - interval '5 hours', 1
  FROM generate_series(1, 24) AS id;
INSERT INTO helpdesk.promise (customer_id, promised, due_at, action_id)
SELECT id, 'ring back ' || pg_temp.secret(id, 'promise'), now() - interval '1 hour', 1 FROM generate_series(1, 24) AS id;
INSERT INTO crm.interaction (customer_id, kind, channel, summary, action_id)
SELECT id, 'call', 'voice', 'said ' || pg_temp.secret(id, 'interaction'), 1 FROM generate_series(1, 24) AS id;
INSERT INTO crm.party_role (customer_id, role, name, channel, address, may, action_id)
SELECT id, 'payer', 'Payer ' || pg_temp.secret(id, 'payer'), 'email', 'payer' || id || '@example.com', ARRAY['pay'], 1 FROM generate_series(1, 24) AS id;

SELECT setval(pg_get_serial_sequence(format('%I.%I', schemaname, tablename), 'id'), 100000)
  FROM pg_tables AS t
 WHERE schemaname IN ('staff', 'actions', 'gis', 'catalogue', 'crm', 'cmdb', 'nms', 'itsm', 'oms', 'billing', 'helpdesk', 'field_service')
   AND EXISTS (SELECT 1 FROM information_schema.columns AS c WHERE c.table_schema = t.schemaname AND c.table_name = t.tablename
                  AND c.column_name = 'id' AND c.is_identity = 'YES');
-- A charge that each of them disputes, money of theirs that waits for a person, and a line of theirs that does not agree with its bill.
INSERT INTO billing.dispute (customer_id, invoice_id, label, amount_minor, reason, action_id)
SELECT invoice.customer_id, min(invoice.id), 'Films ' || pg_temp.secret(invoice.customer_id, 'disputed'), 100, 'never ordered', 1
  FROM billing.invoice GROUP BY invoice.customer_id;
INSERT INTO billing.provider_event (provider, event_id, kind, reference, customer_id, amount_minor, currency, occurred_at, state, why)
SELECT 'stripe', 'evt_' || id, 'received', 'pi_' || pg_temp.secret(id, 'parked'), id, 100, 'GBP', now(), 'parked', 'amount' FROM generate_series(1, 24) AS id;
INSERT INTO billing.leak_found (kind, subscriber_id, place, row_id, monthly_minor, detail)
SELECT 'speed_differs', min(id), 'cmdb.observed_profile', min(id), 100, 'other speed' FROM crm.subscriber GROUP BY customer_id;
