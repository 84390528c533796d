"""Charging begins with what was seen at the line, changes with the plan, and ends."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.billing.rules.charges import checked_evidence
from atlas.billing.writes.charges import change_charge, start_charge, stop_charges
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class StartCharging(Action):
    """Charge a line for its plan, or an add-on, from the day on which it was seen to work. The same order again changes nothing.

    `evidence` is what showed it, as in accounting_start:8f3a or ont_online:HWTC01, and `at` its moment.
    """

    name: ClassVar[str] = "start_charging"

    customer_id: CustomerId
    subscriber_id: SubscriberId
    offering_version_id: OfferingVersionId
    at: datetime
    evidence: str
    order_id: OrderId | None
    is_add_on: bool = False

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{_because(self.order_id, self.at)}:{self.subscriber_id}:{self.offering_version_id}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises ChargedAlready, NotFound; InvalidField without evidence or with a moment that has not come."""
        charge = await start_charge(
            conn,
            self.customer_id,
            self.subscriber_id,
            self.offering_version_id,
            at=self.at,
            evidence=checked_evidence(self.evidence, self.at, now),
            order_id=self.order_id,
            is_add_on=self.is_add_on,
        )
        return {"charge": charge}


@dataclass(frozen=True)
class ChangeCharge(Action):
    """Charge a line for another plan from `at` on. The day of the change is charged once; add-ons go on."""

    name: ClassVar[str] = "change_charge"

    customer_id: CustomerId
    subscriber_id: SubscriberId
    offering_version_id: OfferingVersionId
    at: datetime
    evidence: str
    order_id: OrderId | None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{_because(self.order_id, self.at)}:{self.subscriber_id}:{self.offering_version_id}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotCharged, NotFound; InvalidField without evidence or with a moment that has not come."""
        charge = await change_charge(
            conn,
            self.customer_id,
            self.subscriber_id,
            self.offering_version_id,
            at=self.at,
            evidence=checked_evidence(self.evidence, self.at, now),
            order_id=self.order_id,
        )
        return {"charge": charge}


@dataclass(frozen=True)
class StopCharging(Action):
    """Charge nothing more to a line, or no more for one add-on (`add_on`), from `at` on. What was charged in advance is given back."""

    name: ClassVar[str] = "stop_charging"

    customer_id: CustomerId
    subscriber_id: SubscriberId
    at: datetime
    because: str
    order_id: OrderId | None
    add_on: OfferingVersionId | None = None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{_because(self.order_id, self.at)}:{self.subscriber_id}:{self.add_on or 0}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotCharged, NotFound; InvalidField with a moment that has not come."""
        because = checked_evidence(self.because, self.at, now)
        stopped = await stop_charges(
            conn, self.customer_id, self.subscriber_id, at=self.at, because=because, order_id=self.order_id, add_on=self.add_on
        )
        return {"charges": len(stopped)}


def _because(order_id: OrderId | None, at: datetime) -> str:
    return f"order {order_id}" if order_id is not None else at.isoformat()


ACTIONS: tuple[type[Action], ...] = (StartCharging, ChangeCharge, StopCharging)
