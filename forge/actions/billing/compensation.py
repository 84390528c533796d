"""Credits for an outage."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar, Final, Self

from atlas.billing.reads.bills import currency
from atlas.billing.reads.compensation import bill_contacts, credits_due_for, lost_since
from atlas.billing.records.compensation import BillContact, Credit, CreditKind
from atlas.billing.rules.amounts import total
from atlas.billing.rules.compensation import by_customer, credit_cause, largest_to_one, still_due
from atlas.billing.writes.compensation import post_credits
from atlas.helpdesk.records import NoticeDraft
from atlas.helpdesk.writes import queue_notices
from atlas.identity import CustomerId, IncidentId
from atlas.money import written
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.actions.billing.letters import noticed
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


def _customers(given: Sequence[Credit]) -> tuple[CustomerId, ...]:
    return tuple(sorted({credit.customer_id for credit in given}))


def _who(given: Sequence[Credit]) -> str:
    return short(str(credit.subscriber_id) for credit in given)


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
    # An order may name whom the incident never held: they are given nothing, and nothing is said to them.
    told, code = await bill_contacts(conn, [customer for customer in amounts if customer in since]), await currency(conn)
    return [_draft(contact, NOTICE[kind], written(amounts[contact.customer_id], code), since[contact.customer_id], now) for contact in told]


async def _samples(conn: Connection, cause: IncidentId, kind: CreditKind, given: Sequence[Credit], now: datetime) -> tuple[str, ...]:
    """One notice in each language spoken among them, most spoken first."""
    notices = await _notices(conn, cause, kind, given, now)
    spoken = Counter(notice.language for notice in notices)
    words = {notice.language: notice.words for notice in reversed(notices)}
    return tuple(words[language] for language, _ in spoken.most_common())


def _draft(contact: BillContact, purpose: str, amount: str, lost_at: datetime, now: datetime) -> NoticeDraft:
    return noticed(contact, _words(purpose, contact.language, amount, local_day(lost_at, contact.timezone, contact.language)), now)


# Nearly all credits of one incident are of one amount: thousands of notices are some dozens of texts.
@lru_cache(maxsize=4096)
def _words(purpose: str, language: str, amount: str, day: str) -> str:
    return worded(purpose, language, {"amount": amount, "day": day})


ACTIONS: tuple[type[Action], ...] = (IssueCredits, RequestCredit)
