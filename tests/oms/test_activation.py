"""From an order to a line that works: all of it or nothing that stays, whoever breaks, whoever changes their mind."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.money import Money
from atlas.oms.reads import fallout_queue, in_jeopardy, story_of
from atlas.oms.records import Case, OrderState
from forge.actions.gis import RecordLandlordConsent
from forge.actions.oms.orders import AmendOrder, GiveUpOrder, MendOrder
from forge.actions.oms.plans import CancelOrder
from forge.outside.recorded import RecordedProvisioner
from forge.playbooks.activation import Desk
from tests import given
from tests.billing.arranged import bill
from tests.given import Owner
from tests.oms.signups import ME, Stubborn, Town, now, splitter, town

NOTHING = {"ports": 0, "numbers": 0, "boxes": 0, "lines": 0}
S = OrderState


@pytest.fixture
async def place(atlas: Atlas, owner: Owner) -> Town:
    return await town(atlas, owner)


async def test_an_order_becomes_a_line_that_works(place: Town) -> None:
    order = await place.order()

    await place.round()

    case = await place.case(order)
    assert (case.state, case.line_state, case.sequence_state) == (S.COMPLETED, "active", "done")
    assert case.evidence is not None
    assert case.evidence.startswith("ont_online:HWTC")
    assert await place.held() == {"ports": 0, "numbers": 1, "boxes": 1, "lines": 1}


async def test_billing_begins_with_what_was_seen_and_not_with_the_order(place: Town) -> None:
    order = await place.order()
    await place.owner.execute("UPDATE oms.product_order SET ordered_at = now() - interval '9 days'")

    await place.round()

    (charge,) = await (await place.owner.execute("SELECT started_by_order_id, starts_on, evidence FROM billing.charge")).fetchall()
    assert (charge[0], charge[1], charge[2]) == (order, now().date(), (await place.case(order)).evidence)


async def test_an_order_that_failed_is_never_charged(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner, splitters=0)
    await place.order()

    await place.round()

    assert await (await owner.execute("SELECT count(*) FROM billing.charge")).fetchone() == (0,)


async def test_one_trace_tells_the_whole_story(place: Town) -> None:
    order = await place.order()
    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        story = await story_of(conn, order)

    assert {one.system for one in story} >= {"oms", "gis", "ipam", "cmdb", "provisioning", "nms", "helpdesk"}
    assert [one.at for one in story] == sorted(one.at for one in story)


async def test_the_same_order_submitted_twice_is_one_order(place: Town) -> None:
    customer, premise = await given.customer(place.owner), await place.premise()

    first = await place.ordered(key="shop-cart-1", customer=customer, premise=premise)
    again = await place.asked(await repeated(place, first))

    assert (again.action_id, again.outcome) == (first.action_id, first.outcome)
    assert await (await place.owner.execute("SELECT count(*) FROM oms.product_order")).fetchone() == (1,)


async def repeated(place: Town, first: Any) -> Any:
    found = await (
        await place.owner.execute("SELECT name, arguments::text FROM actions.action WHERE id = %s", (first.action_id,))
    ).fetchone()
    assert found is not None
    return place.forge.register.decoded(*found)


async def test_when_a_late_step_fails_what_earlier_ones_took_is_released(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner, addresses="192.0.2.0/28")
    await owner.execute("UPDATE cmdb.pool SET last_place = 1")
    winner, loser = await place.order(), await place.order()

    await place.round()

    states = [(await place.case(order)).state for order in (winner, loser)]
    assert sorted(states) == [S.COMPLETED, S.FAILED]
    assert await place.held() == {"ports": 0, "numbers": 1, "boxes": 1, "lines": 1}


async def test_a_failed_order_says_why_and_tells_its_customer(atlas: Atlas, owner: Owner) -> None:
    place = await town(atlas, owner, splitters=0)
    order = await place.order()

    await place.round()

    case = await place.case(order)
    reason = await (await owner.execute("SELECT reason FROM oms.order_event ORDER BY id DESC LIMIT 1")).fetchone()
    told = await (await owner.execute("SELECT purpose FROM helpdesk.notice")).fetchall()
    assert (case.state, case.line_state, await place.held()) == (S.FAILED, "aborted", NOTHING)
    assert reason is not None
    assert "no fibre port is free" in reason[0]
    assert told == [("order_failed",)]


async def fallen(atlas: Atlas, owner: Owner) -> tuple[Town, OrderId, Stubborn]:
    place = await town(atlas, owner)
    network = Stubborn(RecordedProvisioner(atlas), {"activate"})
    place.provisioner = network
    order = await place.order()
    await place.round()
    return place, order, network


async def test_what_the_network_refuses_waits_in_the_repair_queue_with_its_cause(atlas: Atlas, owner: Owner) -> None:
    place, order, _ = await fallen(atlas, owner)

    async with atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)

    assert (one.order_id, one.step, one.cause, (await place.case(order)).state) == (order, "activate", "downstream", S.IN_PROGRESS)


async def test_the_order_says_who_outside_refused_what_and_why(atlas: Atlas, owner: Owner) -> None:
    place, order, _ = await fallen(atlas, owner)
    why = "the network refused to activate: the OLT refuses to activate"

    async with atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
        told = [each.what for each in await story_of(conn, order) if "activate" in each.what]
    assert (one.failure, [why in each for each in told]) == (why, [True])
    assert ((await place.case(order)).sequence_why or "").endswith(why)


async def test_an_order_that_was_mended_goes_on_from_the_step_that_failed(atlas: Atlas, owner: Owner) -> None:
    place, order, network = await fallen(atlas, owner)
    network.refuses.clear()
    case = await place.case(order)

    await place.asked(MendOrder(case.customer_id, order, "1", "the card was reseated"))
    await place.round()

    assert (await place.case(order)).state is S.COMPLETED
    assert await place.held() == {"ports": 0, "numbers": 1, "boxes": 1, "lines": 1}


async def test_an_order_that_cannot_be_mended_is_given_up_and_holds_nothing(atlas: Atlas, owner: Owner) -> None:
    place, order, _ = await fallen(atlas, owner)
    case = await place.case(order)

    await place.asked(GiveUpOrder(case.customer_id, order, "1", "no such card any more"))
    await place.round()

    assert ((await place.case(order)).state, await place.held()) == (S.FAILED, NOTHING)


async def test_what_nobody_mends_in_time_is_taken_back(atlas: Atlas, owner: Owner) -> None:
    place, order, _ = await fallen(atlas, owner)
    await owner.execute("UPDATE actions.sequence SET deadline = now() - interval '1 second', next_at = now()")

    await place.round()

    assert ((await place.case(order)).state, await place.held()) == (S.FAILED, NOTHING)


@pytest.mark.parametrize(("serial", "why"), [("HWTCDEADBEEF", "check the label"), ("HWTC00", "four letters and eight")])
async def test_a_typo_in_the_serial_stops_the_order_until_somebody_names_the_right_one(place: Town, serial: str, why: str) -> None:
    order = await place.order(serial=serial)
    await place.round()
    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.step, one.cause, why in one.failure) == ("box", "data", True)

    await place.asked(MendOrder((await place.case(order)).customer_id, order, "1", "read again", "HWTC00000003"))
    await place.round()

    assert (await place.case(order)).state is S.COMPLETED


async def test_a_serial_at_another_customer_stops_the_order(place: Town) -> None:
    await place.order(serial="HWTC00000000")
    await place.round()

    await place.order(serial="hwtc-0000-0000")
    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert "stands at another line already" in one.failure


async def cancelled(place: Town, case: Case) -> None:
    await place.asked(CancelOrder(case.customer_id, case.order_id, case.state_changed_at, "changed my mind"))


async def test_a_cancel_while_a_step_is_running_is_assessed_and_takes_everything_back(atlas: Atlas, owner: Owner) -> None:
    place, order, _ = await fallen(atlas, owner)

    await cancelled(place, await place.case(order))
    assessing = (await place.case(order)).state
    await place.round()

    events = await (await owner.execute("SELECT state FROM oms.order_event ORDER BY id")).fetchall()
    assert assessing is S.ASSESSING_CANCELLATION
    assert [state for (state,) in events][-3:] == ["assessingCancellation", "pendingCancellation", "cancelled"]
    assert ((await place.case(order)).line_state, await place.held()) == ("cancelled", NOTHING)


async def test_a_cancel_past_the_point_of_no_return_is_refused_and_the_order_goes_on(place: Town) -> None:
    order = await place.order()
    await place.round()
    await place.owner.execute("UPDATE oms.product_order SET state = 'inProgress'")

    await cancelled(place, await place.case(order))
    await place.round()

    case = await place.case(order)
    assert (case.state, case.line_state) == (S.IN_PROGRESS, "active")


async def test_a_cancel_before_anything_began_is_done_at_once(place: Town) -> None:
    order = await place.order(wanted_on=now().date() + timedelta(days=9))

    await cancelled(place, await place.case(order))
    await place.round()

    assert ((await place.case(order)).state, (await place.case(order)).line_state) == (S.CANCELLED, "cancelled")


async def test_an_order_for_a_later_day_waits_for_it(place: Town) -> None:
    order = await place.order(wanted_on=now().date() + timedelta(days=9))

    await place.round()

    assert ((await place.case(order)).state, await place.held()) == (S.ACKNOWLEDGED, NOTHING)


class Silent:
    async def refusal(self, case: Case) -> str | None:  # noqa: ARG002
        await asyncio.sleep(60)
        return None


async def test_a_credit_check_that_times_out_holds_the_order_and_never_passes_it(place: Town) -> None:
    place.desk = Desk(Silent(), timedelta(milliseconds=20))
    order = await place.order()

    await place.round()

    reason = await (await place.owner.execute("SELECT reason FROM oms.order_event ORDER BY id DESC LIMIT 1")).fetchone()
    retry = await (await place.owner.execute("SELECT retry_at > now(), cause_class FROM oms.product_order")).fetchone()
    assert ((await place.case(order)).state, retry) == (S.HELD, (True, "timeout"))
    assert reason == ("the credit check did not answer (TimeoutError)",)


async def test_a_held_order_is_looked_at_again_and_goes_on(place: Town) -> None:
    place.desk = Desk(Silent(), timedelta(milliseconds=20))
    order = await place.order()
    await place.round()
    place.desk = Desk()
    await place.owner.execute("UPDATE oms.product_order SET retry_at = now()")

    await place.round()

    assert (await place.case(order)).state is S.COMPLETED


async def test_somebody_who_owes_too_much_is_refused_with_the_reason(place: Town) -> None:
    customer = await given.customer(place.owner)
    await owes(place.owner, customer, 15000)
    order = await place.order(customer=customer)

    await place.round()

    case = await place.case(order)
    assert (case.state, case.line_state, await place.held()) == (S.REJECTED, "aborted", NOTHING)


async def owes(owner: Owner, customer: int, minor: int) -> None:
    await bill(owner, customer, now().date().replace(year=now().year - 1, day=1), {"Fibre 100": minor})  # type: ignore[arg-type]


async def test_an_order_for_a_suspended_account_is_held(place: Town) -> None:
    customer = await given.customer(place.owner)
    line = await given.subscriber(place.owner, customer, await given.device(place.owner, "olt-9"))
    await place.owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (line,))
    order = await place.order(customer=customer)

    await place.round()

    assert (await place.case(order)).state is S.HELD


async def test_landlord_consent_missing_in_mdu_holds_the_order_until_it_is_given(place: Town) -> None:
    premise, area = await place.premise(), await given.area(place.owner)
    building = await given.row(place.owner, "gis.building", area_id=area, name="Anchor House", consent="missing")
    await place.owner.execute("UPDATE gis.premise SET building_id = %s WHERE id = %s", (building, premise))
    order = await place.order(premise=premise)
    await place.round()
    held = await place.case(order)

    await place.asked(RecordLandlordConsent(building, "missing", "given", "in writing"))
    await place.round()

    reasons = [row[0] for row in await (await place.owner.execute("SELECT reason FROM oms.order_event ORDER BY id")).fetchall()]
    assert (held.state, (await place.case(order)).state) == (S.HELD, S.COMPLETED)
    assert "the landlord of Anchor House has not consented yet" in reasons


async def test_a_landlord_who_refused_fails_the_order_with_that_reason(place: Town) -> None:
    premise, area = await place.premise(), await given.area(place.owner)
    building = await given.row(place.owner, "gis.building", area_id=area, name="Anchor House", consent="refused")
    await place.owner.execute("UPDATE gis.premise SET building_id = %s WHERE id = %s", (building, premise))

    order = await place.order(premise=premise)
    await place.round()

    case = await place.case(order)
    assert (case.state, "the landlord refused" in (case.sequence_why or "")) == (S.FAILED, True)


async def test_amending_the_speed_changes_the_item_and_tells_the_network_without_a_second_line(atlas: Atlas, owner: Owner) -> None:
    place, order, network = await fallen(atlas, owner)
    faster: Any = await given.offering(owner, "fibre-900", 4500)
    case = await place.case(order)
    proposed = await place.asked(AmendOrder(case.customer_id, order, "1", "fibre-900", faster, Money("45.00")))
    network.refuses.clear()
    await place.asked(MendOrder(case.customer_id, order, "1", "again"))
    await place.round()

    lines = await (await owner.execute("SELECT state, offering_version_id FROM crm.subscriber")).fetchall()
    items = await (await owner.execute("SELECT state, offering_version_id FROM oms.order_item")).fetchall()
    told = await (await owner.execute("SELECT operation FROM actions.errand WHERE operation <> 'activate' ORDER BY id")).fetchall()
    assert (proposed.state, lines, items) == (ActionState.DONE, [("active", faster)], [("completed", faster)])
    assert told == [("set_speed",), ("refresh_session",)]


async def test_an_order_that_waits_for_repair_past_its_day_is_in_jeopardy(atlas: Atlas, owner: Owner) -> None:
    _, order, _ = await fallen(atlas, owner)
    await owner.execute("UPDATE oms.product_order SET wanted_on = now()::date - 1")

    async with atlas.transaction(ME) as conn:
        (one,) = await in_jeopardy(conn)

    assert (one.order_id, one.reason) == (order, "it waits in the repair queue")


async def test_evidence_that_is_too_old_is_not_charged_without_a_person(place: Town) -> None:
    place.provisioner = Stubborn(RecordedProvisioner(place.forge.atlas), {"activate"})
    order = await place.order()
    await place.round()
    case = await place.case(order)
    await place.owner.execute("UPDATE oms.product_order SET ordered_at = now() - interval '30 days'")
    started = (
        "INSERT INTO cmdb.session (subscriber_id, username, nas_device_id, started_at) VALUES (%s, 'line', %s, now() - interval '20 days')"
    )
    await place.owner.execute(started, (case.subscriber_id, await splitter(place.owner)))
    place.provisioner = RecordedProvisioner(place.forge.atlas)

    await place.asked(MendOrder(case.customer_id, order, "1", "again"))
    await place.round()

    async with place.forge.atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.step, "a person's to charge" in one.failure) == ("evidence", True)
