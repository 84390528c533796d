"""Who rules at the gate: enough different people of the right roles, as themselves, freshly signed in, neither proposer nor beneficiary."""

from datetime import timedelta

import pytest
from psycopg.errors import DataError, InsufficientPrivilege, ObjectNotInPrerequisiteState

from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.money import Money
from atlas.principal import Principal, Role, customer, in_session
from governance.facts import Facts
from tests import given
from tests.layers import gate

NOTE = Facts("note", customers=1)
CREDIT = Facts("credit", money=Money("25.00"), money_each=Money("5.00"), customers=5)


LEADS: dict[str, tuple[Role, ...]] = {
    "Anna Bell": (Role.BILLING_LEAD,),
    "Ben Cole": (Role.BILLING_LEAD,),
    "Dora Eve": (Role.OPERATIONS_DIRECTOR,),
    "Fay Gill": (Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR),
    "Hal Ives": (Role.NOC_LEAD, Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR),
}
TWO = (Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR)
THREE = (*TWO, Role.NOC_LEAD)
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
    atlas: Atlas, owner: given.Owner, roles: tuple[Role, ...], needed: int, people: tuple[str, ...], expected: str
) -> None:
    action_id = await gate.asked(atlas, owner, CREDIT, *roles, needed=needed)

    answers = [await gate.ruled(atlas, await gate.lead(owner, name, *LEADS[name]), action_id) for name in people]

    assert answers == ["waiting"] * (len(people) - 1) + [expected]


async def test_a_role_lost_between_approval_and_claim_counts_no_longer(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CREDIT, Role.BILLING_LEAD)
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE staff.role_held SET valid_until = now()")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_the_approval_of_somebody_who_left_counts_no_longer(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CREDIT, Role.BILLING_LEAD)
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE staff.member SET is_active = false")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_an_approval_of_other_facts_counts_for_nothing(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CREDIT, Role.BILLING_LEAD)
    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)
    await owner.execute("UPDATE actions.ruling SET digest_seen = 'another'")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_the_time_to_carry_out_runs_from_the_last_approval(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await gate.asked(atlas, owner, CREDIT, Role.BILLING_LEAD, execute_within=timedelta(minutes=30))
    await owner.execute("UPDATE actions.action SET approve_by = approve_by - interval '50 minutes'")

    await gate.ruled(atlas, await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), action_id)

    rows = await owner.execute("SELECT execute_by - ruled_at BETWEEN interval '30 minutes' AND interval '31 minutes' FROM actions.action")
    assert await rows.fetchall() == [(True,)]


async def test_what_waits_has_no_time_to_carry_out_yet(atlas: Atlas, owner: given.Owner) -> None:
    await gate.asked(atlas, owner, CREDIT, Role.BILLING_LEAD)

    assert await (await owner.execute("SELECT execute_by FROM actions.action")).fetchall() == [(None,)]


async def waiting(atlas: Atlas, owner: given.Owner, facts: Facts = CREDIT, needed: int = 1, **about: int) -> int:
    return await gate.asked(atlas, owner, facts, Role.BILLING_LEAD, needed=needed, **about)


async def test_a_ruling_without_a_sign_in_is_none(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner, NOTE), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)

    with pytest.raises(InsufficientPrivilege, match="somebody who is signed in"):
        await gate.ruled(atlas, in_session(anna, b""), action_id)


async def test_somebody_elses_sign_in_is_none_of_theirs(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.BILLING_LEAD)

    with pytest.raises(InsufficientPrivilege, match="somebody who is signed in"):
        await gate.ruled(atlas, in_session(anna, bytes.fromhex(ben.session)), action_id)


async def test_a_fresh_sign_in_elsewhere_does_not_freshen_a_stale_one(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    stale = await given.session(owner, anna.staff_id or 0, timedelta(minutes=5, seconds=1))

    with pytest.raises(InsufficientPrivilege, match="sign in again"):
        await gate.ruled(atlas, in_session(anna, stale), action_id)


async def test_a_stale_sign_in_is_enough_where_no_money_is_at_stake(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner, NOTE), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    stale = await given.session(owner, anna.staff_id or 0, timedelta(hours=3))

    assert await gate.ruled(atlas, in_session(anna, stale), action_id) == "approved"


async def lent(atlas: Atlas, grantor: Principal, delegate: Principal, days: int = 1) -> None:
    async with atlas.transaction(grantor) as conn:
        await conn.execute(
            "SELECT actions.delegate(%s, %s, now(), now() + %s, 'on leave')",
            (delegate.staff_id, Role.BILLING_LEAD.value, timedelta(days=days)),
        )


async def test_a_lent_role_approves_on_behalf_of_whoever_lent_it(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await lent(atlas, anna, ben)

    assert await gate.ruled(atlas, ben, action_id) == "approved"
    await gate.carried_out(atlas, action_id)
    rows = await owner.execute("SELECT staff_id, on_behalf_of FROM actions.ruling")
    assert await rows.fetchall() == [(ben.staff_id, anna.staff_id)]


async def test_a_lender_and_a_delegate_are_one_authority(atlas: Atlas, owner: given.Owner) -> None:
    action_id, anna = await waiting(atlas, owner, needed=2), await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await lent(atlas, anna, ben)
    await gate.ruled(atlas, anna, action_id)

    with pytest.raises(InsufficientPrivilege, match="needs one of"):
        await gate.ruled(atlas, ben, action_id)


async def test_a_lent_role_is_not_lent_on(atlas: Atlas, owner: given.Owner) -> None:
    anna, ben = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await lent(atlas, anna, ben)

    with pytest.raises(InsufficientPrivilege, match="not a role of your own"):
        await lent(atlas, ben, await gate.lead(owner, "Cleo Dunn"))


async def test_no_role_is_lent_for_longer_than_a_fortnight(atlas: Atlas, owner: given.Owner) -> None:
    anna, ben = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)

    with pytest.raises(DataError, match="fourteen days"):
        await lent(atlas, anna, ben, days=15)


async def test_whoever_the_proposer_stands_in_for_does_not_approve(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.asking(Role.BILLING_LEAD))
    anna, ben = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await lent(atlas, anna, ben)
    async with atlas.transaction(ben) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1, proposed_by=ben.reference))
    await gate.judged(atlas, action_id, made)

    with pytest.raises(InsufficientPrivilege, match="stands in for the proposer"):
        await gate.ruled(atlas, anna, action_id)


