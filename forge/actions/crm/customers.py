"""What can be done to what we know of a customer: who they are, who stands beside them, how they wish to be reached, what was said."""

import hashlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.billing.rules.charges import NotCharged
from atlas.billing.writes.charges import change_charge
from atlas.crm.reads import customer, merge, merge_standing, twins_of_new
from atlas.crm.records import Amendment, Channel, Consent, MergeStanding, NewCustomer, PartyRole, QuietHours
from atlas.crm.rules import (
    MergeRefused,
    PossiblyKnown,
    checked_birth_date,
    checked_quiet_hours,
    checked_summary,
    checked_version,
    moved_twice,
    obstacles_to_merge,
)
from atlas.crm.writes import (
    amend_customer,
    give_role,
    keep_quiet_hours,
    merge_customers,
    move_plan,
    prefer_channel,
    record_consent,
    record_interaction,
    register_customer,
    undo_merge,
)
from atlas.errors import InvalidField
from atlas.identity import CustomerId, OfferingVersionId, OrderId, SubscriberId
from atlas.money import Money
from atlas.privacy.reads import threads_of
from atlas.privacy.writes import erase, lift_hold, place_hold
from atlas.statements import Connection
from forge.action import Action
from forge.add_ons import add_ons_follow, add_ons_return
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
            "quiet_hours": [f"{at:%H:%M}" for at in (self.quiet_hours.start, self.quiet_hours.end)] if self.quiet_hours else None,
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

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where the line is not of the version it is moved from."""
        await move_plan(conn, self.line, self.before, self.after)
        # In this very transaction: nobody has one plan and pays for another. A line that nothing is charged to stays so.
        with suppress(NotCharged):
            evidence = f"plan_move:order-{self.order}"
            await change_charge(conn, self.customer_id, self.line, self.after, at=now, evidence=evidence, order_id=self.order)
        # First what an earlier move under this order ended, where this one takes it back; then what does not go with the plan as it is now.
        await add_ons_return(conn, self.line, self.order, now)
        ended = await add_ons_follow(conn, self.line, self.after, self.order, now)
        return {"line": self.line, "version": self.after, "add_ons_ended": ended}


@dataclass(frozen=True)
class RegisterCustomer(Action):
    """Take somebody in as a prospect. `unlike` names records that look like them and are other people: somebody looked.

    `source` makes one sign-up or one row of a file one operation. Addresses come in their one form.
    """

    name: ClassVar[str] = "register_customer"

    new: NewCustomer
    source: str
    unlike: tuple[CustomerId, ...] = ()

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.source}:{'+'.join(map(str, self.unlike))}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises PossiblyKnown where a record not named in `unlike` may be the same person; InvalidField for a birth that cannot be."""
        checked_birth_date(self.new.birth_date, now.date())
        twins = [twin for twin in await twins_of_new(conn, self.new) if twin.customer_id not in self.unlike]
        if twins:
            raise PossiblyKnown(twins)
        made = await register_customer(conn, self.new, at=now)
        await record_interaction(conn, made, "registered", None, "registered as a prospect", at=now)
        return {"customer": made}


@dataclass(frozen=True)
class AmendCustomer(Action):
    """Change who a customer is, as one editor saw them: `version` is what they saw."""

    name: ClassVar[str] = "amend_customer"

    customer_id: CustomerId
    version: int
    amendment: Amendment

    @property
    def operation_key(self) -> str:
        said = hashlib.sha256(repr(self.amendment).encode()).hexdigest()[:16]
        return f"{self.name}:{self.customer_id}:{self.version}:{said}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NotFound, InvalidField, or Conflict where somebody else changed the customer since."""
        checked_birth_date(self.amendment.birth_date, now.date())
        checked_version(await customer(conn, self.customer_id), self.version)
        await amend_customer(conn, self.customer_id, self.version, self.amendment)
        changed = {name: value for name, value in asdict(self.amendment).items() if value is not None}
        # What it says is in the action; the line says which of it was touched, for whoever reads the timeline.
        await record_interaction(conn, self.customer_id, "amended", None, f"changed: {', '.join(changed) or 'nothing'}", at=now)
        return {"changed": sorted(changed), "version": self.version + 1}


