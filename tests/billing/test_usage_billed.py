"""Usage: guided to its charge and period, rated when that is over and again when something comes late; what cannot be charged waits."""

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from tests.billing.arranged import one
from tests.billing.billed import billed, charged_line, lines, plan, price
from tests.given import Owner, row

MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
Record = tuple[str, int, str, datetime, int]


async def arrived(owner: Owner, *records: Record, at: datetime = datetime(2026, 6, 1, tzinfo=UTC)) -> list[tuple[str, str, int]]:
    """Records of one meter house: record, line, meter, moment and units."""
    columns: Sequence[list[object]] = [list(each) for each in zip(*records, strict=True)]
    statement = (
        "SELECT state, why, records::int FROM billing.receive_usage('switch', %s, %s::bigint[], %s, %s::timestamptz[], %s::bigint[], %s)"
    )
    return [tuple(each) for each in await (await owner.execute(statement, (*columns, at))).fetchall()]


async def metered(owner: Owner, **columns: object) -> tuple[int, int, int]:
    """A line charged 10.00 a month, with calls: customer, line and the price of calls."""
    version = await plan(owner, "p", 1000)
    columns = {"kind": "usage", "label": "Calls", "amount_minor": 10, "meter": "calls", "unit": "minute", **columns}
    calls = await price(owner, version, **columns)
    customer, line, _ = await charged_line(owner, version, MAY)
    return customer, line, calls


async def usage_lines(owner: Owner, run: int) -> list[int]:
    return [net for _, kind, _, _, net, _ in await lines(owner, run) if kind == "usage"]


def called(record: str, line: int, day: int, units: int, month: int = 5) -> Record:
    return (record, line, "calls", datetime(2026, month, day, 12, tzinfo=UTC), units)


async def test_usage_is_billed_when_its_period_is_over(owner: Owner) -> None:
    customer, line, _ = await metered(owner)
    await arrived(owner, called("1", line, 3, 30), called("2", line, 31, 12))

    early = await usage_lines(owner, await billed(owner, MAY, customer))
    due = await usage_lines(owner, await billed(owner, JUNE, customer))

    assert (early, due) == ([], [420])


async def test_a_record_delivered_twice_counts_once(owner: Owner) -> None:
    customer, line, _ = await metered(owner)
    await arrived(owner, called("1", line, 3, 30), called("1", line, 3, 30))

    again = await arrived(owner, called("1", line, 3, 30))

    assert (again, await usage_lines(owner, await billed(owner, JUNE, customer))) == ([], [300])


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (("x", "calls", datetime(2026, 5, 3, tzinfo=UTC), -5), "negative"),
        (("x", "calls", datetime(2026, 7, 3, tzinfo=UTC), 5), "future"),
        (("x", "calls", datetime(2026, 4, 3, tzinfo=UTC), 5), "no_charge"),
        (("x", "smoke signals", datetime(2026, 5, 3, tzinfo=UTC), 5), "no_price"),
        (("x", "calls", datetime(2026, 5, 3, tzinfo=UTC), 2**60), "too_large"),
    ],
)
async def test_a_usage_record_that_is_negative_in_the_future_or_unknown_is_quarantined(
    owner: Owner, record: tuple[str, str, datetime, int], why: str
) -> None:
    customer, line, _ = await metered(owner)

    became = await arrived(owner, (record[0], line, *record[1:]))

    assert became == [("rejected", why, 1)]
    assert await usage_lines(owner, await billed(owner, JUNE, customer)) == []


async def test_a_usage_record_older_than_the_closed_period_is_quarantined_until_a_person_recycles_it(owner: Owner) -> None:
    customer, line, _ = await metered(owner)

    became = await arrived(owner, called("1", line, 3, 30), at=datetime(2026, 9, 1, tzinfo=UTC))
    assert became == [("rejected", "closed_period", 1)]
    recycled = await one(owner, "SELECT billing.recycle_usage(ARRAY(SELECT id FROM billing.usage_record), '2026-09-01')")

    assert recycled == 1
    assert await one(owner, "SELECT state FROM billing.usage_record") == "recycled"
    assert await usage_lines(owner, await billed(owner, date(2026, 9, 1), customer)) == [300]


