"""What somebody has besides their plan: ordered, begun, taken back, ended."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands
from atlas.billing.writes.charges import start_charge, take_back_charge
from atlas.catalogue.reads import add_on_effect, held_add_ons, relations_of
from atlas.catalogue.rules.pricing import AddOnUnfit, checked_add_on, lost_add_ons
from atlas.catalogue.writes import hold_add_on, take_back_add_on
from atlas.cmdb.reads import equipment_of, pools_for_add_on
from atlas.cmdb.rules import PoolExhausted
from atlas.cmdb.writes import free_number, give_number
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.money import Money
from atlas.oms.reads import add_on_order, add_ons
from atlas.oms.records import AddOn, AddOnOrder
from atlas.oms.rules import OfferChanged, the_held_add_on, the_new_add_on
from atlas.oms.writes import lock_line, pass_return, place_order
from atlas.statements import Connection
from forge.action import Action
from forge.actions.oms.orders import ForOrder
from forge.add_ons import add_ons_end
from forge.sessions import newest_session
from governance.facts import Facts


async def new_add_on(conn: Connection, customer: CustomerId, name: str, day: date, line: SubscriberId | None = None) -> AddOn:
    """The add-on of this code or name, if a line of the customer can have it. Raises PlanUnavailable, WhichLine, OrderOpen, AddOnUnfit."""
    one = the_new_add_on(await add_ons(conn, customer, day, name, line), name)
    checked_add_on(one.code, {one.plan_code, *one.beside}, await relations_of(conn, [one.code, one.plan_code, *one.beside]))
    return one


async def held_add_on(conn: Connection, customer: CustomerId, name: str, day: date, line: SubscriberId | None = None) -> AddOn:
    """The add-on that a line of the customer has and can do without. Raises PlanUnavailable, WhichLine, OrderOpen, AddOnUnfit."""
    one = the_held_add_on(await add_ons(conn, customer, day, name, line), name)
    relations = await relations_of(conn, [one.plan_code, one.code, *one.beside])
    # What did not go with the line before is no reason to keep this one.
    resting = set(lost_add_ons(one.beside, one.plan_code, relations)) - set(lost_add_ons([*one.beside, one.code], one.plan_code, relations))
    if resting:
        raise AddOnUnfit(f"{', '.join(sorted(resting))} needs {one.code}: end that first")
    return one


@dataclass(frozen=True)
class ForAddOn(Action):
    """An order about one add-on of one line. `after`: the line's latest order when it was asked: the same wish twice is one order."""

    customer: CustomerId
    line: SubscriberId
    code: str
    version: OfferingVersionId
    monthly: Money
    one_off: Money
    wanted_on: date
    after: OrderId | None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.version}:{self.wanted_on}:{self.after or 0}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer


