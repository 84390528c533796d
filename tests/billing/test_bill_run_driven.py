"""A run as Forge drives it: opened, drafted, judged by the matrix that ships, issued in batches, taken up after it was stopped."""

import uuid
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from atlas.actions.records import ActionState
from atlas.billing.reads.books import broken_invariants
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CorrelationId, CustomerId, InvoiceId, StaffId
from atlas.money import Money
from atlas.principal import Role, executor, staff
from forge.actions.billing import runs
from forge.actions.billing.corrections import ChargeOnce, IssueCreditNote
from forge.bill_run import BILLER, bill_the_day, drafted, go_on, issued, let_go, prepared, preview
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from governance.matrix import load
from tests import carried
from tests.billing.arranged import one, owed
from tests.billing.billed import charged_line, plan
from tests.given import NOW, Owner

SHIPPED = Path(__file__).parents[2] / "governance" / "matrix.yaml"
MARCH = date(2026, 3, 1)
CLERK = staff(StaffId(1), "Anna Bell", frozenset({Role.CUSTOMER_CARE}))


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def charged(owner: Owner, minor: int = 3000, count: int = 1) -> list[int]:
    version = await plan(owner, f"p{minor}", minor)
    return [(await charged_line(owner, version, MARCH))[0] for _ in range(count)]


async def numbers(owner: Owner) -> list[int]:
    return list(await one(owner, "SELECT coalesce(array_agg(number ORDER BY number), '{}') FROM billing.invoice WHERE number IS NOT NULL"))


async def test_a_day_of_ordinary_bills_goes_out_by_itself(forge: Forge, owner: Owner) -> None:
    (customer,) = await charged(owner)

    run = await bill_the_day(forge, MARCH)

    assert (run.state, await numbers(owner), await owed(owner, customer)) == ("done", [100001], 3600)


async def test_the_days_that_no_run_was_made_are_caught_up(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    await bill_the_day(forge, date(2026, 2, 27))

    run = await bill_the_day(forge, date(2026, 3, 4))

    assert (run.since, run.billed_on, await numbers(owner)) == (date(2026, 2, 27), date(2026, 3, 4), [100001])


async def test_a_run_with_a_dear_bill_waits_for_a_billing_lead_and_issues_nothing(forge: Forge, owner: Owner) -> None:
    await charged(owner, 300_000)
    run = await prepared(forge, BILLER, MARCH)
    await drafted(forge, run)

    asked = await let_go(forge, BILLER, run)

    assert (asked.state, asked.approver_roles) == (ActionState.WAITING, ("billing_lead",))
    assert (await go_on(forge), await numbers(owner)) == (None, [])


async def test_preview_says_what_would_go_out_before_anything_does(forge: Forge, owner: Owner) -> None:
    await charged(owner, count=3)

    found = await drafted(forge, await prepared(forge, CLERK, MARCH))

    assert (found.totals.bills, found.totals.total, found.held, found.run.state) == (3, Money("108.00"), (), "drafted")
    assert await numbers(owner) == []


async def test_stopped_between_batches_a_run_is_taken_up_with_no_gap_and_no_duplicate_number(
    forge: Forge, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "BATCH", 2)
    await charged(owner, count=7)
    run = await prepared(forge, BILLER, MARCH)
    await drafted(forge, run)
    await let_go(forge, BILLER, run)

    def stopping(step: str, done: int, of: int) -> None:
        raise ConnectionResetError(f"{step} {done} of {of}")

    with pytest.raises(ExceptionGroup):
        await issued(forge, run, stopping)
    before = await numbers(owner)
    taken_up = await go_on(forge)

    assert 0 < len(before) < 7
    assert taken_up is not None
    assert (taken_up.state, await numbers(owner)) == ("done", list(range(100001, 100008)))
    assert await broken_invariants(owner) == []


async def test_a_batch_of_a_run_that_was_not_let_go_is_not_issued(forge: Forge, owner: Owner) -> None:
    await charged(owner)
    run = await prepared(forge, BILLER, MARCH)
    await drafted(forge, run)

    with pytest.raises(ExceptionGroup):
        await issued(forge, run)

    assert await numbers(owner) == []


async def test_a_batch_for_more_than_was_judged_is_refused_by_the_books(atlas: Atlas, owner: Owner) -> None:
    (customer,) = await charged(owner)
    outcome = await carried.out(atlas, runs.PrepareBillRun(date(2026, 2, 28), MARCH, (CustomerId(customer),)), NOW)
    run = outcome["run"]
    await owner.execute("SELECT billing.draft(%s, customer_ids, %s) FROM billing.bill_run_batch", (run, MARCH))
    await owner.execute("SELECT billing.begin_issuing(%s)", (run,))

    with pytest.raises(Exception, match="was judged for"):
        await carried.out(atlas, runs.IssueBillBatch(run, 1, 1, Money("1.00"), Money("1.00")), NOW)

    assert await numbers(owner) == []


async def bill_of(forge: Forge, owner: Owner) -> tuple[CustomerId, InvoiceId]:
    (customer,) = await charged(owner)
    await bill_the_day(forge, MARCH)
    return CustomerId(customer), InvoiceId(await one(owner, "SELECT id FROM billing.invoice"))


async def test_a_small_credit_note_by_staff_is_a_document_with_its_own_number_and_journal(forge: Forge, owner: Owner) -> None:
    customer, invoice = await bill_of(forge, owner)
    async with forge.atlas.transaction(executor("test")) as conn:
        action = await IssueCreditNote.of(conn, customer, invoice, None, "charged by mistake")

    done = await propose(forge, CLERK, action, reason="a test", correlation_id=CorrelationId(uuid.uuid4()))

    assert (done.state, await owed(owner, customer)) == (ActionState.DONE, 0)
    assert await one(owner, "SELECT prefix || number FROM billing.credit_note JOIN billing.series ON code = series") == "CN1"
    assert await broken_invariants(owner) == []


async def test_something_charged_once_is_on_the_next_bill_and_never_twice(forge: Forge, atlas: Atlas, owner: Owner) -> None:
    version = await plan(owner, "p", 3000)
    customer, line, _ = await charged_line(owner, version, MARCH)
    visit = ChargeOnce(CustomerId(customer), line, "Visit", Money("45.00"), "job:7")  # type: ignore[arg-type]
    await carried.out(atlas, visit, NOW)
    with pytest.raises(Exception, match="charged before"):
        await carried.out(atlas, visit, NOW)

    await write_in_force(owner, load(SHIPPED))
    await bill_the_day(forge, date(2026, 4, 1))

    assert await one(owner, "SELECT array_agg(label ORDER BY id) FROM billing.invoice_line") == ["p", "p", "Visit"]


async def test_nothing_is_no_amount_to_charge(atlas: Atlas, owner: Owner) -> None:
    customer, line, _ = await charged_line(owner, await plan(owner, "p"), MARCH)

    with pytest.raises(InvalidField, match="amount"):
        await carried.out(atlas, ChargeOnce(CustomerId(customer), line, "Visit", Money("0.00"), "job:7"), NOW)  # type: ignore[arg-type]


async def test_a_run_that_is_open_is_the_run_that_anybody_prepares(forge: Forge, owner: Owner) -> None:
    await charged(owner)

    runs_prepared = [await prepared(forge, BILLER, MARCH) for _ in range(2)]

    assert runs_prepared[0] == runs_prepared[1]
    assert (await preview(forge, runs_prepared[0])).run.state == "drafting"