async def test_late_usage_before_the_bill_is_issued_is_on_it_and_after_it_only_the_difference_is_charged(owner: Owner) -> None:
    customer, line, calls = await metered(owner)
    await row(owner, "catalogue.price_tier", price_id=calls, from_units=0, amount_minor=10)
    await row(owner, "catalogue.price_tier", price_id=calls, from_units=100, amount_minor=5)
    await arrived(owner, called("1", line, 3, 90))
    await arrived(owner, called("2", line, 4, 5))
    first = await usage_lines(owner, await billed(owner, JUNE, customer))

    await arrived(owner, called("3", line, 5, 15), at=datetime(2026, 6, 10, tzinfo=UTC))
    second = await usage_lines(owner, await billed(owner, date(2026, 7, 1), customer))

    assert (first, second) == ([950], [1050 - 950])


@pytest.mark.parametrize(("tiering", "expected"), [("graduated", 1500 + 10000 + 50), ("volume", 5550)])
async def test_tiers_graduated_and_by_volume(owner: Owner, tiering: str, expected: int) -> None:
    customer, line, calls = await metered(owner, tiering=tiering)
    for start, minor in ((0, 150), (10, 100), (110, 50)):
        await row(owner, "catalogue.price_tier", price_id=calls, from_units=start, amount_minor=minor)
    await arrived(owner, called("1", line, 3, 111))

    assert await usage_lines(owner, await billed(owner, JUNE, customer)) == [expected]


async def test_a_package_that_was_begun_counts_whole(owner: Owner) -> None:
    customer, line, _ = await metered(owner, amount_minor=10000, per_units=10)
    await arrived(owner, called("1", line, 3, 121))

    assert await usage_lines(owner, await billed(owner, JUNE, customer)) == [130000]


async def test_what_is_left_of_the_allowance_is_used_first_next_month_and_then_gone(owner: Owner) -> None:
    customer, line, _ = await metered(owner, allowance_units=100, is_rolled_over=True)
    records = [called("1", line, 3, 40), called("2", line, 3, 170, month=6), called("3", line, 3, 120, month=7)]
    await arrived(owner, *records, at=datetime(2026, 7, 20, tzinfo=UTC))

    found = [await usage_lines(owner, await billed(owner, date(2026, month, 1), customer)) for month in (6, 7, 8)]

    assert found == [[], [170 * 10 - 160 * 10], [200]]


async def test_usage_by_local_time_is_of_the_customers_day(owner: Owner) -> None:
    customer, line, _ = await metered(owner)
    await owner.execute("UPDATE crm.customer SET timezone = 'America/New_York'")
    await arrived(owner, ("1", line, "calls", datetime(2026, 6, 1, 3, tzinfo=UTC), 7), at=datetime(2026, 6, 1, 9, tzinfo=UTC))

    assert await usage_lines(owner, await billed(owner, JUNE, customer)) == [70]


async def test_a_service_started_in_october_where_clocks_change_is_billed_and_the_run_ends(owner: Owner) -> None:
    version = await plan(owner, "p", 1000)
    await price(owner, version, kind="usage", label="Calls", amount_minor=10, meter="calls")
    customer, line, _ = await charged_line(owner, version, date(2015, 10, 1), cycle_day=1)
    await owner.execute("UPDATE crm.customer SET timezone = 'America/Juneau'")
    await arrived(owner, ("1", line, "calls", datetime(2015, 11, 1, 9, 30, tzinfo=UTC), 7), at=datetime(2015, 11, 2, tzinfo=UTC))

    found = await lines(owner, await billed(owner, date(2015, 12, 1), customer))

    assert [(label, first) for label, _, first, *_ in found] == [
        ("p", date(2015, 10, 1)),
        ("p", date(2015, 11, 1)),
        ("p", date(2015, 12, 1)),
        ("Calls", date(2015, 11, 30)),
    ]
