"""A late fee stands on the next bill, once for each that is overdue; and is waived by somebody who works here."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.billing.reads.dunning import fees_due, late_fee_of
from atlas.billing.records.dunning import FeeDue, LateFee
from atlas.billing.rules.notes import FeeOnDraft, FeeWaived
from atlas.billing.writes.dunning import charge_late_fees, waive_late_fee
from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.corrections import IssueCreditNote
from forge.actions.billing.keys import short
from forge.invoices.words import invoice_words
from forge.wording import LANGUAGES
from governance.facts import Facts


@dataclass(frozen=True)
class ChargeLateFees(Action):
    """Put a late fee on the next bill of customers for bills that are overdue: once for each bill, never on that bill itself."""

    name: ClassVar[str] = "charge_late_fees"

    fee: LateFee
    due: tuple[FeeDue, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{short(str(one.invoice_id) for one in self.due)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(dict.fromkeys(one.customer_id for one in self.due))

    def facts(self) -> Facts:
        most = max(Counter(one.customer_id for one in self.due).values(), default=0)
        return Facts(
            self.name, money=self.fee.amount * len(self.due), money_each=self.fee.amount * most, customers=len(self.touched_customers)
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        """Whoever paid, promised or disputes it meanwhile is no longer among them."""
        return replace(self, due=tuple(await self._still(conn, now)))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        still = await self._still(conn, now)
        # In their language from the start: a charge has one name, on the bill, in a chat and when it is disputed.
        labels = {language: invoice_words(language, "")["late_fee"] for language in LANGUAGES}
        charged = await charge_late_fees(conn, still, self.fee.amount, self.fee.tax_category, labels, at=now)
        customers = {one.customer_id for one in still if one.invoice_id in set(charged)}
        return {"fees": len(charged), "customers": len(customers), "money": str(self.fee.amount * len(charged))}

    async def _still(self, conn: Connection, now: datetime) -> list[FeeDue]:
        return await fees_due(conn, self.fee, now.date(), [one.invoice_id for one in self.due])


@dataclass(frozen=True)
class WaiveLateFee(Action):
    """Take a late fee back before a bill is made of it; once it was billed, a credit note gives it back (`waiver`)."""

    name: ClassVar[str] = "waive_late_fee"

    customer_id: CustomerId
    invoice_id: InvoiceId
    amount: Money
    reason: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.invoice_id}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, money=self.amount, money_each=self.amount, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises FeeWaived where it was waived before, or stands on a bill by now."""
        if not await waive_late_fee(conn, self.invoice_id, at=now):
            raise FeeWaived(self.invoice_id)
        return {"waived": str(self.amount)}


async def waiver(conn: Connection, customer_id: CustomerId, number: int, reason: str) -> WaiveLateFee | IssueCreditNote:
    """What takes back the late fee for the bill of this number, as far as it got. Raises NotFound, FeeWaived, FeeOnDraft, NotCreditable."""
    fee = await late_fee_of(conn, customer_id, number)
    if fee.is_waived:
        raise FeeWaived(fee.invoice_id)
    if fee.billed_on is None:
        return WaiveLateFee(customer_id, fee.invoice_id, fee.amount, reason)
    if not fee.is_issued:
        raise FeeOnDraft(fee.invoice_id)
    return await IssueCreditNote.of(conn, customer_id, fee.billed_on, fee.label, reason)


ACTIONS: tuple[type[Action], ...] = (ChargeLateFees, WaiveLateFee)
