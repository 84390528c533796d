"""When and how much: the bill run over days, months and years. The edges of DOMAIN.md 2.5 and its golden vectors, by name."""

from datetime import date

import pytest

from tests.billing.billed import amounts, billed, charge, charged_line, drafted, lines, plan, price
from tests.given import Owner, row


async def test_a_month_in_advance_is_one_line_of_the_whole_price(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2026, 3, 1))

    run = await billed(owner, date(2026, 3, 1), customer)

    assert await lines(owner, run) == [("p", "recurring", date(2026, 3, 1), date(2026, 4, 1), 3000, 600)]


async def test_month_end_clamp_day_31_is_billed_on_the_last_day_and_returns_to_31(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2017, 1, 31), cycle_day=31)
    days = [date(2017, 1, 31), date(2017, 2, 28), date(2017, 3, 31), date(2017, 4, 30), date(2017, 5, 31)]

    starts = [(await amounts(owner, await billed(owner, day, customer)))[0] for day in days]

    assert starts == [(day, following, 3000) for day, following in zip(days, [*days[1:], date(2017, 6, 30)], strict=True)]


async def test_anniversary_in_advance_from_30_january_of_a_leap_year(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2024, 1, 30), cycle_day=30)
    await billed(owner, date(2024, 1, 30), customer)

    run = await billed(owner, date(2024, 2, 29), customer)

    assert await amounts(owner, run) == [(date(2024, 2, 29), date(2024, 3, 30), 3000)]


async def test_a_yearly_plan_bought_on_29_february_is_renewed_on_the_28th_and_returns_to_the_29th(owner: Owner) -> None:
    yearly = await plan(owner, "y", 30000, every_months=12)
    customer, _, _ = await charged_line(owner, yearly, date(2024, 2, 29), cycle_day=29)
    days = [date(2024, 2, 29), date(2025, 2, 28), date(2026, 2, 28), date(2027, 2, 28), date(2028, 2, 29)]

    starts = [(await amounts(owner, await billed(owner, day, customer)))[0][0] for day in days]

    assert starts == days


async def test_a_month_in_between_bills_nothing_of_a_yearly_plan(owner: Owner) -> None:
    yearly = await plan(owner, "y", 30000, every_months=12)
    customer, _, _ = await charged_line(owner, yearly, date(2026, 1, 1))
    await billed(owner, date(2026, 1, 1), customer)

    assert await lines(owner, await billed(owner, date(2026, 2, 1), customer)) == []


async def test_in_arrears_a_month_is_billed_when_it_is_over(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3100, charged="in_arrears"), date(2026, 1, 16))

    first = await billed(owner, date(2026, 1, 16), customer)
    second = await billed(owner, date(2026, 2, 1), customer)

    assert (await amounts(owner, first), await amounts(owner, second)) == ([], [(date(2026, 1, 16), date(2026, 2, 1), 1600)])


async def test_a_discount_of_three_months_leaves_no_stub_before_the_full_price(owner: Owner) -> None:
    version = await plan(owner, "p", 3000)
    found = await (await owner.execute("SELECT id FROM catalogue.price WHERE offering_version_id = %s", (version,))).fetchone()
    assert found is not None
    await row(owner, "catalogue.price_phase", price_id=found[0], ordinal=1, months=3, amount_minor=1000)
    customer, _, _ = await charged_line(owner, version, date(2023, 2, 28), cycle_day=28)
    days = [date(2023, month, 28) for month in (2, 3, 4, 5, 6)]

    found_amounts = [await amounts(owner, await billed(owner, day, customer)) for day in days]

    assert [(one[0][2], len(one)) for one in found_amounts] == [(1000, 1), (1000, 1), (1000, 1), (3000, 1), (3000, 1)]


async def test_change_day_once_the_day_of_an_upgrade_is_on_the_new_plan_only(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 6000)
    customer, line, first = await charged_line(owner, cheap, date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-04-16' WHERE id = %s", (first,))
    await charge(owner, customer, line, dear, date(2026, 4, 16))

    run = await billed(owner, date(2026, 4, 16), customer)

    assert await amounts(owner, run) == [
        (date(2026, 4, 16), date(2026, 5, 1), -1500),
        (date(2026, 4, 16), date(2026, 5, 1), 3000),
    ]


@pytest.mark.parametrize(
    ("starts_on", "days_left", "expected"), [(date(2026, 1, 16), 16, 1548), (date(2024, 2, 15), 15, 1552), (date(2026, 4, 16), 15, 1500)]
)
async def test_proration_golden_vectors(owner: Owner, starts_on: date, days_left: int, expected: int) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), starts_on)

    first, end, amount = (await amounts(owner, await billed(owner, starts_on, customer)))[0]

    assert ((end - first).days, amount) == (days_left, expected)


