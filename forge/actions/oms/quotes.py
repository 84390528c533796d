"""What can be done with a quote: say what a line would cost, and until when that stands."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.identity import CustomerId, OfferingVersionId, PremiseId
from atlas.money import Money
from atlas.oms.reads import offer
from atlas.oms.records import Offer
from atlas.oms.rules import QUOTE_STANDS, OfferChanged, checked_offer
from atlas.oms.writes import keep_quote
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class GiveQuote(Action):
    """Say what a line at a premise would cost a month, tax left out; it stands for thirty days. `turn` tells one asking from the next."""

    name: ClassVar[str] = "give_quote"

    customer: CustomerId
    premise: PremiseId
    code: str
    version: OfferingVersionId
    monthly: Money
    turn: str

    @classmethod
    def of(cls, found: Offer, turn: str) -> Self:
        return cls(found.customer_id, found.premise_id, found.code, found.offering_version_id, found.monthly, turn)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer}:{self.premise}:{self.version}:{self.turn}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        found = await offer(conn, self.customer, self.premise, self.code, now.date())
        return replace(self, version=found.offering_version_id, monthly=found.monthly) if found else self

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PlanUnavailable or OrderOpen, and OfferChanged where it is another price by now."""
        found = checked_offer(await offer(conn, self.customer, self.premise, self.code, now.date()), self.code)
        if (found.offering_version_id, found.monthly) != (self.version, self.monthly):
            raise OfferChanged(self.code)
        until = now + QUOTE_STANDS
        quote = await keep_quote(conn, self.customer, self.premise, self.version, self.monthly, now, until)
        return {"quote": quote, "plan": found.plan, "monthly": str(self.monthly), "until": until.isoformat()}


ACTIONS: tuple[type[Action], ...] = (GiveQuote,)
