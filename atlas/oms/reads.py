"""Questions about orders. Each names the customer whose they are."""

from datetime import date

from atlas.errors import NotFound
from atlas.identity import CustomerId, DeviceId, OfferingVersionId, OrderId, PremiseId, QuoteId, SubscriberId
from atlas.oms.records import (
    AddOn,
    AddOnOrder,
    Case,
    Evidence,
    Fallen,
    Fulfilment,
    Happened,
    Installation,
    Jeopardy,
    Offer,
    Order,
    OrderVisit,
    PlanChange,
    Quote,
    StepOfOrder,
    ToTell,
)
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def orders_of(conn: Connection, customer_id: CustomerId, most: int = 20) -> list[Order]:
    """The customer's orders, latest first, with the reason of their last change; at most `most`."""
    return await SQL.all(conn, Order, "orders_of", customer_id=customer_id, order_id=None, most=most)


async def order_of(conn: Connection, customer_id: CustomerId, order_id: OrderId) -> Order:
    """One order of this customer. Raises NotFound for anybody else's."""
    found = await SQL.first(conn, Order, "orders_of", customer_id=customer_id, order_id=order_id, most=1)
    if found is None:
        raise NotFound("order", order_id)
    return found


async def fulfilment(conn: Connection, order_id: OrderId) -> Fulfilment:
    """What it takes to carry out an order for another plan. Raises NotFound where it is no such order."""
    found = await SQL.first(conn, Fulfilment, "fulfilment", order_id=order_id)
    if found is None:
        raise NotFound("order for another plan", order_id)
    return found


async def plan_changes(
    conn: Connection, customer_id: CustomerId, code: str, day: date, subscriber_id: SubscriberId | None = None
) -> list[PlanChange]:
    """What a change to the plan of this code or name would mean, for each line of the customer or for the one named."""
    return await SQL.all(conn, PlanChange, "plan_changes", customer_id=customer_id, code=code.strip(), day=day, subscriber_id=subscriber_id)


async def add_ons(
    conn: Connection, customer_id: CustomerId, day: date, code: str = "", subscriber_id: SubscriberId | None = None
) -> list[AddOn]:
    """Every add-on on sale on `day` or held, for each line of the customer or for the one named; with `code`, that of this code or name."""
    return await SQL.all(conn, AddOn, "add_ons", customer_id=customer_id, day=day, code=code.strip(), subscriber_id=subscriber_id)


async def add_on_order(conn: Connection, order_id: OrderId) -> AddOnOrder:
    """Raises NotFound where it is no order that begins or ends an add-on."""
    found = await SQL.first(conn, AddOnOrder, "add_on_order", order_id=order_id)
    if found is None:
        raise NotFound("order of an add-on", order_id)
    return found


async def offer(conn: Connection, customer_id: CustomerId, premise_id: PremiseId, code: str, day: date) -> Offer | None:
    """The plan of this code or name as it could be ordered for the premise on `day`; None where there is none, or no such premise."""
    return await SQL.first(conn, Offer, "offer", customer_id=customer_id, premise_id=premise_id, code=code.strip(), day=day)


async def quote_of(conn: Connection, customer_id: CustomerId, quote_id: QuoteId) -> Quote:
    """One quote of this customer. Raises NotFound for anybody else's."""
    found = await SQL.first(conn, Quote, "quotes_of", customer_id=customer_id, quote_id=quote_id, most=1)
    if found is None:
        raise NotFound("quote", quote_id)
    return found


async def quotes_of(conn: Connection, customer_id: CustomerId, most: int = 20) -> list[Quote]:
    """What the customer was quoted, latest first."""
    return await SQL.all(conn, Quote, "quotes_of", customer_id=customer_id, quote_id=None, most=most)


async def own_premises(conn: Connection, customer_id: CustomerId) -> list[PremiseId]:
    """Where the customer has or had a line, or ordered one."""
    return [PremiseId(found) for found in await SQL.column(conn, "own_premises", customer_id=customer_id)]


async def case_of(conn: Connection, order_id: OrderId) -> Case:
    """The order and all that decides what happens to it next. Raises NotFound."""
    found = await SQL.first(conn, Case, "cases", order_id=order_id)
    if found is None:
        raise NotFound("order for a line", order_id)
    return found


async def orders_to_attend(conn: Connection, most: int = 64) -> list[OrderId]:
    """Orders that a look at this moment may move on, oldest first."""
    return [OrderId(found) for found in await SQL.column(conn, "orders_to_attend", most=most)]


async def reporter_of(conn: Connection, device_id: DeviceId) -> DeviceId:
    """What speaks for the lines of a splitter, sector or node: its OLT, tower or CMTS; the device itself where nothing is above it."""
    return DeviceId(await SQL.value(conn, "reporter", device_id=device_id))


async def first_evidence(conn: Connection, order_id: OrderId) -> Evidence | None:
    """What first showed that the order's line works; None as long as nothing did."""
    return await SQL.first(conn, Evidence, "first_evidence", order_id=order_id)


async def story_of(conn: Connection, order_id: OrderId) -> list[Happened]:
    """Everything that happened for an order, in all systems, in the order of time."""
    return await SQL.all(conn, Happened, "story", order_id=order_id)


async def steps_of(conn: Connection, order_id: OrderId) -> list[StepOfOrder]:
    """The steps by which an order is carried out, in their order; empty as long as none was begun."""
    return await SQL.all(conn, StepOfOrder, "steps_of", order_id=order_id)


async def orders_under_way(conn: Connection, most: int = 200) -> list[Order]:
    """Every order that has not ended, the latest change first. Not for customers."""
    return await SQL.all(conn, Order, "under_way", most=most)


async def fallout_queue(conn: Connection) -> list[Fallen]:
    """Orders of which a step failed and that wait for a person, longest first."""
    return await SQL.all(conn, Fallen, "fallout")


async def in_jeopardy(conn: Connection, most: int = 100) -> list[Jeopardy]:
    """Orders that will miss the day that was wanted, or have, soonest day first."""
    return await SQL.all(conn, Jeopardy, "in_jeopardy", most=most)


async def installations_of(conn: Connection, customer_id: CustomerId) -> list[Installation]:
    """The customer's orders whose last metres are still to be laid and whose visit was booked, oldest first."""
    return await SQL.all(conn, Installation, "installations_of", customer_id=customer_id)


async def is_asked_by_its_customer(conn: Connection) -> bool:
    """Whether whoever proposed the action that this transaction carries out came by the customers' door."""
    return bool(await SQL.value(conn, "is_asked_by_its_customer"))


async def visit_of(conn: Connection, order_id: OrderId) -> OrderVisit | None:
    """The latest visit of an order, however it ended; None where none was booked."""
    return await SQL.first(conn, OrderVisit, "visit_of", order_id=order_id)


async def is_visit_needed(conn: Connection, premise_id: PremiseId, version: OfferingVersionId) -> bool:
    """Whether somebody must lay the last metres first, as the catalogue has it: no drop is laid there, and no line ever worked there."""
    return bool(await SQL.value(conn, "is_visit_needed", premise_id=premise_id, version=version))


async def to_tell(conn: Connection, order_id: OrderId) -> ToTell | None:
    """How the customer of an order is written to; None where they closed every way."""
    return await SQL.first(conn, ToTell, "to_tell", order_id=order_id)


async def line_of_order(conn: Connection, order_id: OrderId) -> Case | None:
    """As `case_of`; None where the order is for no line."""
    return await SQL.first(conn, Case, "cases", order_id=order_id)
