"""What nobody can say is for a person: they say it happened, or it did not; the database knows who may."""

import psycopg
import pytest
from psycopg import AsyncConnection

from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import StaffId
from atlas.principal import Principal, executor, in_session, staff
from forge.doubts import in_doubt, settle
from tests import given
from tests.given import Owner


async def signed_in_as(owner: Owner, role: str) -> Principal:
    member = await given.member(owner, f"A {role}", role)
    return in_session(staff(StaffId(member), f"A {role}", frozenset()), await given.session(owner, member))


async def notice_in_doubt(owner: Owner) -> str:
    columns = {
        "purpose": "outage",
        "channel": "sms",
        "address": "+447700900001",
        "language": "en",
        "template": "outage.en",
        "words": "It is down.",
    }
    customer, action = await given.customer(owner), await given.action(owner)
    made = await given.row(
        owner, "helpdesk.notice", customer_id=customer, key="k", action_id=action, state="in_doubt", attempts=3, **columns
    )
    return f"N-{made}"


async def errand_in_doubt(owner: Owner, port: str) -> str:
    columns = {"port": port, "operation": "refund", "arguments": {"reference": "PAY-1", "amount_minor": 500}, "key": "k"}
    made = await given.row(owner, "actions.errand", action_id=await given.action(owner), state="in_doubt", attempts=3, **columns)
    return f"E-{made}"


async def settled(atlas: Atlas, who: Principal, reference: str, *, happened: bool) -> None:
    async with atlas.transaction(who) as conn:
        await settle(conn, reference, happened=happened, note="asked the carrier")


async def state_of(owner: AsyncConnection, table: str) -> tuple[str, int]:  # type: ignore[type-arg]
    row = await (await owner.execute(f"SELECT state, attempts FROM {table}")).fetchone()  # noqa: S608
    assert row is not None
    return row[0], row[1]


async def test_what_is_in_doubt_is_listed_without_anybodys_number(atlas: Atlas, owner: Owner) -> None:
    reference = await notice_in_doubt(owner)

    async with atlas.transaction(executor("test")) as conn:
        (doubt,) = await in_doubt(conn)

    assert (doubt.reference, doubt.what, doubt.attempts) == (reference, "outage by sms", 3)
    assert "+447700900001" not in doubt.to


@pytest.mark.parametrize(("happened", "after"), [(True, ("sent", 0)), (False, ("queued", 0))])
async def test_a_lead_says_whether_it_went_out_and_so_it_is(atlas: Atlas, owner: Owner, happened: bool, after: tuple[str, int]) -> None:
    reference = await notice_in_doubt(owner)

    await settled(atlas, await signed_in_as(owner, "care_lead"), reference, happened=happened)

    audited = await (await owner.execute("SELECT detail ->> 'happened' FROM actions.audit WHERE event = 'settled'")).fetchall()
    assert (await state_of(owner, "helpdesk.notice"), audited) == (after, [(str(happened).lower(),)])


async def test_money_in_doubt_is_settled_by_those_who_answer_for_money(atlas: Atlas, owner: Owner) -> None:
    reference = await errand_in_doubt(owner, "payments")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="billing_lead"):
        await settled(atlas, await signed_in_as(owner, "noc_lead"), reference, happened=False)

    await settled(atlas, await signed_in_as(owner, "billing_lead"), reference, happened=True)

    assert (await state_of(owner, "actions.errand"))[0] == "done"


async def test_no_part_of_the_system_settles_its_own_doubts(atlas: Atlas, owner: Owner) -> None:
    reference = await notice_in_doubt(owner)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await settled(atlas, executor("outbox"), reference, happened=False)


async def test_somebody_who_is_not_signed_in_settles_nothing(atlas: Atlas, owner: Owner) -> None:
    reference = await notice_in_doubt(owner)
    nobody = staff(StaffId(await given.member(owner, "A lead", "care_lead")), "A lead", frozenset())

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="signed in"):
        await settled(atlas, nobody, reference, happened=True)


async def test_a_doubt_is_settled_once(atlas: Atlas, owner: Owner) -> None:
    reference, lead = await notice_in_doubt(owner), await signed_in_as(owner, "care_lead")
    await settled(atlas, lead, reference, happened=True)

    with pytest.raises(NotFound):
        await settled(atlas, lead, reference, happened=False)


@pytest.mark.parametrize("reference", ["12", "X-1", "N-", "N-1; DROP"])
async def test_a_reference_that_is_none_says_so(atlas: Atlas, owner: Owner, reference: str) -> None:
    lead = await signed_in_as(owner, "care_lead")

    with pytest.raises(InvalidField):
        await settled(atlas, lead, reference, happened=True)
