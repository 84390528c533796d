"""Questions about customers. Each names the customer; row security answers nothing about anybody the caller may not see."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from atlas.crm.records import (
    Channel,
    ChurnRisk,
    Consent,
    Contact,
    Customer,
    CustomerFound,
    CustomerGlanced,
    CustomerPage,
    Interaction,
    KnownParty,
    Likeness,
    LineStanding,
    Merge,
    MergeStanding,
    MessageSeen,
    NewCustomer,
    NoticeSent,
    OrderOpen,
    OutageAtLine,
    PartyRole,
    Purpose,
    Recipient,
    ServiceHeld,
    TicketOpen,
    Trouble,
    VisitPlanned,
)
from atlas.crm.rules import (
    SCOPES,
    address_forms,
    churn_risk,
    contact_address,
    may_act,
    name_key,
    reasons_to_hold,
    the_only_one,
    twins,
)
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, SubscriberId
from atlas.money import Money
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# An outage older than this is no longer what somebody is calling about.
RECENT: Final = timedelta(days=30)
# What fits on a page without scrolling far.
MOST_ON_A_PAGE: Final = 20
# Trouble longer ago than this made them leave, or did not.
REMEMBERED: Final = timedelta(days=180)
NOBODY_YET: Final = CustomerId(0)


async def customers_at(conn: Connection, written: str, region: str = "GB") -> list[CustomerId]:
    """Whose address this is, however it is written; former customers left out. Raises InvalidField for what is no address."""
    return await SQL.column(conn, "customers_at", addresses=list(address_forms(contact_address(written, region))))


async def acted_for_from(conn: Connection, written: str, now: datetime, region: str = "GB") -> list[CustomerId]:
    """For whom somebody at this address may act now. Raises InvalidField for what is no address."""
    addresses = list(address_forms(contact_address(written, region)))
    return await SQL.column(conn, "acted_for_from", addresses=addresses, now=now)


async def scopes_from(conn: Connection, customer_id: CustomerId, written: str, now: datetime, region: str = "GB") -> frozenset[str] | None:
    """What somebody at this address may do for the customer; None where the address is the customer's own, or nobody's who ever acted.

    Nothing at all where their authority is over.
    """
    try:
        forms = address_forms(contact_address(written, region))
    except InvalidField:
        return None
    if await SQL.value(conn, "is_own_address", customer_id=customer_id, addresses=list(forms)):
        return None
    given = [one for one in await party_roles(conn, customer_id) if one.role in ("delegate", "payer") and one.address in forms]
    return frozenset(scope for scope in SCOPES if may_act(given, forms[0], scope, now)) if given else None


async def customer_at(conn: Connection, written: str, region: str = "GB") -> CustomerId | None:
    """The one customer with this address; None where nobody has it. Raises AddressShared where several do."""
    return the_only_one(await customers_at(conn, written, region))


async def customer(conn: Connection, customer_id: CustomerId) -> Customer:
    """Raises NotFound."""
    found = await SQL.first(conn, Customer, "customer", customer_id=customer_id)
    if found is None:
        raise NotFound("customer", customer_id)
    return found


async def customers_glanced(conn: Connection, customer_ids: Sequence[CustomerId]) -> list[CustomerGlanced]:
    """Those of these that there are, in no order."""
    return await SQL.all(conn, CustomerGlanced, "customers_glanced", customer_ids=list(customer_ids))


async def customers_like(conn: Connection, words: str, region: str = "GB", most: int = MOST_ON_A_PAGE) -> list[CustomerFound]:
    """Customers by number, phone, mail address or part of a name, as staff search; at most `most`."""
    stripped = words.strip()
    if not stripped:
        raise InvalidField("words", "say a name, a number or an address")
    ids = await _customers_at_if_address(conn, stripped, region)
    if stripped.isdecimal() and len(stripped) < 10:
        ids = [*ids, CustomerId(int(stripped))]
    return await SQL.all(conn, CustomerFound, "customers_named", customer_ids=ids, words=stripped, most=most)


async def _customers_at_if_address(conn: Connection, words: str, region: str) -> Sequence[CustomerId]:
    try:
        return await customers_at(conn, words, region)
    except InvalidField:
        return []


async def recipient(conn: Connection, customer_id: CustomerId) -> Recipient:
    """One customer as a message would reach them. Raises NotFound."""
    return Recipient(
        await customer(conn, customer_id),
        tuple(await contacts(conn, customer_id)),
        tuple(await consents(conn, customer_id)),
    )


async def contacts(conn: Connection, customer_id: CustomerId) -> list[Contact]:
    """Every way to reach them, the preferred one first."""
    return await SQL.all(conn, Contact, "contacts", customer_id=customer_id)


async def consents(conn: Connection, customer_id: CustomerId) -> list[Consent]:
    """What they said about being written to; what they never spoke of is left out."""
    return await SQL.all(conn, Consent, "consents", customer_id=customer_id)


async def last_said_at(conn: Connection, customer_id: CustomerId, purpose: Purpose, channel: Channel) -> datetime | None:
    """When they last said whether we may write about this by this channel; None: never."""
    found: datetime | None = await SQL.value(conn, "last_said_at", customer_id=customer_id, purpose=purpose.value, channel=channel.value)
    return found


async def services_held(conn: Connection, customer_id: CustomerId) -> list[ServiceHeld]:
    """Their lines, ended ones left out."""
    return await SQL.all(conn, ServiceHeld, "services_held", customer_id=customer_id)


async def outages_at_lines(conn: Connection, customer_id: CustomerId, now: datetime) -> list[OutageAtLine]:
    """Incidents that took down one of their lines and are open, or began in the last 30 days; latest first."""
    return await SQL.all(conn, OutageAtLine, "outages_at_lines", customer_id=customer_id, since=now - RECENT)


async def customer_page(conn: Connection, customer_id: CustomerId, now: datetime) -> CustomerPage:
    """Everything about one customer, as far as the caller may see it. Raises NotFound."""
    return CustomerPage(
        customer=await customer(conn, customer_id),
        services=tuple(await services_held(conn, customer_id)),
        contacts=tuple(await contacts(conn, customer_id)),
        consents=tuple(await consents(conn, customer_id)),
        outages=tuple(await outages_at_lines(conn, customer_id, now)),
        tickets=tuple(await SQL.all(conn, TicketOpen, "tickets_open", customer_id=customer_id)),
        visits=tuple(await SQL.all(conn, VisitPlanned, "visits_planned", customer_id=customer_id)),
        owed=Money.of_minor(await SQL.value(conn, "owed", customer_id=customer_id)),
        notices=tuple(await SQL.all(conn, NoticeSent, "notices_to", customer_id=customer_id, most=MOST_ON_A_PAGE)),
        interactions=tuple(await SQL.all(conn, Interaction, "interactions", customer_id=customer_id, most=MOST_ON_A_PAGE)),
        orders=tuple(await SQL.all(conn, OrderOpen, "orders_open", customer_id=customer_id)),
        messages=tuple(await SQL.all(conn, MessageSeen, "messages_seen", customer_id=customer_id, most=MOST_ON_A_PAGE)),
        roles=tuple(await party_roles(conn, customer_id)),
        merges=tuple(await SQL.all(conn, Merge, "merges_of", customer_id=customer_id)),
        twins=tuple(await twins_of(conn, customer_id)),
        risk=await risk_of_leaving(conn, customer_id, now),
    )


async def line_of(conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId) -> str:
    """The state of a line of this customer. Raises NotFound for anybody else's."""
    state: str | None = await SQL.value(conn, "line_state", customer_id=customer_id, subscriber_id=subscriber_id)
    if state is None:
        raise NotFound("line", subscriber_id)
    return state


