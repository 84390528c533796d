"""`bedrock demo billing`: a year of the demo ISP, billed by the real run while money comes and goes; the books are asked each month."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from rich import box
from rich.table import Table

from api.serve import database
from api.settings import Settings
from atlas.billing.reads.books import broken_invariants
from atlas.billing.reads.leavers import owed_to_leavers
from atlas.billing.reads.runs import held_bills
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import CorrelationId, CustomerId, OfferingVersionId, StaffId, SubscriberId
from atlas.money import ZERO, Money
from atlas.principal import Role, Zone, executor, in_session
from atlas.statements import Connection, Statements
from evals.demo.watching import somebody_with
from evals.world.charging import change_charge, stop_charges
from evals.world.seed import seed
from forge.actions.billing.runs import ReleaseHeldBills
from forge.approvals import approve, waiting_for
from forge.bill_run import bill_the_day, go_on
from forge.carry_out import carry_out
from forge.leavers import settle_with_leavers
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from forge.sign_in.sessions import begun
from governance.matrix import SHIPPED, load

SQL: Final = Statements(__file__)
WATCHER: Final = executor("demo")
# The world's own history ends here: each customer has their last two bills.
SEEDED_AT: Final = datetime(2025, 1, 1, 12, tzinfo=UTC)
FIRST: Final = date(2025, 1, 1)
MONTHS: Final = 12
# As many as the machine has cores, at the least.
AT_ONCE: Final = 2
RUN_ON: Final = (2, 8, 15, 22, 28)
DAY: Final = timedelta(days=1)


class NotLetGo(AtlasError):
    """Bills wait for somebody, and nobody here may let them go; or they did not go when somebody did."""


@dataclass(frozen=True)
class Billed:
    """What one month's runs issued, and how many credit notes went out beside it."""

    bills: int
    billed: Money
    first_number: int | None
    last_number: int | None
    notes: int


@dataclass(frozen=True)
class Books:
    """What the books add up to; `gaps` in the numbers of bills; `waiting` bills that a person is to look at.

    `carried`: drafts of nothing, or in the favour of somebody who is served still and has a next bill. `paid_back`: to those who left.
    """

    ledger: Money
    owed: Money
    gaps: int
    waiting: int
    carried: int
    paid_back: Money


@dataclass(frozen=True)
class Month:
    """One month of the demo, as it stood at its end. `leavers`: how many wait for what we owe them; `broken`: how many rows break an
    invariant; `seconds`: how long it took."""

    month: date
    billed: Billed
    paid: Money
    books: Books
    leavers: int
    broken: int
    seconds: float

    @property
    def holds(self) -> bool:
        return not self.books.ledger and not self.books.gaps and not self.broken


@dataclass
class Clock:
    """The demo's own day."""

    now: datetime

    def at(self, day: date, hour: int = 6) -> datetime:
        self.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        return self.now


@dataclass(frozen=True)
class _Moving:
    """A line whose customer takes this plan, or leaves it."""

    customer_id: CustomerId
    subscriber_id: SubscriberId
    offering_version_id: OfferingVersionId


