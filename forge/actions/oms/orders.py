"""What can be done with an order for a line: place it, amend it, find that it works, tell of it, mend it, give it up."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands, resume_sequence, turn_sequence_back
from atlas.billing.rules.charges import NotCharged
from atlas.billing.writes.charges import start_charge, stop_charges
from atlas.cmdb.reads import equipment_of
from atlas.crm.reads import line_of
from atlas.crm.writes import begin_line, move_line, move_plan
from atlas.errors import Conflict, InvalidField
from atlas.gis.writes import extend_reservation
from atlas.helpdesk.writes import queue_order_notice
from atlas.identity import CustomerId, OfferingVersionId, OrderId, PremiseId, QuoteId, SubscriberId
from atlas.money import Money
from atlas.oms.reads import case_of, first_evidence, is_visit_needed, offer, quote_of, to_tell
from atlas.oms.records import Case, Offer, OrderState, Quote
from atlas.oms.rules import (
    BACKDATED_AT_MOST,
    OfferChanged,
    checked_key,
    checked_offer,
    checked_quote,
    checked_reason,
    checked_transition,
    ends_by,
    port_key,
)
from atlas.oms.writes import (
    amend_order,
    change_order_state,
    move_items,
    name_serial,
    order_from_quote,
    order_of_key,
    pass_return,
    place_order,
)
from atlas.statements import Connection
from forge.action import Action
from forge.add_ons import add_ons_end
from forge.wording import worded
from governance.facts import Facts

TIME_TO_GO_ON = timedelta(days=45)


@dataclass(frozen=True)
class PlaceOrder(Action):
    """Order a line at a premise, at the monthly price that was named. `key` is whoever sends it calls it: twice the same is one order.

    `quote`: what the price was named by, where it was. One that lapsed is asked about again; its price is never changed silently.
    """

    name: ClassVar[str] = "place_order"

    customer: CustomerId
    premise: PremiseId
    code: str
    version: OfferingVersionId
    monthly: Money
    wanted_on: date
    key: str
    needs_visit: bool = False
    serial: str | None = None
    quote: QuoteId | None = None

    @classmethod
    def of(cls, found: Offer, wanted_on: date, key: str, *, needs_visit: bool = False, serial: str | None = None) -> Self:
        """Raises InvalidField for a key that is none."""
        what = (found.customer_id, found.premise_id, found.code, found.offering_version_id, found.monthly)
        return cls(*what, wanted_on, checked_key(key), needs_visit, serial)

    @classmethod
    def of_quote(cls, quote: Quote, found: Offer, wanted_on: date) -> Self:
        """One order a quote, however often it is sent."""
        return replace(cls.of(found, wanted_on, f"quote-order:{quote.id}"), quote=quote.id)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.key}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, money=self.monthly, money_each=self.monthly, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        # What was quoted is agreed or refused at its price: it is never asked for anew at another.
        found = None if self.quote is not None else await offer(conn, self.customer, self.premise, self.code, now.date())
        return replace(self, monthly=found.monthly) if found else self

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PlanUnavailable, OrderOpen, InvalidField for a day in the past; OfferChanged, QuoteLapsed where it is not as agreed."""
        if (known := await order_of_key(conn, self.key)) is not None:
            return {"order": known, "state": "known"}
        if self.wanted_on < now.date():
            raise InvalidField("wanted_on", "a line is not begun in the past")
        found = await self._agreed(conn, now)
        if (found.offering_version_id, found.monthly) != (self.version, self.monthly):
            raise OfferChanged(self.code)
        line = await begin_line(conn, self.customer, self.premise, self.version)
        needs_visit = self.needs_visit or await is_visit_needed(conn, self.premise, self.version)
        placed = await place_order(
            conn,
            self.customer,
            line,
            "add",
            key=self.key,
            reason=f"{found.plan} at {found.monthly} a month",
            at=now,
            version=self.version,
            wanted_on=self.wanted_on,
            premise_id=self.premise,
            monthly=self.monthly,
            needs_visit=needs_visit,
            serial=self.serial,
        )
        if self.quote is not None:
            await order_from_quote(conn, self.quote, placed)
        return {"order": placed, "line": line, "plan": found.plan, "monthly": str(found.monthly), "needs_visit": needs_visit}

    async def _agreed(self, conn: Connection, now: datetime) -> Offer:
        found = await offer(conn, self.customer, self.premise, self.code, now.date())
        if self.quote is None:
            return checked_offer(found, self.code)
        return checked_quote(await quote_of(conn, self.customer, self.quote), found, now)


