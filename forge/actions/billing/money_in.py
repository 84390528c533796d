"""What can be done about money that comes in: ask for it by a link, give it back, say whose it is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Self

from atlas.actions.writes import queue_errands
from atlas.billing.reads.bills import balance, currency
from atlas.billing.reads.money_in import payments_held, refunds_not_made
from atlas.billing.rules.money_in import amount_to_ask, checked_counter_payment, checked_transfer, refund_named, refundable
from atlas.billing.writes.money_in import ask_for_payment, match_payment, receive_payment, refund
from atlas.errors import NotFound
from atlas.identity import CustomerId
from atlas.jobs import defer
from atlas.money import Money
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from governance.facts import Facts


@dataclass(frozen=True)
class RequestPaymentLink(Action):
    """Have the payment provider make a page on which a customer can pay what they owe. Made by `of`, which measures how much that is."""

    name: ClassVar[str] = "request_payment_link"

    customer_id: CustomerId
    amount: Money
    source: str

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, source: str, now: datetime) -> Self:
        """Raises NothingToPay."""
        return cls(customer_id, amount_to_ask((await balance(conn, customer_id, now.date())).owed), source)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.amount}:{self.source}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        amount = amount_to_ask((await balance(conn, self.customer_id, now.date())).owed)
        request = await ask_for_payment(conn, self.customer_id, amount, self.operation_key, at=now)
        arguments = {
            "customer_id": self.customer_id,
            "request_id": request,
            "amount_minor": amount.minor,
            "currency": await currency(conn),
            "title": "Broadband",
        }
        await queue_errands(conn, "payments", "ask", {self.operation_key: arguments})
        return {"request": request, "amount": str(amount)}


@dataclass(frozen=True)
class RefundPayment(Action):
    """Give a customer back what one of their payments brought and no debt used. Made by `of`, which finds the payment."""

    name: ClassVar[str] = "refund_payment"

    customer_id: CustomerId
    reference: str
    amount: Money
    unused: Money
    because: str

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, reference: str, amount: Money, because: str) -> Self:
        """Raises NotFound where the payment is not this customer's, RefundExceedsPayment where it brought less or debts used it."""
        held = next((one for one in await payments_held(conn, customer_id) if one.reference == reference), None)
        if held is None:
            raise NotFound("payment", reference)
        return cls(customer_id, reference, refundable(reference, amount, held.unused), held.unused, because)

    @property
    def operation_key(self) -> str:
        # What is left of the payment is in it: asking for the same again before the first was made is the same order.
        return f"{self.name}:{self.reference}:{self.amount}:{self.unused}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, customers=1)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.customer_id, self.reference, self.amount, self.because)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises RefundExceedsPayment where somebody, or a debt, was faster."""
        await refund(conn, self.operation_key, self.reference, self.amount, at=now, reason=self.because)
        arguments = {"reference": self.reference, "amount_minor": self.amount.minor}
        await queue_errands(conn, "payments", "refund", {self.operation_key: arguments})
        return {"refunded": str(self.amount), "payment": self.reference}


@dataclass(frozen=True)
class MatchPayment(Action):
    """Say whose a payment in suspense is. What it brings settles their oldest debt."""

    name: ClassVar[str] = "match_payment"

    customer_id: CustomerId
    reference: str
    amount: Money
    note: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.reference}:{self.customer_id}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        await match_payment(conn, self.reference, self.customer_id, at=now, note=self.note)
        return {"payment": self.reference, "customer": self.customer_id}


@dataclass(frozen=True)
class RecordPayment(Action):
    """Keep money that came in by no provider: a cheque, cash, a transfer to our account. It settles the oldest debt at once.

    `reference` is what stands on it, as a cheque's number: the same one of the same customer is the same money.
    """

    name: ClassVar[str] = "record_payment"

    customer_id: CustomerId
    amount: Money
    method: str
    reference: str
    received_on: date

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.kept_as}:{self.amount}"

    @property
    def kept_as(self) -> str:
        return f"{self.method}:{self.customer_id}:{self.reference}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for what is no payment, a day to come, or money known by another amount."""
        checked_counter_payment(self.amount, self.method, self.reference, self.received_on, now.date())
        await receive_payment(conn, self.customer_id, self.amount, self.method, self.kept_as, self.received_on, at=now)
        lock = f"restore:{self.customer_id}"
        await defer(conn, "billing.restore", lock=lock, queueing_lock=lock, customer_id=self.customer_id)
        return {"amount": str(self.amount), "payment": self.kept_as}


@dataclass(frozen=True)
class RecordRefundByHand(Action):
    """Keep that a person transferred a refund that the provider refused for good. The books gave it back already: this order is the record.

    Made by `of`, which finds whose it is and how much; `reference` is what the transfer is found by.
    """

    name: ClassVar[str] = "record_refund_by_hand"

    customer_id: CustomerId
    refund_id: int
    amount: Money
    reference: str
    paid_on: date

    @classmethod
    async def of(cls, conn: Connection, refund_id: int, reference: str, paid_on: date, now: datetime) -> Self:
        """Raises NotFound, or InvalidField."""
        checked_transfer(reference, paid_on, now.date())
        found = refund_named(await refunds_not_made(conn), refund_id)
        return cls(found.customer_id, refund_id, found.amount, reference.strip(), paid_on)

    @property
    def operation_key(self) -> str:
        # Turned down for a wrong number it may be asked for again with the right one.
        return f"{self.name}:{self.refund_id}:{short([self.reference])}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, money_each=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound where it is no refund that waits, or another's, or of another amount."""
        found = refund_named(await refunds_not_made(conn), self.refund_id)
        if (found.customer_id, found.amount) != (self.customer_id, self.amount):
            raise NotFound("refund of this customer and amount", self.refund_id)
        checked_transfer(self.reference, self.paid_on, now.date())
        return {"paid_out": str(self.amount), "reference": self.reference}


ACTIONS: tuple[type[Action], ...] = (RequestPaymentLink, RefundPayment, MatchPayment, RecordPayment, RecordRefundByHand)
