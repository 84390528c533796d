"""Whether the days of a suspension are charged is said for each reason, from a day on; the preview and the bill say what came of it."""

from datetime import date
from typing import Final

import pytest
from psycopg.errors import CheckViolation

from atlas import principal
from atlas.billing.reads.books import broken_invariants
from atlas.billing.reads.runs import lines_derived, suspended_in_run, suspension_rules
from atlas.billing.records.runs import SuspendedDays, SuspensionRule
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import executor
from tests.asking import asking
from tests.billing.billed import amounts, billed, charged_line, drafted, plan
from tests.given import Owner, row
from tools.billing import bills

REASONS: Final = ("non_payment", "voluntary", "abuse", "fraud")
WHOLE: Final = [(date(2020, 1, 1), date(2020, 2, 1), 10000)]
SPARED: Final = [(date(2020, 1, 1), date(2020, 1, 15), 4516), (date(2020, 1, 20), date(2020, 2, 1), 3871)]


async def suspended(owner: Owner, reason: str, resumed_on: date | None = date(2020, 1, 20)) -> CustomerId:
    """A line at 100.00 a month in arrears, suspended from the 15th to the 20th of January 2020."""
    customer, line, _ = await charged_line(owner, await plan(owner, "p", 10000, charged="in_arrears"), date(2020, 1, 1))
    await row(owner, "billing.pause", subscriber_id=line, paused_on=date(2020, 1, 15), resumed_on=resumed_on, paused_for=reason)
    return CustomerId(customer)


async def ruled(owner: Owner, reason: str, days: str, valid_from: date = date(2019, 1, 1)) -> None:
    await owner.execute("INSERT INTO billing.suspension_policy VALUES (%s, %s, %s)", (reason, valid_from, days))


@pytest.mark.parametrize("reason", REASONS)
async def test_the_days_of_a_suspension_are_charged_or_spared_as_the_policy_of_its_reason_says(owner: Owner, reason: str) -> None:
    customer = await suspended(owner, reason)
    await ruled(owner, reason, "not_charged")
    for other in REASONS:
        if other != reason:
            await ruled(owner, other, "charged")

    assert await amounts(owner, await drafted(owner, date(2020, 2, 1), customer)) == SPARED


@pytest.mark.parametrize("reason", REASONS)
async def test_a_reason_that_is_charged_stays_so_though_the_convention_spares_the_others(owner: Owner, reason: str) -> None:
    customer = await suspended(owner, reason)
    await owner.execute("UPDATE billing.convention SET suspended_days = 'not_charged'")
    await ruled(owner, reason, "charged")

    assert await amounts(owner, await drafted(owner, date(2020, 2, 1), customer)) == WHOLE


async def test_a_policy_counts_from_its_day_and_what_was_suspended_before_goes_by_the_one_before(owner: Owner) -> None:
    customer = await suspended(owner, "voluntary")
    await ruled(owner, "voluntary", "charged")
    await ruled(owner, "voluntary", "not_charged", date(2020, 1, 18))

    charged = await amounts(owner, await drafted(owner, date(2020, 2, 1), customer))

    assert [(first, end) for first, end, _ in charged] == [(date(2020, 1, 1), date(2020, 1, 18)), (date(2020, 1, 20), date(2020, 2, 1))]


async def test_where_a_reason_has_no_policy_the_convention_says(owner: Owner) -> None:
    customer = await suspended(owner, "fraud")
    await ruled(owner, "voluntary", "not_charged")

    assert await amounts(owner, await drafted(owner, date(2020, 2, 1), customer)) == WHOLE


async def test_the_preview_says_by_reason_how_many_lines_and_days_are_charged_and_spared(atlas: Atlas, owner: Owner) -> None:
    customers = [await suspended(owner, "voluntary")]
    customer, line, _ = await charged_line(owner, await plan(owner, "q", 9000, charged="in_arrears"), date(2020, 1, 1), name="Omar Haddad")
    await row(owner, "billing.pause", subscriber_id=line, paused_on=date(2020, 1, 10), resumed_on=date(2020, 1, 12), paused_for="abuse")
    await ruled(owner, "voluntary", "not_charged")
    run = await drafted(owner, date(2020, 2, 1), *customers, customer)

    async with atlas.transaction(executor("test")) as conn:
        found = await suspended_in_run(conn, run)

    assert found == [SuspendedDays("abuse", 1, 2, 0), SuspendedDays("voluntary", 1, 0, 5)]


async def test_the_explanation_of_a_bill_names_the_suspended_days_their_reason_and_what_is_charged(atlas: Atlas, owner: Owner) -> None:
    customer = await suspended(owner, "non_payment")
    await ruled(owner, "non_payment", "charged")
    await ruled(owner, "non_payment", "not_charged", date(2020, 1, 18))
    await billed(owner, date(2020, 2, 1), customer)

    async with atlas.transaction(executor("test")) as conn:
        derived = await lines_derived(conn, customer, date(2020, 2, 1))
        broken = await broken_invariants(conn)
    async with asking(atlas, principal.customer(customer)) as (turn, _):
        asked = await bills.explain_invoice_line(turn)

    said = {(line.suspended_days, line.suspended_charged, line.suspended_for) for line in derived}
    assert said == {(5, 3, ("non_payment",))} == {(line.suspended_days, line.suspended_charged, line.suspended_for) for line in asked}
    assert broken == []


async def test_the_rules_in_force_are_listed_for_every_reason(atlas: Atlas, owner: Owner) -> None:
    await ruled(owner, "abuse", "not_charged", date(2026, 1, 1))

    async with atlas.transaction(executor("test")) as conn:
        rules = await suspension_rules(conn)

    assert [rule for rule in rules if rule.reason == "abuse"] == [
        SuspensionRule("abuse", None, True),
        SuspensionRule("abuse", date(2026, 1, 1), False),
    ]
    assert {rule.reason for rule in rules} == set(REASONS)


@pytest.mark.parametrize(("reason", "days"), [("holiday", "charged"), ("abuse", "half")])
async def test_a_policy_for_no_known_reason_or_of_half_days_is_refused(owner: Owner, reason: str, days: str) -> None:
    with pytest.raises(CheckViolation):
        await ruled(owner, reason, days)


async def test_a_bill_of_a_series_that_there_is_not_is_refused(owner: Owner) -> None:
    customer = await suspended(owner, "abuse")

    with pytest.raises(Exception, match="invoice_series_fkey"):
        await row(owner, "billing.invoice", customer_id=customer, month=date(2020, 1, 1), period_from=date(2020, 1, 1),
                  period_to=date(2020, 2, 1), due_on=date(2020, 2, 1), series="nobodys")  # fmt: skip
