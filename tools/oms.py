"""What an agent may ask about orders, and order."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from atlas.catalogue.reads import add_ons_lost
from atlas.errors import InvalidField
from atlas.field_service.reads import free_visit_slots
from atlas.field_service.records import VisitPlace, VisitSlot
from atlas.field_service.rules import LOCAL
from atlas.gis.reads import site
from atlas.identity import CustomerId, OrderId, PremiseId, QuoteId, SubscriberId
from atlas.oms import reads
from atlas.oms.records import AddOn, Fallen, Happened, Jeopardy, Offer, Order, PlanChange, Quote
from atlas.oms.rules import (
    checked_movable,
    checked_offer,
    checked_quote,
    checked_reason,
    state_when_cancelled,
    the_change,
    the_installation,
)
from atlas.principal import Assurance
from forge.actions.oms.add_ons import OrderAddOn, OrderEndOfAddOn, held_add_on, new_add_on
from forge.actions.oms.orders import GiveUpOrder, MendOrder, PlaceCease, PlaceOrder
from forge.actions.oms.plans import CancelOrder, RequestPlanChange
from forge.actions.oms.quotes import GiveQuote
from forge.actions.oms.visits import MoveInstallation
from forge.propose import Proposed
from tools.turn import Turn, needs

# More windows than a conversation can hold.
SLOTS_OFFERED: Final = 12
THEIR_WISH: Final = "the customer asked for another time"


@needs(Assurance.VERIFIED)
async def my_orders(turn: Turn) -> list[Order]:
    """The customer's last 20 orders, latest first, with their state and why it last changed."""
    return await reads.orders_of(turn.conn, turn.customer_id)


async def orders_of(turn: Turn, customer_id: CustomerId) -> list[Order]:
    """This customer's last 20 orders, latest first, with their state and why it last changed. For staff."""
    turn.for_staff_only()
    return await reads.orders_of(turn.conn, customer_id)


@needs(Assurance.VERIFIED)
async def quote_plan_change(turn: Turn, plan: str, line: SubscriberId | None = None) -> PlanChange:
    """What a change to `plan` (its code or name) would mean: prices a month without tax, before and after, and which add-ons end with it.

    Changes nothing.

    Where the customer has several lines, `line` says which. Fails with the reason where the line cannot have the plan.
    """
    change = the_change(await reads.plan_changes(turn.conn, turn.customer_id, plan, turn.now.date(), line), plan)
    lost = await add_ons_lost(turn.conn, change.subscriber_id, change.offering_version_id)
    held = await reads.add_ons(turn.conn, turn.customer_id, turn.now.date(), subscriber_id=change.subscriber_id)
    return replace(change, loses=tuple(one.name for one in held if one.code in lost))


@needs(Assurance.VERIFIED)
async def request_plan_change(turn: Turn, plan: str, line: SubscriberId | None = None, wanted_on: date | None = None) -> Proposed:
    """Orders `plan` (its code or name) for the customer's line, from `wanted_on`, else from today. Quote it first.

    Answers with a reference, and whether it is ordered or waits for a person. A second wish while an order is open fails.
    """
    today = turn.now.date()
    change = the_change(await reads.plan_changes(turn.conn, turn.customer_id, plan, today, line), plan)
    if wanted_on is not None and wanted_on < today:
        raise InvalidField("wanted_on", "a plan is not changed in the past")
    return await turn.propose(RequestPlanChange.of(change, wanted_on or today), "the customer asks for another plan")


@needs(Assurance.VERIFIED)
async def my_add_ons(turn: Turn) -> list[AddOn]:
    """What the customer's lines have besides their plans, and which other add-ons are on sale, with prices a month without tax.

    Those that a line has come first. Changes nothing.
    """
    return await reads.add_ons(turn.conn, turn.customer_id, turn.now.date())


@needs(Assurance.VERIFIED)
async def quote_add_on(turn: Turn, add_on: str, line: SubscriberId | None = None) -> AddOn:
    """What an add-on (its code or name) would cost the customer, a month and once, without tax. Changes nothing.

    Fails with the reason where the line cannot have it: what it needs is not there, or what is there excludes or includes it.
    Where the customer has several lines, `line` says which.
    """
    return await new_add_on(turn.conn, turn.customer_id, add_on, turn.now.date(), line)


