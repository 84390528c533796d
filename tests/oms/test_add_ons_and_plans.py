"""What a change of the plan makes of the add-ons beside it, and of them again where it is taken back."""

import pytest

from atlas.connection import Atlas
from atlas.oms.reads import plan_changes
from atlas.oms.records import OrderState
from forge.actions.oms.plans import RequestPlanChange
from forge.outside.recorded import RecordedProvisioner
from tests import given
from tests.given import Owner
from tests.oms.add_ons import Home, add_on, fixed_address, home, related
from tests.oms.signups import ME, Stubborn, now


@pytest.fixture
async def maya(atlas: Atlas, owner: Owner) -> Home:
    return await home(atlas, owner)


async def changed(maya: Home, code: str = "fibre-900") -> None:
    async with maya.town.forge.atlas.transaction(ME) as conn:
        (change,) = await plan_changes(conn, maya.customer, code, now().date())
    await maya.town.asked(RequestPlanChange.of(change, now().date()))
    await maya.town.round(20)


async def test_a_change_of_plan_ends_the_add_ons_that_do_not_go_with_it_or_come_with_it_and_keeps_the_others(maya: Home) -> None:
    await given.offering(maya.owner, "fibre-900", 4500, down_kbps=900_000)
    for code in ("films", "cover", "sport"):
        await add_on(maya.owner, code)
    await related(maya.owner, "films", "requires", "fibre-100")
    await related(maya.owner, "cover", "included_in", "fibre-900")
    for code in ("films", "cover", "sport"):
        await maya.had(code)

    await changed(maya)

    today = now().date()
    assert await maya.held() == ["sport"]
    assert await maya.charged() == [("films", today, today), ("cover", today, today), ("sport", today, None)]


async def test_an_add_on_that_needed_one_that_ends_with_the_plan_ends_too(maya: Home) -> None:
    await given.offering(maya.owner, "fibre-900", 4500, down_kbps=900_000)
    for code in ("films", "box"):
        await add_on(maya.owner, code)
    await related(maya.owner, "box", "requires", "fibre-100")
    await related(maya.owner, "films", "requires", "box")
    await maya.had("box")
    await maya.had("films")

    await changed(maya)

    assert await maya.held() == []


async def test_a_change_of_plan_that_is_taken_back_gives_back_the_add_ons_with_their_address(maya: Home, atlas: Atlas) -> None:
    await given.offering(maya.owner, "fibre-900", 4500, down_kbps=900_000)
    await fixed_address(maya.owner)
    await related(maya.owner, "static-ip", "requires", "fibre-100")
    await maya.had("static-ip")
    address = (await maya.answered())["Framed-IP-Address"]
    maya.town.provisioner = Stubborn(RecordedProvisioner(atlas), {"refresh_session"})

    await changed(maya)

    assert (await maya.held(), (await maya.answered())["Framed-IP-Address"]) == (["static-ip"], address)
    running = [(code, starts) for code, starts, ends in await maya.charged() if ends is None]
    assert running == [("static-ip", now().date())]


async def test_an_add_on_that_is_retired_while_its_order_is_in_flight_is_begun_on_the_ordered_version(maya: Home) -> None:
    version = await add_on(maya.owner, "cover")
    await maya.order("cover")
    await maya.owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired' WHERE code = 'cover'")

    await maya.town.round()

    assert await maya.held() == ["cover"]
    assert await maya.rows("SELECT offering_version_id FROM billing.charge WHERE is_add_on") == [(version,)]


async def test_an_add_on_that_no_longer_fits_when_it_would_begin_fails_with_the_reason(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    order = await maya.order("cover")
    await related(maya.owner, "cover", "included_in", "fibre-100")

    await maya.town.round()

    case = await maya.town.case(order)
    assert (case.state, await maya.held(), await maya.charged()) == (OrderState.FAILED, [], [])
    assert "included in fibre-100" in (case.sequence_why or "")
