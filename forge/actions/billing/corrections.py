"""What is charged once, what is given back of an issued bill, and usage that waited."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.billing.reads.runs import creditable_lines
from atlas.billing.records.runs import CreditableLine
from atlas.billing.rules.amounts import total
from atlas.billing.rules.notes import NotCreditable
from atlas.billing.writes.runs import charge_once, issue_credit_note, recycle_usage
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import ZERO, Money
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from governance.facts import Facts


@dataclass(frozen=True)
class IssueCreditNote(Action):
    """Give back lines of an issued bill, whole, as a document with its own number. `lines` say what is left of each."""

    name: ClassVar[str] = "issue_credit_note"

    customer_id: CustomerId
    invoice_id: InvoiceId
    lines: tuple[CreditableLine, ...]
    reason: str

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, invoice_id: InvoiceId, label: str | None, reason: str) -> Self:
        """Everything that is left of the bill, or of one label. Raises NotCreditable where nothing is."""
        left = await creditable_lines(conn, customer_id, invoice_id)
        lines = tuple(line for line in left if label is None or line.label == label)
        if total(line.gross_left for line in lines) <= ZERO:
            raise NotCreditable(invoice_id)
        return cls(customer_id, invoice_id, lines, reason)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.invoice_id}:{short(f'{line.line_id}={line.net_left.minor}' for line in self.lines)}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        # What it moves in the books: lines that give back count against it, so the larger of both sides is judged.
        moved = max(total(line.gross_left for line in self.lines), ZERO)
        return Facts(self.name, money=moved, money_each=moved, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        ids = {line.line_id for line in self.lines}
        left = await creditable_lines(conn, self.customer_id, self.invoice_id)
        return replace(self, lines=tuple(line for line in left if line.line_id in ids))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField where it would give back more than is left."""
        wanted: dict[int, Money | None] = {line.line_id: line.net_left for line in self.lines}
        note = await issue_credit_note(conn, self.operation_key, self.invoice_id, wanted, now, self.reason)
        return {"credit_note": note, "money": str(total(line.gross_left for line in self.lines))}


@dataclass(frozen=True)
class ChargeOnce(Action):
    """Put something on the next bill that is charged once, without tax: a visit, a fee, equipment. Each cause once."""

    name: ClassVar[str] = "charge_once"

    customer_id: CustomerId
    subscriber_id: SubscriberId
    label: str
    amount: Money
    cause: str
    tax_category: str = "standard"

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.cause}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, money_each=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for an amount that is none, Conflict where that cause was charged, or it is another's line."""
        if self.amount <= ZERO:
            raise InvalidField("amount", f"{self.amount} is nothing to charge")
        charged = await charge_once(
            conn,
            self.customer_id,
            self.subscriber_id,
            label=self.label,
            amount=self.amount,
            tax_category=self.tax_category,
            cause=self.cause,
            at=now,
        )
        if not charged:
            raise Conflict(f"{self.cause} was charged before, or line {self.subscriber_id} is not theirs")
        return {"charged": str(self.amount)}


@dataclass(frozen=True)
class RecycleUsage(Action):
    """Try rejected usage records again, as after the charge that they needed was put right."""

    name: ClassVar[str] = "recycle_usage"

    records: tuple[int, ...]
    asked_at: datetime

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{short(map(str, self.records))}:{self.asked_at.isoformat()}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=len(self.records))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return {"recycled": await recycle_usage(conn, self.records, now)}


ACTIONS: tuple[type[Action], ...] = (IssueCreditNote, ChargeOnce, RecycleUsage)