async def line_standing(conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId) -> LineStanding:
    """How a line of this customer stands. Raises NotFound for anybody else's."""
    found = await SQL.first(conn, LineStanding, "line_standing", customer_id=customer_id, subscriber_id=subscriber_id)
    if found is None:
        raise NotFound("line", subscriber_id)
    return found


async def party_roles(conn: Connection, customer_id: CustomerId) -> list[PartyRole]:
    """Everybody beside the customer: payer, user, delegate; ended ones too."""
    return await SQL.all(conn, PartyRole, "party_roles", customer_id=customer_id)


async def twins_of(conn: Connection, customer_id: CustomerId) -> list[Likeness]:
    """Other records that may be the same person, the likeliest first."""
    known = await SQL.all(conn, KnownParty, "known_party", customer_ids=[customer_id])
    return await _twins(conn, known[0]) if known else []


async def twins_of_new(conn: Connection, new: NewCustomer) -> list[Likeness]:
    """Records that may be the person who is to be registered, the likeliest first; addresses in their one form."""
    addresses = tuple(address for _, address in new.contacts)
    premises = (new.premise_id,) if new.premise_id is not None else ()
    return await _twins(conn, KnownParty(NOBODY_YET, new.name, new.given_name, "prospect", new.birth_date, addresses, premises))


async def _twins(conn: Connection, one: KnownParty) -> list[Likeness]:
    forms = [form for address in one.addresses for form in address_forms(address)]
    ids = await SQL.column(conn, "possibly_the_same", addresses=forms, name_key=name_key(one.name), premises=list(one.premises))
    others = await SQL.all(conn, KnownParty, "known_party", customer_ids=ids)
    # An address on file in its older form is the same address.
    return twins(_in_full(one), (_in_full(other) for other in others))


def _in_full(one: KnownParty) -> KnownParty:
    return replace(one, addresses=tuple(address_forms(address)[0] for address in one.addresses))


async def merge_standing(conn: Connection, customer_id: CustomerId, absorbed_id: CustomerId) -> MergeStanding:
    """What stands between two records and one. Raises NotFound where either is not there, or they are the same one."""
    found = await SQL.first(conn, MergeStanding, "merge_standing", customer_id=customer_id, absorbed_id=absorbed_id)
    if found is None:
        raise NotFound("pair of customers", f"{customer_id} and {absorbed_id}")
    return found


async def merge(conn: Connection, merge_id: int) -> Merge:
    """Raises NotFound."""
    found = await SQL.first(conn, Merge, "merge", merge_id=merge_id)
    if found is None:
        raise NotFound("merge", merge_id)
    return found


async def risk_of_leaving(conn: Connection, customer_id: CustomerId, now: datetime) -> ChurnRisk:
    """How likely the customer is to leave, by the rows of the last 180 days that say so."""
    return churn_risk(await SQL.all(conn, Trouble, "troubles", customer_id=customer_id, since=now - REMEMBERED, now=now))


async def reasons_to_hold_orders(conn: Connection, customer_id: CustomerId, today: date) -> list[str]:
    """Why an order of this customer is held for a person; empty where it need not be. Raises NotFound."""
    return reasons_to_hold(await customer(conn, customer_id), await contacts(conn, customer_id), today)
