"""What is asked of the bills every night finds what was spoilt behind the back of every lock."""

from datetime import date

import pytest

from atlas.billing.reads.books import broken_invariants
from tests.billing.arranged import one
from tests.billing.billed import billed, charged_line, plan
from tests.given import NOW, Owner

MARCH = date(2026, 3, 1)


@pytest.mark.parametrize(
    ("spoilt", "invariant"),
    [
        ("UPDATE billing.series SET next_number = next_number + 1", "numbers are without gaps"),
        ("UPDATE billing.invoice_line SET subscriber_id = subscriber_id + 1", "a line is of its charge"),
        ("UPDATE billing.invoice_line SET unit_minor = unit_minor + 100", "a line is worth its formula"),
        ("UPDATE billing.credit_note_line SET amount_minor = amount_minor - 1", "a credit note is posted with its lines"),
        ("UPDATE billing.credit_note_line SET amount_minor = amount_minor * 2", "a credit note gives back no more than was charged"),
    ],
)
async def test_a_bill_that_was_spoilt_is_found(owner: Owner, spoilt: str, invariant: str) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), MARCH)
    await billed(owner, MARCH, customer)
    note = "SELECT billing.issue_credit_note('k', invoice_id, ARRAY[id], ARRAY[NULL::bigint], %s, 'a mistake') FROM billing.invoice_line"
    await one(owner, note, NOW)
    assert await broken_invariants(owner) == []

    await owner.execute("SET session_replication_role = replica")
    await owner.execute(spoilt.encode())

    assert invariant in {broken.invariant for broken in await broken_invariants(owner)}
