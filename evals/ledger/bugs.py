# ruff: noqa: E501  a table of replacements reads best with one on each line
"""Bugs that somebody could have made in the books, each planted alone: the run must notice every one. Where two walls hold, both go."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from atlas.errors import AtlasError


class BugDoesNotFit(AtlasError):
    """The text a bug would change is not in the function any more: write the bug anew."""


@dataclass(frozen=True)
class Bug:
    """In `function`, `old` becomes `new`; `also` is run beside it, to take down a second wall."""

    name: str
    function: str = ""
    old: str = ""
    new: str = ""
    also: str = ""


LINES_CAN_CHANGE: Final = "DROP TRIGGER is_final ON billing.posting"
UNBALANCED_PASSES: Final = "DROP TRIGGER must_balance ON billing.journal"
OVERUSE_PASSES: Final = "ALTER TABLE billing.open_item DROP CONSTRAINT open_item_check"
REVERSED_TWICE_PASSES: Final = "ALTER TABLE billing.journal DROP CONSTRAINT journal_reverses_id_key"

BUGS: Final[Sequence[Bug]] = (
    Bug("balances are not moved", "post_to_caches", "kept.amount_minor + excluded", "kept.amount_minor + 0 * excluded"),
    Bug("the latest posting replaces the balance", "post_to_caches", "kept.amount_minor + excluded", "0 + excluded"),
    Bug("a balance forgets small change", "post_to_caches", "sum(posted.amount_minor)::bigint", "(sum(posted.amount_minor)::real)::bigint"),
    Bug("only the larger of two credits counts", "post_to_caches", "sum(posted.amount_minor)::bigint", "max(posted.amount_minor)"),
    Bug("a write-off is posted to one side", "write_off", "ARRAY[p_amount_minor, -p_amount_minor]", "ARRAY[0, -p_amount_minor]", UNBALANCED_PASSES),
    Bug("a write-off has the wrong sign", "write_off", "ARRAY['bad_debt', 'receivable']", "ARRAY['receivable', 'bad_debt']", OVERUSE_PASSES),
    Bug("a refund is a penny short at the bank", "refund", "p_amount_minor, -p_amount_minor", "p_amount_minor, 1 - p_amount_minor", UNBALANCED_PASSES),
    Bug("tax is not asked for", "issue_invoices", "charged.net + charged.tax", "charged.net", UNBALANCED_PASSES),
    Bug("tax and revenue change places", "issue_invoices", "('revenue', -charged.net), ('tax', -charged.tax)", "('revenue', -charged.tax), ('tax', -charged.net)"),
    Bug("discounts are not billed", "issue_invoices", "line.invoice_id = one.id", "line.invoice_id = one.id AND line.amount_minor > 0"),
    Bug("a bill takes no money that waits", "issue_invoices", "PERFORM billing.allocate(waiting.customer_ids)", "PERFORM waiting.customer_ids"),
    Bug("an allocation is a penny off", "allocate", "least(money.upto, debt.upto) -", "1 + least(money.upto, debt.upto) -", OVERUSE_PASSES),
    Bug("the newest bill is settled first", "allocate", "ORDER BY coalesce(", "ORDER BY current_date - coalesce("),
    Bug("the bill first issued is settled first", "allocate", "coalesce(invoice.due_on, (journal.posted_at AT TIME ZONE 'UTC')::date)", "NULL::date"),
    Bug("disputes are settled like the rest", "allocate", "AND invoice.is_disputed IS NOT TRUE", ""),
    Bug("a dispute that ends leaves its bill", "set_dispute", "IF NOT p_is_disputed THEN", "IF false THEN"),
    Bug("nobody waits for anybody", "lock_customers", "FOR UPDATE", "", OVERUSE_PASSES),
    Bug("a reversal is made twice", "reverse", "'reversal:' || p_journal_id", "'reversal:' || gen_random_uuid()", REVERSED_TWICE_PASSES),
    Bug("a reversal leaves what was settled", "reverse", "PERFORM billing.release(p_journal_id);", "", OVERUSE_PASSES),
    Bug("money set free stays idle", "reverse", "PERFORM billing.allocate(ARRAY[v_customer]);", ""),
    Bug("a reversal posts the same again", "reverse", "customer_id, -amount_minor FROM", "customer_id, amount_minor FROM", OVERUSE_PASSES),
    Bug("a cancelled bill is written over", "reverse_journal", "RETURN billing.reverse(p_journal_id, p_at, p_reason);",
        "UPDATE billing.posting SET amount_minor = 0 WHERE journal_id = p_journal_id; RETURN p_journal_id;", LINES_CAN_CHANGE),
    Bug("a payment told twice counts twice", "receive_payment", "'payment:' || p_reference", "'payment:' || p_reference || CASE WHEN EXISTS (SELECT FROM billing.payment WHERE provider_reference = p_reference) THEN ':' || gen_random_uuid() ELSE '' END",
        "ALTER TABLE billing.payment DROP CONSTRAINT payment_provider_reference_key"),
    Bug("another amount under one reference passes", "receive_payment", "IF known.amount_minor <> p_amount_minor THEN", "IF false THEN"),
    Bug("large payments pass through a float", "receive_payment", "ARRAY[p_amount_minor, -p_amount_minor]",
        "ARRAY[p_amount_minor::real::bigint, -p_amount_minor::real::bigint]"),
    Bug("more is given back than is unused", "refund", "IF p_amount_minor > v_unused", "IF p_amount_minor > v_unused + 1", OVERUSE_PASSES),
    Bug("a refund is given twice under one key", "refund", "IF v_journal IS NOT NULL THEN RETURN v_journal; END IF;", "IF v_journal IS NOT NULL THEN p_key := p_key || ':' || gen_random_uuid(); END IF;"),
    Bug("a refund uses no money", "refund", "VALUES (known.customer_id, v_money, v_journal, p_amount_minor)", "SELECT known.customer_id, v_money, v_journal, 1 WHERE false"),
    Bug("more is written off than is open", "write_off", "BETWEEN 1 AND v_open", "BETWEEN 1 AND v_open + 1", OVERUSE_PASSES),
    Bug("a credit is given twice for one cause", "post_credits", "|| due.subscriber_id AS operation_key", "|| due.subscriber_id || CASE WHEN EXISTS (SELECT FROM billing.credit AS given WHERE given.cause = p_cause AND given.subscriber_id = due.subscriber_id) THEN ':' || gen_random_uuid() ELSE '' END AS operation_key",
        "ALTER TABLE billing.credit DROP CONSTRAINT credit_subscriber_id_cause_key"),
    Bug("a credit costs us twice", "post_credits", "side.sign * due.amount_minor", "side.sign * due.amount_minor * 2"),
    Bug("a match leaves the money in suspense", "match_payment", "ARRAY['suspense', 'receivable']", "ARRAY['bank', 'receivable']"),
    Bug("a payment matched twice counts twice", "match_payment", "known.customer_id IS NOT NULL OR", ""),
    Bug("two people match one payment at once", "match_payment", "provider_reference = p_reference FOR UPDATE", "provider_reference = p_reference"),
    Bug("money goes back to suspense on paper only", "unmatch_payment", "RETURN billing.reverse(v_journal, p_at, p_reason);", "RETURN v_journal;"),
    Bug("an undone allocation still counts", "allocate_in_caches", "FROM allocated UNION ALL", "FROM allocated WHERE amount_minor > 0 UNION ALL", OVERUSE_PASSES),
    Bug("each credit note rounds its tax by itself", "issue_credit_note",
        "(wanted.amount_minor - wanted.net_left + wanted.net) / nullif(wanted.amount_minor, 0), v_rounding)\n                              - wanted.tax_minor + wanted.tax_left",
        "wanted.net / nullif(wanted.amount_minor, 0), v_rounding)"),
    Bug("more of a line is given back than was charged", "issue_credit_note", "AND abs(wanted.net) <= abs(wanted.net_left)", ""),
    Bug("a credit note leaves its own bill for the oldest", "issue_credit_note", "IF v_open > 0 THEN", "IF false THEN"),
    Bug("a bill that was cancelled is given back too", "issue_credit_note", "IF EXISTS (SELECT FROM billing.journal WHERE reverses_id = bill.journal_id)", "IF false"),
    Bug("a bill that was given back is cancelled too", "reverse_journal", "IF v_kind = 'invoice' THEN", "IF false THEN"),
    Bug("what is settled stays open", also="DROP TRIGGER allocate_in_caches ON billing.allocation"),
    Bug("hands put more to a bill than there is", "settle", "BETWEEN 1 AND v_most", "BETWEEN 1 AND v_most + 1", OVERUSE_PASSES),
)  # fmt: skip


def plant(url: str, bug: Bug) -> None:
    """Puts the bug into the books at `url`, as their owner. Raises BugDoesNotFit."""
    with psycopg.connect(url, autocommit=True) as conn:
        put(conn, bug)


def put(conn: psycopg.Connection, bug: Bug) -> None:
    """The same, in a transaction that may be taken back. Raises BugDoesNotFit."""
    if bug.function:
        found = conn.execute(
            "SELECT pg_get_functiondef(pg_proc.oid) FROM pg_proc WHERE pronamespace = 'billing'::regnamespace AND proname = %s",
            (bug.function,),
        ).fetchone()
        if found is None or bug.old not in found[0]:
            raise BugDoesNotFit(f"{bug.name}: {bug.old!r} is not in billing.{bug.function}")
        conn.execute(found[0].replace(bug.old, bug.new).encode())
    if bug.also:
        conn.execute(bug.also.encode())
