"""One customer of a case, billed by the real run: charges begin, change and end by Atlas's own writes, and a run bills them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any, Final, Self

from atlas.errors import AtlasError
from atlas.identity import CustomerId, OfferingVersionId, SubscriberId
from atlas.statements import Connection, Statements
from evals.world.charging import change_charge, start_charge, stop_charges

SQL: Final = Statements(__file__)
MONTHS: Final = {"month": 1, "year": 12, "monthly": 1, "quarterly": 3, "annual": 12}


class NotOurs(AtlasError):
    """A rule that our billing does not have: the case is refused."""


@dataclass(frozen=True)
class Line:
    """What a run put on a bill. `net` and `tax` in minor units; days from `period_from` until before `period_to`."""

    charge_id: int | None
    kind: str
    period_from: date
    period_to: date
    of_days: int | None
    net: int
    tax: int

    @property
    def periods(self) -> Fraction:
        """How many whole periods the line's days are."""
        return Fraction((self.period_to - self.period_from).days, self.of_days or 1)


@dataclass
class Played:
    """The customer as far as the case went: `bills` are the lines of each run, `waiting` what was not issued before and after the last."""

    conn: Connection
    customer: CustomerId
    line: SubscriberId
    bills: list[list[Line]] = field(default_factory=list)
    waiting: tuple[int, int] = (0, 0)

    @classmethod
    async def of(cls, conn: Connection, percent: str, change_day: str) -> Self:
        """A customer where tax is so many percent. Inside a transaction that the caller undoes."""
        await SQL.value(conn, "acting")
        await SQL.run(conn, "operator", percent=percent)
        await SQL.run(conn, "convention", change_day=change_day)
        version = await plan(conn, 1)
        (customer, line) = await SQL.value(conn, "line", version=version)
        return cls(conn, CustomerId(customer), SubscriberId(line))

    async def begins(self, day: date, version: OfferingVersionId, bill_day: int) -> None:
        await start_charge(self.conn, self.customer, self.line, version, at=noon(day), evidence="case:start", order_id=None)
        await self.moves(bill_day)

    async def changes(self, day: date, version: OfferingVersionId, bill_day: int | None = None) -> None:
        await change_charge(self.conn, self.customer, self.line, version, at=noon(day), evidence="case:change", order_id=None)
        if bill_day is not None:
            await self.moves(bill_day)

    async def ends(self, day: date) -> None:
        await stop_charges(self.conn, self.customer, self.line, at=noon(day), because="case", order_id=None)

    async def moves(self, bill_day: int) -> None:
        await SQL.run(self.conn, "bill_day", customer=self.customer, cycle_day=bill_day)

    async def apart(self, since: date, until: date) -> None:
        """Days that are not charged for the moment."""
        await SQL.run(self.conn, "pauses", are="not_charged")
        await SQL.run(self.conn, "pause", line=self.line, since=since, until=until)

    async def whole_again(self) -> None:
        await SQL.run(self.conn, "pauses", are="charged")

    async def bills_on(self, day: date) -> list[Line]:
        """The lines that a run of that day added."""
        before, after = await self._carried(), await SQL.value(self.conn, "last_line")
        run = await SQL.value(self.conn, "open_run", customer=self.customer, day=day)
        await SQL.value(self.conn, "draft", run=run, customer=self.customer, day=day)
        await SQL.value(self.conn, "issue", run=run)
        await SQL.value(self.conn, "issue_batch", run=run, at=noon(day))
        self.bills.append(await SQL.all(self.conn, Line, "lines", after=after))
        self.waiting = (before, await self._carried())
        return self.bills[-1]

    async def _carried(self) -> int:
        return int(await SQL.value(self.conn, "carried", customer=self.customer))


async def plan(conn: Connection, minor: int, every: str = "month", charged: str = "in_advance") -> OfferingVersionId:
    return OfferingVersionId(await SQL.value(conn, "plan", minor=minor, months=MONTHS[every], charged=charged))


async def meter(conn: Connection, version: OfferingVersionId, **price: Any) -> int:
    return int(await SQL.value(conn, "meter", version=version, **price))


async def add_tier(conn: Connection, **tier: Any) -> None:
    await SQL.run(conn, "tier", **tier)


async def use(conn: Connection, **used: Any) -> None:
    await SQL.value(conn, "used", **used)


async def rated_for(conn: Connection, price: int, units: int) -> int:
    return int(await SQL.value(conn, "rated", price=price, units=units))


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
