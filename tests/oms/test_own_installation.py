"""A customer moves the visit of their own order by themselves: what is offered, what moves with it, and where it ends."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from atlas import principal
from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.field_service.rules import LOCAL
from atlas.identity import CorrelationId, CustomerId, JobId, OrderId, SubscriberId
from atlas.oms.records import OrderState, OrderVisit
from atlas.oms.rules import InstallationUnderWay, NoInstallation, TooLateToMove, checked_movable
from atlas.principal import Assurance
from forge.action import Action
from forge.actions.oms.orders import PlaceCease
from forge.actions.oms.visits import MoveInstallation
from forge.propose import Proposed, propose
from tests import given
from tests.field_service.vans import engineer
from tests.given import Owner
from tests.oms.signups import Town, now, town
from tests.oms.test_visits import moved, over, visit
from tools import oms
from tools.turn import NotSureEnough, Turn

S = OrderState
BOOKED = OrderVisit(
    JobId(7), "acknowledged", datetime(2026, 7, 15, 7, tzinfo=UTC), datetime(2026, 7, 15, 9, tzinfo=UTC), "Wendy Hughes", ""
)


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    here = await town(atlas, owner)
    await engineer(owner, "Wendy Hughes", "fibre", starts_at=now() - timedelta(hours=1), lasts=timedelta(days=14))
    return here


async def ordered(place: Town) -> OrderId:
    """For five days from now, its visit booked."""
    order = await place.order(premise=await place.premise(has_drop=False), wanted_on=now().date() + timedelta(days=5))
    await place.round()
    return order


@asynccontextmanager
async def turn_of(place: Town, customer: int, assurance: Assurance = Assurance.VERIFIED) -> AsyncIterator[Turn]:
    who = principal.customer(CustomerId(customer), assurance)

    async def asked(action: Action, reason: str) -> Proposed:
        return await propose(place.forge, who, action, reason=reason, correlation_id=CorrelationId(uuid4()))

    async with place.forge.atlas.transaction(who) as conn:
        yield Turn(who, now(), conn, CorrelationId(uuid4()), asked)


async def by_themselves(place: Town, customer: int, order: OrderId, window_from: datetime) -> Proposed:
    """Whatever an agent was talked into: the order itself, past every tool."""
    async with turn_of(place, customer) as turn:
        action = MoveInstallation(CustomerId(customer), order, f"{uuid4()}", window_from, "the customer asked", True)
        return await turn.propose(action, "the customer asked")


async def window(place: Town, order: OrderId, begins: datetime) -> None:
    moving = "UPDATE field_service.job SET window_from = %s, window_until = %s WHERE id = %s"
    await place.owner.execute(moving, (begins, begins + timedelta(hours=2), (await visit(place, order)).job_id))


async def days_wanted(place: Town) -> dict[int, Any]:
    return dict(await (await place.owner.execute("SELECT id, wanted_on FROM oms.product_order")).fetchall())


async def test_a_customer_is_offered_windows_and_moves_the_visit_of_their_order_to_one(place: Town) -> None:
    order = await ordered(place)
    before, customer = await visit(place, order), (await place.case(order)).customer_id

    async with turn_of(place, customer) as turn:
        slots = await oms.my_installation_slots(turn)
        chosen = slots[-1]
        proposed = await oms.move_my_installation(turn, chosen.window_from)

    after = await visit(place, order)
    assert (proposed.state, {slot.order_id for slot in slots}, before.window_from in [slot.window_from for slot in slots]) == (
        ActionState.DONE,
        {order},
        False,
    )
    assert (after.window_from, after.state, after.job_id == before.job_id) == (chosen.window_from, "acknowledged", False)


async def test_what_follows_their_order_and_the_day_promised_move_with_the_visit(place: Town) -> None:
    order = await ordered(place)
    customer = (await place.case(order)).customer_id
    old = await given.subscriber(place.owner, customer, await given.device(place.owner, "olt-9"))
    cease = await place.asked(PlaceCease(customer, SubscriberId(old), now().date(), "they move", "cease-of-the-old-line", follows=order))
    later = (await visit(place, order)).window_from + timedelta(days=2)

    proposed = await by_themselves(place, customer, order, later)

    day, wanted = later.astimezone(LOCAL).date(), await days_wanted(place)
    assert (proposed.state, wanted[order], wanted[(cease.outcome or {})["order"]]) == (ActionState.DONE, day, day)


async def test_once_they_moved_it_they_are_told_of_the_new_window(place: Town) -> None:
    order = await ordered(place)
    later = (await visit(place, order)).window_from + timedelta(days=1)

    await by_themselves(place, (await place.case(order)).customer_id, order, later)

    told = await (await place.owner.execute("SELECT words FROM helpdesk.notice WHERE purpose = 'order_visit' ORDER BY id")).fetchall()
    assert (len(told), f"{later.astimezone(LOCAL).day} " in told[-1][0]) == (2, True)


@pytest.mark.parametrize(("hour", "is_in_time"), [(16, True), (17, False)])
def test_a_visit_is_the_customers_to_move_until_six_in_the_evening_of_the_day_before(hour: int, is_in_time: bool) -> None:
    at = datetime(2026, 7, 14, hour, 59 if is_in_time else 0, tzinfo=UTC)

    if is_in_time:
        checked_movable(BOOKED, at, LOCAL)
    else:
        with pytest.raises(TooLateToMove, match="18:00 on the day before"):
            checked_movable(BOOKED, at, LOCAL)


async def test_after_the_evening_before_a_visit_is_not_moved_by_its_customer_but_by_whoever_rings_the_engineer(place: Town) -> None:
    order = await ordered(place)
    customer, later = (await place.case(order)).customer_id, (await visit(place, order)).window_from + timedelta(days=2)
    await window(place, order, now() + timedelta(minutes=10))

    async with turn_of(place, customer) as turn:
        for asked in (oms.my_installation_slots(turn), oms.move_my_installation(turn, later)):
            with pytest.raises(TooLateToMove):
                await asked
    refused = await by_themselves(place, customer, order, later)
    by_staff = await moved(place, order, later, is_their_wish=True)

    assert (refused.state, "until 18:00" in str(refused.failure), by_staff.state) == (ActionState.FAILED, True, ActionState.DONE)


async def test_a_visit_already_under_way_is_not_moved(place: Town) -> None:
    order = await ordered(place)
    customer, later = (await place.case(order)).customer_id, (await visit(place, order)).window_from + timedelta(days=2)
    await over(place, order, "inProgress")

    async with turn_of(place, customer) as turn:
        with pytest.raises(InstallationUnderWay):
            await oms.my_installation_slots(turn)
    refused = await by_themselves(place, customer, order, later)

    assert (refused.state, "on the way already" in str(refused.failure)) == (ActionState.FAILED, True)
    assert (await visit(place, order)).state == "inProgress"


async def test_the_order_of_somebody_else_is_neither_seen_nor_moved(place: Town) -> None:
    order, other = await ordered(place), await given.customer(place.owner, "Somebody Else", phone="+447700900777")
    before = await visit(place, order)

    async with turn_of(place, other) as turn:
        for asked in (oms.my_installation_slots(turn), oms.move_my_installation(turn, before.window_from, order)):
            with pytest.raises(NoInstallation):
                await asked
    refused = await by_themselves(place, other, order, before.window_from + timedelta(days=1))

    assert (refused.state, refused.failure) == (ActionState.FAILED, str(NotFound("order for a line", order)))
    assert await visit(place, order) == before


async def test_where_no_window_is_free_none_is_offered_and_the_visit_stays_as_it_was(place: Town) -> None:
    order = await ordered(place)
    before, customer = await visit(place, order), (await place.case(order)).customer_id
    await place.owner.execute("UPDATE staff.shift SET ends_at = %s", (before.window_until,))
    await place.owner.execute("UPDATE staff.shift SET starts_at = %s", (before.window_from,))

    async with turn_of(place, customer) as turn:
        assert await oms.my_installation_slots(turn) == []
    refused = await by_themselves(place, customer, order, before.window_from + timedelta(days=1))

    assert (refused.state, "nobody can come" in str(refused.failure)) == (ActionState.FAILED, True)
    assert await visit(place, order) == before


async def test_a_customer_to_whom_nobody_came_books_another_window_and_their_order_goes_on(place: Town) -> None:
    order = await ordered(place)
    before, customer = await visit(place, order), (await place.case(order)).customer_id
    await over(place, order, "failed", "the van broke down")
    await place.round()
    assert (await place.case(order)).sequence_state == "fallen_out"

    async with turn_of(place, customer) as turn:
        proposed = await oms.move_my_installation(turn, before.window_from + timedelta(days=1))

    assert (proposed.state, (await place.case(order)).sequence_state) == (ActionState.DONE, "running")


async def test_with_two_such_orders_it_is_asked_which_is_meant(place: Town) -> None:
    first = await ordered(place)
    customer = (await place.case(first)).customer_id
    second = await place.order(premise=await place.premise(has_drop=False), customer=customer, wanted_on=now().date() + timedelta(days=5))
    await place.round()

    async with turn_of(place, customer) as turn:
        with pytest.raises(NoInstallation, match=f"orders {first}, {second}"):
            await oms.my_installation_slots(turn)
        assert {slot.order_id for slot in await oms.my_installation_slots(turn, second)} == {second}


async def test_whoever_only_writes_from_a_known_number_moves_nothing(place: Town) -> None:
    order = await ordered(place)
    before, customer = await visit(place, order), (await place.case(order)).customer_id

    async with turn_of(place, customer, Assurance.ADDRESS_ON_FILE) as turn:
        with pytest.raises(NotSureEnough):
            await oms.my_installation_slots(turn)
        action = MoveInstallation(customer, order, "x", before.window_from + timedelta(days=1), "they say", True)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="known more surely"):
            await turn.propose(action, "they say")


async def test_a_visit_that_was_moved_four_times_within_a_month_waits_for_whoever_leads_the_field(place: Town) -> None:
    order = await ordered(place)
    first, customer = (await visit(place, order)).window_from, (await place.case(order)).customer_id

    states = [(await by_themselves(place, customer, order, first + timedelta(days=day))).state for day in (1, 2, 1, 2, 1)]

    assert states == [*[ActionState.DONE] * 4, ActionState.WAITING]
