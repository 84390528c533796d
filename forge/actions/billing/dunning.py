"""What can be done about a debt: write of it, slow a line, end it, serve it again; take a promise, open and close a dispute."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from atlas.billing.reads.bills import balance, currency
from atlas.billing.reads.compensation import bill_contacts
from atlas.billing.reads.dunning import (
    charges_disputable,
    chased,
    cut_off_and_square,
    debt_contacts,
    dispute,
    payer_contacts,
    promises,
    warning_contacts,
)
from atlas.billing.records.compensation import BillContact
from atlas.billing.records.debts import Debt
from atlas.billing.records.dunning import DisputableCharge
from atlas.billing.rules.amounts import total
from atlas.billing.rules.debts import PaymentArrived, ProtectedFromDisconnection, is_protected
from atlas.billing.rules.dunning import charge_named, is_to_be_warned, possible_promise
from atlas.billing.writes.dunning import close_dispute, open_dispute, record_promise_to_pay, record_steps
from atlas.crm.writes import restore_subscribers, restrict_subscribers, terminate_subscribers
from atlas.errors import InvalidField
from atlas.helpdesk.records import NoticeDraft
from atlas.helpdesk.writes import queue_bill_notices
from atlas.identity import CustomerId, InvoiceId
from atlas.money import ZERO, Money, written
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.actions.billing.letters import noticed
from forge.wording import day_in_numbers, worded
from governance.facts import Facts

OUTCOMES: Final = ("upheld", "rejected")
# By what the step does, the words for it; a letter is named after its step, where there are such words.
LETTER: Final = "reminder"
TO_A_PAYER: Final = "reminder_payer"
WARNING: Final = "suspension_notice"


@dataclass(frozen=True)
class OnDebts(Action):
    """What all steps of the ladder share: one step, taken for debts as they were; asked again, whoever paid is no longer among them."""

    name: ClassVar[str] = "on_debts"
    cuts: ClassVar[bool] = False

    step: str
    debts: tuple[Debt, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.step}:{short(f'{debt.customer_id}@{debt.oldest_due_on}' for debt in self.debts)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(debt.customer_id for debt in self.debts)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            customers=len(self.debts),
            is_disconnection=self.cuts,
            touches_vulnerable=any(debt.is_vulnerable for debt in self.debts),
            touches_emergency_line=any(debt.has_emergency_line for debt in self.debts),
            is_disputed=any(debt.is_disputed for debt in self.debts),
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        owing = {one.customer_id: one.debt for one in await chased(conn, now.date(), self.touched_customers)}
        return replace(self, debts=tuple(owing[debt.customer_id] for debt in self.debts if debt.customer_id in owing))

    async def still_owing(self, conn: Connection, now: datetime) -> tuple[Debt, ...]:
        """The debts as they are behind the locks of the lines. Raises PaymentArrived or ProtectedFromDisconnection: nobody is touched."""
        present = {one.customer_id: one.debt for one in await chased(conn, now.date(), self.touched_customers)}
        for debt in self.debts:
            still = present.get(debt.customer_id)
            if still is None or still.owed <= ZERO:
                raise PaymentArrived(debt.customer_id, ZERO)
            if is_protected(still):
                raise ProtectedFromDisconnection(debt.customer_id)
        return tuple(present[debt.customer_id] for debt in self.debts)


@dataclass(frozen=True)
class SendDunningNotices(OnDebts):
    """Write to customers, or to whoever pays for them, that a bill is not paid: in their language, over a channel left open for bills."""

    name: ClassVar[str] = "send_dunning_notices"

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        drafts = await self._drafts(conn, self.debts, now)
        return tuple({(words, draft.language): draft.words for words, each in drafts.items() for draft in each}.values())

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Whoever paid since is passed over: nobody is reminded of what they paid."""
        owing = {one.customer_id: one.debt for one in await chased(conn, now.date(), self.touched_customers)}
        debts = [owing[debt.customer_id] for debt in self.debts if debt.customer_id in owing]
        new = set(await record_steps(conn, self.step, debts, at=now))
        due = [debt for debt in debts if debt.customer_id in new]
        drafts = await self._drafts(conn, due, now)
        told = sum([await _queue(conn, words, f"dunning:{self.step}", each, now, due) for words, each in drafts.items()])
        return {"customers": len(due), "told": told, "owed": str(total(debt.owed for debt in due))}

    async def _drafts(self, conn: Connection, debts: Sequence[Debt], now: datetime) -> dict[str, list[NoticeDraft]]:
        """By the words they need: to whoever owes, and to whoever pays for somebody else."""
        contacts = await payer_contacts(conn, [debt.customer_id for debt in debts], now)
        own, others = [one for one in contacts if not one.pays_for], [one for one in contacts if one.pays_for]
        drafts = {LETTER: await _drafts(conn, LETTER, debts, now, own)}
        return {**drafts, TO_A_PAYER: await _drafts(conn, TO_A_PAYER, debts, now, others)} if others else drafts


