"""Changes to what we know of customers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from atlas.crm.records import Channel, Consent, QuietHours
from atlas.crm.rules import ContactMissing
from atlas.errors import Conflict
from atlas.identity import CustomerId, OfferingVersionId, PremiseId, SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def record_consent(conn: Connection, customer_id: CustomerId, consent: Consent, source: str, at: datetime) -> None:
    """Keeps the customer's last word; one said later, but recorded first, stands."""
    await SQL.run(
        conn,
        "record_consent",
        customer_id=customer_id,
        purpose=consent.purpose.value,
        channel=consent.channel.value,
        is_given=consent.is_given,
        source=source,
        at=at,
    )


async def prefer_channel(conn: Connection, customer_id: CustomerId, channel: Channel, at: datetime) -> None:
    """Makes the customer's contact over this channel the preferred one. Raises ContactMissing."""
    await SQL.run(conn, "unset_preferred_contact", customer_id=customer_id, channel=channel.value, at=at)
    if not await SQL.run(conn, "set_preferred_contact", customer_id=customer_id, channel=channel.value, at=at):
        raise ContactMissing(customer_id, channel)


async def keep_quiet_hours(conn: Connection, customer_id: CustomerId, quiet: QuietHours | None, at: datetime) -> None:
    """The customer's quiet hours on every contact, by their own clock; None lifts them."""
    await SQL.run(
        conn,
        "set_quiet_hours",
        customer_id=customer_id,
        quiet_from=quiet.start if quiet else None,
        quiet_until=quiet.end if quiet else None,
        at=at,
    )


async def record_interaction(
    conn: Connection, customer_id: CustomerId, kind: str, channel: Channel | None, summary: str, at: datetime
) -> None:
    """Adds one line to what passed between us and the customer; lines are never changed."""
    await SQL.run(
        conn,
        "record_interaction",
        customer_id=customer_id,
        at=at,
        kind=kind,
        channel=channel.value if channel else None,
        summary=summary,
    )


async def move_plan(conn: Connection, subscriber_id: SubscriberId, before: OfferingVersionId, after: OfferingVersionId) -> None:
    """The line is of another version from now on. Raises Conflict where it is not of the version it is moved from."""
    if not await SQL.run(conn, "move_plan", subscriber_id=subscriber_id, before=before, after=after):
        raise Conflict(f"line {subscriber_id} is not of version {before}")


async def suspend_subscribers(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[SubscriberId]:
    """Suspends every active line of these customers for non-payment, locking them; the lines it stopped."""
    return await SQL.column(conn, "suspend_subscribers", customer_ids=list(customer_ids))


async def begin_line(conn: Connection, customer_id: CustomerId, premise_id: PremiseId, version: OfferingVersionId) -> SubscriberId:
    """A line that an order will make: `created`, and nothing yet."""
    made = await SQL.value(conn, "begin_line", customer_id=customer_id, premise_id=premise_id, offering_version_id=version)
    return SubscriberId(made)


# TMF637, as far as orders move a line.
LINE_LEGAL: Final[dict[str, tuple[str, ...]]] = {
    "pendingActive": ("created",),
    "active": ("pendingActive",),
    "aborted": ("created", "pendingActive"),
    "cancelled": ("created", "pendingActive"),
    "pendingTerminate": ("active", "suspended"),
    "terminated": ("pendingTerminate",),
}


async def move_line(conn: Connection, subscriber_id: SubscriberId, state: str, at: datetime) -> bool:
    """Moves a line on, as its order goes; False where it stands elsewhere already."""
    return bool(await SQL.run(conn, "move_line", subscriber_id=subscriber_id, state=state, was=list(LINE_LEGAL[state]), at=at))
