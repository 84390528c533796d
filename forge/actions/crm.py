"""What can be done to what we know of a customer: their word on being written to, a note of what was said, the plan of a line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.crm.records import Channel, Consent, QuietHours
from atlas.crm.rules import checked_quiet_hours, checked_summary
from atlas.crm.writes import keep_quiet_hours, move_plan, prefer_channel, record_consent, record_interaction
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class RecordContactPreference(Action):
    """Keep how a customer wishes to be reached: opted in or out, by which channel, at which hours.

    `source` says where they said so, and makes the same word said twice one operation: `message:812`, `console:…`.
    What is None or empty stays as it is.
    """

    name: ClassVar[str] = "record_contact_preference"

    customer_id: CustomerId
    source: str
    consents: tuple[Consent, ...] = ()
    preferred: Channel | None = None
    quiet_hours: QuietHours | None = None

    @property
    def operation_key(self) -> str:
        said = [f"{consent.purpose.value}/{consent.channel.value}={'yes' if consent.is_given else 'no'}" for consent in self.consents]
        preferred = self.preferred.value if self.preferred else "-"
        quiet = f"{self.quiet_hours.start}-{self.quiet_hours.end}" if self.quiet_hours else "-"
        return f"{self.name}:{self.customer_id}:{self.source}:{'+'.join(said)}:{preferred}:{quiet}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises ContactMissing where the preferred channel has no address."""
        for consent in self.consents:
            await record_consent(conn, self.customer_id, consent, self.source, at=now)
        if self.preferred is not None:
            await prefer_channel(conn, self.customer_id, self.preferred, at=now)
        if self.quiet_hours is not None:
            await keep_quiet_hours(conn, self.customer_id, checked_quiet_hours(self.quiet_hours), at=now)
        return {
            "consents": {f"{consent.purpose.value}/{consent.channel.value}": consent.is_given for consent in self.consents},
            "preferred": self.preferred.value if self.preferred else None,
            "quiet_hours": f"{self.quiet_hours.start:%H:%M}-{self.quiet_hours.end:%H:%M}" if self.quiet_hours else None,
        }


@dataclass(frozen=True)
class RecordInteraction(Action):
    """Keep one line of what passed between us and a customer. `source` makes the same note written twice one operation."""

    name: ClassVar[str] = "record_interaction"

    customer_id: CustomerId
    kind: str
    summary: str
    source: str
    channel: Channel | None = None

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.source}:{self.kind}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        summary = checked_summary(self.summary)
        await record_interaction(conn, self.customer_id, self.kind, self.channel, summary, at=now)
        return {"noted": summary}


@dataclass(frozen=True)
class MovePlan(Action):
    """Keep that a line is of another version of what we sell, as an order had it; `order` tells one move from another like it."""

    name: ClassVar[str] = "move_plan"

    customer_id: CustomerId
    line: SubscriberId
    before: OfferingVersionId
    after: OfferingVersionId
    order: OrderId

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.line}:{self.before}:{self.after}:{self.order}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where the line is not of the version it is moved from."""
        await move_plan(conn, self.line, self.before, self.after)
        return {"line": self.line, "version": self.after}


ACTIONS: tuple[type[Action], ...] = (RecordContactPreference, RecordInteraction, MovePlan)
