"""What goes beside a plan: only where it fits, held and charged from one moment on, ended as surely, and never kept by mistake."""

from datetime import date, timedelta

import pytest

from atlas.catalogue.reads import defects
from atlas.catalogue.rules.pricing import AddOnUnfit
from atlas.connection import Atlas
from atlas.oms.reads import fallout_queue, story_of
from atlas.oms.records import OrderState
from atlas.oms.rules import OrderOpen, PlanUnavailable
from forge.actions.oms.orders import PlaceCease
from forge.actions.oms.plans import CancelOrder
from forge.outside.recorded import RecordedProvisioner
from tests import given
from tests.billing.billed import billed, charge, charged_line, lines
from tests.given import Owner
from tests.oms.add_ons import Home, add_on, fixed_address, home, related
from tests.oms.signups import ME, Stubborn, now

S = OrderState


@pytest.fixture
async def maya(atlas: Atlas, owner: Owner) -> Home:
    return await home(atlas, owner)


async def test_an_add_on_that_was_ordered_is_held_and_charged_from_one_moment_on(maya: Home) -> None:
    await add_on(maya.owner, "cover")

    order = await maya.had("cover")

    case = await maya.town.case(order)
    assert (case.state, await maya.held(), await maya.charged()) == (S.COMPLETED, ["cover"], [("cover", now().date(), None)])


