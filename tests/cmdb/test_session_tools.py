"""What staff see of RADIUS sessions, and how one that is stuck is ended: as the BNG answered, not as it was hoped."""

from collections.abc import AsyncIterator
from dataclasses import replace
from ipaddress import ip_network

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.errors import Conflict, NotFound
from atlas.identity import CustomerId, StaffId, SubscriberId
from forge.actions.cmdb.sessions import DisconnectSession
from forge.errands import Outside, run_errands
from forge.outside.radius import RadiusProvisioner
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from forge.sign_in.sealing import seal
from governance.decide import Answer, Spent, decide
from governance.matrix import SHIPPED, load
from tests import carried, given
from tests.asking import asking
from tests.billing.arranged import one
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.conftest import SECRET
from tests.given import NOW, Owner, member, row
from tests.radius.bng import SHARED, CoaPort, coa_port
from tools import cmdb

GIGA = 2**32


@pytest.fixture
async def bng() -> AsyncIterator[CoaPort]:
    async with coa_port() as port:
        yield port


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner, bng: CoaPort) -> AsyncIterator[Radius]:
    """A line that is signed in at the BNG and has carried something."""
    async with aaa.radius_of(atlas, owner) as opened:
        sealed = seal(SECRET, f"nas:{opened.nas}", SHARED.encode())
        await owner.execute("UPDATE cmdb.nas SET sealed_secret = %s, coa_port = %s", (sealed, bng.port))
        await opened.tell("Start", address="100.64.0.7")
        await opened.tell("Interim-Update", up=7_000_000, down=1_000_000, down_gigawords=1, seconds=60, rate="20000k/100000k")
        yield opened


async def noc(owner: Owner) -> principal.Principal:
    return principal.staff(StaffId(await member(owner, "Nora Noc", "noc_engineer")), "Nora Noc", frozenset())


async def session(owner: Owner) -> int:
    return int(await one(owner, "SELECT id FROM cmdb.accounting"))


async def ended(atlas: Atlas, owner: Owner) -> None:
    """The session disconnected, as a member of staff asked for it, and the errand run."""
    async with atlas.transaction(principal.executor("test")) as conn:
        action = await DisconnectSession.of(conn, await session(owner), "stuck", NOW)
    await carried.out(atlas, action, NOW)
    provisioner = RadiusProvisioner(atlas, (ip_network("127.0.0.0/8"),), RecordedProvisioner(atlas), timeout_s=0.05, retries=1)
    await run_errands(atlas, Outside(RecordedProber(atlas), provisioner, RecordedPayments(atlas)), atlas.clock.now)


async def test_staff_see_the_sessions_of_a_customer_and_of_a_bng_with_their_traffic(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    async with asking(atlas, await noc(owner)) as (turn, _):
        of_customer = await cmdb.sessions_of(turn, CustomerId(radius.customer))
        at_bng = await cmdb.sessions_of_nas(turn, "bng-1")
        shown = await cmdb.show_session(turn, of_customer[0].session or 0)

    assert of_customer == at_bng == [shown]
    assert (shown.bng, shown.framed_address, shown.rate, shown.up_mb, shown.down_mb) == (
        "bng-1",
        "100.64.0.7",
        "20000k/100000k",
        7,
        (GIGA + 1_000_000) // 1_000_000,
    )


async def test_a_session_that_is_over_is_still_shown_and_no_longer_at_its_bng(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    await radius.tell("Stop", cause="User-Request", seconds=90)

    async with asking(atlas, await noc(owner)) as (turn, _):
        assert [each.end_cause for each in await cmdb.sessions_of(turn, CustomerId(radius.customer))] == ["User-Request"]
        assert await cmdb.sessions_of_nas(turn, "bng-1") == []


async def test_an_imported_session_is_shown_and_takes_no_order(atlas: Atlas, owner: Owner) -> None:
    bng = await given.device(owner, "bng-2", "bng")
    customer = await given.customer(owner)
    line = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await row(owner, "cmdb.session", subscriber_id=line, username="old", nas_device_id=bng, started_at=NOW)

    async with asking(atlas, await noc(owner)) as (turn, _):
        (seen,) = await cmdb.sessions_of(turn, CustomerId(customer))
        with pytest.raises(NotFound):
            await cmdb.disconnect_session(turn, 1, "stuck")

    assert (seen.session, seen.bng, seen.ended_at) == (None, "bng-2", None)


async def test_a_stuck_session_is_ended_and_the_bngs_ack_is_shown(atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort) -> None:
    await ended(atlas, owner)

    async with asking(atlas, await noc(owner)) as (turn, _):
        shown = await cmdb.show_session(turn, await session(owner))
    assert [(kind, asked["Acct-Session-Id"]) for kind, asked in bng.asked] == [("disconnect", "S1")]
    assert (shown.last_order, shown.bng_said) == ("disconnect_session", "ACK")


@pytest.mark.parametrize(("cause", "why"), [("503", "it has no such session"), ("501", "it is forbidden")])
async def test_a_nak_is_shown_with_its_cause(atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort, cause: str, why: str) -> None:
    bng.answer = cause

    await ended(atlas, owner)

    async with asking(atlas, await noc(owner)) as (turn, _):
        shown = await cmdb.show_session(turn, await session(owner))
    assert (shown.bng_said, why in shown.why) == ("NAK", True)


async def test_a_session_that_ended_meanwhile_is_not_disconnected(atlas: Atlas, owner: Owner, radius: Radius, bng: CoaPort) -> None:
    async with atlas.transaction(principal.executor("test")) as conn:
        action = await DisconnectSession.of(conn, await session(owner), "stuck", NOW)
    await radius.tell("Stop", cause="User-Request", seconds=90)

    with pytest.raises(Conflict, match="is over"):
        await carried.out(atlas, action, NOW)
    async with asking(atlas, await noc(owner)) as (turn, _):
        with pytest.raises(Conflict, match="is over since"):
            await cmdb.disconnect_session(turn, await session(owner), "stuck")
    assert bng.asked == []


async def test_sessions_are_for_staff_only(atlas: Atlas, owner: Owner, radius: Radius) -> None:
    async with asking(atlas, principal.customer(CustomerId(radius.customer))) as (turn, _):
        for asked in (
            cmdb.sessions_of(turn, CustomerId(radius.customer)),
            cmdb.sessions_of_nas(turn, "bng-1"),
            cmdb.show_session(turn, 1),
            cmdb.disconnect_session(turn, 1, "stuck"),
        ):
            with pytest.raises(principal.NotPermittedHere):
                await asked


@pytest.mark.parametrize(
    ("by", "emergency", "answer"),
    [
        ("staff:3", False, Answer.ALLOWED),
        ("staff:3", True, Answer.NEEDS_APPROVAL),
        ("agent:cmdb", False, Answer.NEEDS_APPROVAL),
        ("customer:4", False, Answer.REFUSED),
    ],
)
def test_who_may_end_a_session(by: str, emergency: bool, answer: Answer) -> None:
    action = DisconnectSession(CustomerId(1), SubscriberId(1), 1, False, emergency, "stuck", NOW)

    assert decide(replace(action.facts(), proposed_by=by), load(SHIPPED), spent=Spent()).answer is answer
