"""What is given back of a bill: no more than was charged, of no bill that was cancelled, and numbered by whoever sent the bill."""

from datetime import date

import pytest
from psycopg.errors import InvalidParameterValue, ObjectNotInPrerequisiteState

from atlas.billing.reads.books import broken_invariants
from tests import given
from tests.billing.arranged import bill, customer_with_line, one, owed
from tests.given import NOW, Owner

MARCH = date(2026, 3, 1)
NOTE = (
    "SELECT billing.issue_credit_note(%s, invoice_id, ARRAY[id], ARRAY[%s::bigint], %s, 'a mistake')"
    "  FROM billing.invoice_line WHERE invoice_id = %s"
)


async def noted(owner: Owner, invoice: int, net: int | None = None, key: str = "n1") -> None:
    await owner.execute("SELECT set_config('bedrock.action', %s, false)", (str(await given.action(owner)),))
    await owner.execute(NOTE, (key, net, NOW, invoice))


async def cancelled(owner: Owner, invoice: int) -> None:
    await owner.execute("SELECT billing.reverse_journal(journal_id, %s, 'a mistake') FROM billing.invoice WHERE id = %s", (NOW, invoice))


async def billed(owner: Owner, net: int = 100, tax: int = 20, **columns: str) -> tuple[int, int]:
    customer, _ = await customer_with_line(owner)
    return customer, await bill(owner, customer, MARCH, {"Fibre": net}, {"Fibre": tax}, **columns)


async def test_many_small_notes_give_back_together_what_was_charged_and_no_more_tax(owner: Owner) -> None:
    customer, invoice = await billed(owner)

    for number in range(33):
        await noted(owner, invoice, 3, f"n{number}")
    await noted(owner, invoice, None, "the rest")

    given_back = await one(owner, "SELECT ARRAY[sum(amount_minor), sum(tax_minor)]::bigint[] FROM billing.credit_note_line")
    assert (given_back, await owed(owner, customer)) == ([100, 20], 0)
    assert await broken_invariants(owner) == []


async def test_nothing_is_given_back_of_a_bill_that_was_cancelled(owner: Owner) -> None:
    customer, invoice = await billed(owner)
    await cancelled(owner, invoice)

    with pytest.raises(ObjectNotInPrerequisiteState, match="was cancelled"):
        await noted(owner, invoice)

    assert await owed(owner, customer) == 0


async def test_a_bill_of_which_something_was_given_back_is_not_cancelled(owner: Owner) -> None:
    customer, invoice = await billed(owner)
    await noted(owner, invoice, 50)

    with pytest.raises(ObjectNotInPrerequisiteState, match="give back the rest"):
        await cancelled(owner, invoice)

    assert await owed(owner, customer) == 60


async def test_a_credit_note_is_not_reversed(owner: Owner) -> None:
    customer, invoice = await billed(owner)
    await noted(owner, invoice)

    with pytest.raises(ObjectNotInPrerequisiteState, match="charge it anew"):
        await owner.execute("SELECT billing.reverse_journal(journal_id, %s, '') FROM billing.credit_note", (NOW,))

    assert await owed(owner, customer) == 0


async def series(owner: Owner, code: str, kind: str) -> None:
    await given.row(owner, "billing.series", code=code, legal_entity="South Networks Ltd", kind=kind, first_number=1, next_number=1)


async def test_a_note_is_numbered_in_the_series_of_whoever_sent_the_bill(owner: Owner) -> None:
    await series(owner, "south", "invoice")
    await series(owner, "south_notes", "credit_note")
    _, ours = await billed(owner)
    _, theirs = await billed(owner, series="south")

    await noted(owner, ours, key="ours")
    await noted(owner, theirs, key="theirs")

    found = await (await owner.execute("SELECT key, series, number FROM billing.credit_note ORDER BY key")).fetchall()
    assert found == [("ours", "credit_notes", 1), ("theirs", "south_notes", 1)]


async def test_whoever_has_no_series_of_notes_gives_none(owner: Owner) -> None:
    await series(owner, "south", "invoice")
    customer, invoice = await billed(owner, series="south")

    with pytest.raises(InvalidParameterValue, match="no series of credit notes"):
        await noted(owner, invoice)

    assert await owed(owner, customer) == 120