@dataclass(frozen=True)
class OrderAddOn(ForAddOn):
    """Order an add-on for a line, at the price that was named: what a month costs, and what is charged once."""

    name: ClassVar[str] = "order_add_on"

    @classmethod
    def of(cls, one: AddOn, wanted_on: date) -> Self:
        version = one.offering_version_id or OfferingVersionId(0)
        return cls(one.customer_id, one.subscriber_id, one.code, version, one.monthly, one.one_off, wanted_on, one.latest_order_id)

    def facts(self) -> Facts:
        dearer = self.monthly + self.one_off
        return Facts(self.name, money=dearer, money_each=dearer, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        found = await add_ons(conn, self.customer, now.date(), self.code, self.line)
        return replace(self, monthly=found[0].monthly, one_off=found[0].one_off) if found else self

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PlanUnavailable, AddOnUnfit, OrderOpen, or OfferChanged where it is no longer what was agreed."""
        await lock_line(conn, self.line)
        one = await new_add_on(conn, self.customer, self.code, now.date(), self.line)
        if (one.offering_version_id, one.monthly, one.one_off) != (self.version, self.monthly, self.one_off):
            raise OfferChanged(self.code)
        reason = f"{one.name} at {one.monthly} a month beside {one.plan}"
        return {"order": await _placed(conn, self, "add_on", reason, now), "add_on": one.name, "monthly": str(one.monthly)}


@dataclass(frozen=True)
class OrderEndOfAddOn(ForAddOn):
    """Order the end of an add-on that a line has."""

    name: ClassVar[str] = "order_end_of_add_on"

    @classmethod
    def of(cls, one: AddOn, wanted_on: date) -> Self:
        version = one.held_version or OfferingVersionId(0)
        return cls(one.customer_id, one.subscriber_id, one.code, version, one.monthly, one.one_off, wanted_on, one.latest_order_id)

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PlanUnavailable where the line does not have it, AddOnUnfit where another one needs it, OrderOpen."""
        await lock_line(conn, self.line)
        one = await held_add_on(conn, self.customer, self.code, now.date(), self.line)
        return {"order": await _placed(conn, self, "end_add_on", f"{one.name} ends", now), "add_on": one.name}


async def _placed(conn: Connection, asked: ForAddOn, kind: str, reason: str, now: datetime) -> OrderId:
    return await place_order(
        conn,
        asked.customer,
        asked.line,
        kind,
        key=asked.operation_key,
        reason=reason,
        at=now,
        version=asked.version,
        wanted_on=asked.wanted_on,
        monthly=asked.monthly,
    )


@dataclass(frozen=True)
class BeginAddOn(ForOrder):
    """The line has the add-on from now on: its address, what RADIUS answers, and what is charged, all at once."""

    name: ClassVar[str] = "begin_add_on"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises AddOnUnfit, PoolExhausted, Conflict; and then nothing of it stays."""
        order = await add_on_order(conn, self.order)
        await lock_line(conn, order.subscriber_id)
        # By the version that was ordered, whatever became of its sale since: what is in flight is finished.
        beside = {order.plan_code, *await held_add_ons(conn, order.subscriber_id)} - {order.code}
        checked_add_on(order.code, beside, await relations_of(conn, [order.code, *sorted(beside)]))
        allotment = await _address(conn, order)
        await hold_add_on(conn, order.subscriber_id, order.version, self.order, allotment, now)
        evidence = f"add_on:order-{self.order}"
        charge = await start_charge(
            conn, self.customer, order.subscriber_id, order.version, at=now, evidence=evidence, order_id=self.order, is_add_on=True
        )
        return {"line": order.subscriber_id, "add_on": order.name, "charge": charge, "allotment": allotment}


async def _address(conn: Connection, order: AddOnOrder) -> int | None:
    if not (await add_on_effect(conn, order.version)).needs_address:
        return None
    pools = await pools_for_add_on(conn, order.subscriber_id, order.version)
    for pool in pools:
        if (given := await give_number(conn, pool.pool_id, order.subscriber_id)) is not None:
            return given
    raise PoolExhausted("address", [pool.pool for pool in pools])


@dataclass(frozen=True)
class TakeBackAddOn(ForOrder):
    """An add-on that could not be set up, or was withdrawn: it was never held, and is never charged."""

    name: ClassVar[str] = "take_back_add_on"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        order = await add_on_order(conn, self.order)
        brought = await take_back_add_on(conn, self.order)
        await take_back_charge(conn, self.order, f"order:{self.order} was taken back")
        await free_number(conn, order.subscriber_id, [one for one in brought if one is not None])
        return {"line": order.subscriber_id, "told_network": await self._network_told(conn, order)}

    async def _network_told(self, conn: Connection, order: AddOnOrder) -> bool:
        effect, own = await add_on_effect(conn, order.version), await equipment_of(conn, order.subscriber_id)
        if own is None or not (effect.needs_address or effect.has_reply):
            return False
        arguments = {
            "line": order.subscriber_id,
            "serial": own.cpe_serial,
            "managed_object": own.managed_object,
            "device": own.reported_by,
            "address": own.management_address,
            "down_kbps": order.down_kbps,
            "up_kbps": order.up_kbps,
            "session": await newest_session(conn, order.subscriber_id),
        }
        await queue_errands(conn, "provisioner", "refresh_session", {f"{self.operation_key}:refresh": arguments})
        return True


@dataclass(frozen=True)
class EndAddOn(ForOrder):
    """The line has the add-on no more: it is not charged from today, and its address rests before another line is given it."""

    name: ClassVar[str] = "end_add_on"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where the order is being withdrawn: from here on it is not taken back."""
        order = await add_on_order(conn, self.order)
        await pass_return(conn, self.order, now)
        return {"line": order.subscriber_id, "ended": await add_ons_end(conn, order.subscriber_id, [order.code], self.order, now)}


ACTIONS: tuple[type[Action], ...] = (OrderAddOn, OrderEndOfAddOn, BeginAddOn, TakeBackAddOn, EndAddOn)
