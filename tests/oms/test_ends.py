"""A line that ends, and a customer who moves: nothing is kept that nobody uses, and nobody is without a line in between."""

from typing import Any
from uuid import uuid4

import pytest

from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.oms.reads import plan_changes
from atlas.oms.records import OrderState
from atlas.oms.rules import the_change
from forge.actions.oms.orders import MendOrder, PlaceCease
from forge.actions.oms.plans import CancelOrder, RequestPlanChange
from forge.outside.recorded import RecordedProvisioner
from tests import given
from tests.given import Owner
from tests.oms.add_ons import home, ordered
from tests.oms.signups import ME, Stubborn, Town, now, town

S = OrderState


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


async def ended(place: Town, **more: Any) -> tuple[OrderId, OrderId]:
    order = await place.order()
    await place.round()
    case = await place.case(order)
    cease = PlaceCease(case.customer_id, case.subscriber_id, now().date(), "moving away", f"cease-{uuid4()}", **more)
    proposed = await place.asked(cease)
    assert proposed.outcome is not None, proposed
    return order, OrderId(proposed.outcome["order"])


async def test_a_line_that_ends_frees_its_port_and_rests_its_numbers_and_asks_its_box_back(place: Town) -> None:
    _, cease = await ended(place)

    await place.round()

    case = await place.case(cease)
    rests = await (await place.owner.execute("SELECT state FROM cmdb.allotment WHERE state <> 'free'")).fetchall()
    charged = await (await place.owner.execute("SELECT stopped_by_order_id FROM billing.charge")).fetchall()
    assert (case.state, case.line_state, rests, charged) == (S.COMPLETED, "terminated", [("quarantine",)], [(cease,)])
    assert await place.held() == {"ports": 0, "numbers": 0, "boxes": 0, "lines": 0}
    box = await (await place.owner.execute("SELECT state FROM cmdb.asset WHERE state <> 'stock'")).fetchall()
    signs_in = await (await place.owner.execute("SELECT count(*) FROM cmdb.credential WHERE removed_at IS NULL")).fetchone()
    assert (box, signs_in) == ([("rma",)], (0,))


async def test_a_customer_who_moves_keeps_the_old_line_until_the_new_one_works(place: Town) -> None:
    first = await place.order()
    await place.round()
    case = await place.case(first)
    second = await place.order(customer=case.customer_id)
    cease = PlaceCease(case.customer_id, case.subscriber_id, now().date(), "moving", f"cease-{uuid4()}", second)
    place.provisioner = Stubborn(RecordedProvisioner(place.forge.atlas), {"activate"})
    await place.asked(cease)
    await place.round()
    before = (await place.case(first)).line_state

    place.provisioner = RecordedProvisioner(place.forge.atlas)
    await place.asked(MendOrder(case.customer_id, second, "1", "again"))
    await place.round()
    await place.round()

    states = await (await place.owner.execute("SELECT state FROM crm.subscriber ORDER BY id")).fetchall()
    assert (before, states) == ("active", [("terminated",), ("active",)])


async def test_a_line_that_changes_its_plan_is_charged_for_the_new_one_by_the_same_order(place: Town) -> None:
    faster = await given.offering(place.owner, "fibre-900", 4500)
    case = await place.case(await place.order())
    await place.round()
    async with place.forge.atlas.transaction(ME) as conn:
        change = the_change(await plan_changes(conn, case.customer_id, "fibre-900", now().date(), case.subscriber_id), "fibre-900")
    asked = await place.asked(RequestPlanChange.of(change, now().date()))
    await place.round()

    order = (asked.outcome or {})["order"]
    charges = "SELECT offering_version_id, started_by_order_id, stopped_by_order_id FROM billing.charge ORDER BY id"
    told = await (await place.owner.execute("SELECT operation FROM actions.errand ORDER BY id")).fetchall()
    assert (await place.case(order)).state is S.COMPLETED
    assert await (await place.owner.execute(charges)).fetchall() == [(case.version, case.order_id, order), (faster, order, None)]
    assert ("refresh_session",) in told


async def test_a_change_of_plan_that_is_withdrawn_while_it_is_carried_out_is_taken_back_and_cancelled(atlas: Atlas, owner: Owner) -> None:
    maya = await home(atlas, owner)
    await given.offering(owner, "fibre-900", 4500, down_kbps=900_000)
    async with atlas.transaction(ME) as conn:
        (change,) = await plan_changes(conn, maya.customer, "fibre-900", now().date())
    order = ordered(await maya.town.asked(RequestPlanChange.of(change, now().date())))
    await maya.town.round(1)
    begun = await maya.town.case(order)

    await maya.town.asked(CancelOrder(maya.customer, order, begun.state_changed_at, "changed their mind"))
    await maya.town.round(30)

    case = await maya.town.case(order)
    speed = await maya.rows("SELECT down_kbps FROM crm.subscriber JOIN catalogue.offering_version AS sold ON sold.id = offering_version_id")
    assert (begun.state, case.state, case.sequence_state, speed) == (
        OrderState.IN_PROGRESS,
        OrderState.CANCELLED,
        "undone",
        [(100_000,)],
    )


async def test_a_change_of_plan_that_fails_tells_its_customer(atlas: Atlas, owner: Owner) -> None:
    maya = await home(atlas, owner)
    await given.offering(owner, "fibre-900", 4500, down_kbps=900_000)
    async with atlas.transaction(ME) as conn:
        (change,) = await plan_changes(conn, maya.customer, "fibre-900", now().date())
    maya.town.provisioner = Stubborn(RecordedProvisioner(atlas), {"set_speed"})

    order = ordered(await maya.town.asked(RequestPlanChange.of(change, now().date())))
    await maya.town.round(6)
    maya.town.provisioner = RecordedProvisioner(atlas)
    await maya.town.round(20)

    told = await maya.rows("SELECT purpose FROM helpdesk.notice ORDER BY id")
    assert ((await maya.town.case(order)).state, told[-1]) == (OrderState.FAILED, ("order_failed",))