@dataclass(frozen=True)
class WarnOfSuspension(OnDebts):
    """Tell customers from when their line may be cut off, by a channel they left open for their service; `notice_days` ahead at least.

    `attempt`: the first, or another after those before it reached nobody.
    """

    name: ClassVar[str] = "warn_of_suspension"

    cut_from: date
    notice_days: int
    attempt: int = 1

    @property
    def operation_key(self) -> str:
        return f"{super().operation_key}:{self.cut_from}{self._again}"

    @property
    def _again(self) -> str:
        return "" if self.attempt == 1 else f":{self.attempt}"

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        drafts = await self._drafts(conn, self.debts, self.cut_from, now)
        return tuple({draft.language: draft.words for draft in drafts}.values())

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Whoever paid or was told since is passed over. Who cannot be told has no notice: they are counted, and are not cut off."""
        owing = {
            one.customer_id: one.debt
            for one in await chased(conn, now.date(), self.touched_customers)
            if is_to_be_warned(one, self.attempt)
        }
        debts = [owing[debt.customer_id] for debt in self.debts if debt.customer_id in owing]
        day = max(self.cut_from, now.date() + timedelta(days=self.notice_days))
        new = set(await record_steps(conn, self.step, debts, at=now, announced_for=day, attempt=self.attempt))
        due = [debt for debt in debts if debt.customer_id in new and not is_protected(debt)]
        drafts = await self._drafts(conn, due, day, now)
        told = await _queue(conn, WARNING, f"dunning:{self.step}{self._again}", drafts, now, due)
        return {"customers": len(due), "told": told, "cannot_be_told": len(due) - len(drafts), "from": day.isoformat()}

    async def _drafts(self, conn: Connection, debts: Sequence[Debt], day: date, now: datetime) -> list[NoticeDraft]:
        contacts = await warning_contacts(conn, [debt.customer_id for debt in debts], now)
        return await _drafts(conn, WARNING, debts, now, contacts, day)


@dataclass(frozen=True)
class RestrictForNonPayment(OnDebts):
    """Slow customers' lines for a debt, the step before cutting them off."""

    name: ClassVar[str] = "restrict_for_non_payment"

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        slowed = await restrict_subscribers(conn, self.touched_customers)
        debts = await self.still_owing(conn, now)
        await record_steps(conn, self.step, debts, at=now)
        await _tell(conn, "restricted", self.step, debts, now)
        return {"customers": len(debts), "lines_slowed": len(slowed)}


@dataclass(frozen=True)
class TerminateForNonPayment(OnDebts):
    """End lines that were cut off for a debt, and never paid for."""

    name: ClassVar[str] = "terminate_for_non_payment"
    cuts: ClassVar[bool] = True

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        ended = await terminate_subscribers(conn, self.touched_customers)
        debts = await self.still_owing(conn, now)
        await record_steps(conn, self.step, debts, at=now)
        return {"customers": len(debts), "lines_to_end": len(ended)}


