-- Whoever left, and has money to come, is given it: what their last days leave in their favour is issued as their final statement, and goes back by the
-- way they paid. Until now it was carried to a next bill that never came.

-- Whether anything is still to be billed to them after that day: a line, a charge, or an order that may bring one.
CREATE FUNCTION billing.has_left(p_customer_id bigint, p_on date) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT EXISTS (SELECT FROM crm.subscriber WHERE subscriber.customer_id = p_customer_id
                          AND subscriber.state NOT IN ('terminated', 'cancelled', 'aborted'))
       AND NOT EXISTS (SELECT FROM billing.charge WHERE charge.customer_id = p_customer_id AND (charge.ends_on IS NULL OR charge.ends_on > p_on))
       AND NOT EXISTS (SELECT FROM oms.product_order AS placed WHERE placed.customer_id = p_customer_id
                          AND placed.state NOT IN ('rejected', 'cancelled', 'completed', 'failed', 'partial'))
$$;

-- The last bills of those who left, where they are nothing or in their favour: issued with their numbers, once. What they leave settles what else is owed.
CREATE FUNCTION billing.issue_final(p_invoice_ids bigint[], p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM billing.invoice JOIN billing.bill_run AS run ON run.id = invoice.run_id
                WHERE invoice.id = ANY (p_invoice_ids) AND invoice.number IS NULL
                  AND (invoice.total_net_minor + invoice.total_tax_minor > 0 OR NOT billing.has_left(invoice.customer_id, run.billed_on)))
    THEN RAISE EXCEPTION 'invoice_ids: only a bill in favour of somebody who left is a final statement' USING ERRCODE = '22023'; END IF;
    RETURN billing.issue_invoices(ARRAY(SELECT id FROM billing.invoice WHERE id = ANY (p_invoice_ids) AND number IS NULL AND state = 'onHold'), p_at);
END $$;

-- Money that leaves for a credit goes back by the way of a payment that debts have used: which one is said here, and by allocation where it is unused money.
ALTER TABLE billing.journal ADD COLUMN gives_back_id bigint;
ALTER TABLE billing.journal ADD FOREIGN KEY (gives_back_id) REFERENCES billing.payment NOT VALID;
COMMENT ON COLUMN billing.journal.gives_back_id IS 'of a refund that pays a credit: the payment by whose way it goes back';

-- What was given back of a payment, by either.
CREATE FUNCTION billing.given_back(p_payment billing.payment) RETURNS bigint LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce((SELECT sum(allocation.amount_minor) FROM billing.allocation
                       JOIN billing.journal ON journal.id = allocation.to_journal_id AND journal.kind = 'refund' AND journal.gives_back_id IS NULL
                      WHERE allocation.from_journal_id = billing.journal_of_money(p_payment)), 0)::bigint
         + coalesce((SELECT sum(bank.amount_minor) * -1 FROM billing.journal
                       JOIN billing.posting AS bank ON bank.journal_id = journal.id AND bank.ledger_account = 'bank'
                      WHERE journal.gives_back_id = p_payment.id
                        AND NOT EXISTS (SELECT FROM billing.journal AS undoing WHERE undoing.reverses_id = journal.id)), 0)::bigint
$$;

