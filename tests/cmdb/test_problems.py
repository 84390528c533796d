"""What no alarm says and somebody is told of all the same, once, as long as it stands: pools that run out, boxes in two places."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas.cmdb.records.numbers import PlannedPool
from atlas.connection import Atlas
from forge.actions.cmdb.stock import DefinePool
from forge.matrix_in_force import put_in_force
from forge.problems import look_for_problems
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load
from tests import carried, given
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.given import NOW, Owner

MATRIX = Path(__file__).parents[2] / "governance" / "matrix.yaml"
MAC = "a4:b1:c2:00:00:01"


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner) -> AsyncIterator[Radius]:
    async with aaa.radius_of(atlas, owner) as opened:
        yield opened


async def looked(atlas: Atlas) -> tuple[int, int]:
    """As the worker does every ten minutes, under the matrix that ships."""
    matrix = load(MATRIX)
    await put_in_force(atlas, matrix)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: datetime.now(UTC), ZoneInfo("Europe/London"))
    return await look_for_problems(forge)


async def tickets(owner: Owner) -> list[tuple[Any, ...]]:
    return await (await owner.execute("SELECT kind, state, priority, title FROM itsm.ticket ORDER BY id")).fetchall()


async def ordered(owner: Owner, count: int) -> None:
    customer, olt = await given.customer(owner, phone=None), await given.device(owner, "olt-9")
    for _ in range(count):
        line = await given.subscriber(owner, customer, olt)
        columns = {"customer_id": customer, "subscriber_id": line, "kind": "add", "wanted_on": datetime.now(UTC).date() + timedelta(days=7)}
        await given.row(owner, "oms.product_order", **columns, action_id=await given.action(owner))


async def short(atlas: Atlas, owner: Owner, lines: int = 10) -> None:
    """Six addresses, and so many lines ordered for next week."""
    planned = PlannedPool("harbour-v4", "address", network="192.0.2.0/29", block_length=32)
    await carried.out(atlas, DefinePool(planned), NOW)
    await ordered(owner, lines)


async def test_a_pool_that_will_be_exhausted_within_the_lead_time_opens_one_ticket_once(atlas: Atlas, owner: Owner) -> None:
    await short(atlas, owner)

    assert [await looked(atlas), await looked(atlas)] == [(1, 0), (0, 0)]
    said = "harbour-v4 will lack 4 numbers within 30 days: 6 are free, 10 lines are ordered"
    assert await tickets(owner) == [("problem", "acknowledged", 2, said)]


async def test_a_pool_with_room_for_what_is_ordered_opens_none(atlas: Atlas, owner: Owner) -> None:
    await short(atlas, owner, lines=6)

    assert await looked(atlas) == (0, 0)


async def test_the_ticket_of_a_pool_closes_when_room_is_there_again_and_another_opens_when_it_is_gone_again(
    atlas: Atlas, owner: Owner
) -> None:
    await short(atlas, owner)
    await looked(atlas)
    await owner.execute("UPDATE oms.product_order SET state = 'cancelled' WHERE id IN (SELECT id FROM oms.product_order LIMIT 4)")

    roomy = await looked(atlas)
    await ordered_again(owner)

    assert (roomy, await looked(atlas)) == ((0, 1), (1, 0))
    assert [state for _, state, *_ in await tickets(owner)] == ["closed", "acknowledged"]


async def ordered_again(owner: Owner) -> None:
    await owner.execute("UPDATE oms.product_order SET state = 'acknowledged'")


async def signed_in(radius: Radius, owner: Owner, session: str, port: str, first: int, last: int, **said: Any) -> None:
    """A session of the line from the box `MAC` at this port, from the one minute ago to the other."""
    await radius.tell("Start", session, calling=MAC, port=port, **said)
    ago = [timedelta(minutes=minutes) for minutes in (first, last)]
    await owner.execute(
        "UPDATE cmdb.accounting SET started_at = now() - %s, heard_at = now() - %s WHERE unique_session = %s", (*ago, f"u-{session}")
    )
    await owner.execute(
        "UPDATE cmdb.mac_sighting SET first_seen_at = least(first_seen_at, now() - %s), last_seen_at = now() - %s"
        " WHERE managed_object = %s",
        (*ago, port),
    )


async def exchanged(owner: Owner, line: int, minutes_ago: int) -> None:
    """A visit exchanged the line's box."""
    action = await given.action(owner)
    box = await given.row(owner, "cmdb.asset", kind="ont", vendor="Huawei", model="EG8145", serial="HWTC00000001", action_id=action)
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    done = {"asset_id": box, "at": at, "state": "installed", "subscriber_id": line, "reason": "exchanged", "action_id": action}
    await given.row(owner, "cmdb.asset_event", **done)


