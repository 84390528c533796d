"""Small actions on real tables, for proving what Forge promises of every action."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from atlas.errors import AtlasError
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


class NothingInTheTill(AtlasError):
    """The order cannot be carried out."""


@dataclass(frozen=True)
class Promise(Action):
    """Promise one customer something: goes alone."""

    name: ClassVar[str] = "record_promise"

    customer: CustomerId
    promised: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer}:{self.promised}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        await promise(conn, self.customer, self.promised, now)
        if self.promised == "the moon":
            raise NothingInTheTill("nobody can promise the moon")
        if self.promised == "a crash":
            raise ZeroDivisionError
        return {"promised": self.promised}


@dataclass(frozen=True)
class Credits(Action):
    """Promise every customer a sum: waits for a person above the limit."""

    name: ClassVar[str] = "issue_credits"

    customers: tuple[CustomerId, ...]
    each: Money

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.each}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return self.customers

    def facts(self) -> Facts:
        return Facts(self.name, money=self.each * len(self.customers), money_each=self.each, customers=len(self.customers))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        rows = await (await conn.execute("SELECT id FROM crm.customer WHERE state = 'active' ORDER BY id")).fetchall()
        return type(self)(tuple(CustomerId(row[0]) for row in rows), self.each)

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:  # noqa: ARG002
        return (f"You get {self.each} back.",)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        for customer in self.customers:
            await promise(conn, customer, str(self.each), now)
        return {"customers": len(self.customers)}


async def promise(conn: Connection, customer: CustomerId, promised: str, now: datetime) -> None:
    await conn.execute(
        "INSERT INTO helpdesk.promise (customer_id, promised, due_at) VALUES (%s, %s, %s)", (customer, promised, now + timedelta(days=1))
    )
