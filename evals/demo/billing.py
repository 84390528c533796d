"""`bedrock demo billing`: a year of a small ISP, billed by the real run while money arrives; the books are asked after each month."""

import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection
from rich.table import Table

from api.serve import database
from api.settings import Settings
from atlas.billing.reads.books import broken_invariants
from atlas.connection import Atlas
from atlas.identity import CustomerId, OfferingVersionId, SubscriberId
from atlas.money import Money
from atlas.principal import Zone
from atlas.statements import Connection, Statements
from evals.world.charging import change_charge, stop_charges
from forge.bill_run import bill_the_day
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load

SQL: Final = Statements(__file__)
FIRST: Final = date(2025, 1, 1)
RUN_ON: Final = (1, 8, 15, 22, 28)
UPGRADES_IN: Final = 6
LEAVE_IN: Final = 9
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Billed:
    """What one month's runs issued."""

    bills: int
    billed: Money
    first_number: int | None
    last_number: int | None


@dataclass(frozen=True)
class Books:
    """What the books add up to; `gaps` in the numbers of bills; `waiting` bills that a person is to look at."""

    ledger: Money
    owed: Money
    gaps: int
    waiting: int


@dataclass(frozen=True)
class Month:
    """One month of the demo, as it stood at its end. `broken` is how many rows of the books break an invariant."""

    month: date
    billed: Billed
    paid: Money
    books: Books
    broken: int

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


async def billing_year(told: Callable[[Month], None], lines: int = 240) -> list[Month]:
    """Twelve months in a database of its own, which is gone afterwards."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bedrock-billing-")))
        settings = Settings(home=home)
        url = await stack.enter_async_context(database(settings))
        owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
        atlas = await stack.enter_async_context(Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=4))
        await put_in_force(atlas, load(SHIPPED))
        return await months_billed(atlas, owner, lines, 12, told)


async def months_billed(atlas: Atlas, owner: Connection, lines: int, months: int, told: Callable[[Month], None]) -> list[Month]:
    """So many lines in an empty Atlas, billed from January on. The matrix is in force."""
    clock = Clock(datetime(2025, 1, 1, tzinfo=UTC))
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: clock.now, ZoneInfo("Europe/London"))
    await SQL.value(owner, "acting")
    versions = await SQL.value(owner, "plans")
    await SQL.run(owner, "lines", lines=lines, versions=versions, first=FIRST)
    seen = []
    for number in range(1, months + 1):
        seen.append(await one_month(forge, owner, clock, FIRST.replace(month=number), versions))
        told(seen[-1])
    return seen


async def one_month(forge: Forge, owner: Connection, clock: Clock, month: date, versions: list[int]) -> Month:
    """Runs on five days; in between calls are made, money arrives, some change their plan and some leave."""
    paid = 0
    for day in RUN_ON:
        on = month.replace(day=day)
        clock.at(on)
        await bill_the_day(forge, on)
        later = clock.at(on, hour=18)
        await SQL.value(owner, "used", at=later)
        paid += await SQL.value(owner, "paid", at=later)
        if day == RUN_ON[1]:
            await customers_move(owner, month, later + DAY, versions)
    billed, books = await SQL.one(owner, Billed, "month", month=month), await SQL.one(owner, Books, "books")
    return Month(month, billed, Money.of_minor(paid), books, len(await broken_invariants(owner)))


async def customers_move(owner: Connection, month: date, at: datetime, versions: list[int]) -> None:
    if month.month == UPGRADES_IN:
        for customer, line in await _some(owner, versions[0], 1):
            await change_charge(owner, customer, line, OfferingVersionId(versions[1]), at=at, evidence="demo:upgrade", order_id=None)
    if month.month == LEAVE_IN:
        for customer, line in await _some(owner, versions[1], 2):
            await stop_charges(owner, customer, line, at=at, because="they moved away", order_id=None)


@dataclass(frozen=True)
class _Line:
    customer_id: CustomerId
    subscriber_id: SubscriberId


async def _some(owner: Connection, version: int, rest: int) -> list[tuple[CustomerId, SubscriberId]]:
    found = await SQL.all(owner, _Line, "to_change", version=version, rest=rest)
    return [(one.customer_id, one.subscriber_id) for one in found]


def table_of(months: list[Month]) -> Table:
    columns = ("Month", "Bills", "Billed", "Paid", "Owed", "Numbers", "Gaps", "To look at", "Ledger", "Broken")
    shown = Table(*columns, title="A year of bills: numbers without gaps, books that add up to nothing, every invariant asked")
    for one in months:
        numbers = f"{one.billed.first_number}-{one.billed.last_number}"
        figures = (
            one.billed.bills,
            one.billed.billed,
            one.paid,
            one.books.owed,
            numbers,
            one.books.gaps,
            one.books.waiting,
            one.books.ledger,
        )
        shown.add_row(f"{one.month:%B}", *(str(each) for each in figures), str(one.broken), style="" if one.holds else "red")
    return shown