async def test_a_loan_revoked_after_the_proposal_still_makes_a_pair(atlas: Atlas, owner: given.Owner) -> None:
    made = await gate.put(owner, gate.asking(Role.BILLING_LEAD))
    anna, ben = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD), await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await lent(atlas, anna, ben)
    async with atlas.transaction(ben) as conn:
        action_id = await gate.proposed(conn, Facts("note", customers=1, proposed_by=ben.reference))
    await gate.judged(atlas, action_id, made)
    async with atlas.transaction(anna) as conn:
        await conn.execute("SELECT actions.revoke_delegation(1)")

    with pytest.raises(InsufficientPrivilege, match="stands in for the proposer"):
        await gate.ruled(atlas, anna, action_id)


async def test_whoever_gains_by_it_does_not_approve(atlas: Atlas, owner: given.Owner) -> None:
    household = await given.customer(owner)
    anna = await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    await owner.execute("UPDATE staff.member SET customer_id = %s", (household,))
    action_id = await waiting(atlas, owner, for_customer=household)

    with pytest.raises(InsufficientPrivilege, match="gains by it"):
        await gate.ruled(atlas, anna, action_id)


BUSY = "nobody answers the phone"


async def broken(atlas: Atlas, who: Principal, role: Role = Role.BILLING_LEAD, minutes: int = 30, reason: str = BUSY) -> None:
    async with atlas.transaction(who) as conn:
        await conn.execute("SELECT actions.break_the_glass(%s, %s, %s)", (role.value, reason, timedelta(minutes=minutes)))


async def test_broken_glass_lends_a_role_for_the_hour_and_alarms_those_who_hold_it(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await waiting(atlas, owner)
    await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)

    await broken(atlas, ben)

    assert await gate.ruled(atlas, ben, action_id) == "approved"
    rows = await owner.execute("SELECT address, words LIKE '%%nobody answers the phone%%' FROM helpdesk.notice WHERE purpose = 'alarm'")
    assert await rows.fetchall() == [("anna.bell@example.com", True)]


async def test_glass_does_not_break_where_nobody_would_hear_it(atlas: Atlas, owner: given.Owner) -> None:
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)

    with pytest.raises(ObjectNotInPrerequisiteState, match="nobody whom this would alarm"):
        await broken(atlas, ben, Role.NOC_ENGINEER)


@pytest.mark.parametrize(("minutes", "reason"), [(61, BUSY), (0, BUSY), (30, "   why   ")])
async def test_glass_breaks_for_an_hour_at_most_and_with_a_reason(atlas: Atlas, owner: given.Owner, minutes: int, reason: str) -> None:
    await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)

    with pytest.raises(DataError):
        await broken(atlas, ben, minutes=minutes, reason=reason)


async def test_an_approval_by_a_role_whose_hour_is_over_counts_no_longer(atlas: Atlas, owner: given.Owner) -> None:
    action_id = await waiting(atlas, owner)
    await gate.lead(owner, "Anna Bell", Role.BILLING_LEAD)
    ben = await gate.lead(owner, "Ben Cole", Role.NOC_ENGINEER)
    await broken(atlas, ben)
    await gate.ruled(atlas, ben, action_id)
    await owner.execute("UPDATE actions.break_glass SET closed_at = now()")

    with pytest.raises(InsufficientPrivilege, match="lacks approvals"):
        await gate.carried_out(atlas, action_id)


async def test_a_customer_asks_for_nothing_on_behalf_of_another(atlas: Atlas, owner: given.Owner) -> None:
    maya, tom = await given.customer(owner), await given.customer(owner, "Tom Reed", "+447700900002")

    with pytest.raises(InsufficientPrivilege, match="on behalf of another"):
        async with atlas.transaction(customer(CustomerId(maya))) as conn:
            await gate.proposed(conn, NOTE, for_customer=tom)
