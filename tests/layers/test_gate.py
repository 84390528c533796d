"""What the gate in the database refuses, whatever Python says: beyond the limits, by the wrong people, too late, or switched off."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState, SerializationFailure

from atlas import principal
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.principal import Role, executor
from governance.facts import PROPOSER, DeviceTier, Facts, ProposerKind
from tests import given
from tests.layers import gate

NOTE = Facts("note", customers=1)
CREDIT = Facts("credit", money=Money("25.00"), money_each=Money("5.00"), customers=5)
CUT_OFF = Facts("cut_off", customers=1, is_disconnection=True)


async def judged_alone(atlas: Atlas, facts: Facts | Mapping[str, Any], within: str = "1 hour") -> int:
    async with atlas.transaction(gate.TEST) as conn:
        await gate.load(conn)
        action_id = await gate.proposed(conn, facts)
        await gate.allowed(conn, action_id, within)
    return action_id


async def allowed(atlas: Atlas, action_id: int) -> None:
    async with atlas.transaction(gate.TEST) as conn:
        await gate.load(conn)
        await gate.allowed(conn, action_id)


async def state(owner: given.Owner, action_id: int) -> str:
    row = await (await owner.execute("SELECT state FROM actions.action WHERE id = %s", (action_id,))).fetchone()
    assert row is not None
    return str(row[0])


async def test_what_stays_within_the_limits_goes_alone(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, CREDIT)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


BEYOND_ALONE = {
    "one penny more in all": Facts("credit", money=Money("25.01"), money_each=Money("5.00"), customers=6),
    "one penny more for one": Facts("credit", money=Money("10.00"), money_each=Money("5.01"), customers=2),
    "all of it for one": Facts("credit", money=Money("25.00"), customers=1),
    "one customer more": Facts("credit", money=Money("5.00"), money_each=Money("1.00"), customers=11),
    "a device where none is named": Facts("note", customers=1, devices=1, device_tier=DeviceTier.CUSTOMER),
    "a crew where none is named": Facts("note", customers=1, crews=1),
    "an action that never goes alone": Facts("retire", customers=0),
    "a disconnection": CUT_OFF,
    "a disconnection in disguise": Facts("note", customers=1, is_disconnection=True),
    "an action without a limit": Facts("unheard_of"),
    "less than nothing": Facts("credit", money=Money("-1.00"), customers=1),
}


@pytest.mark.parametrize("facts", BEYOND_ALONE.values(), ids=BEYOND_ALONE)
async def test_no_verdict_lets_beyond_the_limits_go_alone(atlas: Atlas, facts: Facts) -> None:
    with pytest.raises(InsufficientPrivilege):
        await judged_alone(atlas, facts)


@pytest.mark.parametrize("column", ["money", "customers", "devices", "crews", "device_tier", "is_disconnection", "proposed_by"])
async def test_a_fact_that_is_missing_bars_the_action(atlas: Atlas, column: str) -> None:
    facts = {"action": "note", "proposed_by": "system:test", "money": "0.00", "customers": 1, "devices": 0, "crews": 0, "device_tier": 0}
    whole = {**facts, "is_disconnection": False, "benefits_proposer": False}

    with pytest.raises(InsufficientPrivilege):
        await judged_alone(atlas, {name: value for name, value in whole.items() if name != column})


async def test_facts_that_name_another_proposer_bar_the_action(atlas: Atlas) -> None:
    with pytest.raises(InsufficientPrivilege, match="another proposer"):
        await judged_alone(atlas, Facts("note", customers=1, proposed_by="staff:3"))


async def test_nobody_who_works_here_proposes_what_they_gain_by(atlas: Atlas, owner: given.Owner) -> None:
    anna = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    async with atlas.transaction(anna) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1, benefits_proposer=True, proposed_by=anna.reference))

    with pytest.raises(InsufficientPrivilege, match="gain by"):
        await allowed(atlas, action_id)


async def test_nothing_is_judged_while_the_gate_has_no_limits(atlas: Atlas) -> None:
    with pytest.raises(SerializationFailure):
        async with atlas.transaction(gate.TEST) as conn:
            await gate.allowed(conn, await gate.proposed(conn, NOTE))


async def test_nothing_is_claimed_once_its_limit_is_gone(atlas: Atlas) -> None:
    action_id = await judged_alone(atlas, NOTE)
    async with atlas.transaction(gate.TEST) as conn:
        await gate.load(conn, limits=())

    with pytest.raises(InsufficientPrivilege, match="no hard limit"):
        await gate.carried_out(atlas, action_id)


async def test_a_limit_lowered_since_the_verdict_counts_at_the_claim(atlas: Atlas) -> None:
    action_id = await judged_alone(atlas, CREDIT)
    async with atlas.transaction(gate.TEST) as conn:
        await gate.load(conn, limits=tuple(limit for limit in gate.LIMITS if limit.action != "credit"), matrix="another")

    with pytest.raises(InsufficientPrivilege):
        await gate.carried_out(atlas, action_id)


async def test_facts_enlarged_after_the_verdict_are_not_claimed(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, CREDIT)
    await owner.execute("""UPDATE actions.action SET facts = facts || '{"money": "999.00"}' WHERE id = %s""", (action_id,))

    with pytest.raises(InsufficientPrivilege, match="money is above"):
        await gate.carried_out(atlas, action_id)


async def test_no_approver_lifts_what_is_above_ever(atlas: Atlas) -> None:
    with pytest.raises(InsufficientPrivilege, match="money is above what credit may ever reach"):
        await gate.asked(atlas, Facts("credit", money=Money("500.01"), money_each=Money("50.00"), customers=20), "billing_lead")


@pytest.mark.parametrize(
    "protected",
    [replace(CUT_OFF, touches_vulnerable=True), replace(CUT_OFF, touches_emergency_line=True), replace(CUT_OFF, is_disputed=True)],
)
async def test_nobody_whom_something_protects_is_cut_off_even_with_an_approval(atlas: Atlas, protected: Facts) -> None:
    with pytest.raises(InsufficientPrivilege, match="never disconnected"):
        await gate.asked(atlas, protected, "billing_lead")


async def test_a_disconnection_that_somebody_approved_is_claimed(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CUT_OFF, "billing_lead")

    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


async def test_a_disconnection_is_not_claimed_on_a_state_without_a_ruling(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CUT_OFF, "billing_lead")
    await owner.execute("UPDATE actions.action SET state = 'approved', execute_by = now() + interval '1 hour', approvals_needed = 0")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


LEADS: dict[str, tuple[Role, ...]] = {
    "Anna Bell": (Role.BILLING_LEAD,),
    "Ben Cole": (Role.BILLING_LEAD,),
    "Dora Eve": (Role.OPERATIONS_DIRECTOR,),
    "Fay Gill": (Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR),
    "Hal Ives": (Role.NOC_LEAD, Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR),
}
TWO = ("billing_lead", "operations_director")
THREE = (*TWO, "noc_lead")
COVERED = [
    (TWO, 2, ("Anna Bell", "Dora Eve"), "approved"),
    (TWO, 2, ("Anna Bell", "Ben Cole"), "waiting"),
    (TWO, 2, ("Fay Gill",), "waiting"),
    (TWO, 2, ("Fay Gill", "Anna Bell"), "approved"),
    (TWO, 1, ("Fay Gill",), "waiting"),
    (TWO, 3, ("Anna Bell", "Dora Eve"), "waiting"),
    (TWO, 3, ("Anna Bell", "Ben Cole", "Dora Eve"), "approved"),
    (THREE, 3, ("Anna Bell", "Ben Cole", "Hal Ives"), "waiting"),
    (THREE, 3, ("Anna Bell", "Dora Eve", "Hal Ives"), "approved"),
    (THREE, 3, ("Fay Gill", "Anna Bell", "Hal Ives"), "approved"),
]


@pytest.mark.parametrize(("roles", "needed", "people", "expected"), COVERED)
async def test_each_role_asked_for_is_given_by_somebody_else(
    atlas: Atlas, owner: given.Owner, roles: tuple[str, ...], needed: int, people: tuple[str, ...], expected: str
) -> None:
    action_id = await gate.asked(atlas, CREDIT, *roles, needed=needed)

    answers = [await gate.ruled(atlas, await gate.lead(owner, name, *LEADS[name]), action_id) for name in people]

    assert answers == ["waiting"] * (len(people) - 1) + [expected]


async def test_a_role_lost_between_approval_and_claim_counts_no_longer(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CREDIT, "billing_lead")
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE staff.role_held SET valid_until = now()")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_the_approval_of_somebody_who_left_counts_no_longer(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CREDIT, "billing_lead")
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE staff.member SET is_active = false")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_an_approval_of_other_facts_counts_for_nothing(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CREDIT, "billing_lead")
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE actions.ruling SET digest_seen = 'another'")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_the_time_to_carry_out_runs_from_the_last_approval(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, CREDIT, "billing_lead", execute_within="30 minutes")
    await owner.execute("UPDATE actions.action SET approve_by = approve_by - interval '50 minutes'")

    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)

    rows = await owner.execute("SELECT execute_by - ruled_at BETWEEN interval '30 minutes' AND interval '31 minutes' FROM actions.action")
    assert await rows.fetchall() == [(True,)]


async def test_what_waits_has_no_time_to_carry_out_yet(atlas: Atlas, owner: given.Owner) -> None:
    await gate.asked(atlas, CREDIT, "billing_lead")

    assert await (await owner.execute("SELECT execute_by FROM actions.action")).fetchall() == [(None,)]


async def test_what_was_allowed_is_not_claimed_after_its_time(atlas: Atlas) -> None:
    action_id = await judged_alone(atlas, NOTE, within="0")

    with pytest.raises(ObjectNotInPrerequisiteState, match="in time"):
        await gate.carried_out(atlas, action_id)


async def test_four_claims_at_once_carry_it_out_once(atlas: Atlas) -> None:
    action_id = await judged_alone(atlas, NOTE)

    outcomes = await asyncio.gather(*(gate.carried_out(atlas, action_id) for _ in range(4)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["ObjectNotInPrerequisiteState"] * 3


async def switched(atlas: Atlas, who: principal.Principal, scope: str, name: str, is_on: bool) -> None:
    async with atlas.transaction(who) as conn:
        await conn.execute("SELECT actions.switch(%s, %s, %s, 'because')", (scope, name, is_on))


@pytest.mark.parametrize(("scope", "name"), [("action", "note"), ("action", "*"), ("agent", "test"), ("agent", "*")])
async def test_what_is_switched_off_is_not_claimed(atlas: Atlas, scope: str, name: str) -> None:
    action_id = await judged_alone(atlas, NOTE)
    await switched(atlas, executor("breaker"), scope, name, True)

    with pytest.raises(ObjectNotInPrerequisiteState, match="switched off"):
        await gate.carried_out(atlas, action_id)


@pytest.mark.parametrize(("scope", "name"), [("action", "credit"), ("agent", "another"), ("channel", "*")])
async def test_what_else_is_switched_off_stops_nothing(atlas: Atlas, owner: given.Owner, scope: str, name: str) -> None:
    action_id = await judged_alone(atlas, NOTE)
    await switched(atlas, executor("breaker"), scope, name, True)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


async def test_what_a_noc_lead_switches_on_again_goes_on(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, NOTE)
    noc_lead = await gate.lead(owner, "Anna Bell", Role.NOC_LEAD)
    await switched(atlas, noc_lead, "action", "note", True)
    await switched(atlas, noc_lead, "action", "note", False)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


@pytest.mark.parametrize("who", [executor("forge"), principal.intake("snmp"), principal.customer(CustomerId(1)), principal.stranger()])
async def test_no_machine_and_no_customer_switches_anything_on_again(atlas: Atlas, who: principal.Principal) -> None:
    await switched(atlas, executor("breaker"), "action", "note", True)

    with pytest.raises(InsufficientPrivilege):
        await switched(atlas, who, "action", "note", False)


async def test_every_switching_is_on_record(atlas: Atlas, owner: given.Owner) -> None:
    anna = await gate.lead(owner, "Anna Bell", Role.NOC_LEAD)
    await switched(atlas, anna, "action", "note", True)
    await switched(atlas, anna, "action", "note", False)

    rows = await owner.execute("SELECT actor, event FROM actions.audit ORDER BY seq")
    assert await rows.fetchall() == [(anna.reference, "stopped"), (anna.reference, "released")]


PEOPLE = [
    principal.customer(CustomerId(7)),
    principal.stranger(),
    principal.Principal(principal.Zone.CUSTOMER, "forge"),
    principal.Principal(principal.Zone.STAFF, "forge"),
    executor("cortex"),
]


@pytest.mark.parametrize("who", PEOPLE, ids=lambda who: f"{who.zone}-{who.name}")
async def test_the_database_and_python_name_everybody_alike(atlas: Atlas, owner: given.Owner, who: principal.Principal) -> None:
    async with atlas.transaction(who) as conn:
        action_id = await gate.proposed(conn, {})

    rows = await owner.execute("SELECT proposer FROM actions.action WHERE id = %s", (action_id,))
    assert await rows.fetchall() == [(who.reference,)]


async def test_a_stranger_who_calls_themselves_a_part_of_the_system_is_a_customer(atlas: Atlas, owner: given.Owner) -> None:
    async with atlas.transaction(principal.stranger()) as conn:
        await conn.execute("SELECT set_config('bedrock.part', 'forge', true)")
        await gate.proposed(conn, {})

    (row,) = await (await owner.execute("SELECT proposer FROM actions.action")).fetchall()
    assert PROPOSER.fullmatch(row[0])
    assert Facts("note", proposed_by=row[0]).proposer_kind is ProposerKind.CUSTOMER


async def test_a_customer_does_not_occupy_the_name_of_somebody_elses_operation(atlas: Atlas) -> None:
    async with atlas.transaction(principal.customer(CustomerId(7))) as conn:
        occupied = await gate.proposed(conn, {}, key="issue_credits:incident:31")

    async with atlas.transaction(executor("forge")) as conn:
        genuine = await gate.proposed(conn, {}, key="issue_credits:incident:31")

    assert genuine != occupied


async def test_a_customer_asking_for_the_same_twice_asks_once(atlas: Atlas) -> None:
    async with atlas.transaction(principal.customer(CustomerId(7))) as conn:
        first = await gate.proposed(conn, {}, key="credit:31")
        again = await gate.proposed(conn, {}, key="credit:31")

    assert first == again


async def test_a_customer_does_not_put_a_request_in_the_place_of_somebody_elses(atlas: Atlas) -> None:
    async with atlas.transaction(gate.TEST) as conn:
        theirs = await gate.proposed(conn, NOTE)

    with pytest.raises(InsufficientPrivilege, match="not yours"):
        async with atlas.transaction(principal.customer(CustomerId(7))) as conn:
            await conn.execute(
                "SELECT actions.propose('note', '{}', '{}', '', 'key', NULL, '', '[]', gen_random_uuid(), NULL, %s)",
                (theirs,),
            )
