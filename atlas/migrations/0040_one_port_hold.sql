-- One kind of port kept for an order: gis.reservation, of a numbered port. What oms.port_hold still keeps moves there; nothing writes it any more.
DO $$
DECLARE
    hold   record;
    v_port int;
BEGIN
    FOR hold IN SELECT kept.order_id, kept.device_id, kept.until, kept.action_id, line.premise_id, line.id AS line, point.ports
                  FROM oms.port_hold AS kept
                  JOIN oms.product_order AS ordered ON ordered.id = kept.order_id
                  JOIN crm.subscriber AS line ON line.id = ordered.subscriber_id
                  JOIN gis.serving_point AS point ON point.device_id = kept.device_id
                 WHERE kept.ended_at IS NULL AND kept.until > clock_timestamp()
                 ORDER BY kept.order_id
    LOOP
        SELECT min(number) INTO v_port FROM generate_series(1, hold.ports) AS number
         WHERE NOT EXISTS (SELECT FROM cmdb.access WHERE access.device_id = hold.device_id AND access.port = number)
           AND NOT EXISTS (SELECT FROM gis.reservation AS held WHERE held.device_id = hold.device_id AND held.port = number AND held.ended_at IS NULL);
        -- A line that hangs there already is counted as one.
        IF v_port IS NOT NULL AND NOT EXISTS (SELECT FROM cmdb.access WHERE access.subscriber_id = hold.line) THEN
            INSERT INTO gis.reservation (device_id, port, premise_id, key, expires_at, action_id)
            VALUES (hold.device_id, v_port, hold.premise_id, 'order:' || hold.order_id, hold.until, hold.action_id)
                ON CONFLICT DO NOTHING;
        END IF;
        UPDATE oms.port_hold SET ended_at = clock_timestamp() WHERE port_hold.order_id = hold.order_id;
    END LOOP;
END $$;
COMMENT ON TABLE oms.port_hold IS 'as orders kept ports until 0040: counted while one is open, written by nobody; goes with a contraction';