@needs(Assurance.VERIFIED)
async def request_add_on(turn: Turn, add_on: str, line: SubscriberId | None = None) -> Proposed:
    """Orders an add-on (its code or name) for the customer's line from today. Quote it first.

    Answers with a reference, and whether it is ordered or waits for a person. Fails where quote_add_on would.
    """
    one = await new_add_on(turn.conn, turn.customer_id, add_on, turn.now.date(), line)
    return await turn.propose(OrderAddOn.of(one, turn.now.date()), "the customer asks for an add-on")


@needs(Assurance.VERIFIED)
async def end_add_on(turn: Turn, add_on: str, line: SubscriberId | None = None) -> Proposed:
    """Ends an add-on (its code or name) that the customer's line has, from today; the line and its plan stay.

    Answers with a reference. Fails with the reason where the line does not have it, or another add-on of it needs this one.
    """
    one = await held_add_on(turn.conn, turn.customer_id, add_on, turn.now.date(), line)
    return await turn.propose(OrderEndOfAddOn.of(one, turn.now.date()), "the customer does without an add-on")


async def add_ons_of(turn: Turn, customer_id: CustomerId) -> list[AddOn]:
    """What this customer's lines have besides their plans, and which other add-ons are on sale; prices a month without tax. For staff."""
    turn.for_staff_only()
    return await reads.add_ons(turn.conn, customer_id, turn.now.date())


async def order_add_on_for(turn: Turn, customer_id: CustomerId, add_on: str, line: SubscriberId | None = None) -> Proposed:
    """Orders an add-on (its code or name) for a line of this customer from today. For staff.

    Fails with the reason where the line cannot have it.
    """
    turn.for_staff_only()
    one = await new_add_on(turn.conn, customer_id, add_on, turn.now.date(), line)
    return await turn.propose(OrderAddOn.of(one, turn.now.date()), "an add-on, ordered for the customer by somebody who works here")


async def end_add_on_for(turn: Turn, customer_id: CustomerId, add_on: str, line: SubscriberId | None = None) -> Proposed:
    """Ends an add-on (its code or name) of a line of this customer from today; the line and its plan stay. For staff."""
    turn.for_staff_only()
    one = await held_add_on(turn.conn, customer_id, add_on, turn.now.date(), line)
    return await turn.propose(OrderEndOfAddOn.of(one, turn.now.date()), "an add-on, ended for the customer by somebody who works here")


@needs(Assurance.VERIFIED)
async def cancel_order(turn: Turn, order: OrderId, reason: str) -> Proposed:
    """Withdraws one of the customer's orders. Fails where it has ended; once work began, the withdrawal is assessed first."""
    found = await reads.order_of(turn.conn, turn.customer_id, order)
    state_when_cancelled(found.id, found.state)
    return await turn.propose(
        CancelOrder(turn.customer_id, found.id, found.state_changed_at, checked_reason(reason)), "the customer withdraws the order"
    )


@needs(Assurance.VERIFIED)
async def order_line(turn: Turn, plan: str, wanted_on: date | None = None) -> Proposed:
    """Orders `plan` (its code or name) as a new line at the customer's own address, from `wanted_on`, else from today.

    Answers with a reference, and whether it is ordered or waits for a person. Fails where a line is there already, or an order is open,
    and where we know several addresses of theirs or none.
    """
    today = turn.now.date()
    if wanted_on is not None and wanted_on < today:
        raise InvalidField("wanted_on", "a line is not begun in the past")
    found = checked_offer(await _own_offer(turn, plan), plan)
    action = PlaceOrder.of(found, wanted_on or today, f"conversation:{turn.correlation_id}:{found.code}")
    return await turn.propose(action, "the customer orders a line")


@needs(Assurance.VERIFIED)
async def quote_line(turn: Turn, plan: str) -> Proposed:
    """Says what `plan` (its code or name) would cost a month as a new line at the customer's own address, and until when that stands.

    Nothing is ordered. Fails where a line is there already, and where we know several addresses of theirs or none.
    """
    found = checked_offer(await _own_offer(turn, plan), plan)
    return await turn.propose(GiveQuote.of(found, f"{turn.correlation_id}"), "the customer asks what a line would cost")


