"""The room of roles: who holds what, lending, and breaking the glass."""

import httpx
import pytest

from tests import given
from tests.web.browsing import hired, posted, signed_in

NAME = "Asha Patel"
DOWN = "the core is down and nobody answers"


async def roles_of(owner: given.Owner, table: str) -> list[tuple[str, bool]]:
    ended = {"delegation": "revoked_at", "break_glass": "closed_at"}[table]
    found = await (await owner.execute(f"SELECT role, {ended} IS NULL FROM actions.{table} ORDER BY id".encode())).fetchall()  # noqa: S608
    return [(row[0], row[1]) for row in found]


async def test_a_role_is_lent_and_given_back(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    omar = await hired(owner, "Omar Haddad", "customer_care")

    lent = await posted(client, "/access/lend", role="billing_lead", to=omar, days=3, reason="on leave until Monday")
    (number,) = await (await owner.execute("SELECT id FROM actions.delegation")).fetchone() or (0,)
    ended = await posted(client, f"/access/loans/{number}/end")

    assert ("lent by Asha Patel" in lent.text, "on leave until Monday" in lent.text) == (True, True)
    assert ("lent by" in ended.text, await roles_of(owner, "delegation")) == (False, [("billing_lead", False)])


async def test_nobody_lends_what_is_not_theirs(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "customer_care")
    omar = await hired(owner, "Omar Haddad", "billing_lead")

    answer = await posted(client, "/access/lend", role="billing_lead", to=omar, days=3, reason="because I would like to")

    assert (answer.status_code, "not a role of your own" in answer.text, await roles_of(owner, "delegation")) == (403, True, [])


async def test_the_glass_is_broken_with_a_reason_its_holders_are_told_and_it_is_mended(
    client: httpx.AsyncClient, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, "noc_engineer")
    await hired(owner, "Olu Director", "operations_director")

    broken = await posted(client, "/access/break-glass", role="operations_director", minutes=15, reason=DOWN)
    (number,) = await (await owner.execute("SELECT id FROM actions.break_glass")).fetchone() or (0,)
    told = await (await owner.execute("SELECT words FROM helpdesk.notice WHERE purpose = 'alarm'")).fetchall()
    mended = await posted(client, f"/access/emergencies/{number}/end")

    assert "The glass is broken" in broken.text
    assert len(told) == 1
    assert DOWN in told[0][0]
    assert ("The glass is broken" in mended.text, await roles_of(owner, "break_glass")) == (False, [("operations_director", False)])


@pytest.mark.parametrize("form", [{"minutes": 61}, {"reason": "no"}, {"role": "emperor"}])
async def test_glass_that_may_not_be_broken_so_stays_whole(client: httpx.AsyncClient, owner: given.Owner, form: dict[str, str]) -> None:
    await signed_in(client, owner, NAME, "noc_engineer")
    await hired(owner, "Olu Director", "operations_director")
    asked = {"role": "operations_director", "minutes": 15, "reason": DOWN, **form}

    answer = await posted(client, "/access/break-glass", **asked)

    assert (answer.status_code, await roles_of(owner, "break_glass")) == (422, [])


async def test_an_emergency_that_would_alarm_nobody_is_refused(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_engineer", "noc_lead")

    answer = await posted(client, "/access/break-glass", role="noc_lead", minutes=15, reason=DOWN)

    assert (answer.status_code, await roles_of(owner, "break_glass")) == (422, [])


async def test_somebody_elses_emergency_is_not_ended_by_anybody(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "noc_engineer")
    mine = await hired(owner, "Omar Haddad", "customer_care")
    action = await given.action(owner)
    glass = {"staff_id": mine, "role": "noc_lead", "reason": "the core is down", "alarmed": 1, "action_id": action}
    ends = await (await owner.execute("SELECT now() + interval '20 minutes'")).fetchone()
    number = await given.row(owner, "actions.break_glass", ends_at=ends[0] if ends else None, **glass)

    answer = await posted(client, f"/access/emergencies/{number}/end")

    assert (answer.status_code, await roles_of(owner, "break_glass")) == (409, [("noc_lead", True)])
