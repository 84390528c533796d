"""What can be done about our own failings: credit everybody who suffered by one, once each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.billing.reads.bills import currency
from atlas.billing.reads.compensation import bill_contacts
from atlas.billing.reads.failings import failings_owed
from atlas.billing.records.compensation import Credit
from atlas.billing.records.failings import Owed
from atlas.billing.rules.amounts import total
from atlas.billing.rules.compensation import by_customer, largest_to_one, still_due
from atlas.billing.writes.compensation import post_credits
from atlas.helpdesk.records import NoticeDraft
from atlas.helpdesk.writes import queue_bill_notices
from atlas.identity import CustomerId
from atlas.money import written
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.keys import short
from forge.wording import worded
from governance.facts import Facts


@dataclass(frozen=True)
class CompensateFailing(Action):
    """Credit whoever suffered by one failing of ours: a late repair, a missed visit, a late start. The amounts are the dated table's."""

    name: ClassVar[str] = "compensate_failing"

    cause: str
    credits: tuple[Credit, ...]

    @classmethod
    def of(cls, owed: Owed) -> Self:
        return cls(owed.cause, owed.credits)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.cause}:{short(str(credit.subscriber_id) for credit in self.credits)}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return tuple(sorted({credit.customer_id for credit in self.credits}))

    def facts(self) -> Facts:
        money = total(credit.amount for credit in self.credits)
        return Facts(self.name, money=money, money_each=largest_to_one(self.credits), customers=len(self.touched_customers))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        owed = await failings_owed(conn, now, self.cause)
        return self.of(owed[0]) if owed else type(self)(self.cause, ())

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Of what was asked, what Atlas finds owed at this moment, too, to the penny; nobody twice for one cause."""
        owed = await failings_owed(conn, now, self.cause)
        due = still_due(self.credits, owed[0].credits if owed else ())
        posted = await post_credits(conn, self.cause, due, at=now)
        told = await self._tell(conn, posted, now)
        money = total(credit.amount for credit in posted)
        return {"credits": len(posted), "money": str(money), "not_due": len(self.credits) - len(posted), "told": told}

    async def _tell(self, conn: Connection, posted: list[Credit], now: datetime) -> int:
        amounts, code = by_customer(posted), await currency(conn)
        drafts = [
            NoticeDraft(
                contact.customer_id,
                contact.channel,
                contact.address,
                contact.language,
                worded("compensation", contact.language, {"amount": written(amounts[contact.customer_id], code)}),
                now,
            )
            for contact in await bill_contacts(conn, list(amounts))
        ]
        return await queue_bill_notices(conn, "compensation", [f"failing:{self.cause}:{draft.customer_id}" for draft in drafts], drafts)


ACTIONS: tuple[type[Action], ...] = (CompensateFailing,)
