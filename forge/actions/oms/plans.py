"""What can be done to orders: ask for another plan, withdraw an order, move it on as it is carried out."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from atlas.actions.writes import turn_sequence_back
from atlas.crm.writes import move_line
from atlas.errors import Conflict
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.money import ZERO, Money
from atlas.oms.reads import line_of_order, order_of, plan_changes
from atlas.oms.records import OrderState, PlanChange
from atlas.oms.rules import OfferChanged, checked_reason, checked_transition, first_state, state_when_cancelled, the_change
from atlas.oms.writes import change_order_state, is_past_return, lock_line, move_items, note_why, place_plan_change
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class RequestPlanChange(Action):
    """Order another plan for one line, at the monthly price that was named to the customer.

    `after_order_id` is the line's latest order when it was asked: the same wish twice is one order, the same wish later is another.
    """

    name: ClassVar[str] = "request_plan_change"

    customer_id: CustomerId
    subscriber_id: SubscriberId
    code: str
    offering_version_id: OfferingVersionId
    monthly_before: Money
    monthly_after: Money
    wanted_on: date
    after_order_id: OrderId | None

    @classmethod
    def of(cls, change: PlanChange, wanted_on: date) -> Self:
        return cls(
            customer_id=change.customer_id,
            subscriber_id=change.subscriber_id,
            code=change.code,
            offering_version_id=change.offering_version_id,
            monthly_before=change.monthly_before,
            monthly_after=change.monthly_after,
            wanted_on=wanted_on,
            after_order_id=change.latest_order_id,
        )

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.subscriber_id}:{self.offering_version_id}:{self.wanted_on}:{self.after_order_id or 0}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        dearer = max(ZERO, self.monthly_after - self.monthly_before)
        return Facts(self.name, money=dearer, money_each=dearer, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        found = await plan_changes(conn, self.customer_id, self.code, now.date(), self.subscriber_id)
        return replace(self, monthly_before=found[0].monthly_before, monthly_after=found[0].monthly_after) if found else self

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PlanUnavailable, OrderOpen, or OfferChanged where it is no longer what was agreed."""
        await lock_line(conn, self.subscriber_id)
        change = the_change(await plan_changes(conn, self.customer_id, self.code, now.date(), self.subscriber_id), self.code)
        if (change.offering_version_id, change.monthly_after) != (self.offering_version_id, self.monthly_after):
            raise OfferChanged(self.code)
        state = first_state(change.line_state)
        order_id = await place_plan_change(
            conn,
            self.customer_id,
            self.subscriber_id,
            self.offering_version_id,
            state=state,
            wanted_on=self.wanted_on,
            reason=f"{change.plan_before} to {change.plan_after}",
            at=now,
        )
        return {"order": order_id, "state": state.value, "plan": change.plan_after, "monthly": str(change.monthly_after)}


@dataclass(frozen=True)
class CancelOrder(Action):
    """Withdraw one order; once work on it began, the withdrawal is assessed first. `since`: when it came into the state it was seen in."""

    name: ClassVar[str] = "cancel_order"

    customer_id: CustomerId
    order_id: OrderId
    since: datetime
    reason: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.order_id}:{self.since.isoformat()}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises IllegalTransition where it has ended, Conflict where somebody else moved it first."""
        order = await order_of(conn, self.customer_id, self.order_id)
        state = state_when_cancelled(order.id, order.state)
        await moved_on(conn, order.id, order.state, state, self.reason, now)
        return {"order": order.id, "state": state.value}


@dataclass(frozen=True)
class AdvanceOrder(Action):
    """Move one order on as work on it begins, ends or fails. Withdrawing it is another thing: `CancelOrder`."""

    name: ClassVar[str] = "advance_order"

    customer_id: CustomerId
    order_id: OrderId
    was: OrderState
    becomes: OrderState
    reason: str
    cause_class: str | None = None
    look_after_minutes: int = 0

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.order_id}:{self.was.value}:{self.becomes.value}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises IllegalTransition, or Conflict where somebody else moved it first, or where it can no longer be taken back."""
        becomes = checked_transition(self.order_id, self.was, self.becomes)
        await moved_on(conn, self.order_id, self.was, becomes, self.reason, now)
        await note_why(
            conn, self.order_id, self.cause_class, now + timedelta(minutes=self.look_after_minutes) if self.look_after_minutes else None
        )
        return {"order": self.order_id, "state": becomes.value}


async def moved_on(conn: Connection, order_id: OrderId, was: OrderState, becomes: OrderState, reason: str, now: datetime) -> None:
    """The order, its items and its line together. Raises Conflict."""
    await change_order_state(conn, order_id, was, becomes, checked_reason(reason), at=now)
    await move_items(conn, order_id, becomes, now)
    order = await line_of_order(conn, order_id)
    if becomes is OrderState.PENDING_CANCELLATION:
        if await is_past_return(conn, order_id):
            raise Conflict(f"order {order_id} can no longer be taken back")
        if order is not None and order.sequence_id is not None:
            await turn_sequence_back(conn, order.sequence_id, reason)
    if order is not None and (state := LINE_FOLLOWS.get((order.kind, becomes))) is not None:
        await move_line(conn, order.subscriber_id, state, now)


# Where the line goes when its order goes there.
LINE_FOLLOWS: Final = {
    ("add", OrderState.IN_PROGRESS): "pendingActive",
    ("add", OrderState.REJECTED): "aborted",
    ("add", OrderState.CANCELLED): "cancelled",
    ("delete", OrderState.COMPLETED): "terminated",
}


ACTIONS: tuple[type[Action], ...] = (RequestPlanChange, CancelOrder, AdvanceOrder)
