-- Which way an order may go (TMF622), once more and below everything: whatever asks, the executor moves no order where it may not go.
-- atlas/oms/rules.py LEGAL says the same, and a test compares the two.
CREATE FUNCTION oms.is_legal(p_now text, p_wanted text) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp
AS $$
    SELECT (p_now, p_wanted) IN (VALUES
        ('acknowledged', 'rejected'), ('acknowledged', 'pending'), ('acknowledged', 'held'), ('acknowledged', 'inProgress'), ('acknowledged', 'cancelled'),
        ('pending', 'inProgress'), ('pending', 'held'), ('pending', 'cancelled'), ('pending', 'failed'),
        ('held', 'inProgress'), ('held', 'pending'), ('held', 'cancelled'), ('held', 'failed'),
        ('inProgress', 'pending'), ('inProgress', 'held'), ('inProgress', 'completed'), ('inProgress', 'failed'), ('inProgress', 'partial'),
        ('inProgress', 'assessingCancellation'), ('assessingCancellation', 'pendingCancellation'), ('assessingCancellation', 'inProgress'),
        ('pendingCancellation', 'cancelled'))
$$;
CREATE FUNCTION oms.keep_legal() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'an order that is % does not become %', OLD.state, NEW.state USING ERRCODE = '23514';
END $$;
CREATE TRIGGER keep_legal BEFORE UPDATE OF state ON oms.product_order FOR EACH ROW
    WHEN (current_user = 'bedrock_executor' AND OLD.state IS DISTINCT FROM NEW.state AND NOT oms.is_legal(OLD.state, NEW.state))
    EXECUTE FUNCTION oms.keep_legal();
GRANT EXECUTE ON FUNCTION oms.is_legal TO bedrock_executor;