-- Pays what a customer has to come: so much by the way of each of these payments; a reference that is no payment of theirs is the name of a transfer
-- that a person made. Never more than they have to come when all is netted, nor than a payment brought. The same key again changes nothing more.
CREATE FUNCTION billing.pay_back(p_key text, p_customer_id bigint, p_references text[], p_amounts_minor bigint[], p_is_by_hand boolean, p_at timestamptz,
                                 p_reason text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_credit bigint;
    v_total bigint := (SELECT sum(one) FROM unnest(p_amounts_minor) AS one);
    v_journal bigint;
    known billing.payment;
    part record;
BEGIN
    PERFORM billing.lock_customers(ARRAY[p_customer_id]);
    IF EXISTS (SELECT FROM billing.journal WHERE operation_key = 'refund:' || p_key || ':1') THEN RETURN 0; END IF;
    SELECT -amount_minor INTO v_credit FROM billing.balance WHERE customer_id = p_customer_id AND ledger_account = 'receivable';
    IF (v_total BETWEEN 1 AND v_credit) IS NOT TRUE OR EXISTS (SELECT FROM unnest(p_amounts_minor) AS one WHERE one <= 0)
    THEN RAISE EXCEPTION 'amount: % minor units are theirs to have back', greatest(coalesce(v_credit, 0), 0) USING ERRCODE = '22023'; END IF;
    FOR part IN SELECT one.reference, one.minor, one.place FROM unnest(p_references, p_amounts_minor) WITH ORDINALITY AS one (reference, minor, place) ORDER BY one.place LOOP
        known := NULL;
        IF NOT p_is_by_hand THEN
            SELECT * INTO known FROM billing.payment WHERE provider_reference = part.reference AND customer_id = p_customer_id FOR UPDATE;
            IF billing.journal_of_money(known) IS NULL OR part.minor > known.amount_minor - billing.given_back(known)
            THEN RAISE EXCEPTION 'amount: so much did not come by payment %, or went back already', part.reference USING ERRCODE = '22023'; END IF;
        END IF;
        INSERT INTO billing.journal (kind, operation_key, posted_at, reason, gives_back_id, action_id)
        VALUES ('refund', 'refund:' || p_key || ':' || part.place, p_at, p_reason, known.id, billing.acting()) RETURNING id INTO v_journal;
        INSERT INTO billing.posting (journal_id, ledger_account, customer_id, amount_minor)
        VALUES (v_journal, 'receivable', p_customer_id, part.minor), (v_journal, 'bank', p_customer_id, -part.minor);
    END LOOP;
    PERFORM billing.allocate(ARRAY[p_customer_id]);
    RETURN v_total;
END $$;

-- What the provider says was given back is compared with both.
CREATE OR REPLACE FUNCTION billing.act_upon(p_kind text, p_reference text, p_request_id bigint, p_customer_id bigint, p_amount_minor bigint, p_currency text,
                                            p_occurred_at timestamptz)
RETURNS text[] LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    books text := (SELECT code FROM billing.currency);
    known billing.payment;
    asked billing.payment_request;
    v_given bigint;
    v_is_returned boolean;
BEGIN
    IF p_kind IN ('failed', 'other', 'chargeback_lost') THEN RETURN ARRAY['nothing_to_do', '']; END IF;
    IF p_currency IS DISTINCT FROM coalesce(books, p_currency)
    THEN RETURN ARRAY['parked', format('currency: %s, and the books are kept in %s', p_currency, books)]; END IF;
    SELECT * INTO known FROM billing.payment WHERE provider_reference = p_reference FOR UPDATE;
    v_is_returned := EXISTS (SELECT FROM billing.journal WHERE reverses_id = known.journal_id);
    IF p_kind = 'received' THEN
        IF known.id IS NOT NULL AND known.amount_minor <> p_amount_minor
        THEN RETURN ARRAY['parked', format('amount: %s was received before as %s', p_amount_minor, known.amount_minor)]; END IF;
        IF known.id IS NOT NULL THEN RETURN ARRAY['nothing_to_do', 'received before']; END IF;
        SELECT * INTO asked FROM billing.payment_request WHERE id = p_request_id;
        IF asked.id IS NOT NULL AND (asked.amount_minor <> p_amount_minor OR asked.customer_id IS DISTINCT FROM p_customer_id) THEN
            PERFORM billing.receive_payment(NULL, p_amount_minor, p_occurred_at, 'card', p_reference);
            RETURN ARRAY['parked', format('amount: %s came where %s was asked for', p_amount_minor, asked.amount_minor)];
        END IF;
        PERFORM billing.receive_payment(p_customer_id, p_amount_minor, p_occurred_at, 'card', p_reference);
        UPDATE billing.payment_request SET state = 'paid' WHERE id = asked.id;
        IF p_customer_id IS NULL THEN RETURN ARRAY['parked', 'customer: nobody is named as who paid']; END IF;
        RETURN ARRAY['applied', ''];
    END IF;
    IF known.id IS NULL THEN RETURN ARRAY['early', 'its payment is not known yet']; END IF;
    IF p_kind = 'charged_back' THEN
        IF v_is_returned THEN RETURN ARRAY['nothing_to_do', 'taken back before']; END IF;
        IF billing.given_back(known) > 0
        THEN RETURN ARRAY['parked', 'some of it was given back already: both are not due']; END IF;
        PERFORM billing.return_payment(p_reference, p_occurred_at, 'charged back');
        RETURN ARRAY['applied', ''];
    END IF;
    IF p_kind = 'chargeback_won' THEN
        IF NOT v_is_returned THEN RETURN ARRAY['early', 'the chargeback itself is not known yet']; END IF;
        PERFORM billing.receive_payment(coalesce(p_customer_id, known.customer_id), p_amount_minor, p_occurred_at, 'card', p_reference || ':won');
        RETURN ARRAY['applied', ''];
    END IF;
    -- Given back: what an action of ours ordered is in the books; what somebody did at the provider's own desk is looked at.
    v_given := billing.given_back(known);
    IF v_given = p_amount_minor OR v_is_returned THEN RETURN ARRAY['nothing_to_do', 'as the books have it']; END IF;
    RETURN ARRAY['parked', format('amount: %s was given back at the provider, the books say %s', p_amount_minor, v_given)];
END $$;

INSERT INTO actions.may_write (effect, action) VALUES
    ('billing.journal.invoice', 'issue_final_statements'), ('billing.journal.refund', 'pay_back_leaver'), ('payments.refund', 'pay_back_leaver'),
    ('billing.journal.refund', 'record_payout');
GRANT EXECUTE ON FUNCTION billing.has_left, billing.given_back TO bedrock_executor, bedrock_staff;
GRANT EXECUTE ON FUNCTION billing.issue_final, billing.pay_back TO bedrock_executor;
