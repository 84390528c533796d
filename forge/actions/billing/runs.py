"""Bills are drafted for everybody whose day it is, looked at, and issued; what is held goes out by a person's word."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Final, Self

from atlas.billing.reads.runs import batch_totals, held_bills, run_totals
from atlas.billing.records.runs import HeldBill
from atlas.billing.rules.amounts import total
from atlas.billing.writes.runs import begin_issuing, issue_batch, open_run, release_held
from atlas.identity import CustomerId, InvoiceId
from atlas.jobs import defer
from atlas.money import ZERO, Money
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from governance.facts import Facts

# A batch is a transaction: large enough that the set-based statements pay, small enough to be done again within seconds.
BATCH: Final = 5_000
RUN_JOB: Final = "billing.run"


async def see_to_runs(conn: Connection) -> None:
    """Goes on with a run that was let go, and tells of every bill that was issued, once this transaction is committed."""
    await defer(conn, RUN_JOB, lock=RUN_JOB, queueing_lock=RUN_JOB)


@dataclass(frozen=True)
class PrepareBillRun(Action):
    """Open a run over everybody whose billing day came after `since`, until `billed_on`; or, off cycle, over these customers."""

    name: ClassVar[str] = "prepare_bill_run"

    since: date
    billed_on: date
    customers: tuple[CustomerId, ...] | None = None

    @property
    def operation_key(self) -> str:
        whose = "everybody" if self.customers is None else short(map(str, self.customers))
        return f"{self.name}:{self.since}:{self.billed_on}:{whose}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict while another run is not done."""
        run_type = "onCycle" if self.customers is None else "offCycle"
        return {"run": await open_run(conn, run_type, self.since, self.billed_on, self.customers, BATCH)}


@dataclass(frozen=True)
class IssueBillRun(Action):
    """Let the drafts of a run go out that nothing speaks against: `bills` of them for `total`, the dearest for `largest`."""

    name: ClassVar[str] = "issue_bill_run"

    run_id: int
    bills: int
    total: Money
    largest: Money

    @classmethod
    async def of(cls, conn: Connection, run_id: int) -> Self:
        found = await run_totals(conn, run_id)
        return cls(run_id, found.bills, found.total, found.largest)

    @property
    def operation_key(self) -> str:
        # A run that was drafted anew is another question.
        return f"{self.name}:{self.run_id}:{self.bills}:{self.total.minor}"

    def facts(self) -> Facts:
        return Facts(self.name, money=self.total, money_each=self.largest, customers=self.bills)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.run_id)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where the run is not drafted."""
        await begin_issuing(conn, self.run_id)
        await see_to_runs(conn)
        return {"run": self.run_id, "bills": self.bills, "total": str(self.total)}


@dataclass(frozen=True)
class IssueBillBatch(Action):
    """Issue and post the bills of one batch of a run that was let go, with their numbers. Once: a second time issues nothing."""

    name: ClassVar[str] = "issue_bill_batch"

    run_id: int
    number: int
    bills: int
    total: Money
    largest: Money

    @classmethod
    async def of(cls, conn: Connection, run_id: int, number: int) -> Self:
        found = await batch_totals(conn, run_id, number)
        return cls(run_id, number, found.bills, found.total, found.largest)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.run_id}:{self.number}"

    def facts(self) -> Facts:
        return Facts(self.name, money=self.total, money_each=self.largest, customers=self.bills)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.run_id, self.number)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where the run was not let go."""
        return {"issued": await issue_batch(conn, self.run_id, self.number, now)}


@dataclass(frozen=True)
class ReleaseHeldBills(Action):
    """Issue bills that were held for an anomaly, after somebody looked at them."""

    name: ClassVar[str] = "release_held_bills"

    bills: tuple[HeldBill, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{short(f'{bill.invoice_id}={bill.total.minor}' for bill in self.bills)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(sorted({bill.customer_id for bill in self.bills}))

    def facts(self) -> Facts:
        amounts = [bill.total for bill in self.bills]
        return Facts(self.name, money=total(amounts), money_each=max(amounts, default=ZERO), customers=len(self.touched_customers))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        ids = [InvoiceId(bill.invoice_id) for bill in self.bills]
        return replace(self, bills=tuple(await held_bills(conn, invoice_ids=ids, most=len(ids))))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for a bill of nothing, or in the customer's favour."""
        issued = await release_held(conn, [bill.invoice_id for bill in self.bills], now)
        await see_to_runs(conn)
        return {"issued": issued}


ACTIONS: tuple[type[Action], ...] = (PrepareBillRun, IssueBillRun, IssueBillBatch, ReleaseHeldBills)
