"""A run: previewed with its anomalies, issued in batches, interrupted and taken up again; numbers without a gap."""

import asyncio
from datetime import date, datetime

import psycopg
import pytest

from atlas.connection import Atlas
from tests import given
from tests.billing.arranged import one
from tests.billing.billed import billed, charge, charged_line, drafted, plan
from tests.given import NOW, Owner, row

MARCH, APRIL, MAY = date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)
AT = datetime(2026, 4, 1, 6, tzinfo=NOW.tzinfo)


async def anomalies(owner: Owner, run: int) -> dict[int, tuple[str, list[str]]]:
    found = await (await owner.execute("SELECT customer_id, state, anomalies FROM billing.invoice WHERE run_id = %s", (run,))).fetchall()
    return {each[0]: (each[1], each[2]) for each in found}


async def numbers(owner: Owner) -> list[int]:
    found = await (await owner.execute("SELECT number FROM billing.invoice WHERE number IS NOT NULL ORDER BY number")).fetchall()
    return [each[0] for each in found]


async def test_preview_names_what_rises_falls_lacks_a_charge_or_stands_twice_and_holds_it(owner: Owner) -> None:
    version = await plan(owner, "p", 3000)
    quiet, risen, fallen, lacking, twice = [(await charged_line(owner, version, MARCH))[:2] for _ in range(5)]
    everybody = [customer for customer, _ in (quiet, risen, fallen, lacking, twice)]
    await row(owner, "billing.one_off", **_fee(fallen, 5000, "old"), action_id=await given.action(owner))
    await billed(owner, MARCH, *everybody)
    await row(owner, "billing.one_off", **_fee(risen, 5000, "new"), action_id=await given.action(owner))
    for key in ("a", "b"):
        await row(owner, "billing.one_off", **_fee(twice, 100, key), action_id=await given.action(owner))
    await given.subscriber(owner, lacking[0], await given.device(owner, "olt-x"))

    found = await anomalies(owner, await drafted(owner, APRIL, *everybody))

    assert found == {
        quiet[0]: ("validated", []),
        risen[0]: ("onHold", ["rise"]),
        fallen[0]: ("onHold", ["fall"]),
        lacking[0]: ("onHold", ["missing_charge"]),
        twice[0]: ("onHold", ["duplicate"]),
    }


def _fee(who: tuple[int, int], minor: int, key: str) -> dict[str, object]:
    return {
        "customer_id": who[0],
        "subscriber_id": who[1],
        "label": "Visit",
        "amount_minor": minor,
        "charged_on": MARCH,
        "cause": f"{key} {who}",
    }


async def test_a_change_that_was_ordered_is_no_anomaly(owner: Owner) -> None:
    cheap, dear = await plan(owner, "cheap", 3000), await plan(owner, "dear", 9000)
    customer, line, first = await charged_line(owner, cheap, MARCH)
    await billed(owner, MARCH, customer)
    await owner.execute("UPDATE billing.charge SET ends_on = %s WHERE id = %s", (APRIL, first))
    await charge(owner, customer, line, dear, APRIL)

    assert await anomalies(owner, await drafted(owner, APRIL, customer)) == {customer: ("validated", [])}


async def test_a_held_bill_is_released_by_hand_and_one_in_the_customers_favour_is_not(owner: Owner) -> None:
    customer, line, one_charge = await charged_line(owner, await plan(owner, "p", 3000), MARCH)
    await billed(owner, MARCH, customer)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-03-11' WHERE id = %s", (one_charge,))
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated' WHERE id = %s", (line,))
    run = await billed(owner, date(2026, 3, 11), customer)
    invoice = await one(owner, "SELECT id FROM billing.invoice WHERE run_id = %s", run)

    with pytest.raises(psycopg.Error, match="carried, not sent"):
        await owner.execute("SELECT billing.release_held(ARRAY[%s]::bigint[], %s)", (invoice, AT))
    await row(owner, "billing.one_off", **_fee((customer, line), 9000, "fee"), action_id=await given.action(owner))
    await billed(owner, APRIL, customer)
    released = await one(owner, "SELECT billing.release_held(ARRAY[%s]::bigint[], %s)", invoice, AT)

    assert (released, await numbers(owner)) == (0, [100001, 100002])