async def test_a_cloned_mac_on_two_ports_raises_a_security_ticket_and_closes_it_when_one_is_gone(
    atlas: Atlas, owner: Owner, radius: Radius
) -> None:
    await signed_in(radius, owner, "S1", "0/1/1", 90, 1)
    await signed_in(radius, owner, "S2", "0/7/3", 60, 1)

    cloned = await looked(atlas)
    await radius.tell("Stop", "S2", calling=MAC, port="0/7/3")

    said = f"Security: the box of line {radius.line} is signed in at 2 places at once: bng-1 0/1/1, bng-1 0/7/3"
    assert (cloned, await looked(atlas)) == ((1, 0), (0, 1))
    assert await tickets(owner) == [("problem", "closed", 2, said)]


async def test_a_mac_that_moved_with_its_box_by_a_job_is_no_clone(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await signed_in(radius, owner, "S1", "0/1/1", 90, 62)
    await exchanged(owner, radius.line, 61)
    await signed_in(radius, owner, "S2", "0/7/3", 60, 1)

    assert await looked(atlas) == (0, 0)


async def test_a_job_excuses_no_mac_that_is_still_heard_where_it_was(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await signed_in(radius, owner, "S1", "0/1/1", 90, 1)
    await exchanged(owner, radius.line, 61)
    await signed_in(radius, owner, "S2", "0/7/3", 60, 1)

    assert await looked(atlas) == (1, 0)


async def test_the_same_box_dialling_again_at_its_own_port_is_no_clone(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await signed_in(radius, owner, "S1", "0/1/1", 90, 1)
    await signed_in(radius, owner, "S2", "0/1/1", 60, 1)

    assert await looked(atlas) == (0, 0)


async def seen_at(owner: Owner, radius: Radius, place: str, first: datetime, last: datetime) -> None:
    await owner.execute(
        "INSERT INTO cmdb.mac_sighting (mac, device_id, subscriber_id, managed_object, first_seen_at, last_seen_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (MAC, radius.nas, radius.line, place, first, last),
    )


async def test_a_box_that_moved_opens_one_ticket_and_a_port_that_is_nobodys_another(radius: Radius, atlas: Atlas, owner: Owner) -> None:
    old, new = datetime.now(UTC) - timedelta(days=2), datetime.now(UTC) - timedelta(minutes=5)
    for place, first, last in (("eth1:100", old, old), ("eth1:200", new, new)):
        await seen_at(owner, radius, place, first, last)
    await owner.execute(
        "INSERT INTO cmdb.port_doubt (nas_device_id, circuit_id, reason) VALUES (%s, 'olt-9 0/1', 'unknown_port')", (radius.nas,)
    )

    assert [await looked(atlas), await looked(atlas)] == [(2, 0), (0, 0)]
    titles = [title for _, _, _, title in await tickets(owner)]
    assert titles == [
        f"The box of line {radius.line} moved and nobody exchanged it: it was seen at bng-1 eth1:100, then at bng-1 eth1:200",
        "At bng-1 1 ports were refused today and 0 had another line's box: `bedrock radius doubts` lists them",
    ]


async def test_a_box_that_only_went_back_to_where_it_was_is_not_cloned(radius: Radius, atlas: Atlas, owner: Owner) -> None:
    now = datetime.now(UTC)
    seen = (("eth1:100", now - timedelta(days=2), now), ("eth1:200", now - timedelta(hours=3), now - timedelta(hours=2)))
    for place, first, last in seen:
        await seen_at(owner, radius, place, first, last)

    await looked(atlas)

    assert [title.split(" ")[0] for _, _, _, title in await tickets(owner)] == ["The"]
