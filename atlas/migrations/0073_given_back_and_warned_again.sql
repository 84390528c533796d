-- What is given back of a bill, and a warning that reached nobody.

-- A note is numbered by whoever issued its bill; nothing is given back of a bill that was cancelled. The tax of a part is that of all that is given back
-- by then, less the tax given back before: rounded by itself, ten small notes gave back more tax than was ever charged.
CREATE OR REPLACE FUNCTION billing.issue_credit_note(p_key text, p_invoice_id bigint, p_line_ids bigint[], p_amounts_minor bigint[], p_at timestamptz, p_reason text)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bill billing.invoice;
    v_note bigint;
    v_journal bigint;
    v_number bigint;
    v_net bigint;
    v_tax bigint;
    v_open bigint;
    v_series text;
    v_rounding text := (SELECT rounding FROM billing.convention);
    v_lines billing.credit_note_line[];
BEGIN
    SELECT * INTO bill FROM billing.invoice WHERE id = p_invoice_id AND journal_id IS NOT NULL;
    IF bill.id IS NULL THEN RAISE EXCEPTION 'invoice_id: there is no issued invoice %', p_invoice_id USING ERRCODE = 'P0002'; END IF;
    PERFORM billing.lock_customers(ARRAY[bill.customer_id]);
    SELECT id INTO v_note FROM billing.credit_note WHERE key = p_key;
    IF v_note IS NOT NULL THEN RETURN v_note; END IF;
    IF EXISTS (SELECT FROM billing.journal WHERE reverses_id = bill.journal_id)
    THEN RAISE EXCEPTION 'invoice % was cancelled: nothing of it is left to give back', p_invoice_id USING ERRCODE = '55000'; END IF;
    SELECT min(notes.code) INTO v_series FROM billing.series AS bills JOIN billing.series AS notes ON notes.legal_entity = bills.legal_entity AND notes.kind = 'credit_note'
     WHERE bills.code = bill.series;
    IF v_series IS NULL THEN RAISE EXCEPTION 'series: whoever issued invoice % has no series of credit notes', p_invoice_id USING ERRCODE = '22023'; END IF;
    WITH left_of AS (
        SELECT line.id, line.amount_minor, line.tax_minor,
               line.amount_minor - coalesce(sum(given.amount_minor), 0)::bigint AS net_left, line.tax_minor - coalesce(sum(given.tax_minor), 0)::bigint AS tax_left
          FROM billing.invoice_line AS line LEFT JOIN billing.credit_note_line AS given ON given.invoice_line_id = line.id
         WHERE line.invoice_id = p_invoice_id AND line.id = ANY (p_line_ids)
         GROUP BY line.id
    ), wanted AS (
        SELECT DISTINCT ON (one.line_id) one.line_id, coalesce(one.amount_minor, left_of.net_left) AS net, left_of.*
          FROM unnest(p_line_ids, p_amounts_minor) AS one (line_id, amount_minor) LEFT JOIN left_of ON left_of.id = one.line_id
    )
    SELECT array_agg(ROW(0, wanted.line_id, wanted.net, CASE WHEN wanted.net = wanted.net_left THEN wanted.tax_left
                         ELSE billing.rounded(wanted.tax_minor::numeric * (wanted.amount_minor - wanted.net_left + wanted.net) / nullif(wanted.amount_minor, 0), v_rounding)
                              - wanted.tax_minor + wanted.tax_left END)::billing.credit_note_line)
      INTO v_lines
      FROM wanted
     WHERE wanted.id IS NOT NULL AND wanted.net <> 0 AND sign(wanted.net) = sign(wanted.net_left) AND abs(wanted.net) <= abs(wanted.net_left);
    SELECT coalesce(sum(one.amount_minor), 0), coalesce(sum(one.tax_minor), 0) INTO v_net, v_tax FROM unnest(v_lines) AS one;
    IF cardinality(v_lines) IS DISTINCT FROM cardinality(p_line_ids) OR v_net + v_tax <= 0
    THEN RAISE EXCEPTION 'amount: more than what is left of the lines of invoice %, or nothing', p_invoice_id USING ERRCODE = '22023'; END IF;
    v_journal := billing.post('credit_note', 'credit_note:' || p_key, p_at, bill.customer_id, ARRAY['receivable', 'revenue', 'tax'],
                              ARRAY[-(v_net + v_tax), v_net, v_tax], p_reason);
    SELECT least(open_minor, v_net + v_tax) INTO v_open FROM billing.open_item WHERE journal_id = bill.journal_id;
    IF v_open > 0 THEN
        INSERT INTO billing.allocation (customer_id, from_journal_id, to_journal_id, amount_minor) VALUES (bill.customer_id, v_journal, bill.journal_id, v_open);
    END IF;
    PERFORM billing.allocate(ARRAY[bill.customer_id]);
    SET CONSTRAINTS billing.must_balance IMMEDIATE;
    SET CONSTRAINTS billing.must_balance DEFERRED;
    UPDATE billing.series SET next_number = next_number + 1 WHERE code = v_series RETURNING next_number - 1 INTO v_number;
    INSERT INTO billing.credit_note (series, number, invoice_id, customer_id, issued_at, reason, key, journal_id, action_id)
    VALUES (v_series, v_number, p_invoice_id, bill.customer_id, p_at, p_reason, p_key, v_journal, billing.acting()) RETURNING id INTO v_note;
    INSERT INTO billing.credit_note_line (credit_note_id, invoice_line_id, amount_minor, tax_minor)
    SELECT v_note, one.invoice_line_id, one.amount_minor, one.tax_minor FROM unnest(v_lines) AS one;
    RETURN v_note;
END $$;

-- Cancels a bill, a credit, a refund, a write-off or an opening balance, once. Money that came in goes back by return_payment. A credit note is a document
-- with a number and stays; and who cancels a bill that one gave back would give it back twice.
CREATE OR REPLACE FUNCTION billing.reverse_journal(p_journal_id bigint, p_at timestamptz, p_reason text) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
DECLARE v_kind text := (SELECT kind FROM billing.journal WHERE id = p_journal_id);
BEGIN
    IF v_kind IN ('payment', 'match') THEN RAISE EXCEPTION 'money received is not reversed here' USING ERRCODE = '55000'; END IF;
    IF v_kind = 'credit_note' THEN RAISE EXCEPTION 'a credit note is not reversed: charge it anew' USING ERRCODE = '55000'; END IF;
    IF v_kind = 'invoice' THEN
        -- Behind the lock that a note takes too: of the two only one is there first.
        PERFORM billing.lock_customers(ARRAY(SELECT customer_id FROM billing.invoice WHERE journal_id = p_journal_id));
        IF EXISTS (SELECT FROM billing.credit_note JOIN billing.invoice ON invoice.id = credit_note.invoice_id WHERE invoice.journal_id = p_journal_id)
        THEN RAISE EXCEPTION 'a bill of which something was given back is not cancelled: give back the rest' USING ERRCODE = '55000'; END IF;
    END IF;
    RETURN billing.reverse(p_journal_id, p_at, p_reason);
END $$;

-- A warning that reached nobody was not given: it is said again, and each time is kept.
ALTER TABLE billing.dunning_step
    ADD COLUMN attempt int NOT NULL DEFAULT 1,
    ADD CHECK (attempt > 0) NOT VALID;
COMMENT ON COLUMN billing.dunning_step.attempt IS 'more than one only of a warning whose earlier attempts reached nobody';