async def test_an_upgrade_and_a_downgrade_on_the_same_day_leave_no_line_of_the_plan_in_between(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 6000)
    day = date(2026, 4, 16)
    customer, line, first = await charged_line(owner, cheap, date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = %s WHERE id = %s", (day, first))
    await charge(owner, customer, line, dear, day, ends_on=day)
    await charge(owner, customer, line, cheap, day)

    run = await drafted(owner, day, customer)

    assert [(label, net) for label, _, _, _, net, _ in await lines(owner, run)] == [("cheap", -1500), ("cheap", 1500)]


async def test_a_change_on_the_renewal_day_leaves_no_zero_length_line(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 6000)
    customer, line, first = await charged_line(owner, cheap, date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-05-01' WHERE id = %s", (first,))
    await charge(owner, customer, line, dear, date(2026, 5, 1))

    run = await billed(owner, date(2026, 5, 1), customer)

    assert [(label, net) for label, _, _, _, net, _ in await lines(owner, run)] == [("dear", 6000)]


async def test_two_changes_in_one_cycle_charge_each_day_once(owner: Owner) -> None:
    a, b, c = [await plan(owner, code, minor) for code, minor in (("a", 3000), ("b", 6000), ("c", 9000))]
    customer, line, first = await charged_line(owner, a, date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-04-11' WHERE id = %s", (first,))
    await charge(owner, customer, line, b, date(2026, 4, 11), ends_on=date(2026, 4, 21))
    await charge(owner, customer, line, c, date(2026, 4, 21))

    run = await billed(owner, date(2026, 5, 1), customer)

    assert [(label, net) for label, _, _, _, net, _ in await lines(owner, run)] == [("a", -2000), ("b", 2000), ("c", 3000), ("c", 9000)]


async def test_a_service_that_ended_is_billed_to_its_last_day_and_the_rest_given_back(owner: Owner) -> None:
    customer, _, one = await charged_line(owner, await plan(owner, "p", 3000), date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-04-11' WHERE id = %s", (one,))

    run = await drafted(owner, date(2026, 4, 11), customer)

    assert await lines(owner, run) == [("p", "credit", date(2026, 4, 11), date(2026, 5, 1), -2000, -400)]


async def test_days_of_suspension_are_charged_or_not_as_the_convention_says(owner: Owner) -> None:
    version = await plan(owner, "p", 10000, charged="in_arrears")
    paid, line_paid, _ = await charged_line(owner, version, date(2020, 1, 1))
    await row(
        owner, "billing.pause", subscriber_id=line_paid, paused_on=date(2020, 1, 15), resumed_on=date(2020, 1, 20), paused_for="voluntary"
    )
    charged = await amounts(owner, await drafted(owner, date(2020, 2, 1), paid))
    await owner.execute("DELETE FROM billing.invoice_line")
    await owner.execute("DELETE FROM billing.invoice")
    await owner.execute("DELETE FROM billing.billed_days")
    await owner.execute("UPDATE billing.bill_run SET state = 'done'")
    await owner.execute("UPDATE billing.convention SET suspended_days = 'not_charged'")

    spared = await amounts(owner, await drafted(owner, date(2020, 2, 1), paid))

    assert charged == [(date(2020, 1, 1), date(2020, 2, 1), 10000)]
    assert spared == [(date(2020, 1, 1), date(2020, 1, 15), 4516), (date(2020, 1, 20), date(2020, 2, 1), 3871)]


async def test_the_day_of_billing_moves_and_only_days_that_nobody_billed_are_charged(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 1000), date(2014, 6, 20), cycle_day=20)
    await billed(owner, date(2014, 6, 20), customer)
    await owner.execute("UPDATE billing.account SET cycle_day = 17 WHERE customer_id = %s", (customer,))

    run = await billed(owner, date(2014, 7, 17), customer)

    assert await amounts(owner, run) == [(date(2014, 7, 20), date(2014, 8, 17), 903)]


async def test_a_run_again_on_the_same_day_or_later_bills_nothing_twice(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 500), date(2011, 9, 1))
    first = await billed(owner, date(2011, 12, 1), customer)

    again = await billed(owner, date(2011, 12, 3), customer)

    assert (len(await lines(owner, first)), await lines(owner, again)) == (4, [])


async def test_a_draft_made_again_is_the_same_draft(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p", 3000), date(2026, 3, 10))
    run = await drafted(owner, date(2026, 3, 10), customer)
    before = await lines(owner, run)

    await owner.execute("SELECT billing.draft(%s, ARRAY[%s]::bigint[], '2026-03-10')", (run, customer))

    assert (await lines(owner, run), len(before)) == (before, 1)


async def test_a_fee_for_setting_up_is_charged_with_the_first_plan_and_not_with_a_change(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 6000)
    for version in (cheap, dear):
        await price(owner, version, kind="one_off", label="Activation", amount_minor=2500)
    customer, line, first = await charged_line(owner, cheap, date(2026, 4, 1))
    before = await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-05-01' WHERE id = %s", (first,))
    await charge(owner, customer, line, dear, date(2026, 5, 1))

    after = await billed(owner, date(2026, 5, 1), customer)

    assert [label for label, *_ in await lines(owner, before)] == ["cheap", "Activation"]
    assert [label for label, *_ in await lines(owner, after)] == ["dear"]


async def test_a_plan_billed_in_advance_and_stopped_the_day_it_began_is_given_back_whole(owner: Owner) -> None:
    customer, _, only = await charged_line(owner, await plan(owner, "p", 3000), date(2026, 4, 1))
    await billed(owner, date(2026, 4, 1), customer)
    await owner.execute("UPDATE billing.charge SET ends_on = starts_on WHERE id = %s", (only,))

    run = await drafted(owner, date(2026, 4, 2), customer)

    assert await amounts(owner, run) == [(date(2026, 4, 1), date(2026, 5, 1), -3000)]