@dataclass(frozen=True)
class PlaceCease(Action):
    """End a line: its port and numbers are freed, its box comes back, its last bill is made. `follows`: not before that order is done."""

    name: ClassVar[str] = "place_cease"

    customer: CustomerId
    line: SubscriberId
    wanted_on: date
    reason: str
    key: str
    follows: OrderId | None = None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.key}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound for a line that is not theirs, Conflict where it is not in use, InvalidField for a day in the past."""
        if (known := await order_of_key(conn, checked_key(self.key))) is not None:
            return {"order": known, "state": "known"}
        if self.wanted_on < now.date():
            raise InvalidField("wanted_on", "a line is not ended in the past")
        held = await line_of(conn, self.customer, self.line)
        if held not in ("active", "suspended"):
            raise Conflict(f"line {self.line} is {held}")
        placed = await place_order(
            conn,
            self.customer,
            self.line,
            "delete",
            key=self.key,
            reason=checked_reason(self.reason),
            at=now,
            wanted_on=self.wanted_on,
            follows=self.follows,
        )
        return {"order": placed, "line": self.line}


@dataclass(frozen=True)
class ForOrder(Action):
    """Something about one order of one customer; `turn` tells one asking from the next of its kind."""

    customer: CustomerId
    order: OrderId
    turn: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.order}:{self.turn}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)


@dataclass(frozen=True)
class ConfirmActivation(ForOrder):
    """The line was seen to work: it is active from that moment, billing begins there, and the order can no longer be taken back."""

    name: ClassVar[str] = "confirm_activation"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where nothing showed it, where it is withdrawn, or where what showed it is too old to charge from unseen."""
        seen = await first_evidence(conn, self.order)
        if seen is None:
            raise Conflict(f"nothing showed yet that the line of order {self.order} works")
        if now - seen.at > BACKDATED_AT_MOST:
            raise Conflict(
                f"the line worked from {seen.at:%Y-%m-%d} on: more than {BACKDATED_AT_MOST.days} days back is a person's to charge"
            )
        case = await case_of(conn, self.order)
        await pass_return(conn, self.order, now, seen)
        await move_line(conn, case.subscriber_id, "active", seen.at)
        # In this very transaction: there is no line that works and is not charged, nor one that is charged and does not work.
        charge = await start_charge(
            conn, self.customer, case.subscriber_id, version_of(case), at=seen.at, evidence=seen.what, order_id=self.order
        )
        return {"evidence": seen.what, "at": seen.at.isoformat(), "charge": charge}


@dataclass(frozen=True)
class PassReturn(ForOrder):
    """From here on the end of a line is not taken back."""

    name: ClassVar[str] = "pass_return"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        case = await case_of(conn, self.order)
        await pass_return(conn, self.order, now)
        await move_line(conn, case.subscriber_id, "pendingTerminate", now)
        try:
            stopped = await stop_charges(
                conn, self.customer, case.subscriber_id, at=now, because=f"order:{self.order}", order_id=self.order
            )
        except NotCharged:
            stopped = []
        await add_ons_end(conn, case.subscriber_id, None, self.order, now)
        return {"line": case.subscriber_id, "charges_ended": len(stopped)}


@dataclass(frozen=True)
class TellOfOrder(ForOrder):
    """Write to the customer about their order: `purpose` is a notice of ours about orders, once each."""

    name: ClassVar[str] = "tell_of_order"

    purpose: str = "order_done"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Whoever closed every way is not written to."""
        return {"told": await told(conn, self.order, self.customer, self.purpose, now)}


@dataclass(frozen=True)
class AmendOrder(ForOrder):
    """Another plan in an order that is under way; where the line has its speed already, the network is told of the new one."""

    name: ClassVar[str] = "amend_order"

    code: str
    version: OfferingVersionId
    monthly: Money

    def facts(self) -> Facts:
        return Facts(self.name, money=self.monthly, money_each=self.monthly, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict once it cannot be taken back, OfferChanged where the price is another."""
        case = await case_of(conn, self.order)
        found = await offer(conn, self.customer, case.premise_id, self.code, now.date())
        if found is None or (found.offering_version_id, found.monthly) != (self.version, self.monthly):
            raise OfferChanged(self.code)
        if found.technology != case.technology:
            raise Conflict(f"{found.plan} is another technology than the port and the box of order {self.order}: place an order of its own")
        await amend_order(conn, self.order, self.version, self.monthly, f"{case.plan} to {found.plan}", now)
        if case.version is not None and case.version != self.version:
            await move_plan(conn, case.subscriber_id, case.version, self.version)
        return {"order": self.order, "plan": found.plan, "told_network": await self._network_told(conn, case.subscriber_id)}

    async def _network_told(self, conn: Connection, line: SubscriberId) -> bool:
        own = await equipment_of(conn, line)
        if own is None:
            return False
        case = await case_of(conn, self.order)
        arguments = {"line": line, "serial": own.cpe_serial, "managed_object": own.managed_object, "device": own.reported_by}
        speed = {"down_kbps": case.down_kbps, "up_kbps": case.up_kbps, "address": own.management_address}
        for operation in ("set_speed", "refresh_session"):
            await queue_errands(conn, "provisioner", operation, {f"{self.operation_key}:{operation}": {**arguments, **speed}})
        return True


