"""What can be done to the catalogue: take an offering off sale, sell it at another price, move whoever has it to what is sold now."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Self

from atlas.billing.reads.bills import currency
from atlas.billing.writes.charges import move_charges
from atlas.catalogue.reads import decomposition_of, migration_to_sold, offering, prices_of, simulated, tax_categories, use_of_offering
from atlas.catalogue.records import Migration, NewOffering, SimulatedChange
from atlas.catalogue.rules.offers import NotOnSale, checked_offering, checked_on_sale
from atlas.catalogue.rules.pricing import checked_day, checked_phases, checked_prices, repriced
from atlas.catalogue.writes import define_offering, retire_offering, sell_at
from atlas.crm.writes import move_lines
from atlas.errors import Conflict, InvalidField
from atlas.identity import OfferingVersionId
from atlas.money import ZERO, Money, written
from atlas.statements import Connection
from forge.action import Action, Difference
from governance.facts import Facts


@dataclass(frozen=True)
class RetireOffering(Action):
    """Take an offering off sale. Customers keep it, and orders in flight finish on the version ordered.

    `customers` have it now, which decides who must agree.
    """

    name: ClassVar[str] = "retire_offering"

    offering_id: int
    code: str
    customers: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.offering_id}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return replace(self, customers=(await use_of_offering(conn, self.offering_id)).customers)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises NotOnSale where it was taken off sale before."""
        if not await retire_offering(conn, self.offering_id):
            raise NotOnSale(self.code, (await offering(conn, self.code)).lifecycle_status)
        use = await use_of_offering(conn, self.offering_id)
        return {"offering": self.code, "keep_it": use.subscribers, "orders_in_flight": use.open_orders}


@dataclass(frozen=True)
class DefineOffering(Action):
    """Put a new offering on sale from a day on: its prices, what it is made of, and how the network treats it. Made by `of`."""

    name: ClassVar[str] = "define_offering"

    new: NewOffering

    @classmethod
    async def of(cls, conn: Connection, new: NewOffering, now: datetime) -> Self:
        """Raises InvalidField, naming what of it cannot be."""
        checked_offering(new)
        checked_prices(new.prices, new.contract_months, await tax_categories(conn))
        checked_day(new.valid_from, now.date())
        return cls(new)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.new.code}:{self.new.valid_from}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField, NotDecomposable where nobody could deliver it, Conflict where there is one of its code."""
        await self.of(conn, self.new, now)
        made = await define_offering(conn, self.new)
        needs = (await decomposition_of(conn, made)).needs
        return {"offering": self.new.code, "version": made, "from": self.new.valid_from.isoformat(), "needs": len(needs)}


@dataclass(frozen=True)
class ChangePrice(Action):
    """Sell an offering at another price from a day on, as a new version. Whoever has it keeps the version they bought.

    Made by `of`. `delta` is what moving all the `lines` that have it would add a month, below nothing where it grows cheaper; `bound` of
    them are within their contract and would pay more.
    """

    name: ClassVar[str] = "change_price"

    code: str
    version: OfferingVersionId
    label: str
    before: Money
    after: Money
    day: date
    lines: int
    delta: Money
    bound: int

    @classmethod
    async def of(cls, conn: Connection, code: str, label: str, amount: Money, day: date, now: datetime) -> Self:
        """Raises NotFound, NotOnSale, NothingOnSale; InvalidField for a day that is over, or a price it has or that discounts exceed."""
        one = await offering(conn, code)
        checked_on_sale(one.code, one.lifecycle_status)
        checked_day(day, now.date())
        found = await simulated(conn, one.code, label, amount, day)
        for price in repriced(await prices_of(conn, found.offering_version_id), label, amount):
            checked_phases(price, 0)
        return cls._made(found)

    @classmethod
    def _made(cls, found: SimulatedChange) -> Self:
        (diff,) = found.diff
        move = found.move
        return cls(
            found.code,
            found.offering_version_id,
            diff.label,
            diff.before,
            diff.after,
            found.day,
            move.subscribers,
            move.delta,
            move.breaches,
        )

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.version}:{self.label}:{self.after}:{self.day}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.lines, money=_size(self.delta))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return self._made(await simulated(conn, self.code, self.label, self.after, self.day))

    async def differences(self, conn: Connection, now: datetime) -> tuple[Difference, ...]:  # noqa: ARG002
        code = await currency(conn)
        bound = f", {self.bound} of them bound and dearer" if self.bound else ""
        return (
            Difference(f"{self.label} a month, for new orders from {self.day}", written(self.before, code), written(self.after, code)),
            Difference(f"a month, were all {self.lines} lines that have it moved{bound}", written(ZERO, code), _signed(self.delta, code)),
        )

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField where its day went by, NotOnSale, Conflict where another version is sold on that day by now."""
        checked_on_sale(self.code, (await offering(conn, self.code)).lifecycle_status)
        made = await sell_at(conn, self.version, self.label, self.after, checked_day(self.day, now.date()))
        return {
            "offering": self.code,
            "version": made,
            "price": str(self.after),
            "from": self.day.isoformat(),
            "keep_their_version": self.lines,
        }