@needs(Assurance.VERIFIED)
async def my_quotes(turn: Turn) -> list[Quote]:
    """What the customer was quoted, latest first: the price a month without tax, until when it stands, and whether it was ordered."""
    return await reads.quotes_of(turn.conn, turn.customer_id)


@needs(Assurance.VERIFIED)
async def order_quote(turn: Turn, quote: QuoteId, wanted_on: date | None = None) -> Proposed:
    """Orders what one of the customer's quotes offers, from `wanted_on`, else from today. They have agreed to its price.

    Fails where the quote lapsed or its price was changed since, and says today's: quote that, and ask again.
    """
    known = await reads.quote_of(turn.conn, turn.customer_id, quote)
    return await turn.propose(await _order_of(turn, known, wanted_on), "the customer orders what they were quoted")


async def quote_line_for(turn: Turn, customer_id: CustomerId, premise_id: PremiseId, plan: str) -> Proposed:
    """Says what `plan` (its code or name) would cost this customer a month at this premise, and until when that stands. For staff."""
    turn.for_staff_only()
    found = checked_offer(await reads.offer(turn.conn, customer_id, premise_id, plan, turn.now.date()), plan)
    return await turn.propose(GiveQuote.of(found, f"{turn.correlation_id}"), "quoted by somebody who works here")


async def order_quote_for(turn: Turn, customer_id: CustomerId, quote: QuoteId, wanted_on: date | None = None) -> Proposed:
    """Orders what a quote of this customer offers, which they have agreed to, from `wanted_on`, else from today. For staff.

    Fails where the quote lapsed or its price was changed since, and says today's.
    """
    turn.for_staff_only()
    known = await reads.quote_of(turn.conn, customer_id, quote)
    return await turn.propose(await _order_of(turn, known, wanted_on), "ordered from a quote by somebody who works here")


async def _order_of(turn: Turn, known: Quote, wanted_on: date | None) -> PlaceOrder:
    today = turn.now.date()
    if known.premise_id is None:
        raise InvalidField("quote", "it is of no address any more")
    found = checked_quote(known, await reads.offer(turn.conn, known.customer_id, known.premise_id, known.code, today), turn.now)
    return PlaceOrder.of_quote(known, found, wanted_on or today)


async def _own_offer(turn: Turn, plan: str) -> Offer | None:
    """At the customer's own address. Raises InvalidField where we know several of theirs, or none."""
    premises = await reads.own_premises(turn.conn, turn.customer_id)
    if len(premises) != 1:
        raise InvalidField("address", f"we know {len(premises)} addresses of yours: somebody of ours places this order with you")
    return await reads.offer(turn.conn, turn.customer_id, premises[0], plan, turn.now.date())


async def place_order_for(turn: Turn, customer_id: CustomerId, premise_id: PremiseId, plan: str, wanted_on: date | None = None) -> Proposed:
    """Orders `plan` (its code or name) as a new line of this customer at this premise, from `wanted_on`, else from today. For staff."""
    turn.for_staff_only()
    today = turn.now.date()
    found = checked_offer(await reads.offer(turn.conn, customer_id, premise_id, plan, today), plan)
    action = PlaceOrder.of(found, wanted_on or today, f"staff:{turn.correlation_id}:{customer_id}:{premise_id}:{found.code}")
    return await turn.propose(action, "ordered for the customer by somebody who works here")


async def end_line(turn: Turn, customer_id: CustomerId, line: SubscriberId, reason: str, wanted_on: date | None = None) -> Proposed:
    """Orders the end of one line of this customer, on `wanted_on`, else today: port and numbers freed, charging stopped. For staff."""
    turn.for_staff_only()
    key = f"staff:{turn.correlation_id}:cease:{line}"
    action = PlaceCease(customer_id, line, wanted_on or turn.now.date(), checked_reason(reason), key)
    return await turn.propose(action, "ended for the customer by somebody who works here")


async def show_order(turn: Turn, order: OrderId) -> list[Happened]:
    """The whole story of one order, oldest first: which system did what, who asked, and how many milliseconds it took. For staff."""
    turn.for_staff_only()
    return await reads.story_of(turn.conn, order)


async def fallout_queue(turn: Turn) -> list[Fallen]:
    """Orders of which a step failed and that wait to be mended: step, cause (data, inventory, downstream, partner, timeout), until when.

    For staff.
    """
    turn.for_staff_only()
    return await reads.fallout_queue(turn.conn)


