"""An order at real FreeRADIUS: its line signs in, which is what billing begins with; and once it has ended, it signs in no more."""

from uuid import uuid4

import pytest

from api.radius.serving import Server
from atlas.cmdb.reads import secret_for_equipment
from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.oms.records import OrderState
from forge.actions.oms.orders import PlaceCease
from tests.given import Owner
from tests.oms.signups import ME, Town, now, town
from tests.radius.bng import Answered, sign_in

S = OrderState


@pytest.fixture
async def place(atlas: Atlas, owner: Owner, freeradius: Server) -> Town:
    return await town(atlas, owner)


async def dials(place: Town, server: Server, order: OrderId) -> Answered:
    """As the customer's own box does it, with what it was set up with."""
    case = await place.case(order)
    async with place.forge.atlas.transaction(ME) as conn:
        secret = await secret_for_equipment(conn, case.subscriber_id)
    return await sign_in(server, f"line{case.subscriber_id}", secret or "forgotten since")


async def test_an_order_waits_for_the_accept_and_is_billed_from_it(place: Town, freeradius: Server) -> None:
    order = await place.order()
    await place.round()
    waiting = await place.case(order)

    answer = await dials(place, freeradius, order)
    await place.round()

    address = await (await place.owner.execute("SELECT host(block) FROM cmdb.allotment WHERE state = 'assigned'")).fetchone()
    (accepted,) = await (await place.owner.execute("SELECT accepted_at FROM cmdb.credential")).fetchall()
    case = await place.case(order)
    charge = await (await place.owner.execute("SELECT evidence, starts_on FROM billing.charge")).fetchone()
    assert (waiting.state, waiting.evidence, waiting.line_state) == (S.IN_PROGRESS, None, "pendingActive")
    assert (answer.kind, answer.attributes["Mikrotik-Rate-Limit"]) == ("Access-Accept", "20000k/100000k")
    assert address is not None
    assert (answer.attributes["Framed-IP-Address"], "Framed-Pool" in answer.attributes) == (address[0], False)
    assert (case.state, case.evidence) == (S.COMPLETED, f"radius_accept:line{case.subscriber_id}")
    assert charge == (case.evidence, accepted[0].date())


async def test_a_line_that_has_ended_is_refused_and_everything_is_taken_back(place: Town, freeradius: Server) -> None:
    order = await place.order()
    await place.round()
    await dials(place, freeradius, order)
    await place.round()
    case = await place.case(order)

    await place.asked(PlaceCease(case.customer_id, case.subscriber_id, now().date(), "moving away", f"cease-{uuid4()}"))
    await place.round()

    assert (await dials(place, freeradius, order)).kind == "Access-Reject"
    assert await place.held() == {"ports": 0, "numbers": 0, "boxes": 0, "lines": 0}


async def test_what_the_catalogue_says_of_a_plan_is_told_to_the_bng(place: Town, freeradius: Server) -> None:
    order = await place.order()
    version = (await place.case(order)).version
    said = "INSERT INTO catalogue.reply_item (offering_version_id, ordinal, attribute, value) VALUES (%s, 1, 'Filter-Id', 'kids')"
    await place.owner.execute(said, (version,))
    await place.round()

    answer = await dials(place, freeradius, order)

    assert answer.attributes["Filter-Id"] == "kids"