@dataclass(frozen=True)
class RestoreService(Action):
    """Serve customers again whose lines were slowed or cut off for a debt that is no longer there. Made by `of`, which finds them."""

    name: ClassVar[str] = "restore_service"

    customers: tuple[CustomerId, ...]
    on: date

    @classmethod
    async def of(cls, conn: Connection, customers: Sequence[CustomerId] | None, now: datetime) -> Self:
        """Of these customers, or of all, whoever is cut off and owes nothing overdue; `customers` is empty where there is nobody."""
        return cls(tuple(await cut_off_and_square(conn, now.date(), customers)), now.date())

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.on}:{short(map(str, self.customers))}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return self.customers

    def facts(self) -> Facts:
        return Facts(self.name, customers=len(self.customers))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Only who still owes nothing: a payment that was taken back meanwhile counts."""
        square = await cut_off_and_square(conn, now.date(), self.customers)
        lines = await restore_subscribers(conn, square)
        drafts = [noticed(contact, worded("service_back", contact.language, {}), now) for contact in await bill_contacts(conn, square)]
        told = await _queue(conn, "service_back", "service_back", drafts, now)
        return {"customers": len(square), "lines_restored": len(lines), "told": told}


@dataclass(frozen=True)
class TakePromiseToPay(Action):
    """Take a customer's word that they pay what is overdue by a day; until then the ladder stops."""

    name: ClassVar[str] = "take_promise_to_pay"

    customer_id: CustomerId
    amount: Money
    due_on: date

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.due_on}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NothingOverdue, or InvalidField for a day too far off, or while another promise stands."""
        overdue = (await balance(conn, self.customer_id, now.date())).overdue
        made = await promises(conn, self.customer_id, now.date())
        possible_promise(made, overdue, self.due_on, now.date())
        await record_promise_to_pay(conn, self.customer_id, overdue, self.due_on, at=now)
        return {"amount": str(overdue), "due_on": self.due_on.isoformat()}


@dataclass(frozen=True)
class OpenDispute(Action):
    """Keep that a customer does not accept one charge of a bill; its amount is not chased until the dispute is closed."""

    name: ClassVar[str] = "open_dispute"

    customer_id: CustomerId
    invoice: InvoiceId
    label: str
    amount: Money
    because: str

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, label: str, because: str, now: datetime) -> Self:
        """The latest charge of that name. Raises ChargeUnknown."""
        charge = charge_named(await charges_disputable(conn, customer_id, now), label)
        return cls(customer_id, charge.invoice_id, charge.label, charge.amount, because)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.invoice}:{short([self.label])}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises ChargeUnknown where the bill holds no such charge of this customer, or it is in dispute already."""
        known = [one for one in await charges_disputable(conn, self.customer_id, now) if one.invoice_id == self.invoice]
        charge: DisputableCharge = charge_named(known, self.label)
        number = await open_dispute(conn, self.customer_id, charge, self.because, at=now)
        return {"dispute": number, "label": charge.label, "amount": str(charge.amount), "invoice": charge.number}


@dataclass(frozen=True)
class CloseDispute(Action):
    """End a dispute: upheld, and a credit note follows, or rejected, and the charge is chased again."""

    name: ClassVar[str] = "close_dispute"

    customer_id: CustomerId
    dispute: int
    outcome: str

    @classmethod
    async def of(cls, conn: Connection, dispute_id: int, outcome: str) -> Self:
        """Raises NotFound, or InvalidField where the outcome is none."""
        if outcome not in OUTCOMES:
            raise InvalidField("outcome", f"one of {', '.join(OUTCOMES)}")
        return cls((await dispute(conn, dispute_id)).customer_id, dispute_id, outcome)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.dispute}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where it ended before."""
        await close_dispute(conn, self.dispute, self.outcome, at=now)
        return {"dispute": self.dispute, "outcome": self.outcome}


async def _tell(conn: Connection, words: str, step: str, debts: Sequence[Debt], now: datetime) -> int:
    return await _queue(conn, words, f"dunning:{step}", await _drafts(conn, words, debts, now), now, debts)


async def _drafts(
    conn: Connection,
    words: str,
    debts: Sequence[Debt],
    now: datetime,
    contacts: Sequence[BillContact] | None = None,
    day: date | None = None,
) -> list[NoticeDraft]:
    """One a debt: by the contacts given, else by those that are open for bills, and by letter where none is."""
    code = await currency(conn)
    if contacts is None:
        contacts = await debt_contacts(conn, [debt.customer_id for debt in debts])
    known = {contact.customer_id: contact for contact in contacts}
    return [
        noticed(contact, worded(words, contact.language, _slots(debt, code, contact, day)), now, may_wake=words not in (LETTER, TO_A_PAYER))
        for debt in debts
        if (contact := known.get(debt.customer_id)) is not None
    ]


def _slots(debt: Debt, code: str, contact: BillContact, day: date | None) -> dict[str, str]:
    slots = {"amount": written(debt.owed, code), **({"name": contact.pays_for} if contact.pays_for else {})}
    return slots if day is None else {**slots, "day": day_in_numbers(day, contact.language)}


async def _queue(conn: Connection, purpose: str, key: str, drafts: Sequence[NoticeDraft], now: datetime, debts: Sequence[Debt] = ()) -> int:
    """One notice a customer and debt: the day of the oldest bill is in its key, so that another debt is another notice."""
    oldest = {debt.customer_id: debt.oldest_due_on for debt in debts}
    keys = [f"{key}:{oldest.get(draft.customer_id, now.date())}:{draft.customer_id}" for draft in drafts]
    return await queue_bill_notices(conn, purpose, keys, drafts)


ACTIONS: tuple[type[Action], ...] = (
    SendDunningNotices,
    WarnOfSuspension,
    RestrictForNonPayment,
    TerminateForNonPayment,
    RestoreService,
    TakePromiseToPay,
    OpenDispute,
    CloseDispute,
)