async def orders_in_jeopardy(turn: Turn) -> list[Jeopardy]:
    """Orders that will miss the day that was wanted, or have: when they are expected, and why. Soonest day first. For staff."""
    turn.for_staff_only()
    return await reads.in_jeopardy(turn.conn)


async def resume_order(turn: Turn, order: OrderId, reason: str, serial: str | None = None) -> Proposed:
    """Lets an order in the repair queue go on from the step that failed; `serial` where another box is to be used. For staff.

    Fails where the order does not wait there.
    """
    turn.for_staff_only()
    case = await reads.case_of(turn.conn, order)
    action = MendOrder(case.customer_id, order, f"{turn.correlation_id}", checked_reason(reason), serial)
    return await turn.propose(action, reason)


async def give_up_order(turn: Turn, order: OrderId, reason: str) -> Proposed:
    """Takes back all that was done for an order in the repair queue: it ends as failed, and its customer is told. For staff.

    Fails where the order does not wait there, or its line works already.
    """
    turn.for_staff_only()
    case = await reads.case_of(turn.conn, order)
    return await turn.propose(GiveUpOrder(case.customer_id, order, f"{turn.correlation_id}", checked_reason(reason)), reason)


@dataclass(frozen=True)
class InstallationSlot:
    """A window in which somebody could come to lay the line of this order."""

    order_id: OrderId
    window_from: datetime
    window_until: datetime


@needs(Assurance.VERIFIED)
async def my_installation_slots(turn: Turn, order: OrderId | None = None) -> list[InstallationSlot]:
    """Two-hour windows of the next ten days to which the visit that lays the customer's new line could move; at most 12. Changes nothing.

    `order` is needed only by somebody with several such orders. Fails with the reason where none is booked, where the engineer is on
    the way, and from 18:00 on the day before.
    """
    found = the_installation(await reads.installations_of(turn.conn, turn.customer_id), order)
    checked_movable(found.visit, turn.now, LOCAL)
    place = VisitPlace(found.subscriber_id, found.premise_id, found.technology, found.area, found.latitude, found.longitude, None)
    slots = (await free_visit_slots(turn.conn, place, turn.now))[:SLOTS_OFFERED]
    return [InstallationSlot(found.order_id, slot.window_from, slot.window_until) for slot in slots]


@needs(Assurance.VERIFIED)
async def move_my_installation(turn: Turn, window_from: datetime, order: OrderId | None = None) -> Proposed:
    """Moves the visit that lays the customer's new line to a window that my_installation_slots answered with, named by when it begins.

    The day they wanted, and their orders that follow, move with it. Fails where my_installation_slots would, and where the window is
    no longer free: then the visit stays as it was.
    """
    found = the_installation(await reads.installations_of(turn.conn, turn.customer_id), order)
    checked_movable(found.visit, turn.now, LOCAL)
    action = MoveInstallation(turn.customer_id, found.order_id, f"{turn.correlation_id}:{found.job_id}", window_from, THEIR_WISH, True)
    return await turn.propose(action, THEIR_WISH)


async def visit_slots_of_order(turn: Turn, order: OrderId) -> list[VisitSlot]:
    """Two-hour windows of the next ten days in which somebody could come to lay the line of this order; at most 12. For staff."""
    turn.for_staff_only()
    case = await reads.case_of(turn.conn, order)
    home = await site(turn.conn, case.premise_id)
    place = VisitPlace(case.subscriber_id, case.premise_id, case.technology, home.area, home.latitude, home.longitude, None)
    return (await free_visit_slots(turn.conn, place, turn.now))[:SLOTS_OFFERED]


async def move_order_visit(turn: Turn, order: OrderId, window_from: datetime, reason: str, is_their_wish: bool) -> Proposed:
    """Moves the visit of this order to another free window, or books it again where nobody came; orders that follow move with it.

    `is_their_wish`: the customer asked for it, so the day they wanted moves too. An order that waits in the repair queue for its visit
    goes on. For staff.
    """
    turn.for_staff_only()
    case = await reads.case_of(turn.conn, order)
    action = MoveInstallation(case.customer_id, order, f"{turn.correlation_id}", window_from, checked_reason(reason), is_their_wish)
    return await turn.propose(action, reason)