@dataclass(frozen=True)
class GiveRole(Action):
    """Keep another person beside a customer: who pays, who uses the line, who may speak for them and for what. Ends at `valid_until`."""

    name: ClassVar[str] = "give_role"

    customer_id: CustomerId
    role: PartyRole

    @property
    def operation_key(self) -> str:
        given = f"{self.role.role}:{self.role.address}:{'+'.join(self.role.may)}"
        return f"{self.name}:{self.customer_id}:{given}:{self.role.valid_from.isoformat()}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        number = await give_role(conn, self.customer_id, self.role)
        said = f"{self.role.role} added: may {', '.join(self.role.may) or 'do nothing'}"
        await record_interaction(conn, self.customer_id, "role", None, said, at=now)
        return {"role": number, "may": list(self.role.may)}


@dataclass(frozen=True)
class MergeCustomers(Action):
    """Make two records of one person one: `absorbed` goes into `customer_id`, with its lines, tickets, contacts and what it owes.

    Made by `of`. Its bills stay as they were issued, under the record that is no longer used.
    """

    name: ClassVar[str] = "merge_customers"

    customer_id: CustomerId
    absorbed: CustomerId
    owed: Money
    absorbed_owed: Money

    @classmethod
    async def of(cls, conn: Connection, customer_id: CustomerId, absorbed: CustomerId) -> Self:
        """Raises NotFound, or MergeRefused with everything that is to be settled first."""
        standing = await _mergeable(conn, customer_id, absorbed)
        return cls(customer_id, absorbed, standing.owed, standing.absorbed_owed)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.absorbed}:{self.owed}:{self.absorbed_owed}"

    @property
    def touched_customers(self) -> tuple[CustomerId, ...]:
        return (self.customer_id, self.absorbed)

    def facts(self) -> Facts:
        return Facts(self.name, customers=2, money=moved_twice(self.absorbed_owed))

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.customer_id, self.absorbed)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises MergeRefused."""
        await _mergeable(conn, self.customer_id, self.absorbed)
        number = await merge_customers(conn, self.customer_id, self.absorbed, at=now)
        await record_interaction(conn, self.customer_id, "merged", None, f"customer {self.absorbed} was merged into this record", at=now)
        return {"merge": number, "owed_before": str(self.owed + self.absorbed_owed), "brought_over": str(self.absorbed_owed)}


@dataclass(frozen=True)
class UndoMerge(Action):
    """Take a merge back: they were two people after all. Made by `of`, which says what money goes back."""

    name: ClassVar[str] = "undo_merge"

    customer_id: CustomerId
    merge: int
    moved: Money

    @classmethod
    async def of(cls, conn: Connection, merge_id: int) -> Self:
        """Raises NotFound."""
        done = await merge(conn, merge_id)
        return cls(done.customer_id, merge_id, done.moved)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.merge}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=2, money=moved_twice(self.moved))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        await undo_merge(conn, self.merge, at=now)
        await record_interaction(conn, self.customer_id, "unmerged", None, f"merge {self.merge} was taken back", at=now)
        return {"merge": self.merge, "went_back": str(self.moved)}


async def _mergeable(conn: Connection, customer_id: CustomerId, absorbed: CustomerId) -> MergeStanding:
    standing = await merge_standing(conn, customer_id, absorbed)
    if reasons := obstacles_to_merge(standing):
        raise MergeRefused(reasons)
    return standing


@dataclass(frozen=True)
class EraseCustomer(Action):
    """Forget a person: what may go goes, what the law wants stays under a pseudonym, what a debt or a hold needs stays for now.

    `source` says by which request of theirs, and makes that request one operation: `letter:2026-03-02`, `finishing:17`.
    """

    name: ClassVar[str] = "erase_customer"

    customer_id: CustomerId
    source: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.source}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict while something for them is on its way."""
        return await erase(conn, self.customer_id, await threads_of(conn, self.customer_id))


@dataclass(frozen=True)
class HoldCustomerRecords(Action):
    """Keep everything of a customer as it is, because a court or an authority may ask for it; or let it go its way again."""

    name: ClassVar[str] = "hold_customer_records"

    customer_id: CustomerId
    is_held: bool
    reason: str
    source: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer_id}:{self.source}:{'held' if self.is_held else 'lifted'}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField where no reason is given."""
        if not self.reason.strip():
            raise InvalidField("reason", "a hold is placed and lifted for a reason that somebody can read later")
        changed = await (place_hold(conn, self.customer_id, self.reason, now) if self.is_held else lift_hold(conn, self.customer_id, now))
        return {"is_held": self.is_held, "changed": changed}


ACTIONS: tuple[type[Action], ...] = (
    RecordContactPreference,
    RecordInteraction,
    MovePlan,
    RegisterCustomer,
    AmendCustomer,
    GiveRole,
    MergeCustomers,
    UndoMerge,
    EraseCustomer,
    HoldCustomerRecords,
)
