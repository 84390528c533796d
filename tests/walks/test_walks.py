"""The three walks of the style guide, step by step, on the demo ISP."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from psycopg import AsyncConnection

from api.chat import caller, desk, turn
from atlas.actions.records import ActionState
from atlas.principal import Assurance, Principal, Role, executor, in_session
from evals.demo.watching import somebody_with
from evals.fault.playing import cleared, raised
from evals.fault.scene import scene_of_cut
from evals.fault.told import Told, in_clear_text, told_of_cut
from evals.world.plan import world
from forge.approvals import Card, RulingRefused, approve, waiting_for
from forge.sign_in.sessions import begun
from tests.walks.clock import DOORS, Walk

Rows = AsyncConnection[tuple[Any, ...]]


@pytest.fixture
async def told(walk: Walk) -> list[Told]:
    async with walk.house.atlas.transaction(executor("tests")) as conn:
        return in_clear_text(told_of_cut(await scene_of_cut(conn, world().zone.backhaul)))


@pytest.fixture
async def cut(walk: Walk, told: list[Told]) -> Walk:
    """The whitepaper's cut, answered as far as it answers itself."""
    await walk.hear(raised(told, DOORS, 0.0, np.random.default_rng(1), datetime.now(UTC)))
    await walk.work_off()
    return walk


async def one(rows: Rows, statement: str, *parameters: Any) -> Any:
    row = await (await rows.execute(statement.encode(), parameters)).fetchone()
    return row[0] if row and len(row) == 1 else row


async def test_an_alarm_becomes_an_incident_and_an_sms(cut: Walk, rows: Rows) -> None:
    incident = await one(
        rows,
        "SELECT (SELECT name FROM cmdb.link WHERE id = root_link_id),"
        " (SELECT count(*) FROM itsm.incident_alarm WHERE incident_id = incident.id),"
        " (SELECT count(*) FROM itsm.incident_subscriber WHERE incident_id = incident.id) FROM itsm.incident WHERE state = 'inProgress'",
    )
    sms = await one(rows, "SELECT words FROM helpdesk.recorded_message WHERE channel = 'sms' AND words LIKE '%%Gull Point%%' LIMIT 1")

    assert incident == (world().zone.backhaul, 230, 312)
    assert "damaged cable" in sms


async def test_everybody_who_may_be_told_of_the_cut_is_told_once(cut: Walk, rows: Rows) -> None:
    notices = await one(rows, "SELECT count(*), count(DISTINCT customer_id) FROM helpdesk.notice WHERE purpose = 'outage'")

    assert notices == (312, 312)


async def test_hearing_the_whole_burst_again_opens_and_tells_nothing_more(cut: Walk, told: list[Told], rows: Rows) -> None:
    await cut.hear(raised(told, DOORS, 0.0, np.random.default_rng(2), datetime.now(UTC)))
    await cut.work_off()

    incidents = await one(rows, "SELECT count(*) FROM itsm.incident WHERE state = 'inProgress'")
    sent = await one(rows, "SELECT count(*), max(times) FROM helpdesk.recorded_message")
    assert (incidents, sent) == (1, (312, 1))


async def test_the_parent_ticket_has_a_child_for_each_area(cut: Walk, rows: Rows) -> None:
    areas = await (
        await rows.execute(
            "SELECT area.name FROM itsm.ticket JOIN itsm.ticket AS parent ON parent.id = ticket.parent_id"
            " JOIN gis.area ON area.id = ticket.area_id"
            " WHERE parent.incident_id IS NOT NULL AND parent.parent_id IS NULL ORDER BY 1"
        )
    ).fetchall()

    assert [area for (area,) in areas] == ["Gull Point", "Harbour Quay", "Saltmarsh"]


async def test_once_repaired_those_who_were_told_are_told_so_and_the_incident_closes(cut: Walk, told: list[Told], rows: Rows) -> None:
    await cut.hear(cleared(told, DOORS, datetime.now(UTC)))
    await cut.work_off()

    state = await one(rows, "SELECT DISTINCT state FROM itsm.incident WHERE root_link_id IS NOT NULL")
    back = await one(rows, "SELECT count(DISTINCT customer_id) FROM helpdesk.notice WHERE purpose = 'restored'")
    assert back == 312
    assert state in ("resolved", "closed")


async def test_why_is_my_bill_higher_becomes_an_answer(walk: Walk, rows: Rows) -> None:
    maya = await caller(walk.house, world().persona("maya").phone, Assurance.VERIFIED)

    async with desk(walk.house) as here:
        reply = await turn(here, maya, "Why is my bill higher this month?")

    assert reply is not None
    assert "6.20" in reply.words
    assert "international calls" in reply.words.lower()
    assert await one(rows, "SELECT count(*) FROM billing.credit") == 0


async def test_a_person_approves_a_bulk_credit(cut: Walk, rows: Rows) -> None:
    card = await waiting_credit(cut)
    helen = await lead(cut, Role.BILLING_LEAD)

    await approve(cut.house.forge, helen, card.action_id, digest_seen=card.digest, note="agreed")
    await cut.work_off()

    posted = await one(rows, "SELECT count(*), sum(amount_minor)::bigint FROM billing.credit")
    outcome = await one(rows, "SELECT state FROM actions.action WHERE id = %s", card.action_id)
    assert posted == (312, 156_000)
    assert outcome == ActionState.DONE


async def test_until_somebody_approves_it_no_credit_is_posted(cut: Walk, rows: Rows) -> None:
    card = await waiting_credit(cut)

    assert (card.facts.customers, str(card.facts.money), card.approver_roles) == (312, "1,560.00", ("billing_lead",))
    assert await one(rows, "SELECT count(*) FROM billing.credit") == 0


async def test_whoever_is_no_billing_lead_may_not_approve_it(cut: Walk) -> None:
    card = await waiting_credit(cut)
    engineer = await lead(cut, Role.NOC_ENGINEER)

    with pytest.raises(RulingRefused):
        await approve(cut.house.forge, engineer, card.action_id, digest_seen=card.digest)


async def waiting_credit(walk: Walk) -> Card:
    async with walk.house.atlas.transaction(executor("tests")) as conn:
        (card,) = [card for card in await waiting_for(walk.house.forge, conn) if card.name == "issue_credits"]
    return card


async def lead(walk: Walk, role: Role) -> Principal:
    async with walk.house.atlas.transaction(executor("tests")) as conn:
        found = await somebody_with(conn, role)
    assert found is not None
    assert found.staff_id is not None
    return in_session(found, (await begun(walk.house.atlas, found.staff_id)).fingerprint)
