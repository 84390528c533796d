"""Tax: by place and day, exemptions, inclusive prices, rounding that reconciles between lines, invoice and credit notes."""

from datetime import date

import pytest

from tests.billing.arranged import one, open_of, owed, payment
from tests.billing.billed import billed, charge, charged_line, drafted, lines, plan, price
from tests.given import NOW, Owner, row

MARCH = date(2026, 3, 1)


async def only_invoice(owner: Owner, run: int) -> int:
    return int(await one(owner, "SELECT id FROM billing.invoice WHERE run_id = %s", run))


async def note(owner: Owner, key: str, invoice: int, line_ids: list[int], amounts: list[int | None]) -> int:
    statement = "SELECT billing.issue_credit_note(%s, %s, %s::bigint[], %s::bigint[], %s, 'as agreed')"
    return int(await one(owner, statement, key, invoice, line_ids, amounts, NOW))


async def four_lines(owner: Owner) -> tuple[int, int, list[int]]:
    """A customer's bill of 68.33 + 68.33 + 57.50 + 85.00 at 20 %: customer, invoice and its lines."""
    version = await plan(owner, "a", 6833)
    for label, minor in (("b", 6833), ("c", 5750), ("d", 8500)):
        await price(owner, version, label=label, amount_minor=minor)
    customer, _, _ = await charged_line(owner, version, MARCH)
    invoice = await only_invoice(owner, await billed(owner, MARCH, customer))
    found = await (await owner.execute("SELECT id FROM billing.invoice_line WHERE invoice_id = %s ORDER BY id", (invoice,))).fetchall()
    return customer, invoice, [each[0] for each in found]


async def test_tax_rounding_four_credit_notes_give_back_what_the_invoice_charged(owner: Owner) -> None:
    customer, invoice, line_ids = await four_lines(owner)
    charged = await owed(owner, customer)

    for line in line_ids:
        await note(owner, f"line {line}", invoice, [line], [None])

    given_back = await one(owner, "SELECT sum(amount_minor + tax_minor)::int FROM billing.credit_note_line")
    assert (charged, given_back, await owed(owner, customer), await open_of(owner, invoice)) == (33499, 33499, 0, 0)


async def test_a_rate_that_changes_mid_period_splits_the_line(owner: Owner) -> None:
    await row(owner, "billing.tax_rate", region="GB", category="standard", valid_from=date(2026, 3, 16), percent="25")
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3100), MARCH)

    found = await lines(owner, await billed(owner, MARCH, customer))

    assert [(first, net, tax) for _, _, first, _, net, tax in found] == [(MARCH, 1500, 300), (date(2026, 3, 16), 1600, 400)]


async def test_a_customer_who_moves_tax_region_mid_period_has_split_lines(owner: Owner) -> None:
    await row(owner, "billing.tax_rate", region="JE", category="standard", valid_from=date(2008, 1, 1), percent="5")
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3100), MARCH)
    await row(owner, "billing.tax_region", customer_id=customer, valid_from=date(2026, 3, 11), region="JE")

    found = await lines(owner, await billed(owner, MARCH, customer))

    assert [(first, net, tax) for _, _, first, _, net, tax in found] == [(MARCH, 1000, 200), (date(2026, 3, 11), 2100, 105)]


async def test_who_is_exempt_pays_no_tax_while_the_certificate_holds(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3100), MARCH)
    await row(
        owner,
        "billing.tax_exemption",
        customer_id=customer,
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 3, 21),
        reason="exempt",
        certificate="VAT 701",
    )

    found = await lines(owner, await billed(owner, MARCH, customer))

    assert sorted((first, net, tax) for _, _, first, _, net, tax in found) == [(MARCH, 2000, 0), (date(2026, 3, 21), 1100, 220)]


async def test_a_price_with_tax_in_it_costs_the_customer_just_that(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 2999, is_tax_inclusive=True), MARCH)

    run = await billed(owner, MARCH, customer)

    assert [(net, tax) for *_, net, tax in await lines(owner, run)] == [(2499, 500)]


async def test_each_category_has_its_rate_and_one_without_a_rate_is_refused_by_name(owner: Owner) -> None:
    version = await plan(owner, "p", 3000, tax_category="reduced")
    customer, _, _ = await charged_line(owner, version, MARCH)
    assert [(net, tax) for *_, net, tax in await lines(owner, await billed(owner, MARCH, customer))] == [(3000, 150)]
    await price(owner, version, label="Odd", tax_category="luxury")

    with pytest.raises(Exception, match="tax_category: luxury has no rate in GB"):
        await drafted(owner, date(2026, 4, 1), customer)


async def test_rounding_is_the_operators_and_written_in_the_journal(owner: Owner) -> None:
    await owner.execute("UPDATE billing.convention SET rounding = 'half_even'")
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 1250, tax_category="reduced"), MARCH)

    run = await billed(owner, MARCH, customer)

    assert [(net, tax) for *_, net, tax in await lines(owner, run)] == [(1250, 62)]
    assert await one(owner, "SELECT rounding FROM billing.journal WHERE kind = 'invoice'") == "half_even"


async def test_a_credit_note_above_what_is_left_of_a_line_is_refused_and_nothing_is_kept(owner: Owner) -> None:
    _, invoice, line_ids = await four_lines(owner)
    await note(owner, "first", invoice, line_ids[:1], [6000])

    for amounts in ([900], [0], [-100]):
        with pytest.raises(Exception, match="amount: more than what is left"):
            await note(owner, "second", invoice, line_ids[:1], amounts)  # type: ignore[arg-type]

    assert await one(owner, "SELECT count(*) FROM billing.credit_note") == 1
    assert await one(owner, "SELECT next_number FROM billing.series WHERE code = 'credit_notes'") == 2


async def test_a_credit_on_a_paid_invoice_waits_in_the_customers_favour(owner: Owner) -> None:
    customer, invoice, line_ids = await four_lines(owner)
    await payment(owner, customer, 33499)

    await note(owner, "line", invoice, line_ids[3:], [None])

    assert (await owed(owner, customer), await one(owner, "SELECT state FROM billing.invoice")) == (-10200, "settled")


async def test_the_same_credit_note_asked_twice_is_one(owner: Owner) -> None:
    customer, invoice, line_ids = await four_lines(owner)

    notes = [await note(owner, "key", invoice, line_ids[3:], [None]) for _ in range(2)]

    assert (notes[0], await owed(owner, customer)) == (notes[1], 33499 - 10200)


async def test_a_draft_has_nothing_that_a_credit_note_could_give_back(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p"), MARCH)
    invoice = await only_invoice(owner, await drafted(owner, MARCH, customer))

    with pytest.raises(Exception, match="invoice_id: there is no issued invoice"):
        await note(owner, "key", invoice, [1], [None])


async def test_an_invoice_of_nothing_or_in_the_customers_favour_is_carried_not_mailed_as_debt(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 6000)
    customer, line, first = await charged_line(owner, dear, date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-04-11' WHERE id = %s", (first,))
    await charge(owner, customer, line, cheap, date(2026, 4, 11))

    await billed(owner, date(2026, 4, 11), customer)
    assert await one(owner, "SELECT array_agg(number ORDER BY id) FROM billing.invoice") == [100001, None]
    carried_into = await billed(owner, date(2026, 5, 1), customer)

    assert [(label, net) for label, _, _, _, net, _ in await lines(owner, carried_into)] == [
        ("dear", -4000),
        ("cheap", 2000),
        ("cheap", 3000),
    ]
    assert await one(owner, "SELECT total_net_minor + total_tax_minor FROM billing.invoice WHERE number = 100002") == 1200
