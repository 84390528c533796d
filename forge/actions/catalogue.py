"""What can be done to the catalogue: take an offering off sale."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.catalogue.reads import offering, use_of_offering
from atlas.catalogue.rules.offers import NotOnSale
from atlas.catalogue.writes import retire_offering
from atlas.statements import Connection
from forge.action import Action
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


ACTIONS: tuple[type[Action], ...] = (RetireOffering,)