async def test_its_order_item_is_an_add_and_the_one_that_ends_it_a_delete(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    await maya.had("cover")

    await maya.end("cover")
    await maya.town.round()

    items = await maya.rows("SELECT action, state FROM oms.order_item ORDER BY id")
    assert items[1:] == [("add", "completed"), ("delete", "completed")]


async def test_the_customer_is_told_when_it_begins_and_when_it_ends(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    await maya.had("cover")
    await maya.end("cover")
    await maya.town.round()

    assert await maya.rows("SELECT purpose FROM helpdesk.notice ORDER BY id") == [("order_done",), ("add_on_begun",), ("add_on_ended",)]


async def test_one_trace_tells_the_whole_story_of_an_add_on(maya: Home) -> None:
    await fixed_address(maya.owner)
    order = await maya.had("static-ip")

    async with maya.town.forge.atlas.transaction(ME) as conn:
        story = await story_of(conn, order)

    assert {one.system for one in story} >= {"oms", "billing", "provisioning", "helpdesk"}


async def test_an_add_on_without_what_it_requires_is_refused(maya: Home) -> None:
    await add_on(maya.owner, "films")
    await given.offering(maya.owner, "fibre-900", 4500)
    await related(maya.owner, "films", "requires", "fibre-900")

    with pytest.raises(AddOnUnfit, match="films needs fibre-900"):
        await maya.asked("films")


async def test_an_add_on_beside_one_that_excludes_it_is_refused_read_both_ways(maya: Home) -> None:
    for code in ("films", "sport"):
        await add_on(maya.owner, code)
    await related(maya.owner, "films", "excludes", "sport")
    await maya.had("films")

    with pytest.raises(AddOnUnfit, match="sport cannot be had beside films"):
        await maya.asked("sport")


async def test_an_add_on_that_comes_with_the_plan_is_not_sold_beside_it(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    await related(maya.owner, "cover", "included_in", "fibre-100")

    with pytest.raises(AddOnUnfit, match="cover is included in fibre-100"):
        await maya.asked("cover")


async def test_an_add_on_of_another_technology_kind_of_customer_or_place_is_refused(maya: Home) -> None:
    elsewhere = await given.area(maya.owner, "Elsewhere")
    await add_on(maya.owner, "radio-extra", technology="fixed_wireless")
    await add_on(maya.owner, "office-extra", segment="business")
    await add_on(maya.owner, "local-extra")
    await maya.owner.execute(
        "INSERT INTO catalogue.sold_in (offering_id, area_id) SELECT id, %s FROM catalogue.offering WHERE code = 'local-extra'",
        (elsewhere,),
    )

    for code, why in (("radio-extra", "technology"), ("office-extra", "kind of customer"), ("local-extra", "not sold at this address")):
        with pytest.raises(PlanUnavailable, match=why):
            await maya.asked(code)


async def test_an_add_on_that_the_line_has_is_not_ordered_again(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    await maya.had("cover")

    with pytest.raises(PlanUnavailable, match="has it already"):
        await maya.asked("cover")


async def test_a_retired_add_on_is_sold_no_more_and_whoever_has_it_keeps_it(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    await maya.had("cover")
    await maya.owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired' WHERE code = 'cover'")

    assert await maya.held() == ["cover"]
    await maya.end("cover")
    with pytest.raises(OrderOpen):
        await maya.end("cover")
    await maya.town.round()
    with pytest.raises(PlanUnavailable):
        await maya.asked("cover")


async def test_the_same_add_on_ordered_twice_is_one_order(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    first = await maya.asked("cover")

    with pytest.raises(OrderOpen):
        await maya.asked("cover")

    assert await maya.rows("SELECT id FROM oms.product_order WHERE kind = 'add_on'") == [((first.outcome or {})["order"],)]


async def test_an_add_on_stands_on_the_next_bill_by_the_day(maya: Home) -> None:
    await add_on(maya.owner, "cover", 3100)
    await maya.had("cover")
    begun = now().date()
    await maya.owner.execute("UPDATE billing.account SET cycle_day = 1")
    month_end = (begun.replace(day=1) + timedelta(days=32)).replace(day=1)

    run = await billed(maya.owner, month_end, maya.customer)

    days = (month_end - begun).days
    (first,) = [line for line in await lines(maya.owner, run) if line[0].startswith("cover") and line[2] == begun]
    whole = (month_end - begun.replace(day=1)).days
    assert (first[3], first[4]) == (month_end, (3100 * days * 2 + whole) // (2 * whole))


async def test_what_was_paid_in_advance_for_an_add_on_comes_back_when_it_ends(maya: Home) -> None:
    await add_on(maya.owner, "cover", 3100)
    await maya.had("cover")
    await maya.owner.execute("UPDATE billing.account SET cycle_day = 1")
    month_end = (now().date().replace(day=1) + timedelta(days=32)).replace(day=1)
    await billed(maya.owner, month_end, maya.customer)
    await maya.end("cover")
    await maya.town.round()

    run = await billed(maya.owner, (month_end + timedelta(days=32)).replace(day=1), maya.customer)

    back = [line[4] for line in await lines(maya.owner, run) if line[0].startswith("cover")]
    assert sum(back) < 0


async def test_each_line_of_a_bill_for_an_add_on_says_which_version_and_why(maya: Home) -> None:
    version = await add_on(maya.owner, "cover")
    order = await maya.had("cover")
    await billed(maya.owner, (now().date().replace(day=1) + timedelta(days=32)).replace(day=1), maya.customer)

    found = await (
        await maya.owner.execute("SELECT cause, formula FROM billing.invoice_line WHERE offering_version_id = %s ORDER BY id", (version,))
    ).fetchall()

    assert found
    assert all(cause and formula for cause, formula in found)
    assert await maya.rows("SELECT evidence FROM billing.charge WHERE is_add_on") == [(f"add_on:order-{order}",)]


async def test_a_static_address_is_the_lines_own_and_what_radius_answers(maya: Home) -> None:
    await fixed_address(maya.owner)
    before = await maya.answered()

    await maya.had("static-ip")

    assert before["Framed-IP-Address"].startswith("192.0.2.")
    assert (await maya.answered())["Framed-IP-Address"] == "198.51.100.1"
    told = await maya.rows("SELECT operation, state FROM actions.errand WHERE operation = 'refresh_session'")
    assert told == [("refresh_session", "done")]


async def test_the_address_of_an_add_on_that_ended_rests_before_another_line_is_given_it(maya: Home) -> None:
    await fixed_address(maya.owner)
    await maya.had("static-ip")

    await maya.end("static-ip")
    await maya.town.round()

    assert (await maya.answered())["Framed-IP-Address"].startswith("192.0.2.")
    kept = await maya.rows(
        "SELECT allotment.state FROM cmdb.allotment JOIN cmdb.pool ON pool.id = pool_id WHERE pool.name = 'static' AND place = 1"
    )
    assert kept == [("quarantine",)]


async def test_where_no_address_is_left_the_order_fails_with_the_reason_and_nothing_is_held_or_charged(maya: Home) -> None:
    await fixed_address(maya.owner)
    await maya.owner.execute("UPDATE cmdb.pool SET next_place = last_place + 1 WHERE name = 'static'")

    order = await maya.had("static-ip")

    case = await maya.town.case(order)
    assert (case.state, await maya.held(), await maya.charged()) == (S.FAILED, [], [])
    assert "static" in (case.sequence_why or "")


async def test_what_radius_answers_for_an_add_on_is_answered_as_long_as_it_is_held(maya: Home) -> None:
    version = await add_on(maya.owner, "filter")
    await given.row(maya.owner, "catalogue.reply_item", offering_version_id=version, ordinal=1, attribute="Filter-Id", value="family")
    await maya.had("filter")

    assert (await maya.answered())["Filter-Id"] == "family"
    await maya.end("filter")
    await maya.town.round()
    assert "Filter-Id" not in await maya.answered()


async def test_the_profile_of_an_add_on_is_told_to_the_access_device_at_the_speed_of_the_plan(maya: Home) -> None:
    version = await add_on(maya.owner, "telephone")
    policy = (
        "INSERT INTO catalogue.access_policy (offering_version_id, rate_limit, address_pool, service_profile) VALUES (%s, '', '', 'voice')"
    )
    await maya.owner.execute(policy, (version,))

    await maya.had("telephone")
    await maya.end("telephone")
    await maya.town.round()

    told = await maya.rows(
        "SELECT arguments ->> 'service_profile', arguments ->> 'down_kbps' FROM actions.errand WHERE operation = 'set_speed' ORDER BY id"
    )
    assert told == [("voice", "100000"), ("internet", "100000")]


async def test_what_the_network_refuses_is_taken_back_and_never_charged(maya: Home, atlas: Atlas) -> None:
    await fixed_address(maya.owner)
    maya.town.provisioner = Stubborn(RecordedProvisioner(atlas), {"refresh_session"})
    order = await maya.order("static-ip")
    await maya.town.round(4)
    maya.town.provisioner = RecordedProvisioner(atlas)
    await maya.town.round()

    case = await maya.town.case(order)
    assert (case.state, await maya.held(), await maya.charged()) == (S.FAILED, [], [("static-ip", now().date(), now().date())])
    assert (await maya.answered())["Framed-IP-Address"].startswith("192.0.2.")


async def test_an_end_that_the_network_refuses_waits_to_be_mended_and_is_charged_no_more(maya: Home, atlas: Atlas) -> None:
    await fixed_address(maya.owner)
    await maya.had("static-ip")
    maya.town.provisioner = Stubborn(RecordedProvisioner(atlas), {"refresh_session"})

    order = await maya.end("static-ip")
    await maya.town.round()

    async with atlas.transaction(ME) as conn:
        (one,) = await fallout_queue(conn)
    assert (one.order_id, one.step, await maya.held()) == (order, "refresh", [])


async def test_an_add_on_that_is_withdrawn_before_it_began_is_never_held(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    order = await maya.order("cover")
    case = await maya.town.case(order)

    await maya.town.asked(CancelOrder(maya.customer, order, case.state_changed_at, "changed their mind"))
    await maya.town.round()

    assert ((await maya.town.case(order)).state, await maya.held(), await maya.charged()) == (S.CANCELLED, [], [])


async def test_an_add_on_for_a_suspended_line_is_held_until_it_is_not(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    order = await maya.order("cover")
    await maya.owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'voluntary'")

    await maya.town.round()

    assert ((await maya.town.case(order)).state, await maya.held()) == (S.HELD, [])


async def test_an_add_on_that_another_one_needs_is_not_ended(maya: Home) -> None:
    for code in ("box", "films"):
        await add_on(maya.owner, code)
    await related(maya.owner, "films", "requires", "box")
    await maya.had("box")
    await maya.had("films")

    with pytest.raises(AddOnUnfit, match="films needs box"):
        await maya.end("box")


async def test_the_end_of_a_line_ends_its_add_ons(maya: Home) -> None:
    await fixed_address(maya.owner)
    await maya.had("static-ip")

    await maya.town.asked(PlaceCease(maya.customer, maya.line, now().date(), "moving away", "test-cease-1"))
    await maya.town.round(20)

    assert (await maya.held(), [ends is None for _, _, ends in await maya.charged()]) == ([], [False])


async def test_whoever_owes_is_given_no_add_on(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    order = await maya.order("cover")

    class Refusing:
        async def refusal(self, case: object) -> str:  # noqa: ARG002
            return "too much is overdue"

    maya.town.desk = type(maya.town.desk)(Refusing())
    await maya.town.round()

    assert ((await maya.town.case(order)).state, await maya.held()) == (S.REJECTED, [])


async def test_an_order_of_an_add_on_is_never_carried_out_as_the_end_of_its_line(maya: Home) -> None:
    await add_on(maya.owner, "cover")
    order = await maya.order("cover")

    for kind in ("line_end", "plan_move", "line_start", "add_on_end"):
        with pytest.raises(Exception, match="of another kind"):
            await given.row(
                maya.owner,
                "actions.sequence",
                kind=kind,
                key=str(order),
                arguments={},
                reason="",
                correlation_id=given.uuid.uuid4(),
                deadline=now(),
            )


async def test_the_lint_names_lines_whose_add_on_does_not_fit_and_add_ons_that_nobody_can_have(maya: Home) -> None:
    for code in ("films", "sport", "cover", "alone"):
        await add_on(maya.owner, code)
        if code != "alone":
            await maya.had(code)
    await related(maya.owner, "films", "excludes", "sport")
    await related(maya.owner, "cover", "included_in", "fibre-100")
    await given.offering(maya.owner, "fibre-50", 2000)
    await related(maya.owner, "alone", "requires", "fibre-50")
    await maya.owner.execute("UPDATE catalogue.offering SET lifecycle_status = 'retired' WHERE code = 'fibre-50'")

    async with maya.town.forge.atlas.transaction(ME) as conn:
        found = [one for one in await defects(conn, now().date()) if one.kind in ("add_on_unfit", "requires_what_is_gone")]

    assert [(one.kind, one.code, one.detail) for one in found] == [
        ("add_on_unfit", "cover", "1 lines have it though it comes with fibre-100"),
        ("add_on_unfit", "films", "1 lines have it beside sport"),
        ("add_on_unfit", "sport", "1 lines have it beside films"),
        ("requires_what_is_gone", "alone", "it can only be had beside fibre-50, of which none is sold"),
    ]


async def test_an_add_on_that_starts_on_the_last_day_of_a_month_is_charged_for_that_day_and_not_twice(owner: Owner) -> None:
    plan = await given.offering(owner)
    customer, line, _ = await charged_line(owner, plan, date(2026, 1, 1))
    extra = await add_on(owner, "cover", 3100)
    await charge(owner, customer, line, extra, date(2026, 1, 31), is_add_on=True)

    run = await billed(owner, date(2026, 2, 1), customer)

    covers = [(one[2], one[3], one[4]) for one in await lines(owner, run) if one[0].startswith("cover")]
    assert covers == [(date(2026, 1, 31), date(2026, 2, 1), 100), (date(2026, 2, 1), date(2026, 3, 1), 3100)]
