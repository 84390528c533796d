"""What can be done to money: give credits, cut off for debt."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, Self

from atlas.billing.reads import bill_contacts, credits_due_for, currency, lost_since, overdue_invoices, overdue_invoices_of
from atlas.billing.records import BillContact, Credit, CreditKind, Debt
from atlas.billing.rules import (
    PaymentArrived,
    ProtectedFromDisconnection,
    by_customer,
    credit_cause,
    debts_of,
    is_due_for_suspension,
    is_protected,
    largest_to_one,
    still_due,
    total,
)
from atlas.billing.writes import post_credits
from atlas.crm.records import QuietHours
from atlas.crm.rules import quiet_hours_end
from atlas.crm.writes import suspend_subscribers
from atlas.helpdesk.records import NoticeDraft
from atlas.helpdesk.writes import queue_notices
from atlas.identity import CustomerId, IncidentId
from atlas.money import ZERO, written
from atlas.statements import Connection
from forge.action import Action
from forge.wording import local_day, worded
from governance.facts import Facts

# The two credits of one incident are told apart, for each is told once.
NOTICE: Final = {CreditKind.GOODWILL: "credit", CreditKind.DURATION: "credit_days"}


@dataclass(frozen=True)
class IssueCredits(Action):
    """Credit every customer harmed by one incident, once each."""

    name: ClassVar[str] = "issue_credits"

    cause: IncidentId
    credits: tuple[Credit, ...]
    kind: CreditKind = CreditKind.GOODWILL

    @classmethod
    async def due_for(cls, conn: Connection, cause: IncidentId, kind: CreditKind, now: datetime) -> Self:
        """What the incident's present subscribers should still be given; `credits` is empty where nothing is due."""
        return cls(cause, tuple(await credits_due_for(conn, cause, kind, now)), kind)

    @property
    def operation_key(self) -> str:
        # The subscribers are in the key: an incident that grew asks anew, and whoever was credited is passed over when it is posted.
        return f"{self.name}:{credit_cause(self.cause, self.kind)}:{_who(self.credits)}"

    @property
    def incident_id(self) -> IncidentId | None:
        return self.cause

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return _customers(self.credits)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            money=total(credit.amount for credit in self.credits),
            money_each=largest_to_one(self.credits),
            customers=len(_customers(self.credits)),
            incident_confirmed=True,
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        return await self.due_for(conn, self.cause, self.kind, now)

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        return await _samples(conn, self.cause, self.kind, self.credits, now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return await _given(conn, self.cause, self.kind, self.credits, now)


@dataclass(frozen=True)
class RequestCredit(Action):
    """Credit the lines of one customer who asked, for an incident that harmed them."""

    name: ClassVar[str] = "request_credit"

    customer_id: CustomerId
    cause: IncidentId
    credits: tuple[Credit, ...]
    kind: CreditKind = CreditKind.GOODWILL

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{credit_cause(self.cause, self.kind)}:{self.customer_id}:{_who(self.credits)}"

    @property
    def incident_id(self) -> IncidentId | None:
        return self.cause

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        given = total(credit.amount for credit in self.credits)
        return Facts(self.name, money=given, money_each=largest_to_one(self.credits), customers=1, incident_confirmed=True)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        due = await credits_due_for(conn, self.cause, self.kind, now)
        return replace(self, credits=tuple(credit for credit in due if credit.customer_id == self.customer_id))

    async def preview(self, conn: Connection, now: datetime) -> tuple[str, ...]:
        return await _samples(conn, self.cause, self.kind, self.credits, now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        return await _given(conn, self.cause, self.kind, self.credits, now)


@dataclass(frozen=True)
class SuspendForNonPayment(Action):
    """Cut off customers for debts that were asked for and not paid."""

    name: ClassVar[str] = "suspend_for_non_payment"

    debts: tuple[Debt, ...]

    @classmethod
    async def due(cls, conn: Connection, now: datetime) -> Self:
        """Everybody whose debt is old and large enough and whom nothing protects; `debts` is empty where there is nobody."""
        debts = debts_of(await overdue_invoices(conn, now.date()))
        return cls(tuple(debt for debt in debts if is_due_for_suspension(debt, now.date()) and not is_protected(debt)))

    @property
    def operation_key(self) -> str:
        # Until the oldest debt is paid it is one and the same cutting off.
        return f"{self.name}:{_short(f'{debt.customer_id}@{debt.oldest_due_on}' for debt in self.debts)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(debt.customer_id for debt in self.debts)

    def facts(self) -> Facts:
        return Facts(
            self.name,
            money=total(debt.owed for debt in self.debts),
            money_each=max((debt.owed for debt in self.debts), default=ZERO),
            customers=len(self.debts),
            is_disconnection=True,
            touches_vulnerable=any(debt.is_vulnerable for debt in self.debts),
            touches_emergency_line=any(debt.has_emergency_line for debt in self.debts),
            is_disputed=any(debt.is_disputed for debt in self.debts),
        )

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        """Whoever paid, or pays late but not yet late enough, is no longer among them."""
        owing = debts_of(await overdue_invoices_of(conn, self.touched_customers, now.date()))
        return replace(self, debts=tuple(debt for debt in owing if is_due_for_suspension(debt, now.date())))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PaymentArrived or ProtectedFromDisconnection, and then nobody is cut off."""
        stopped = await suspend_subscribers(conn, self.touched_customers)
        # Asked again behind the locks of the lines: a payment that came in since the approval counts.
        present = {debt.customer_id: debt for debt in debts_of(await overdue_invoices_of(conn, self.touched_customers, now.date()))}
        for debt in self.debts:
            still = present.get(debt.customer_id)
            if still is None or not is_due_for_suspension(still, now.date()):
                raise PaymentArrived(debt.customer_id, still.owed if still else ZERO)
            if is_protected(still):
                raise ProtectedFromDisconnection(debt.customer_id)
        return {"customers": len(self.debts), "lines_suspended": len(stopped), "owed": str(total(debt.owed for debt in self.debts))}


def _customers(given: Sequence[Credit]) -> tuple[CustomerId, ...]:
    return tuple(sorted({credit.customer_id for credit in given}))


def _who(given: Sequence[Credit]) -> str:
    return _short(str(credit.subscriber_id) for credit in given)


def _short(parts: Iterable[str]) -> str:
    """Any number of parts in a key of one length: an index entry holds no more than 2,700 bytes."""
    return hashlib.sha256(",".join(parts).encode()).hexdigest()[:32]


async def _given(conn: Connection, cause: IncidentId, kind: CreditKind, asked: Sequence[Credit], now: datetime) -> dict[str, Any]:
    """Posts of the credits asked for those that Atlas, too, finds due at this moment; what was given before is passed over."""
    due = still_due(asked, await credits_due_for(conn, cause, kind, now))
    posted = await post_credits(conn, credit_cause(cause, kind), due, at=now)
    notices = await _notices(conn, cause, kind, posted, now)
    await queue_notices(conn, cause, NOTICE[kind], notices)
    return {
        "credits": len(posted),
        "customers": len(_customers(posted)),
        "money": str(total(credit.amount for credit in posted)),
        "not_due": len(asked) - len(posted),
        "told": len(notices),
    }


async def _notices(conn: Connection, cause: IncidentId, kind: CreditKind, given: Sequence[Credit], now: datetime) -> list[NoticeDraft]:
    """The exact words for everybody credited who may be written to about bills; nobody is written to in their quiet hours."""
    amounts, since = by_customer(given), await lost_since(conn, cause)
    told, code = await bill_contacts(conn, list(amounts)), await currency(conn)
    return [_draft(contact, NOTICE[kind], written(amounts[contact.customer_id], code), since[contact.customer_id], now) for contact in told]


async def _samples(conn: Connection, cause: IncidentId, kind: CreditKind, given: Sequence[Credit], now: datetime) -> tuple[str, ...]:
    """One notice in each language spoken among them, most spoken first."""
    notices = await _notices(conn, cause, kind, given, now)
    spoken = Counter(notice.language for notice in notices)
    words = {notice.language: notice.words for notice in reversed(notices)}
    return tuple(words[language] for language, _ in spoken.most_common())


def _draft(contact: BillContact, purpose: str, amount: str, lost_at: datetime, now: datetime) -> NoticeDraft:
    quiet = QuietHours(contact.quiet_from, contact.quiet_until) if contact.quiet_from and contact.quiet_until else None
    return NoticeDraft(
        customer_id=contact.customer_id,
        channel=contact.channel,
        address=contact.address,
        language=contact.language,
        words=_words(purpose, contact.language, amount, local_day(lost_at, contact.timezone, contact.language)),
        not_before=(quiet_hours_end(quiet, contact.timezone, now) if quiet else None) or now,
    )


# Nearly all credits of one incident are of one amount: thousands of notices are some dozens of texts.
@lru_cache(maxsize=4096)
def _words(purpose: str, language: str, amount: str, day: str) -> str:
    return worded(purpose, language, {"amount": amount, "day": day})


ACTIONS: tuple[type[Action], ...] = (IssueCredits, RequestCredit, SuspendForNonPayment)
