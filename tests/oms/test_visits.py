"""A visit inside an order: booked where a drop must be laid, waited for, moved, missed, and called off with the order."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from atlas.connection import Atlas
from atlas.field_service.rules import LOCAL
from atlas.identity import JobId, OrderId, SubscriberId
from atlas.oms.reads import fallout_queue, in_jeopardy, steps_of, story_of, visit_of
from atlas.oms.records import OrderState, OrderVisit
from atlas.oms.rules import VisitMissed, checked_visit
from forge.actions.field_service import CancelVisit
from forge.actions.oms.orders import GiveUpOrder, PlaceCease
from forge.actions.oms.plans import CancelOrder
from forge.actions.oms.visits import MoveInstallation
from tests import given
from tests.field_service.vans import engineer
from tests.given import Owner
from tests.oms.signups import ME, Town, now, town

S = OrderState
NOTHING = {"ports": 0, "numbers": 0, "boxes": 0, "lines": 0}
FORTNIGHT = timedelta(days=14)


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    """With somebody who lays drops, on shift for a fortnight."""
    here = await town(atlas, owner)
    await engineer(owner, "Wendy Hughes", "fibre", starts_at=now() - timedelta(hours=1), lasts=FORTNIGHT)
    return here


async def ordered(place: Town, **columns: Any) -> OrderId:
    order = await place.order(premise=await place.premise(has_drop=False), **columns)
    await place.round()
    return order


async def visit(place: Town, order: OrderId) -> OrderVisit:
    async with place.forge.atlas.transaction(ME) as conn:
        found = await visit_of(conn, order)
    assert found is not None
    return found


async def over(place: Town, order: OrderId, state: str, findings: str = "") -> None:
    job = (await visit(place, order)).job_id
    await place.owner.execute("UPDATE field_service.job SET state = %s, findings = %s WHERE id = %s", (state, findings, job))


async def moved(place: Town, order: OrderId, window_from: datetime, *, is_their_wish: bool) -> Any:
    case = await place.case(order)
    return await place.asked(MoveInstallation(case.customer_id, order, window_from.isoformat(), window_from, "agreed", is_their_wish))


async def steps(place: Town, order: OrderId) -> dict[str, str]:
    async with place.forge.atlas.transaction(ME) as conn:
        return {step.name: step.state for step in await steps_of(conn, order)}


async def test_an_order_where_no_drop_is_laid_books_a_visit_and_waits_for_it(place: Town) -> None:
    order = await ordered(place)

    booked, case = await visit(place, order), await place.case(order)
    assert (booked.state, booked.engineer, case.needs_visit, case.state) == ("acknowledged", "Wendy Hughes", True, S.IN_PROGRESS)
    assert {name for name, state in (await steps(place, order)).items() if state in ("waiting", "doing")} == {
        *("installed", "activate", "evidence", "welcome", "complete")
    }


async def test_where_a_drop_is_laid_nobody_has_to_come(place: Town) -> None:
    order = await place.order()
    await place.round()

    assert "visit" not in await steps(place, order)
    assert (await place.case(order)).state is S.COMPLETED


async def test_the_customer_is_told_once_when_somebody_comes(place: Town) -> None:
    order = await ordered(place)

    booked = await visit(place, order)
    told = await (await place.owner.execute("SELECT purpose, words FROM helpdesk.notice")).fetchall()
    assert [purpose for purpose, _ in told] == ["order_visit"]
    assert f"between {booked.window_from.astimezone(LOCAL):%H:%M} and" in told[0][1]


async def test_once_the_visit_was_made_the_line_works_and_its_drop_stays_with_the_premise(place: Town) -> None:
    order = await ordered(place)
    await over(place, order, "completed", "laid, -18 dBm")

    await place.round()

    case = await place.case(order)
    laid = await (await place.owner.execute("SELECT premise_id FROM gis.drop")).fetchall()
    assert (case.state, case.line_state, laid) == (S.COMPLETED, "active", [(case.premise_id,)])
    async with place.forge.atlas.transaction(ME) as conn:
        assert "field service" in {one.system for one in await story_of(conn, order)}


async def test_the_next_who_lives_there_needs_no_visit(place: Town) -> None:
    order = await ordered(place)
    await over(place, order, "completed", "laid")
    await place.round()

    again = await place.order(premise=(await place.case(order)).premise_id)

    assert not (await place.case(again)).needs_visit


@pytest.mark.parametrize(("state", "why"), [("failed", "nobody was at home"), ("cancelled", "called off")])
async def test_a_visit_that_was_missed_or_called_off_puts_the_order_into_the_repair_queue_with_its_reason(
    place: Town, state: str, why: str
) -> None:
    order = await ordered(place)
    await over(place, order, state, "nobody was at home")

    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.order_id, one.step, one.cause, why in one.failure) == (order, "installed", "partner", True)


async def test_a_customer_who_calls_their_visit_off_leaves_the_order_to_be_booked_again(place: Town) -> None:
    order = await ordered(place)
    case, booked = await place.case(order), await visit(place, order)
    await place.asked(CancelVisit(case.customer_id, booked.job_id))
    await place.round()

    await moved(place, order, booked.window_from + timedelta(days=1), is_their_wish=True)
    await place.round()

    assert ((await place.case(order)).sequence_state, (await visit(place, order)).state) == ("running", "acknowledged")


def test_a_visit_to_which_nobody_came_is_missed_hours_after_its_window() -> None:
    began = now()
    booked = OrderVisit(JobId(7), "acknowledged", began, began + timedelta(hours=2), "Wendy Hughes", "")

    assert checked_visit(booked, began + timedelta(hours=3)) is booked
    with pytest.raises(VisitMissed, match="nobody came"):
        checked_visit(booked, began + timedelta(hours=7))


async def test_nobody_free_within_the_days_that_can_be_booked_is_a_persons_to_mend(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner)
    order = await ordered(place)

    async with atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.order_id, one.step, "nobody can come" in one.failure) == (order, "visit", True)


async def test_a_visit_that_moves_takes_what_follows_with_it(place: Town) -> None:
    order = await ordered(place)
    customer = (await place.case(order)).customer_id
    old = await given.subscriber(place.owner, customer, await given.device(place.owner, "olt-9"))
    cease = await place.asked(PlaceCease(customer, SubscriberId(old), now().date(), "they move", "cease-of-the-old-line", follows=order))
    later = (await visit(place, order)).window_from + timedelta(days=3)

    await moved(place, order, later, is_their_wish=False)

    day = later.astimezone(LOCAL).date()
    rows = await (await place.owner.execute("SELECT id, wanted_on FROM oms.product_order")).fetchall()
    wanted = {row[0]: row[1] for row in rows}
    assert (wanted[order], wanted[(cease.outcome or {})["order"]]) == (now().date(), day)
    async with place.forge.atlas.transaction(ME) as conn:
        (late,) = [one for one in await in_jeopardy(conn) if one.order_id == order]
    assert (late.expected_on, late.reason) == (later.date(), "the visit is later")


async def test_a_visit_that_the_customer_moves_moves_the_day_they_wanted(place: Town) -> None:
    order = await ordered(place)
    first = await visit(place, order)
    later = first.window_from + timedelta(days=2)

    await moved(place, order, later, is_their_wish=True)

    states = await (await place.owner.execute("SELECT state FROM field_service.job ORDER BY id")).fetchall()
    assert ((await place.case(order)).wanted_on, states) == (later.astimezone(LOCAL).date(), [("cancelled",), ("acknowledged",)])
    assert (await visit(place, order)).window_from == later


async def test_cancelling_the_order_cancels_the_visit(place: Town) -> None:
    order = await ordered(place)
    case = await place.case(order)
    await place.asked(CancelOrder(case.customer_id, order, case.state_changed_at, "not wanted"))

    await place.round()

    assert ((await place.case(order)).state, (await visit(place, order)).state, await place.held()) == (S.CANCELLED, "cancelled", NOTHING)


async def test_giving_up_an_order_whose_visit_was_missed_takes_everything_back(place: Town) -> None:
    order = await ordered(place)
    await over(place, order, "failed", "the dog")
    await place.round()
    case = await place.case(order)
    await place.asked(GiveUpOrder(case.customer_id, order, "test", "they do not want us any more"))

    await place.round()

    assert ((await place.case(order)).state, await place.held()) == (S.FAILED, NOTHING)


async def test_a_visit_that_was_made_is_not_moved(place: Town) -> None:
    order = await ordered(place)
    await over(place, order, "completed", "laid")

    refused = await moved(place, order, (await visit(place, order)).window_from + timedelta(days=1), is_their_wish=True)

    assert "was completed" in refused.failure


async def test_an_order_that_needs_a_visit_begins_as_many_days_ahead_as_can_be_booked(place: Town) -> None:
    wanted = now().date() + timedelta(days=5)

    order = await ordered(place, wanted_on=wanted)

    assert (await visit(place, order)).window_from.astimezone(LOCAL).date() == wanted
