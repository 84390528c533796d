-- What somebody has besides their plan is ordered, begun and ended: what it goes with is written down with it, it is held and charged from one
-- transaction on, and the network knows of it.
ALTER TABLE oms.product_order DROP CONSTRAINT product_order_kind_check;
ALTER TABLE oms.product_order
    ADD CONSTRAINT product_order_kind_check CHECK (kind IN ('add', 'modify', 'move', 'delete', 'add_on', 'end_add_on')) NOT VALID;

ALTER TABLE catalogue.add_on_held
    ADD COLUMN order_id bigint,
    ADD COLUMN ended_by_order_id bigint,
    ADD COLUMN allotment_id bigint;
ALTER TABLE catalogue.add_on_held ADD CONSTRAINT add_on_held_order_fkey FOREIGN KEY (order_id) REFERENCES oms.product_order NOT VALID;
ALTER TABLE catalogue.add_on_held ADD CONSTRAINT add_on_held_ended_by_fkey FOREIGN KEY (ended_by_order_id) REFERENCES oms.product_order NOT VALID;
ALTER TABLE catalogue.add_on_held ADD CONSTRAINT add_on_held_allotment_fkey FOREIGN KEY (allotment_id) REFERENCES cmdb.allotment NOT VALID;
COMMENT ON COLUMN catalogue.add_on_held.ended_by_order_id IS 'its own end, another plan that it does not go with, or the end of the line';
COMMENT ON COLUMN catalogue.add_on_held.allotment_id IS 'the address that came with it, where it brings one';
GRANT UPDATE (ended_by_order_id) ON catalogue.add_on_held TO bedrock_executor;

-- An order is carried out as what it is. Code that knows of no add-ons would take one for the end of its line.
CREATE FUNCTION actions.order_is_carried_out_as_what_it_is() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_kind text := (SELECT ordered.kind FROM oms.product_order AS ordered WHERE ordered.id = NEW.key::bigint);
BEGIN
    IF NEW.kind IS DISTINCT FROM (CASE v_kind WHEN 'add_on' THEN 'add_on_start' WHEN 'end_add_on' THEN 'add_on_end' ELSE NEW.kind END) THEN
        RAISE EXCEPTION 'order % is an order of another kind than %', NEW.key, NEW.kind USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER as_what_it_is BEFORE INSERT ON actions.sequence FOR EACH ROW
    WHEN (NEW.kind IN ('line_start', 'line_end', 'plan_move', 'add_on_start', 'add_on_end') AND NEW.key ~ '^[0-9]{1,18}$')
    EXECUTE FUNCTION actions.order_is_carried_out_as_what_it_is();

-- The address of an add-on goes before the one of the plan, and what the catalogue has RADIUS answer for an add-on is answered with the plan's.
CREATE OR REPLACE FUNCTION radius.reply_of(p_line bigint, p_username text, p_nas text, p_modes text[])
RETURNS TABLE (id bigint, username text, attribute text, value text, op text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT item.place, p_username, item.attribute, item.value, item.op
      FROM crm.subscriber AS line
      JOIN catalogue.offering_version AS plan ON plan.id = line.offering_version_id
      LEFT JOIN catalogue.access_policy AS policy ON policy.offering_version_id = plan.id
      LEFT JOIN LATERAL (
          -- What the line holds of pools that RADIUS hands out; DHCP's own are told by DHCP.
          SELECT coalesce(min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 4 AND extra.id IS NOT NULL),
                          min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 4)) AS v4,
                 min(host(allotted.block)) FILTER (WHERE pool.kind = 'address' AND family(allotted.block) = 6) AS v6,
                 min(host(allotted.block) || '/' || masklen(allotted.block)) FILTER (WHERE pool.kind = 'prefix' AND family(allotted.block) = 6) AS delegated
            FROM cmdb.allotment AS allotted
            JOIN cmdb.pool ON pool.id = allotted.pool_id
            LEFT JOIN catalogue.add_on_held AS extra
              ON extra.subscriber_id = line.id AND extra.allotment_id = allotted.id AND extra.held_until IS NULL
           WHERE allotted.subscriber_id = line.id AND allotted.state IN ('reserved', 'assigned') AND pool.mode = ANY (p_modes)) AS own ON true
      CROSS JOIN LATERAL (
          VALUES
          (1::bigint, 'Acct-Interim-Interval', (SELECT nas.interim_s::text FROM cmdb.nas WHERE nas.device_id = nullif(p_nas, '')::bigint), ':='),
          (2, 'Session-Timeout', policy.session_timeout_s::text, ':='),
          -- A pool is for a line that has no address of its own.
          (3, 'Framed-Pool', CASE WHEN own.v4 IS NULL THEN policy.address_pool END, ':='),
          (4, 'Mikrotik-Rate-Limit', policy.rate_limit, ':='),
          (5, 'WISPr-Bandwidth-Max-Up', least(plan.up_kbps * 1000::bigint, 4294967295)::text, ':='),
          (6, 'WISPr-Bandwidth-Max-Down', least(plan.down_kbps * 1000::bigint, 4294967295)::text, ':='),
          (7, 'Framed-IP-Address', own.v4, ':='),
          (8, 'Framed-IPv6-Address', own.v6, ':='),
          (9, 'Delegated-IPv6-Prefix', own.delegated, ':=')
          UNION ALL
          SELECT 100 + reply.ordinal, reply.attribute, reply.value, reply.op FROM catalogue.reply_item AS reply WHERE reply.offering_version_id = plan.id
          UNION ALL
          SELECT 1000 * extra.id + reply.ordinal, reply.attribute, reply.value, reply.op
            FROM catalogue.add_on_held AS extra
            JOIN catalogue.reply_item AS reply ON reply.offering_version_id = extra.offering_version_id
           WHERE extra.subscriber_id = line.id AND extra.held_until IS NULL
          ) AS item (place, attribute, value, op)
     WHERE line.id = p_line AND item.value IS NOT NULL
     ORDER BY item.place;
END $$;

-- Held for whom the order was judged, and for nobody else.
CREATE TRIGGER stay_within AFTER INSERT ON catalogue.add_on_held REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION cmdb.line_stays_within();
CREATE TRIGGER stay_within_changed AFTER UPDATE ON catalogue.add_on_held REFERENCING NEW TABLE AS written FOR EACH STATEMENT
    WHEN (current_user = 'bedrock_executor') EXECUTE FUNCTION cmdb.line_stays_within();

INSERT INTO actions.may_write (effect, action)
SELECT kind.effect, unnest(kind.actions)
  FROM (VALUES
        ('catalogue.relation', ARRAY['define_offering']),
        ('oms.product_order', ARRAY['order_add_on', 'order_end_of_add_on', 'end_add_on']),
        ('oms.order_item', ARRAY['order_add_on', 'order_end_of_add_on']),
        ('oms.order_event', ARRAY['order_add_on', 'order_end_of_add_on']),
        ('catalogue.add_on_held', ARRAY['begin_add_on', 'take_back_add_on', 'end_add_on', 'move_plan', 'pass_return']),
        ('billing.charge', ARRAY['begin_add_on', 'take_back_add_on', 'end_add_on']),
        ('billing.account', ARRAY['begin_add_on']),
        ('cmdb.allotment', ARRAY['begin_add_on', 'take_back_add_on', 'end_add_on', 'move_plan', 'pass_return']),
        ('cmdb.pool', ARRAY['begin_add_on']),
        ('provisioner.refresh_session', ARRAY['take_back_add_on'])
       ) AS kind (effect, actions);
