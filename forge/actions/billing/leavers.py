"""What is done for those who left and have money to come: their final statement is issued, and the money goes back."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands
from atlas.billing.reads.leavers import final_statements, owed_to_leavers, ways_back
from atlas.billing.records.leavers import FinalStatement, PartBack
from atlas.billing.rules.amounts import total
from atlas.billing.rules.leavers import NothingOwedToThem, checked_payout, moved_by, only, parts_of
from atlas.billing.writes.leavers import issue_final, pay_back
from atlas.identity import CustomerId
from atlas.money import ZERO, Money
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.actions.billing.runs import see_to_runs
from governance.facts import Facts


@dataclass(frozen=True)
class IssueFinalStatements(Action):
    """Issue the last bills of customers who left, where they are nothing or in their favour; what they leave settles what else is owed."""

    name: ClassVar[str] = "issue_final_statements"

    statements: tuple[FinalStatement, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{short(f'{one.invoice_id}={one.net.minor},{one.tax.minor}' for one in self.statements)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(sorted({one.customer_id for one in self.statements}))

    def facts(self) -> Facts:
        amounts = [moved_by(one) for one in self.statements]
        return Facts(self.name, money=total(amounts), money_each=max(amounts, default=ZERO), customers=len(self.touched_customers))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        ids = {one.invoice_id for one in self.statements}
        found = await final_statements(conn, self.touched_customers)
        return replace(self, statements=tuple(one for one in found if one.invoice_id in ids))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField where somebody is served again, or owes by that bill."""
        issued = await issue_final(conn, [one.invoice_id for one in self.statements], now)
        await see_to_runs(conn)
        return {"issued": issued}


@dataclass(frozen=True)
class PayBackLeaver(Action):
    """Send back what somebody who left has to come, by the way of their own payments. Made by `of`, which measures and finds them."""

    name: ClassVar[str] = "pay_back_leaver"

    customer_id: CustomerId
    parts: tuple[PartBack, ...]

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, now: datetime) -> Self:
        """As much as their payments bear. Raises NothingOwedToThem where they are served, have nothing to come, or no way leads back."""
        one = only(await owed_to_leavers(conn, now.date(), [customer_id]), customer_id)
        parts = parts_of(one.owed, await ways_back(conn, customer_id))
        if not parts:
            raise NothingOwedToThem(customer_id)
        return cls(customer_id, parts)

    @property
    def operation_key(self) -> str:
        # What is left of each payment is another after it went: so the same is not asked for twice, and more can be later.
        return f"{self.name}:{self.customer_id}:{short(f'{part.reference}={part.amount.minor}/{part.left.minor}' for part in self.parts)}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    @property
    def amount(self) -> Money:
        return total(part.amount for part in self.parts)

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, money_each=self.amount, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        try:
            return await self.of(conn, self.customer_id, now)
        except NothingOwedToThem:
            return replace(self, parts=())

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PayoutExceedsOwed where a debt came, or somebody was faster."""
        reason = "what they had to come when they left"
        if await pay_back(conn, self.operation_key, self.customer_id, self.parts, is_by_hand=False, at=now, reason=reason):
            wanted = {
                f"{self.operation_key}:{place}": {"reference": part.reference, "amount_minor": part.amount.minor}
                for place, part in enumerate(self.parts, start=1)
            }
            await queue_errands(conn, "payments", "refund", wanted)
        return {"paid_back": str(self.amount), "payments": [part.reference for part in self.parts]}


@dataclass(frozen=True)
class RecordPayout(Action):
    """Keep that a person transferred to somebody who left what they had to come, where no way of ours leads back.

    `reference` is what the transfer is found by: the same one of the same customer is the same money.
    """

    name: ClassVar[str] = "record_payout"

    customer_id: CustomerId
    amount: Money
    reference: str
    paid_on: date

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, amount: Money, reference: str, paid_on: date, now: datetime) -> Self:
        """Raises NothingOwedToThem, PayoutExceedsOwed or InvalidField."""
        one = only(await owed_to_leavers(conn, now.date(), [customer_id]), customer_id)
        checked_payout(one, amount, reference, paid_on, now.date())
        return cls(customer_id, amount, reference.strip(), paid_on)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{short([self.reference])}:{self.amount}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, money_each=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NothingOwedToThem or PayoutExceedsOwed: it may have gone by another way since."""
        await self.of(conn, self.customer_id, self.amount, self.reference, self.paid_on, now)
        part = PartBack(self.reference, self.amount, self.amount)
        reason = f"transferred on {self.paid_on}, {self.reference}"
        await pay_back(conn, self.operation_key, self.customer_id, [part], is_by_hand=True, at=now, reason=reason)
        return {"paid_out": str(self.amount), "reference": self.reference}


ACTIONS: tuple[type[Action], ...] = (IssueFinalStatements, PayBackLeaver, RecordPayout)
