"""A line that ends, and a customer who moves: nothing is kept that nobody uses, and nobody is without a line in between."""

from typing import Any
from uuid import uuid4

import pytest

from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.oms.records import OrderState
from forge.actions.oms.orders import MendOrder, PlaceCease
from forge.outside.recorded import RecordedProvisioner
from tests.given import Owner
from tests.oms.signups import Stubborn, Town, now, town

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


async def test_a_line_that_ends_frees_its_port_and_rests_its_numbers_and_waits_for_its_box(place: Town) -> None:
    _, cease = await ended(place)

    await place.round()

    case = await place.case(cease)
    rests = await (await place.owner.execute("SELECT state FROM cmdb.allotment WHERE state <> 'free'")).fetchall()
    charged = await (await place.owner.execute("SELECT stopped_by_order_id FROM billing.charge")).fetchall()
    assert (case.state, case.line_state, rests, charged) == (S.COMPLETED, "terminated", [("quarantine",)], [(cease,)])
    assert await place.held() == {"ports": 0, "numbers": 0, "boxes": 1, "lines": 0}


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