@dataclass(frozen=True)
class MendOrder(ForOrder):
    """A person put right what an order fell out for: it goes on from the step that failed. `serial`: another box than the one named."""

    name: ClassVar[str] = "mend_order"

    note: str
    serial: str | None = None

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where it does not wait for that."""
        case = await case_of(conn, self.order)
        if self.serial is not None:
            await name_serial(conn, self.order, self.serial)
        if case.sequence_id is None or not await resume_sequence(conn, case.sequence_id, TIME_TO_GO_ON):
            raise Conflict(f"order {self.order} does not wait to be mended")
        await extend_reservation(conn, port_key(self.order), TIME_TO_GO_ON)
        return {"order": self.order, "note": checked_reason(self.note)}


@dataclass(frozen=True)
class GiveUpOrder(ForOrder):
    """A person says that what an order fell out for cannot be mended: what was done is taken back."""

    name: ClassVar[str] = "give_up_order"

    note: str

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where it does not wait for that, or can no longer be taken back."""
        case = await case_of(conn, self.order)
        if case.is_past_return or case.sequence_state != "fallen_out" or case.sequence_id is None:
            raise Conflict(f"order {self.order} does not wait to be mended, or can no longer be taken back")
        await turn_sequence_back(conn, case.sequence_id, checked_reason(self.note))
        return {"order": self.order, "note": self.note}


@dataclass(frozen=True)
class CloseOrder(Action):
    """Ends an order of which all that was done is taken back: cancelled where it was withdrawn, else failed, and the customer is told."""

    name: ClassVar[str] = "close_order"

    customer: CustomerId
    order: OrderId
    why: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.order}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises IllegalTransition where it has ended."""
        case = await case_of(conn, self.order)
        was_withdrawn = case.state in (OrderState.ASSESSING_CANCELLATION, OrderState.PENDING_CANCELLATION)
        for becomes in ends_by(case.state):
            was = (await case_of(conn, self.order)).state
            await change_order_state(
                conn, self.order, was, checked_transition(self.order, was, becomes), checked_reason(self.why[:300]), at=now
            )
            await move_items(conn, self.order, becomes, now)
        if case.kind == "add":
            await move_line(conn, case.subscriber_id, "cancelled" if was_withdrawn else "aborted", now)
        if not was_withdrawn:
            await told(conn, self.order, self.customer, "order_failed", now)
        return {"order": self.order, "state": ends_by(case.state)[-1].value}


def version_of(case: Case) -> OfferingVersionId:
    """Raises Conflict for an order that orders nothing."""
    if case.version is None:
        raise Conflict(f"order {case.order_id} names nothing that could be charged")
    return case.version


async def told(conn: Connection, order: OrderId, customer: CustomerId, purpose: str, now: datetime) -> str | None:
    """Leaves the notice, once; by which channel, None where the customer closed every way."""
    who = await to_tell(conn, order)
    if who is None:
        return None
    words = worded(purpose, who.language, {"plan": who.plan, "order": str(order)})
    await queue_order_notice(conn, order, customer, purpose, (who.channel, who.address), who.language, words, now)
    return who.channel


ACTIONS: tuple[type[Action], ...] = (
    *(PlaceOrder, PlaceCease, ConfirmActivation, PassReturn, TellOfOrder),
    *(AmendOrder, MendOrder, GiveUpOrder, CloseOrder),
)
