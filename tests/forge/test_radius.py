"""A BNG is told of a session: on the wire, against a port of CoA on loopback."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from typing import Any

import pytest

from atlas.cmdb.reads import speeds_not_kept
from atlas.connection import Atlas
from atlas.identity import CustomerId, OrderId, SubscriberId
from atlas.principal import executor
from forge.actions.cmdb.plant import ConfigureLine
from forge.errands import Outside, Ran, run_errands
from forge.outside.ports import CHANGE
from forge.outside.radius import RadiusProvisioner
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from forge.sessions import newest_session
from forge.sign_in.sealing import seal
from tests import carried, given
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.conftest import SECRET
from tests.given import Owner
from tests.radius.bng import SHARED, CoaPort, coa_port

LOOPBACK = (ip_network("127.0.0.0/8"),)


@pytest.fixture
async def bng() -> AsyncIterator[CoaPort]:
    async with coa_port() as port:
        yield port


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner, bng: CoaPort) -> AsyncIterator[Radius]:
    """A line that is signed in at the BNG."""
    async with aaa.radius_of(atlas, owner) as opened:
        sealed = seal(SECRET, f"nas:{opened.nas}", SHARED.encode())
        await owner.execute("UPDATE cmdb.nas SET sealed_secret = %s, coa_port = %s", (sealed, bng.port))
        await opened.tell("Start", "4=2F1=2F7=3A100", address="100.64.0.7")
        yield opened


def outside(atlas: Atlas, allowed: Any = LOOPBACK) -> Outside:
    provisioner = RadiusProvisioner(atlas, allowed, RecordedProvisioner(atlas), timeout_s=0.05, retries=1)
    return Outside(RecordedProber(atlas), provisioner, RecordedPayments(atlas))


async def ordered(atlas: Atlas, line: int, operation: str = CHANGE) -> dict[str, Any]:
    action = ConfigureLine(CustomerId(1), SubscriberId(line), operation, 500_000, 50_000, OrderId(9))
    return await carried.out(atlas, action, given.NOW)


async def ran(atlas: Atlas, allowed: Any = LOOPBACK) -> Ran:
    return await run_errands(atlas, outside(atlas, allowed), atlas.clock.now)


async def errand(owner: Owner) -> tuple[str, dict[str, Any] | None]:
    found = await (await owner.execute("SELECT state, answer FROM actions.errand ORDER BY id DESC LIMIT 1")).fetchone()
    assert found is not None
    return found[0], found[1]


async def test_a_change_of_plan_reaches_the_session_with_its_number_letter_for_letter(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort
) -> None:
    await ordered(atlas, radius.line)

    await ran(atlas)

    assert await errand(owner) == ("done", {"answer": "ACK", "bng": "bng-1"})
    assert bng.asked == [
        (
            "coa",
            {
                "User-Name": radius.username,
                "Acct-Session-Id": "4/1/7:100",
                "Framed-IP-Address": "100.64.0.7",
                "Mikrotik-Rate-Limit": "50000k/500000k",
                "WISPr-Bandwidth-Max-Up": 50_000_000,
                "WISPr-Bandwidth-Max-Down": 500_000_000,
            },
        )
    ]


async def test_a_line_that_is_not_signed_in_has_the_speed_at_its_next_login(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort
) -> None:
    await radius.tell("Stop", "4=2F1=2F7=3A100", cause="User-Request")
    await ordered(atlas, radius.line)

    await ran(atlas)

    assert ((await errand(owner))[1] or {})["answer"] == "no session"
    assert bng.asked == []


@pytest.mark.parametrize(("cause", "state"), [("503", "done"), ("405", "failed"), ("506", "queued")])
async def test_a_nak_is_recorded_with_what_it_means(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort, cause: str, state: str
) -> None:
    bng.answer = cause
    await ordered(atlas, radius.line)

    await ran(atlas)

    became, answer = await errand(owner)
    assert became == state
    assert cause in str(answer)


async def test_a_coa_nak_that_never_arrives_leaves_the_errand_in_doubt_after_several_silences(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort
) -> None:
    bng.answer = "silent"
    await ordered(atlas, radius.line)

    for _ in range(3):
        await ran(atlas)
        await owner.execute("UPDATE actions.errand SET leased_until = now() - interval '1 second' WHERE state = 'leased'")

    assert (await errand(owner))[0] == "in_doubt"
    assert len(bng.asked) == 6


async def test_a_disconnect_that_nobody_answered_is_done_once_the_bng_reports_the_end(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort
) -> None:
    bng.answer = "silent"
    await disconnected(atlas, owner, radius)
    await ran(atlas)
    await owner.execute("UPDATE actions.errand SET leased_until = now() - interval '1 second'")

    await radius.tell("Stop", "4=2F1=2F7=3A100", cause="Admin-Reset")
    await ran(atlas)

    assert await errand(owner) == ("done", {"answer": "over", "why": "the BNG has reported its end"})


async def test_a_bng_outside_the_management_networks_is_not_spoken_to(atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort) -> None:
    await ordered(atlas, radius.line)

    await ran(atlas, (ip_network("10.0.0.0/8"),))

    assert ((await errand(owner))[0], bng.asked) == ("failed", [])


async def test_what_is_no_session_goes_on_to_whoever_sets_lines_up(atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort) -> None:
    await ordered(atlas, radius.line, "set_speed")

    await ran(atlas)

    assert (((await errand(owner))[1] or {})["recorded"], bng.asked) == (True, [])


async def test_coa_ack_but_the_speed_is_the_same_is_told_by_the_next_interim(
    atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort
) -> None:
    await ordered(atlas, radius.line)
    await ran(atlas)
    await radius.tell("Interim-Update", "4=2F1=2F7=3A100", seconds=300, rate="50000k/500000k")
    async with atlas.transaction(executor("tests")) as conn:
        assert await speeds_not_kept(conn) == []

    await radius.tell("Interim-Update", "4=2F1=2F7=3A100", seconds=600, rate="20000k/100000k")

    async with atlas.transaction(executor("tests")) as conn:
        (found,) = await speeds_not_kept(conn)
    assert (found.subscriber_id, found.ordered, found.reported) == (radius.line, "50000k/500000k", "20000k/100000k")


async def disconnected(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    """A Disconnect as an action leaves it."""
    action = await given.action(owner, "suspend_for_non_payment")
    arguments = {"line": radius.line}
    async with atlas.transaction(executor("tests")) as conn:
        session = await newest_session(conn, SubscriberId(radius.line))
    await given.row(
        owner,
        "actions.errand",
        action_id=action,
        port="provisioner",
        operation="disconnect_session",
        key="d",
        arguments={**arguments, "session": session},
    )