@dataclass(frozen=True)
class MoveToCurrentPrice(Action):
    """Move whoever has an older version of a plan to the one on sale. Their discounts go on, and nothing of their service changes.

    Made by `of`. Whoever is bound by contract and would pay more, or would get another speed, stays: `bound`, `other_service`.
    """

    name: ClassVar[str] = "move_to_current_price"

    code: str
    version: OfferingVersionId
    day: date
    lines: int
    customers: int
    before: Money
    after: Money
    bound: int
    other_service: int

    @classmethod
    async def of(cls, conn: Connection, code: str, day: date) -> Self:
        """Raises NotFound, NothingOnSale, InvalidField where it is no plan, or nobody is to be moved."""
        if (await offering(conn, code)).category != "base":
            raise InvalidField("code", f"{code} is no plan; only plans are moved")
        found, _ = await migration_to_sold(conn, code, day)
        if not found.lines:
            raise InvalidField("code", f"nobody is to be moved to today's version of {code}: {found.bound} are bound by contract")
        return cls._made(found)

    @classmethod
    def _made(cls, found: Migration) -> Self:
        return cls(
            found.code,
            found.offering_version_id,
            found.day,
            found.lines,
            found.customers,
            found.before,
            found.after,
            found.bound,
            found.other_service,
        )

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.version}:{self.day}:{self.lines}:{self.after}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers, money=_size(self.after - self.before))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        found, _ = await migration_to_sold(conn, self.code, now.date())
        return self._made(replace(found, day=self.day))

    async def differences(self, conn: Connection, now: datetime) -> tuple[Difference, ...]:  # noqa: ARG002
        code = await currency(conn)
        stay = f"{self.bound} bound by contract and {self.other_service} of another speed stay"
        change = f"{written(self.after, code)} ({_signed(self.after - self.before, code)})"
        return (Difference(f"{self.lines} lines together, a month; {stay}", written(self.before, code), change),)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where another version is on sale by now, or other lines than were counted would be moved."""
        found, groups = await migration_to_sold(conn, self.code, now.date())
        if found.offering_version_id != self.version:
            raise Conflict(f"version {found.offering_version_id} of {self.code} is sold by now")
        each = [(group.offering_version_id, group.activated_on) for group in groups]
        moved = await move_charges(conn, each, self.version, at=now, evidence=f"moved_to_version:{self.version}")
        if len(moved) != self.lines:
            raise Conflict(f"{len(moved)} lines would be moved, not {self.lines}")
        await move_lines(conn, moved, self.version)
        return {"offering": self.code, "version": self.version, "lines": len(moved), "a_month": str(found.delta), "stay": found.bound}


def _size(delta: Money) -> Money:
    return max(delta, -delta)


def _signed(delta: Money, code: str) -> str:
    return f"{'+' if delta > ZERO else ''}{written(delta, code)}"


ACTIONS: tuple[type[Action], ...] = (RetireOffering, DefineOffering, ChangePrice, MoveToCurrentPrice)
