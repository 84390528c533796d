"""What a state of an account does to service, bill and letters, seen at the BNG, in the books and in what goes out: DOMAIN.md 2.3."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas.connection import Atlas
from atlas.crm.reads import recipient
from atlas.crm.records import Amendment, Purpose
from atlas.crm.rules import way_to_reach
from atlas.errors import Conflict, InvalidField, NotFound
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import executor
from forge.actions.crm.customers import AmendCustomer
from forge.actions.crm.suspension import ResumeLine, SuspendLine
from forge.dunning import chase
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.decide import Spent, decide
from governance.dunning import SHIPPED
from governance.dunning import load as load_ladder
from governance.matrix import load
from governance.rows import Answer
from tests import carried, given
from tests.billing.arranged import bill, one
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.given import Owner
from tests.oms.signups import MATRIX

ME = executor("test")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner) -> AsyncIterator[Radius]:
    """Maya's line, and the BNG at which it signs in."""
    async with aaa.radius_of(atlas, owner) as opened:
        yield opened


async def suspending(atlas: Atlas, radius: Radius, why: str) -> SuspendLine:
    async with atlas.transaction(ME) as conn:
        return await SuspendLine.of(conn, CustomerId(radius.customer), SubscriberId(radius.line), why, "asked by phone")


async def suspended(atlas: Atlas, radius: Radius, why: str) -> dict[str, Any]:
    return await carried.out(atlas, await suspending(atlas, radius, why), now())


async def resumed(atlas: Atlas, radius: Radius) -> None:
    async with atlas.transaction(ME) as conn:
        action = await ResumeLine.of(conn, CustomerId(radius.customer), SubscriberId(radius.line), "over")
    await carried.out(atlas, action, now())


@pytest.mark.parametrize("why", ["voluntary", "abuse", "fraud"])
async def test_a_line_suspended_at_its_own_wish_or_for_abuse_is_signed_out_and_not_let_in(
    atlas: Atlas, owner: Owner, radius: Radius, why: str
) -> None:
    served = await radius.standing()
    await radius.tell("Start", "S1", address="192.0.2.7")

    outcome = await suspended(atlas, radius, why)

    told = await one(owner, "SELECT operation FROM actions.errand")
    assert (served, await radius.standing(), outcome["sessions_ended"], told) == ("welcome", "suspended", 1, "disconnect_session")


@pytest.mark.parametrize("why", ["voluntary", "abuse", "fraud"])
async def test_the_days_of_a_suspension_are_kept_with_its_reason_for_the_bill(atlas: Atlas, owner: Owner, radius: Radius, why: str) -> None:
    await suspended(atlas, radius, why)
    await resumed(atlas, radius)

    (pause,) = await (await owner.execute("SELECT paused_for, paused_on, resumed_on FROM billing.pause")).fetchall()
    today = now().astimezone(ZoneInfo("Europe/London")).date()
    assert (pause, await radius.standing()) == ((why, today, today), "welcome")


async def test_a_suspension_and_its_end_stand_in_the_timeline(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await suspended(atlas, radius, "voluntary")
    await resumed(atlas, radius)

    said = await (await owner.execute("SELECT summary FROM crm.interaction ORDER BY id")).fetchall()
    line = f"line {radius.line}"
    assert said == [(f"{line} suspended at their own wish: asked by phone",), (f"{line} is in use again: over",)]


async def test_a_line_that_is_cut_off_for_a_debt_is_let_in_by_paying_and_not_by_a_word(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment'")

    with pytest.raises(Conflict):
        await resumed(atlas, radius)


async def test_two_who_suspend_one_line_suspend_it_once(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    action = await suspending(atlas, radius, "abuse")
    await carried.out(atlas, action, now())

    with pytest.raises(Conflict):
        await carried.out(atlas, action, now())

    assert await one(owner, "SELECT count(*) FROM crm.interaction") == 1


async def test_nobody_suspends_somebody_elses_line_or_for_no_reason_there_is(atlas: Atlas, radius: Radius) -> None:
    async with atlas.transaction(ME) as conn:
        with pytest.raises(NotFound):
            await SuspendLine.of(conn, CustomerId(radius.customer + 1), SubscriberId(radius.line), "abuse", "spam")
        with pytest.raises(InvalidField, match="why"):
            await SuspendLine.of(conn, CustomerId(radius.customer), SubscriberId(radius.line), "non_payment", "owes")


@pytest.mark.parametrize(
    ("said", "by", "answer"),
    [
        ("SELECT", "staff:1", Answer.NEEDS_APPROVAL),
        ("SELECT", "agent:crm", Answer.REFUSED),
        ("UPDATE crm.customer SET is_vulnerable = true", "staff:1", Answer.REFUSED),
        ("UPDATE crm.customer SET has_emergency_line = true", "staff:1", Answer.REFUSED),
    ],
    ids=["by staff", "by an agent", "vulnerable", "emergency line"],
)
async def test_a_suspension_waits_for_a_person_and_never_touches_whoever_is_protected(
    atlas: Atlas, owner: Owner, radius: Radius, said: str, by: str, answer: Answer
) -> None:
    await owner.execute(said.encode())

    facts = replace((await suspending(atlas, radius, "abuse")).facts(), proposed_by=by)

    assert decide(facts, load(MATRIX), spent=Spent()).answer is answer


async def deceased(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    """Maya died, owes a bill that is long due, and had said yes to advertising."""
    await bill(owner, radius.customer, date(2025, 1, 1), {"Fibre 100": 3000})
    await owner.execute("INSERT INTO crm.consent VALUES (%s, 'marketing', 'sms', true, now(), 'test')", (radius.customer,))
    await carried.out(atlas, AmendCustomer(CustomerId(radius.customer), 1, Amendment(state="deceased")), now())


async def test_deceased_stops_marketing_and_dunning_and_keeps_service_until_instructed(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await deceased(atlas, owner, radius)
    neighbour = await given.customer(owner, "Ben Moor", phone="+447700900008")
    await bill(owner, neighbour, date(2025, 1, 1), {"Fibre 100": 3000})
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), now, ZoneInfo("Europe/London"))

    await chase(forge, load_ladder(SHIPPED))

    async with atlas.transaction(ME) as conn:
        known = await recipient(conn, CustomerId(radius.customer))
    written_to = await (await owner.execute("SELECT DISTINCT customer_id FROM billing.dunning_step")).fetchall()
    assert way_to_reach(known.customer, known.contacts, known.consents, Purpose.MARKETING) is None
    assert (written_to, await radius.standing()) == ([(neighbour,)], "welcome")
