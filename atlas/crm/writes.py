"""Changes to what we know of customers."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final

from atlas.crm.records import Amendment, Channel, Consent, NewCustomer, PartyRole, QuietHours
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


async def move_lines(conn: Connection, subscriber_ids: Sequence[SubscriberId], after: OfferingVersionId) -> None:
    """These lines are of another version from now on."""
    await SQL.run(conn, "move_lines", subscriber_ids=list(subscriber_ids), after=after)


async def suspend_subscribers(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[SubscriberId]:
    """Suspends every active line of these customers for non-payment, locking them; the lines it stopped."""
    return await SQL.column(conn, "suspend_subscribers", customer_ids=list(customer_ids))


async def suspend_line(conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId, version: int, why: str) -> bool:
    """Suspends one active line at its customer's wish or for abuse; False where it is no longer of this version."""
    asked = {"customer_id": customer_id, "subscriber_id": subscriber_id, "version": version, "why": why}
    return await SQL.run(conn, "suspend_line", **asked) == 1


async def resume_line(conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId, version: int) -> bool:
    """The line is in use again; False where it is no longer of this version, or was not suspended so."""
    return await SQL.run(conn, "resume_line", customer_id=customer_id, subscriber_id=subscriber_id, version=version) == 1


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


async def register_customer(conn: Connection, new: NewCustomer, at: datetime) -> CustomerId:
    """A new prospect with their contacts, the first one preferred."""
    customer_id = CustomerId(
        await SQL.value(
            conn,
            "register_customer",
            kind=new.kind,
            name=new.name,
            given_name=new.given_name,
            language=new.language,
            timezone=new.timezone,
            customer_since=new.customer_since or at.date(),
            birth_date=new.birth_date,
        )
    )
    for place, (channel, address) in enumerate(new.contacts):
        contact = {"customer_id": customer_id, "channel": channel.value, "address": address, "is_preferred": place == 0, "at": at}
        await SQL.run(conn, "add_contact", **contact)
    return customer_id


async def amend_customer(conn: Connection, customer_id: CustomerId, version: int, amendment: Amendment) -> None:
    """Changes a customer as one editor saw them. Raises Conflict where somebody else was faster."""
    if not await SQL.run(conn, "amend_customer", customer_id=customer_id, version=version, **asdict(amendment)):
        raise Conflict(f"customer {customer_id} was changed by somebody else meanwhile: look again (you saw version {version})")


async def give_role(conn: Connection, customer_id: CustomerId, role: PartyRole) -> int:
    """Keeps who stands beside the customer, and with what authority; its number."""
    return int(
        await SQL.value(
            conn,
            "give_role",
            customer_id=customer_id,
            role=role.role,
            name=role.name,
            channel=role.channel.value,
            address=role.address,
            may=list(role.may),
            at=role.valid_from,
            valid_until=role.valid_until,
        )
    )


async def end_authority(conn: Connection, customer_id: CustomerId, role_id: int, at: datetime) -> bool:
    """Ends what a delegate may do; False where there is no such authority, or it is over."""
    return bool(await SQL.run(conn, "end_authority", customer_id=customer_id, role_id=role_id, at=at))


async def note_moved_number(conn: Connection, address: str, kind: str, noticed_at: datetime) -> int:
    return int(await SQL.value(conn, "note_moved_number", address=address, kind=kind, noticed_at=noticed_at))


async def merge_customers(conn: Connection, customer_id: CustomerId, absorbed_id: CustomerId, at: datetime) -> int:
    """Makes two records one: lines, orders, tickets and contacts follow, what is open is brought over; the merge's number."""
    return int(await SQL.value(conn, "merge_customers", customer_id=customer_id, absorbed_id=absorbed_id, at=at))


async def undo_merge(conn: Connection, merge_id: int, at: datetime) -> None:
    """Takes a merge back: what followed goes back, and so does what was owed. Money paid since stays with who paid it."""
    await SQL.run(conn, "undo_merge", merge_id=merge_id, at=at)


async def restore_subscribers(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[SubscriberId]:
    """Every line of these customers that was cut off or slowed for debt is in use again; those lines."""
    return await SQL.column(conn, "restore_subscribers", customer_ids=list(customer_ids))


async def restrict_subscribers(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[SubscriberId]:
    """Every line in use of these customers is slowed for debt; those lines."""
    return await SQL.column(conn, "restrict_subscribers", customer_ids=list(customer_ids))


async def terminate_subscribers(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[SubscriberId]:
    """Every line of these customers that is cut off for debt is to end; those lines."""
    return await SQL.column(conn, "terminate_subscribers", customer_ids=list(customer_ids))
