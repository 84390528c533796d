"""What our own failings are worth: the golden vectors of DOMAIN.md section 5, once per cause, from dated tables."""

from datetime import UTC, date, datetime, timedelta

import pytest

from atlas.billing.reads.failings import failings_owed
from atlas.billing.records.failings import Failing, Suffered
from atlas.billing.rules.failings import days_owed, late_repair_days, late_start_days, owed_for
from atlas.connection import Atlas
from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.failings import CompensateFailing
from tests import carried, given
from tests.billing.arranged import customer_with_line, one, outage
from tests.given import NOW, Owner, row

MONDAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("lost", "back", "days"),
    [(0, 0, 0), (0, 2, 0), (0, 3, 1), (0, 6, 4), (4, 8, 0), (4, 9, 1), (5, 8, 0), (5, 9, 1)],
    ids=[
        "same day",
        "second working day",
        "third",
        "over a weekend",
        "friday to tuesday",
        "friday to wednesday",
        "saturday to tuesday",
        "saturday to wednesday",
    ],
)
def test_a_repair_is_late_for_each_calendar_day_after_two_full_working_days(lost: int, back: int, days: int) -> None:
    assert late_repair_days(MONDAY + timedelta(days=lost), MONDAY + timedelta(days=back), 2) == days


def test_a_holiday_is_no_working_day() -> None:
    assert late_repair_days(MONDAY, MONDAY + timedelta(days=3), 2, {MONDAY + timedelta(days=1)}) == 0


def test_a_start_is_late_from_the_promised_day_on() -> None:
    assert [late_start_days(MONDAY, MONDAY + timedelta(days=days)) for days in (0, 1, 5)] == [0, 1, 5]


def suffered(rule: Failing, days: int, rate: str, most: int | None = None, given: str = "0.00") -> Suffered:
    began = datetime(2026, 3, 2, 10, tzinfo=UTC)
    free = 2 if rule is Failing.LATE_REPAIR else 0
    ended = began + timedelta(days=days)
    return Suffered(CustomerId(1), SubscriberId(1), rule, "c", began, ended, "Europe/London", Money(rate), free, most, Money(given))


@pytest.mark.parametrize(
    ("rule", "days", "rate", "amount"),
    [
        (Failing.LATE_REPAIR, 5, "10.34", "31.02"),
        (Failing.MISSED_VISIT, 0, "32.31", "32.31"),
        (Failing.LATE_START, 3, "6.46", "19.38"),
        (Failing.LATE_REPAIR, 5, "8.00", "24.00"),
        (Failing.MISSED_VISIT, 0, "25.00", "25.00"),
        (Failing.LATE_START, 3, "5.00", "15.00"),
    ],
    ids=["repair 2025", "visit 2025", "start 2025", "repair 2019", "visit 2019", "start 2019"],
)
def test_the_golden_vectors_of_compensation(rule: Failing, days: int, rate: str, amount: str) -> None:
    (owed,) = owed_for([suffered(rule, days, rate)])

    assert owed.credits[0].amount == Money(amount)


def test_the_cap_of_days_counts_and_what_was_given_before_is_taken_off() -> None:
    (owed,) = owed_for([suffered(Failing.LATE_REPAIR, 90, "10.34", most=60, given="5.00")])

    assert (days_owed(suffered(Failing.LATE_REPAIR, 90, "10.34", most=60)), owed.credits[0].amount) == (60, Money("615.40"))


async def rates(owner: Owner) -> None:
    for since, late, missed, start in ((date(2019, 4, 1), 800, 2500, 500), (date(2025, 4, 1), 1034, 3231, 646)):
        for rule, amount in (("late_repair", late), ("missed_visit", missed), ("late_start", start)):
            free = 2 if rule == "late_repair" else 0
            await row(
                owner,
                "billing.failing_rate",
                rule=rule,
                segment="residential",
                valid_from=since,
                amount_minor=amount,
                free_working_days=free,
            )


async def owed(atlas: Atlas, now: datetime) -> list[CompensateFailing]:
    async with atlas.transaction(executor("test")) as conn:
        return [CompensateFailing.of(one) for one in await failings_owed(conn, now)]


async def test_a_long_outage_is_credited_once_by_the_rate_of_its_day(atlas: Atlas, owner: Owner) -> None:
    await rates(owner)
    _, line = await customer_with_line(owner)
    await outage(owner, line, lost_at=NOW, restored_at=NOW + timedelta(days=5))
    later = NOW + timedelta(days=6)

    (action,) = await owed(atlas, later)
    outcome = await carried.out(atlas, action, later)

    assert (outcome["money"], await owed(atlas, later)) == ("31.02", [])
    assert await one(owner, "SELECT formula FROM billing.credit") == "late repair: 3 days × 10.34"


async def test_whoever_is_suspended_for_non_payment_is_owed_nothing_for_an_outage(atlas: Atlas, owner: Owner) -> None:
    await rates(owner)
    _, line = await customer_with_line(owner)
    await outage(owner, line, lost_at=NOW, restored_at=NOW + timedelta(days=5))
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment'")

    assert await owed(atlas, NOW + timedelta(days=6)) == []


async def visit(owner: Owner, customer: int, state: str, action: int) -> int:
    return await row(
        owner, "field_service.job", kind="repair", state=state, customer_id=customer, latitude=50.7, longitude=-3.5, skill="fibre",
        window_from=NOW, window_until=NOW + timedelta(hours=4), action_id=action,
    )  # fmt: skip


async def test_a_visit_that_nobody_came_to_is_missed_and_a_completed_one_is_not(atlas: Atlas, owner: Owner) -> None:
    await rates(owner)
    customer, _ = await customer_with_line(owner)
    action = await given.action(owner)
    await visit(owner, customer, "completed", action)
    missed = await visit(owner, customer, "acknowledged", action)

    (owing,) = await owed(atlas, NOW + timedelta(days=1))

    assert (owing.cause, owing.facts().money) == (f"missed_visit:{missed}", Money("32.31"))


@pytest.mark.parametrize(("proposer", "hours", "count"), [("staff:1", 23, 1), ("staff:1", 25, 0), ("customer:1", 2, 0)])
async def test_a_visit_that_we_called_off_within_a_day_is_missed(atlas: Atlas, owner: Owner, proposer: str, hours: int, count: int) -> None:
    await rates(owner)
    customer, _ = await customer_with_line(owner)
    job = await visit(owner, customer, "cancelled", await given.action(owner))
    called_off = await given.action(owner, "cancel_visit")
    await owner.execute(
        "UPDATE actions.action SET arguments = jsonb_build_object('job', %s::bigint), proposer = %s, finished_at = %s WHERE id = %s",
        (job, proposer, NOW - timedelta(hours=hours), called_off),
    )

    assert len(await owed(atlas, NOW + timedelta(days=1))) == count


async def test_a_service_that_began_late_is_owed_each_day(atlas: Atlas, owner: Owner) -> None:
    await rates(owner)
    customer, line = await customer_with_line(owner)
    await row(
        owner, "oms.product_order", customer_id=customer, subscriber_id=line, kind="add", state="completed", wanted_on=MONDAY,
        state_changed_at=NOW + timedelta(days=2), action_id=await given.action(owner),
    )  # fmt: skip

    (owing,) = await owed(atlas, NOW + timedelta(days=3))

    assert owing.facts().money == Money("12.92")
