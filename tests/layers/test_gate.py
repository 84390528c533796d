"""What the gate in the database refuses, whatever Python says: beyond the limits, by the wrong people, too late, or switched off."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState, SerializationFailure

from atlas import principal
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.principal import Role, executor
from governance.facts import PROPOSER, DeviceTier, Facts, ProposerKind
from governance.rows import Limits, Row
from tests import given
from tests.layers import catalogue, gate
from tests.layers.gate import judged_alone, state

ROOT = Path(__file__).parents[2]
NOTE = Facts("note", customers=1)
CREDIT = Facts("credit", money=Money("25.00"), money_each=Money("5.00"), customers=5)
CUT_OFF = Facts("cut_off", customers=1, is_disconnection=True)


async def refusal_of(atlas: Atlas, owner: given.Owner, facts: Facts | Mapping[str, Any], rows: tuple[Row, ...]) -> str | None:
    """Why the gate refuses what these rows would let through; None where it does not."""
    made = await gate.put(owner, rows)
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, facts)
    judged = await gate.judged(atlas, action_id, made, take=True)
    return judged.reason if judged.state == "refused" else None


async def test_what_stays_within_the_limits_goes_alone(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, CREDIT)

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
async def test_no_row_lets_beyond_the_limits_go_alone(atlas: Atlas, owner: given.Owner, facts: Facts) -> None:
    assert await refusal_of(atlas, owner, facts, gate.lax()) is not None


WHOLE = gate.columns_of(NOTE)


@pytest.mark.parametrize("column", sorted(WHOLE))
async def test_a_fact_that_is_missing_bars_the_action(atlas: Atlas, owner: given.Owner, column: str) -> None:
    assert await refusal_of(atlas, owner, {name: value for name, value in WHOLE.items() if name != column}, gate.lax()) is not None


@pytest.mark.parametrize("column", sorted(set(WHOLE) - {"money_each"}))
@pytest.mark.parametrize("value", [None, [], "1", {"a": 1}], ids=["nothing", "a list", "words", "an object"])
async def test_a_fact_of_another_type_bars_the_action(atlas: Atlas, owner: given.Owner, column: str, value: Any) -> None:
    assert await refusal_of(atlas, owner, {**WHOLE, column: value}, gate.lax()) is not None


async def test_facts_that_name_another_proposer_bar_the_action(atlas: Atlas, owner: given.Owner) -> None:
    refusal = await refusal_of(atlas, owner, Facts("note", customers=1, proposed_by="staff:3"), gate.lax())

    assert refusal == "its facts name another proposer"


async def test_nobody_who_works_here_proposes_what_they_gain_by(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.lax())
    anna = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    async with atlas.transaction(anna) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1, benefits_proposer=True, proposed_by=anna.reference))

    judged = await gate.judged(atlas, action_id, made)

    assert (judged.state, judged.rule) == ("refused", "own-benefit")


async def test_nobody_who_works_here_proposes_for_their_own_household_whatever_the_facts_say(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.lax())
    anna = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    household = await given.customer(owner)
    await owner.execute("UPDATE staff.member SET customer_id = %s", (household,))
    async with atlas.transaction(anna) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1, proposed_by=anna.reference), for_customer=household)

    judged = await gate.judged(atlas, action_id, made)

    assert (judged.state, judged.rule) == ("refused", "own-benefit")


async def test_nothing_is_judged_while_the_gate_has_no_matrix(atlas: Atlas) -> None:
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, NOTE)

    with pytest.raises(SerializationFailure):
        await gate.judged(atlas, action_id, gate.matrix(gate.lax()))


async def test_nothing_is_judged_by_a_matrix_that_is_not_in_force(atlas: Atlas, owner: given.Owner) -> None:
    await gate.put(owner, gate.lax())
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, NOTE)

    with pytest.raises(SerializationFailure):
        await gate.judged(atlas, action_id, gate.matrix(gate.lax(within=timedelta(days=1))))


async def test_nothing_is_claimed_once_its_limit_is_gone(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)
    await gate.put(owner, gate.lax(), limits=())

    with pytest.raises(InsufficientPrivilege, match="no row of the matrix covers"):
        await gate.carried_out(atlas, action_id)


async def test_a_limit_lowered_since_the_verdict_counts_at_the_claim(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, CREDIT)
    await gate.put(owner, gate.lax(), limits=tuple(replace(limit, alone=limit.alone and Limits(customers=1)) for limit in gate.LIMITS))

    with pytest.raises(InsufficientPrivilege, match="without a person"):
        await gate.carried_out(atlas, action_id)


async def test_a_row_tightened_since_the_verdict_counts_at_the_claim(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)
    await gate.put(owner, gate.asking(Role.BILLING_LEAD))

    with pytest.raises(InsufficientPrivilege, match="now needs other approvals"):
        await gate.carried_out(atlas, action_id)


EDITS: dict[str, LiteralString] = {
    "facts": """UPDATE actions.action SET facts = facts || '{"customers": 4}'""",
    "arguments": """UPDATE actions.action SET arguments = '{"to": "somebody else"}'""",
    "proposer": "UPDATE actions.action SET proposer = 'staff:1'",
    "beneficiary": "UPDATE actions.action SET proposed_for = 7",
    "rows it rests on": """UPDATE actions.action SET rests_on = '[["crm.customer", 1, "1"]]'""",
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
async def test_what_was_edited_after_the_verdict_is_not_claimed(atlas: Atlas, owner: given.Owner, edit: LiteralString) -> None:
    action_id = await judged_alone(atlas, owner, CREDIT)
    await owner.execute(edit)

    with pytest.raises(ObjectNotInPrerequisiteState, match="not what was judged"):
        await gate.carried_out(atlas, action_id)


async def test_what_was_edited_before_the_verdict_is_refused(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.lax())
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, CREDIT)
    await owner.execute("""UPDATE actions.action SET facts = facts || '{"customers": 4}'""")

    assert (await gate.judged(atlas, action_id, made)).reason == "it is not what was proposed"


async def test_what_rests_on_a_row_that_somebody_changed_is_not_claimed(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.lax())
    household = await given.customer(owner)
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, NOTE, rests_on=f'[["crm.customer", {household}]]')
    await gate.judged(atlas, action_id, made)
    await owner.execute("UPDATE crm.customer SET name = name")

    with pytest.raises(ObjectNotInPrerequisiteState, match="what it rests on has changed"):
        await gate.carried_out(atlas, action_id)


async def test_what_rests_on_a_row_that_nobody_changed_is_claimed(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.lax())
    household = await given.customer(owner)
    async with atlas.transaction(gate.TEST) as conn:
        action_id = await gate.proposed(conn, NOTE, rests_on=f'[["crm.customer", {household}]]')
    await gate.judged(atlas, action_id, made)

    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


async def test_no_approver_lifts_what_is_above_ever(atlas: Atlas, owner: given.Owner) -> None:
    facts = Facts("credit", money=Money("500.01"), money_each=Money("50.00"), customers=20)

    assert await refusal_of(atlas, owner, facts, gate.asking(Role.BILLING_LEAD)) == "money is above what credit may ever reach"


@pytest.mark.parametrize(
    "protected",
    [replace(CUT_OFF, touches_vulnerable=True), replace(CUT_OFF, touches_emergency_line=True), replace(CUT_OFF, is_disputed=True)],
)
async def test_nobody_whom_something_protects_is_cut_off_even_with_an_approval(atlas: Atlas, owner: given.Owner, protected: Facts) -> None:
    assert "never disconnected" in (await refusal_of(atlas, owner, protected, gate.asking(Role.BILLING_LEAD)) or "")


async def test_a_disconnection_that_somebody_approved_is_claimed(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CUT_OFF, Role.BILLING_LEAD)

    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await gate.carried_out(atlas, action_id)

    assert await state(owner, action_id) == "done"


async def test_a_disconnection_is_not_claimed_on_a_state_without_a_ruling(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CUT_OFF, Role.BILLING_LEAD)
    await owner.execute("UPDATE actions.action SET state = 'approved', execute_by = now() + interval '1 hour', approvals_needed = 0")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_what_was_allowed_is_not_claimed_after_its_time(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, NOTE, within=timedelta(0))

    with pytest.raises(ObjectNotInPrerequisiteState, match="in time"):
        await gate.carried_out(atlas, action_id)


async def test_four_claims_at_once_carry_it_out_once(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await judged_alone(atlas, owner, NOTE)

    outcomes = await asyncio.gather(*(gate.carried_out(atlas, action_id) for _ in range(4)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NoneType"] + ["ObjectNotInPrerequisiteState"] * 3


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


@pytest.mark.parametrize("rested_on", ["pg_temp.evil", "pg_catalog.pg_class", "itsm.nothing", "information_schema.tables"])
async def test_an_order_rests_on_tables_of_ours_only_and_on_nothing_that_runs_code_when_read(
    atlas: Atlas, owner: given.Owner, rested_on: str
) -> None:
    async def asks() -> None:
        async with atlas.transaction(gate.TEST) as conn:
            await conn.execute("CREATE VIEW pg_temp.evil AS SELECT 1::bigint AS id, 'as its owner'::text AS xmin")
            await gate.proposed(conn, NOTE, rests_on=json.dumps([[rested_on, 1]]))

    with pytest.raises(psycopg.Error, match="there is no table"):
        await asks()


REWRITES = [
    "UPDATE actions.errand SET port = 'payments'",
    "UPDATE actions.errand SET arguments = '{}'",
    "UPDATE actions.errand SET key = 'another'",
    "UPDATE helpdesk.notice SET words = 'something else'",
    "UPDATE helpdesk.notice SET purpose = 'reply'",
    "UPDATE helpdesk.notice SET key = 'another'",
]


@pytest.mark.parametrize("rewrite", REWRITES)
async def test_what_was_decided_is_not_rewritten_on_its_way_out(atlas: Atlas, owner: given.Owner, rewrite: str) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(gate.TEST) as conn:
            await conn.execute(rewrite.encode())


async def test_which_action_is_claimed_is_asked_once_a_statement_and_not_of_every_row(owner: given.Owner) -> None:
    of_every_row = re.compile(r"(?<!:)= actions\.claimed\(\)")

    assert [one.name for one in await catalogue.functions(owner) if of_every_row.search(one.text)] == []


def test_no_statement_asks_of_every_row_which_action_is_claimed() -> None:
    # What a row is set to is asked of the rows that are written anyway; what rows are sought by, of all there are.
    sought_by = re.compile(r"[. ]id (?:=|<>|IS DISTINCT FROM|IS NOT DISTINCT FROM) actions\.claimed\(\)")
    statements = [path for folder in ("atlas", "forge") for path in (ROOT / folder).rglob("*.sql") if "migrations" not in path.parts]

    assert len(statements) > 10
    assert [path.name for path in statements if path.name != "schema.sql" and sought_by.search(path.read_text())] == []
