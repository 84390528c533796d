"""A person rules: exactly on what was shown, once, in time, by the right role; and only then is it carried out."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from atlas.actions import reads, writes
from atlas.actions.records import ActionState
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId, StaffId
from atlas.money import Money
from atlas.principal import Principal, Role, executor, in_session, staff
from forge.approvals import Card, RulingRefused, approve, expire_overdue, reject, waiting_for
from forge.carry_out import carry_out, settle_abandoned
from forge.graph import Bookmarks, advance, open_bookmarks, pending_interrupts
from forge.propose import EXECUTOR, Forge, Proposed, propose
from governance.approvers import Why
from tests import given
from tests.forge.orders import Credits

Owner = AsyncConnection[tuple[Any, ...]]
CAUSE = CorrelationId(uuid.UUID(int=7))
SYSTEM = executor("playbook")
EDITS = {
    "arguments": """UPDATE actions.action SET arguments = jsonb_set(arguments, '{each}', '"900.00"')""",
    "facts": """UPDATE actions.action SET facts = jsonb_set(facts, '{money}', '"900.00"')""",
}


async def lead(owner: Owner, name: str = "Bill Ling", *roles: Role, signed_in_ago: timedelta = timedelta(seconds=5)) -> Principal:
    held = roles or (Role.BILLING_LEAD,)
    member = await given.member(owner, name, *held)
    return in_session(staff(StaffId(member), name, frozenset(held)), await given.session(owner, member, signed_in_ago))


async def waiting(forge: Forge, owner: Owner, each: str = "30.00", by: Principal = SYSTEM) -> Proposed:
    await given.customer(owner)
    rows = await (await owner.execute("SELECT id FROM crm.customer ORDER BY id")).fetchall()
    customers = tuple(CustomerId(row[0]) for row in rows)
    return await propose(forge, by, Credits(customers, Money(each)), reason="the outage of Monday", correlation_id=CAUSE)


async def card_of(forge: Forge, proposed: Proposed) -> Card:
    async with forge.atlas.transaction(EXECUTOR) as conn:
        (card,) = [card for card in await waiting_for(forge, conn) if card.action_id == proposed.action_id]
    return card


async def credited(owner: Owner) -> int:
    row = await (await owner.execute("SELECT count(*) FROM helpdesk.promise")).fetchone()
    return int(row[0]) if row else 0


async def state_of(owner: Owner, proposed: Proposed) -> str:
    row = await (await owner.execute("SELECT state FROM actions.action WHERE id = %s", (proposed.action_id,))).fetchone()
    return str(row[0]) if row else ""


async def test_what_waits_shows_who_how_much_why_and_what_customers_would_see(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)

    card = await card_of(forge, proposed)

    assert (card.facts.customers, card.facts.money, card.approver_roles) == (1, Money("30.00"), ("billing_lead",))
    assert (card.reason, card.rule, card.customers_would_see) == ("the outage of Monday", "credits-large", ("You get 30.00 back.",))


async def test_what_waits_for_one_role_is_not_listed_for_another(forge: Forge, owner: Owner) -> None:
    await waiting(forge, owner)

    async with forge.atlas.transaction(EXECUTOR) as conn:
        assert await waiting_for(forge, conn, [Role.NOC_LEAD]) == []


async def test_an_approved_action_is_carried_out_once(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)

    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest, note="fair")
    first, second = await carry_out(forge, proposed.action_id), await carry_out(forge, proposed.action_id)

    assert (first.state, second.state) == (ActionState.DONE, ActionState.DONE)
    assert await credited(owner) == 1


async def test_two_approvers_and_four_workers_at_once_make_one_effect(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    leads = [await lead(owner, "Bill Ling"), await lead(owner, "Lena Bill")]

    ruled = await asyncio.gather(
        *(approve(forge, one, proposed.action_id, digest_seen=card.digest) for one in leads), return_exceptions=True
    )
    await asyncio.gather(*(carry_out(forge, proposed.action_id) for _ in range(4)))

    assert [getattr(one, "why", "ruled") for one in ruled].count("ruled") == 1
    assert await credited(owner) == 1


@pytest.mark.parametrize("what", ["arguments", "facts"])
async def test_an_action_edited_after_its_approval_is_not_carried_out(forge: Forge, owner: Owner, what: str) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    await owner.execute(EDITS[what])

    outcome = await carry_out(forge, proposed.action_id)

    assert (outcome.state, await credited(owner)) == (ActionState.FAILED, 0)
    assert outcome.failure == "its arguments are not those that were judged and approved"


async def test_the_gate_refuses_a_claim_of_anything_but_what_was_approved(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)

    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="not what was judged"):
        async with forge.atlas.transaction(EXECUTOR) as conn:
            await writes.claim(conn, proposed.action_id, b"another")


async def test_whoever_saw_another_amount_approves_nothing(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, await lead(owner), proposed.action_id, digest_seen="00" * 32)

    assert refused.value.why is Why.CARD_IS_STALE


async def test_the_wrong_role_does_not_approve(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    someone = await lead(owner, "Nora Ng", Role.NOC_LEAD)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, someone, proposed.action_id, digest_seen=card.digest)

    assert refused.value.why is Why.WRONG_ROLE


async def test_a_role_that_the_session_claims_but_atlas_does_not_know_approves_nothing(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    forged = replace(await lead(owner, "Nora Ng", Role.NOC_LEAD), roles=frozenset({Role.BILLING_LEAD}))

    with pytest.raises(RulingRefused, match="billing_lead"):
        await approve(forge, forged, proposed.action_id, digest_seen=card.digest)


async def test_the_proposer_does_not_approve(forge: Forge, owner: Owner) -> None:
    proposer = await lead(owner)
    proposed = await waiting(forge, owner, by=proposer)
    card = await card_of(forge, proposed)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, proposer, proposed.action_id, digest_seen=card.digest)

    assert refused.value.why is Why.IS_PROPOSER


async def test_the_proposer_does_not_approve_their_request_after_it_was_proposed_anew(forge: Forge, owner: Owner) -> None:
    proposer = await lead(owner)
    proposed = await waiting(forge, owner, by=proposer)
    card = await card_of(forge, proposed)
    await given.customer(owner, name="Ada Low", phone="+447700900002")
    await approve(forge, await lead(owner, "Lena Bill"), proposed.action_id, digest_seen=card.digest)
    anew = await carry_out(forge, proposed.action_id)

    again = await card_of(forge, anew)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, proposer, anew.action_id, digest_seen=again.digest)

    assert refused.value.why is Why.IS_PROPOSER


async def test_money_needs_a_fresh_sign_in(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, await lead(owner, signed_in_ago=timedelta(minutes=6)), proposed.action_id, digest_seen=card.digest)

    assert refused.value.why is Why.SIGN_IN_TOO_OLD


async def test_nobody_rules_who_did_not_come_by_a_sign_in(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, replace(await lead(owner), session=""), proposed.action_id, digest_seen=card.digest)

    assert refused.value.why is Why.NOT_SIGNED_IN


async def test_two_of_one_role_do_not_stand_for_two_roles(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner, each="900.00")
    await owner.execute(
        "UPDATE actions.action SET approver_roles = '{billing_lead,operations_director}', approvals_needed = 2 WHERE id = %s",
        (proposed.action_id,),
    )
    for one in (await lead(owner, "Bill Ling"), await lead(owner, "Lena Bill")):
        async with forge.atlas.transaction(one) as conn:
            row = await reads.action(conn, proposed.action_id)
            await writes.rule(conn, proposed.action_id, is_approval=True, digest_seen=row.digest, note="")

    assert await state_of(owner, proposed) == ActionState.WAITING


async def test_a_rejected_action_is_over(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)

    ruled = await reject(forge, await lead(owner), proposed.action_id, digest_seen=card.digest, note="too much")
    outcome = await carry_out(forge, proposed.action_id)

    assert (ruled.state, outcome.state, await credited(owner)) == (ActionState.REJECTED, ActionState.REJECTED, 0)


async def test_a_lapsed_request_is_not_approved(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await owner.execute("UPDATE actions.action SET approve_by = judged_at")

    with pytest.raises(RulingRefused) as refused:
        await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)

    assert refused.value.why is Why.EXPIRED


async def test_a_request_that_nobody_ruled_on_in_time_expires(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    await owner.execute("UPDATE actions.action SET approve_by = now() - interval '1 second'")

    assert await expire_overdue(forge) == [proposed.action_id]
    assert await state_of(owner, proposed) == ActionState.EXPIRED


async def test_an_approval_that_was_not_carried_out_in_time_expires(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    await owner.execute("UPDATE actions.action SET execute_by = now() - interval '1 second'")

    outcome = await carry_out(forge, proposed.action_id)

    assert (outcome.state, await credited(owner)) == (ActionState.EXPIRED, 0)


async def test_facts_that_moved_while_it_waited_are_proposed_anew_and_say_why(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await given.customer(owner, name="Ada Low", phone="+447700900002")
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)

    anew = await carry_out(forge, proposed.action_id)

    again = await card_of(forge, anew)
    assert (await state_of(owner, proposed), anew.state, await credited(owner)) == (ActionState.SUPERSEDED, ActionState.WAITING, 0)
    assert "customers 1 → 2" in again.evidence[-1]["proposed_anew_because"]


async def test_what_was_proposed_anew_is_found_by_its_first_operation(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await given.customer(owner, name="Ada Low", phone="+447700900002")
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    anew = await carry_out(forge, proposed.action_id)

    found = await propose(forge, SYSTEM, Credits((), Money("30.00")), reason="again", correlation_id=CAUSE)

    assert found.action_id == anew.action_id


class Killed(Exception):
    """The process dies here."""


@asynccontextmanager
async def dying(atlas: Atlas) -> AsyncIterator[Any]:
    with contextlib.suppress(Killed):
        async with atlas.transaction(EXECUTOR) as conn:
            yield conn
            raise Killed


async def test_a_kill_between_claim_and_finish_leaves_nothing_and_is_redone_once(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    async with dying(forge.atlas) as conn:
        row = await reads.action(conn, proposed.action_id)
        await writes.claim(conn, row.id, row.digest)
        await forge.register.decoded(row.name, row.arguments).carry_out(conn, forge.now())
    left = (await state_of(owner, proposed), await credited(owner))

    await settle_abandoned(forge, older_than=timedelta(0))

    assert left == (ActionState.APPROVED, 0)
    assert (await state_of(owner, proposed), await credited(owner)) == (ActionState.DONE, 1)


async def test_the_graph_stops_at_its_interrupt_until_somebody_rules(forge: Forge, bookmarks: Bookmarks, owner: Owner) -> None:
    proposed = await waiting(forge, owner)

    for _ in range(2):
        await advance(forge, bookmarks, proposed.action_id)

    (asked,) = await pending_interrupts(bookmarks, proposed.action_id)
    assert asked.value == {"action_id": proposed.action_id}
    assert await credited(owner) == 0


async def test_an_interrupt_survives_a_restart_and_then_its_action_is_carried_out(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    async with open_bookmarks(forge.atlas) as before:
        await advance(forge, before, proposed.action_id)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)

    async with open_bookmarks(forge.atlas) as after:
        for _ in range(2):
            state = await advance(forge, after, proposed.action_id)
        left = await pending_interrupts(after, proposed.action_id)

    assert (state, await credited(owner), left) == (ActionState.DONE, 1, ())


async def test_resuming_a_graph_that_nobody_approved_carries_out_nothing(forge: Forge, bookmarks: Bookmarks, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    await advance(forge, bookmarks, proposed.action_id)

    outcome = await carry_out(forge, proposed.action_id)

    assert (outcome.state, await credited(owner)) == (ActionState.WAITING, 0)


async def test_four_workers_that_wake_one_graph_at_once_make_one_effect(forge: Forge, bookmarks: Bookmarks, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await advance(forge, bookmarks, proposed.action_id)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)

    await asyncio.gather(*(advance(forge, bookmarks, proposed.action_id) for _ in range(4)))

    assert await credited(owner) == 1


async def test_the_audit_trail_tells_who_proposed_judged_approved_and_did_it(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    await carry_out(forge, proposed.action_id)

    async with forge.atlas.transaction(EXECUTOR) as conn:
        trail = await reads.audit_of_action(conn, proposed.action_id)
        broken = await reads.broken_links(conn)

    assert [entry.event for entry in trail] == ["proposed", "waiting", "approved", "done"]
    assert broken == []


async def test_an_approver_who_lost_the_role_before_it_was_carried_out_approved_nothing(forge: Forge, owner: Owner) -> None:
    proposed = await waiting(forge, owner)
    card = await card_of(forge, proposed)
    await approve(forge, await lead(owner), proposed.action_id, digest_seen=card.digest)
    await owner.execute("DELETE FROM staff.role_held")

    outcome = await carry_out(forge, proposed.action_id)

    assert (outcome.state, await credited(owner)) == (ActionState.FAILED, 0)
