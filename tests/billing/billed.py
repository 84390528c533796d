"""Lines with charges, and bills made of them, that the tests of the bill run start from."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from tests import given
from tests.billing.arranged import customer_with_line
from tests.given import NOW, Owner, row


async def plan(owner: Owner, code: str, monthly_minor: int = 3000, **columns: Any) -> int:
    """An offering version with one recurring price; `columns` of the price. The version's id."""
    offered = await row(
        owner, "catalogue.offering", code=code, name=code, technology="fibre", segment="residential", lifecycle_status="in_test"
    )
    version = await row(
        owner, "catalogue.offering_version", offering_id=offered, valid_from=date(2010, 1, 1), down_kbps=100_000, up_kbps=20_000
    )
    await price(owner, version, label=code, amount_minor=monthly_minor, **columns)
    return version


async def price(owner: Owner, version: int, **columns: Any) -> int:
    columns = {"kind": "recurring", "label": "Line", "amount_minor": 3000, **columns}
    return await row(owner, "catalogue.price", offering_version_id=version, **columns)


async def charged_line(
    owner: Owner, version: int, starts_on: date, cycle_day: int = 1, ends_on: date | None = None, name: str = "Maya Patel"
) -> tuple[int, int, int]:
    """A customer with a line that is charged since then: customer, line and charge."""
    customer, line = await customer_with_line(owner, name)
    await row(owner, "billing.account", customer_id=customer, cycle_day=cycle_day)
    return customer, line, await charge(owner, customer, line, version, starts_on, ends_on)


async def charge(owner: Owner, customer: int, line: int, version: int, starts_on: date, ends_on: date | None = None, **columns: Any) -> int:
    at = datetime(starts_on.year, starts_on.month, starts_on.day, 12, tzinfo=NOW.tzinfo)
    columns = {"evidence": "accounting_start:1", "evidence_at": at, "action_id": await given.action(owner), **columns}
    return await row(
        owner,
        "billing.charge",
        customer_id=customer,
        subscriber_id=line,
        offering_version_id=version,
        starts_on=starts_on,
        ends_on=ends_on,
        **columns,
    )


async def drafted(owner: Owner, on: date, *customers: int) -> int:
    """A run over these customers, drafted; its id."""
    await owner.execute("SELECT set_config('bedrock.action', %s, false)", (str(await given.action(owner)),))
    statement = "SELECT billing.open_run('offCycle', %s, %s, %s::bigint[], 100)"
    found = await (await owner.execute(statement, (on - timedelta(days=1), on, list(customers)))).fetchone()
    assert found is not None
    await owner.execute(
        "SELECT billing.draft(%s, customer_ids, %s) FROM billing.bill_run_batch WHERE run_id = %s", (found[0], on, found[0])
    )
    return int(found[0])


async def billed(owner: Owner, on: date, *customers: int) -> int:
    """A run over these customers, issued on that day; its id."""
    run = await drafted(owner, on, *customers)
    await owner.execute("SELECT billing.begin_issuing(%s)", (run,))
    at = datetime(on.year, on.month, on.day, 6, tzinfo=NOW.tzinfo)
    await owner.execute("SELECT billing.issue_batch(%s, number, %s) FROM billing.bill_run_batch WHERE run_id = %s", (run, at, run))
    return run


async def lines(owner: Owner, run: int) -> Sequence[tuple[str, str, date, date, int, int]]:
    """What the run put on its bills: label, kind, first day, end, net and tax in minor units."""
    found = await owner.execute(
        "SELECT line.label, line.kind, line.period_from, line.period_to, line.amount_minor, line.tax_minor"
        "  FROM billing.invoice_line AS line JOIN billing.invoice ON invoice.id = line.invoice_id"
        " WHERE invoice.run_id = %s ORDER BY line.id",
        (run,),
    )
    return [tuple(each) for each in await found.fetchall()]


async def amounts(owner: Owner, run: int) -> list[tuple[date, date, int]]:
    """First day, end and net amount of each line of the run."""
    return [(first, end, net) for _, _, first, end, net, _ in await lines(owner, run)]