async def billing_year(told: Callable[[str], None], subscribers: int) -> list[Month]:
    """Twelve months of the demo ISP in a database of its own, which is gone afterwards. `told` what is being done."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bedrock-billing-")))
        # The embedded server may run as a user of its own.
        os.chmod(home, 0o755)  # noqa: S103
        settings = Settings(home=home)
        url = await stack.enter_async_context(database(settings))
        told(f"making {subscribers:,} subscribers")
        await asyncio.to_thread(seed, url, subscribers=subscribers, now=SEEDED_AT)
        owners = [await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True)) for _ in range(AT_ONCE)]
        atlas = await stack.enter_async_context(Atlas.open(url, settings.secret, (Zone.EXECUTOR, Zone.STAFF), most=4))
        await put_in_force(atlas, load(SHIPPED))
        return await months_billed(atlas, owners, MONTHS, told)


async def months_billed(atlas: Atlas, owners: Sequence[Connection], months: int, told: Callable[[str], None]) -> list[Month]:
    """So many months of the customers that are there, from January on. The matrix is in force; `owners` act side by side."""
    clock = Clock(SEEDED_AT)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: clock.now, ZoneInfo("Europe/London"))
    for owner in owners:
        await SQL.value(owner, "acting")
    await SQL.run(owners[0], "calls_priced")
    seen: list[Month] = []
    for number in range(1, months + 1):
        month = FIRST.replace(month=number)
        told(f"billing {month:%B}")
        seen.append(await one_month(forge, owners, clock, month))
    return seen


async def one_month(forge: Forge, owners: Sequence[Connection], clock: Clock, month: date) -> Month:
    """Runs on five days; in between calls are made and money arrives, and in the middle of it everything else that happens to bills."""
    began, paid, owner = time.perf_counter(), 0, owners[0]
    for place, day in enumerate(RUN_ON):
        on = month.replace(day=day)
        clock.at(on)
        await billed(forge, on)
        evening = clock.at(on, hour=18)
        await SQL.value(owner, "used", at=evening, place=place)
        if day == RUN_ON[2]:
            await bills_disputed(owner, month, evening)
        paid += await money_arrives(owners, evening)
        if day == RUN_ON[1]:
            await customers_move(owner, month, evening + DAY)
    await held_let_go(forge)
    leavers = await leavers_settled_with(forge)
    await SQL.value(owner, "returned", at=clock.now)
    await SQL.value(owner, "written_off", at=clock.now)
    made, books = await SQL.one(owner, Billed, "month", month=month), await SQL.one(owner, Books, "books")
    broken = len(await broken_invariants(owner))
    return Month(month, made, Money.of_minor(paid), books, leavers, broken, time.perf_counter() - began)


async def billed(forge: Forge, on: date) -> None:
    """Everybody whose day came; a run that is too large to go by itself is let go by whoever it waits for. Raises NotLetGo."""
    run = await bill_the_day(forge, on)
    if run.state == "done":
        return
    await let_go(forge, "issue_bill_run")
    done = await go_on(forge)
    if done is None or done.state != "done":
        raise NotLetGo(f"run {run.id} is {run.state} still")


async def held_let_go(forge: Forge) -> None:
    """What stood out is looked at by a person, and goes out. Raises NotLetGo."""
    async with forge.atlas.transaction(WATCHER) as conn:
        held = tuple(bill for bill in await held_bills(conn) if bill.total > ZERO)
    if held:
        await propose(forge, WATCHER, ReleaseHeldBills(held), reason="looked at", correlation_id=CorrelationId(uuid4()))
        await let_go(forge, "release_held_bills")


async def leavers_settled_with(forge: Forge) -> int:
    """Whoever left gets their final statement and their money; how many wait, for want of a way that leads back to them."""
    await settle_with_leavers(forge)
    await let_go(forge, "issue_final_statements")
    await settle_with_leavers(forge)
    await let_go(forge, "pay_back_leaver")
    async with forge.atlas.transaction(WATCHER) as conn:
        return len(await owed_to_leavers(conn, forge.now().date()))


async def let_go(forge: Forge, name: str) -> None:
    """Whatever waits under this name is approved by whom it waits for, and done. Raises NotLetGo."""
    async with forge.atlas.transaction(WATCHER) as conn:
        cards = [card for card in await waiting_for(forge, conn) if card.name == name]
    for card in cards:
        for role in card.approver_roles:
            async with forge.atlas.transaction(WATCHER) as conn:
                person = await somebody_with(conn, Role(role))
            if person is None:
                raise NotLetGo(f"{card.reference} waits for a {role}, and there is none")
            signed_in = in_session(person, (await begun(forge.atlas, StaffId(person.staff_id or 0))).fingerprint)
            await approve(forge, signed_in, card.action_id, digest_seen=card.digest, note="seen in the demo")
        await carry_out(forge, card.action_id)


async def money_arrives(owners: Sequence[Connection], at: datetime) -> int:
    """What is paid that evening, in minor units: each of the connections hears of its share of the customers, side by side."""
    parts = (SQL.value(owner, "paid", at=at, part=part, of=len(owners)) for part, owner in enumerate(owners))
    return sum(await asyncio.gather(*parts))


async def bills_disputed(owner: Connection, month: date, at: datetime) -> None:
    """What was disputed before is given back and accepted, and others begin to dispute; among the rest some were charged by mistake."""
    await SQL.value(owner, "given_back", month=month, at=at)
    await SQL.value(owner, "accepted", month=month)
    await SQL.value(owner, "disputed", month=month)


async def customers_move(owner: Connection, month: date, at: datetime) -> None:
    """Some take a dearer plan, and some leave."""
    for one in await SQL.all(owner, _Moving, "to_upgrade", on=at.date(), month=month.month):
        await change_charge(
            owner, one.customer_id, one.subscriber_id, one.offering_version_id, at=at, evidence="demo:upgrade", order_id=None
        )
    for one in await SQL.all(owner, _Moving, "to_leave", on=at.date(), month=month.month):
        await stop_charges(owner, one.customer_id, one.subscriber_id, at=at, because="they moved away", order_id=None)
        await SQL.run(owner, "left", subscriber_id=one.subscriber_id)


def table_of(months: list[Month]) -> Table:
    """Narrow enough for a terminal of 100 columns."""
    columns = ("", "Bills", "Billed", "Paid", "Owed", "Numbers", "Gaps", "Notes", "Held", "Carried", "Ledger", "Broken", "s")
    shown = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title="A year of bills")
    for name in columns:
        shown.add_column(name, justify="left" if name in ("", "Numbers") else "right", no_wrap=True)
    for one in months:
        made, books = one.billed, one.books
        figures = (
            f"{made.bills:,}",
            *(f"{amount.amount:,.0f}" for amount in (made.billed, one.paid, books.owed)),
            f"{made.first_number}-{made.last_number}",
            *(f"{count:,}" for count in (books.gaps, made.notes, books.waiting, books.carried)),
            str(books.ledger),
            str(one.broken),
            f"{one.seconds:.1f}",
        )
        shown.add_row(f"{one.month:%b}", *figures, style="" if one.holds else "red")
    return shown


def sentence_of(months: list[Month]) -> str:
    """All of it in one sentence."""
    first, last = months[0].billed.first_number, months[-1].billed.last_number
    made, notes = sum(one.billed.bills for one in months), sum(one.billed.notes for one in months)
    worth, books = sum((one.billed.billed for one in months), ZERO), months[-1].books
    return (
        f"{made:,} bills of {worth} together, numbers {first} to {last} with {books.gaps} gaps, {notes:,} credit notes;"
        f" {books.paid_back} went back to those who left, and {months[-1].leavers} of them wait for somebody to transfer it;"
        f" {books.waiting} drafts are held, {books.carried} are carried to a next bill;"
        f" the ledger adds up to {books.ledger}, and {sum(one.broken for one in months)} rows break an invariant."
    )