async def test_a_run_that_may_not_be_issued_issues_nothing(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p"), MARCH)
    run = await drafted(owner, MARCH, customer)

    with pytest.raises(psycopg.Error, match="may not be issued"):
        await owner.execute("SELECT billing.issue_batch(%s, 1, %s)", (run, AT))

    assert await numbers(owner) == []


async def test_interrupted_while_it_issues_a_run_goes_on_with_no_gap_and_no_number_twice(owner: Owner) -> None:
    version = await plan(owner, "p")
    customers = [(await charged_line(owner, version, MARCH))[0] for _ in range(6)]
    await owner.execute("SELECT set_config('bedrock.action', %s, false)", (str(await given.action(owner)),))
    run = await one(owner, "SELECT billing.open_run('offCycle', '2026-02-28', %s, %s::bigint[], 2)", MARCH, customers)
    await owner.execute("SELECT billing.draft(%s, customer_ids, %s) FROM billing.bill_run_batch WHERE run_id = %s", (run, MARCH, run))
    await owner.execute("SELECT billing.begin_issuing(%s)", (run,))
    await owner.execute("SELECT billing.issue_batch(%s, 1, %s)", (run, AT))
    async with owner.transaction(force_rollback=True):
        await owner.execute("SELECT billing.issue_batch(%s, 2, %s)", (run, AT))

    again = [await one(owner, "SELECT billing.issue_batch(%s, %s, %s)", run, number, AT) for number in (1, 2, 3)]

    assert (again, await numbers(owner)) == ([0, 2, 2], list(range(100001, 100007)))
    assert await one(owner, "SELECT state FROM billing.bill_run WHERE id = %s", run) == "done"
    assert await one(owner, "SELECT count(*) FROM billing.journal WHERE kind = 'invoice'") == 6


async def test_batches_issued_at_once_share_the_series_without_a_gap(atlas: Atlas, owner: Owner) -> None:
    version = await plan(owner, "p")
    customers = [(await charged_line(owner, version, MARCH))[0] for _ in range(12)]
    await owner.execute("SELECT set_config('bedrock.action', %s, false)", (str(await given.action(owner)),))
    run = await one(owner, "SELECT billing.open_run('offCycle', '2026-02-28', %s, %s::bigint[], 3)", MARCH, customers)
    await owner.execute("SELECT billing.draft(%s, customer_ids, %s) FROM billing.bill_run_batch WHERE run_id = %s", (run, MARCH, run))
    await owner.execute("SELECT billing.begin_issuing(%s)", (run,))

    async def issued(number: int) -> None:
        async with await psycopg.AsyncConnection.connect(atlas.url, autocommit=True) as conn:
            await conn.execute("SELECT billing.issue_batch(%s, %s, %s)", (run, number, AT))

    await asyncio.gather(*(issued(number) for number in (1, 2, 3, 4, 1, 2)))

    assert await numbers(owner) == list(range(100001, 100013))


async def test_issued_invoices_are_immutable_header_lines_and_totals(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p"), MARCH)
    await billed(owner, MARCH, customer)

    for change in (
        b"UPDATE billing.invoice SET number = 7",
        b"UPDATE billing.invoice SET total_net_minor = 0",
        b"UPDATE billing.invoice_line SET amount_minor = 0",
        b"DELETE FROM billing.invoice_line",
        b"INSERT INTO billing.invoice_line (invoice_id, label, kind, amount_minor, tax_minor, cause)"
        b" SELECT id, 'x', 'one_off', 1, 0, 'x' FROM billing.invoice",
        b"DELETE FROM billing.invoice",
    ):
        with pytest.raises(psycopg.Error, match="never changed"):
            await owner.execute(change)


async def test_one_run_is_open_at_a_time(owner: Owner) -> None:
    customer, _, _ = await charged_line(owner, await plan(owner, "p"), MARCH)
    await drafted(owner, MARCH, customer)

    with pytest.raises(psycopg.errors.UniqueViolation):
        await drafted(owner, MARCH, customer)


async def test_a_daily_run_takes_those_whose_day_came_since_the_last_and_whoever_left(owner: Owner) -> None:
    version = await plan(owner, "p")
    first, tenth, last = [(await charged_line(owner, version, MARCH, cycle_day=day))[0] for day in (1, 10, 31)]
    gone, _, one_charge = await charged_line(owner, version, MARCH, cycle_day=20)
    await owner.execute("UPDATE billing.charge SET ends_on = '2026-04-29' WHERE id = %s", (one_charge,))
    await owner.execute("SELECT set_config('bedrock.action', %s, false)", (str(await given.action(owner)),))

    run = await one(owner, "SELECT billing.open_run('onCycle', '2026-04-28', '2026-04-30', NULL, 100)")

    assert await one(owner, "SELECT customer_ids FROM billing.bill_run_batch WHERE run_id = %s", run) == [last, gone]
    assert first != tenth
