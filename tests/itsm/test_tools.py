import uuid
from datetime import timedelta

import pytest
from psycopg.types.json import Jsonb

from atlas.connection import Atlas
from atlas.identity import CustomerId, StaffId
from atlas.principal import NotPermittedHere, Principal, Role, customer, staff, stranger
from forge.actions.itsm.incidents import OpenTickets, ResolveIncident
from tests import carried, given
from tests.asking import asking
from tests.given import NOW, Owner
from tests.helpdesk.outage import outage
from tools import itsm

ASHA = staff(StaffId(1), "Asha", frozenset({Role.NOC_LEAD}))
HELEN = staff(StaffId(2), "Helen", frozenset({Role.BILLING_LEAD}))
LATER = NOW + timedelta(hours=1)
SUSPECTED = {
    "element": {"kind": "device", "id": 1},
    "cause": "feeder",
    "confidence": 0.95,
    "evidence": [{"observation": "all_behind_it_alarmed", "for_it": True, "weight": 4.0, "count": 3, "of": 3}],
}


async def waiting(owner: Owner, proposer: str = "system:playbook") -> None:
    await given.row(
        owner,
        "actions.action",
        name="issue_credits",
        arguments={},
        facts={"customers": 312, "money": "1560.00"},
        digest=b"arranged",
        operation_key=uuid.uuid4().hex,
        proposer=proposer,
        reason="goodwill",
        verdict_reason="credits above 250.00 together",
        correlation_id=uuid.uuid4(),
        state="waiting",
        approver_roles=["billing_lead"],
        approvals_needed=1,
        approve_by=NOW + timedelta(hours=4),
    )


async def mine(atlas: Atlas, principal: Principal) -> bool:
    async with asking(atlas, principal) as (turn, _):
        (one,) = await itsm.what_waits_for_approval(turn)
    return one.is_mine


async def test_a_customer_behind_a_cut_is_told_that_it_is_their_line(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        found = await itsm.is_there_an_outage(turn)

    assert [(one.incident_id, one.cause, one.restored_at) for one in found.at_my_lines] == [(now.incident_id, "feeder", None)]


async def test_a_customer_elsewhere_has_no_outage_at_their_line(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    elsewhere = await given.customer(owner, "Tom Okafor", "+447700900999")
    await given.subscriber(owner, elsewhere, await given.device(owner, "olt-2"))

    async with asking(atlas, customer(CustomerId(elsewhere))) as (turn, _):
        found = await itsm.is_there_an_outage(turn)

    assert (found.at_my_lines, {one.incident_id for one in found.public}) == ([], {now.incident_id})


async def test_somebody_whose_line_came_back_today_hears_when(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, ResolveIncident(now.incident_id), LATER)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0])), LATER) as (turn, _):
        found = await itsm.is_there_an_outage(turn)

    assert [one.restored_at for one in found.at_my_lines] == [LATER]


async def test_a_stranger_hears_what_is_public_by_area(atlas: Atlas, owner: Owner) -> None:
    await outage(atlas, owner)

    async with asking(atlas, stranger()) as (turn, _):
        found = await itsm.is_there_an_outage(turn, "old town")

    assert (found.at_my_lines, [(one.area, one.subscribers) for one in found.public]) == ([], [("Old Town", 2)])


async def test_an_area_that_we_do_not_have_is_not_said_to_be_well(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, stranger()) as (turn, _):
        assert not (await itsm.is_there_an_outage(turn, "Atlantis")).area_is_known


async def test_the_incident_meant_is_the_one_that_opened_last(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, ASHA) as (turn, _):
        shown = await itsm.show_incident(turn)

    assert (shown.incident_id, shown.root, shown.subscribers, shown.happened[0].kind) == (now.incident_id, "olt-1", 4, "opened")


async def test_an_incident_is_shown_with_its_tickets(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await carried.out(atlas, OpenTickets(now.incident_id), NOW)

    async with asking(atlas, ASHA) as (turn, _):
        assert len((await itsm.show_incident(turn, now.incident_id)).tickets) == 3


async def test_what_is_affected_is_counted_by_area_and_in_money(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    await owner.execute("UPDATE crm.customer SET is_vulnerable = true WHERE id = %s", (now.plant.customers[0],))

    async with asking(atlas, ASHA) as (turn, _):
        found = await itsm.what_is_affected(turn, now.incident_id)

    assert (found.subscribers, str(found.monthly_revenue_at_risk), [area.subscribers for area in found.areas]) == (4, "120.00", [2, 2])
    assert [line.customer_id for line in found.vulnerable_lines] == [now.plant.customers[0]]


async def test_the_reasons_name_the_element_and_the_evidence(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner, hypotheses=(SUSPECTED,))
    await owner.execute(
        "UPDATE itsm.incident SET hypotheses = %s", (Jsonb([{**SUSPECTED, "element": {"kind": "device", "id": now.plant.olt}}]),)
    )

    async with asking(atlas, ASHA) as (turn, _):
        (suspicion,) = (await itsm.why_do_you_think_so(turn)).suspected

    assert (suspicion.elements, suspicion.speaks_for[0].count) == (("olt-1",), 3)


async def test_what_waits_is_shown_with_how_many_and_how_much(atlas: Atlas, owner: Owner) -> None:
    await waiting(owner)

    async with asking(atlas, ASHA) as (turn, _):
        (one,) = await itsm.what_waits_for_approval(turn)

    assert (one.customers, str(one.money), one.approver_roles, one.why_it_waits) == (
        312,
        "1,560.00",
        ("billing_lead",),
        "credits above 250.00 together",
    )


async def test_what_waits_is_mine_where_i_hold_the_role(atlas: Atlas, owner: Owner) -> None:
    await waiting(owner)

    assert (await mine(atlas, HELEN), await mine(atlas, ASHA)) == (True, False)


async def test_what_i_proposed_is_not_mine_to_approve(atlas: Atlas, owner: Owner) -> None:
    await waiting(owner, proposer="staff:2")

    assert not await mine(atlas, HELEN)


async def test_a_request_that_has_lapsed_no_longer_waits(atlas: Atlas, owner: Owner) -> None:
    await waiting(owner)

    async with asking(atlas, HELEN, NOW + timedelta(hours=5)) as (turn, _):
        assert await itsm.what_waits_for_approval(turn) == []


async def test_a_customer_may_not_look_into_an_incident(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)

    async with asking(atlas, customer(CustomerId(now.plant.customers[0]))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await itsm.what_is_affected(turn, now.incident_id)


async def test_what_is_affected_names_the_tickets_that_its_customers_have_open(atlas: Atlas, owner: Owner) -> None:
    now = await outage(atlas, owner)
    action_id = await given.action(owner)
    for customer_id in now.plant.customers[:2]:
        await given.row(
            owner, "itsm.ticket", kind="complaint", customer_id=customer_id, impact=4, urgency=4, title="Slow", action_id=action_id
        )

    async with asking(atlas, ASHA) as (turn, _):
        found = await itsm.what_is_affected(turn, now.incident_id)

    assert [ticket.customer_id for ticket in found.open_tickets] == list(now.plant.customers[:2])
