"""How long anything in the platform waits when what it waits for falls silent, slows down or is cut: every kind of wait, one by one."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_network
from typing import Any, Final

import httpx
from pydantic import SecretStr
from pysnmp.hlapi.v3arch.asyncio import CommunityData

from agents.checkpoints import KeptInAtlas
from api.app import web_app
from api.bootstrap import house
from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading
from api.serve import database
from api.settings import Settings
from atlas.connection import Atlas
from atlas.jobs import queue
from atlas.principal import Zone, executor
from evals.campaign.crashes import alarm
from evals.campaign.provider import ACCOUNT, SMS_FROM, TOKEN, Provider
from evals.campaign.proxy import BLACK_HOLE, LOSES_ANSWERS, REFUSES, Fault, FaultProxy, before_postgresql, towards_port
from forge.graph import open_bookmarks
from forge.outside.ports import Message
from forge.outside.snmp import SnmpProber
from forge.outside.twilio import TwilioMessenger, TwilioSenders

LONGEST_HANG_S: Final = 15.0
GIVEN_UP_AFTER_S: Final = 60.0
# As many places at once as the embedded server has connections for.
AT_ONCE: Final = 10
ME: Final = executor("hangs")
# Half a second each way for each chunk: a satellite on a bad day.
LATE: Final = Fault(delay_s=0.5)
WORDS: Final = Message("hang", "sms", "+447700900999", "Is anybody there?", datetime.now(UTC))


@dataclass(frozen=True)
class Place:
    """Where one wait is measured: its own way to PostgreSQL and to the provider, each through a proxy of its own."""

    through: str
    settings: Settings
    to_atlas: FaultProxy
    to_provider: FaultProxy


@dataclass(frozen=True)
class Trouble:
    """What befalls a way while somebody waits."""

    fault: Fault
    cuts: bool = False

    def begin(self, place: Place) -> None:
        for proxy in (place.to_atlas, place.to_provider):
            proxy.fault = self.fault
            if self.cuts:
                proxy.cut()


Begin = Callable[[], None]
Wait = Callable[[Place, Begin], Awaitable[None]]
TROUBLES: Final[Mapping[str, Trouble]] = {
    "black hole": Trouble(BLACK_HOLE),
    "answers lost": Trouble(LOSES_ANSWERS),
    "latency": Trouble(LATE),
    "reset": Trouble(Fault(), cuts=True),
    "gone": Trouble(REFUSES, cuts=True),
}


@dataclass(frozen=True)
class Felt:
    """One wait under one trouble: how long until it ended, and in what."""

    wait: str
    trouble: str
    seconds: float
    ended: str


@asynccontextmanager
async def opened(place: Place, zones: tuple[Zone, ...] = (Zone.EXECUTOR,)) -> AsyncIterator[Atlas]:
    async with Atlas.open(place.through, place.settings.secret, zones, most=2) as atlas:
        yield atlas


async def leasing(place: Place, begin: Begin) -> None:
    async with opened(place) as atlas:
        begin()
        async with atlas.transaction(ME) as conn:
            await conn.execute("SELECT 1")


async def stating(place: Place, begin: Begin) -> None:
    async with opened(place) as atlas, atlas.transaction(ME) as conn:
        begin()
        await conn.execute("SELECT 1")


async def committing(place: Place, begin: Begin) -> None:
    async with opened(place) as atlas, atlas.transaction(ME) as conn:
        await conn.execute("SELECT pg_current_xact_id()")
        begin()


async def rolling_back(place: Place, begin: Begin) -> None:
    async with opened(place) as atlas:
        with suppress(KeyError):
            async with atlas.transaction(ME):
                begin()
                raise KeyError


async def listening_for_changes(place: Place, begin: Begin) -> None:
    """Ends when the listener knows that it is deaf; under mere lateness it rightly listens on."""
    async with opened(place) as atlas:
        changes = atlas.changes()
        hearing = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0.3)
        begin()
        if place.to_atlas.fault == LATE:
            hearing.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await hearing


async def starting(place: Place, begin: Begin) -> None:
    begin()
    async with opened(place):
        pass


async def working_off_the_queue(place: Place, begin: Begin) -> None:
    jobs = queue(place.through, place.settings.secret, most=2)
    async with jobs.open_async():
        begin()
        await jobs.job_manager.get_stalled_jobs()


async def bookmarking(place: Place, begin: Begin) -> None:
    async with opened(place) as atlas, open_bookmarks(atlas, most=1) as bookmarks:
        begin()
        async with bookmarks.connection() as conn:
            await conn.execute("SELECT 1")


async def remembering_a_conversation(place: Place, begin: Begin) -> None:
    async with KeptInAtlas.open(place.through, place.settings.secret) as kept:
        thread = uuid.uuid4()
        begin()
        async with kept.of(thread) as saver:
            await saver.aget_tuple({"configurable": {"thread_id": str(thread), "checkpoint_ns": ""}})


async def asking_whether_it_is_ready(place: Place, begin: Begin) -> None:
    settings = place.settings.model_copy(update={"database_url": SecretStr(place.through)})
    async with house(settings, (Zone.STAFF, Zone.EXECUTOR), most=2) as one:
        transport = httpx.ASGITransport(web_app(one))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client:  # noqa: S113 - it is what is measured
            begin()
            answer = await client.get("/ready")
            # Ready or not: anything else was turned away at the edge, and waited for nothing.
            if answer.status_code not in (HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE):
                raise RuntimeError(answer.text[:80])
            answer.raise_for_status()


async def telling_an_alarm(place: Place, begin: Begin) -> None:
    async with opened(place, (Zone.INTAKE,)) as atlas:
        doors = AlarmIntake(atlas)
        async with doors.running():
            begin()
            try:
                await doors.take(Reading((alarm("nobody's device", "port 1"),)))
            finally:
                place.to_atlas.fault = Fault()


@asynccontextmanager
async def carrier(place: Place) -> AsyncIterator[TwilioMessenger]:
    there = f"http://127.0.0.1:{place.to_provider.port}"
    async with TwilioMessenger.open(ACCOUNT, TOKEN, TwilioSenders(SMS_FROM), there) as twilio:
        yield twilio


async def sending(place: Place, begin: Begin) -> None:
    async with carrier(place) as twilio:
        begin()
        await twilio.send(WORDS)


async def finding(place: Place, begin: Begin) -> None:
    async with carrier(place) as twilio:
        await twilio.find(WORDS)
        begin()
        await twilio.find(WORDS)


async def probing(place: Place, begin: Begin) -> None:  # noqa: ARG001 - a device falls silent by itself
    """A device that takes every question and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        prober = SnmpProber(CommunityData("public"), (ip_network("127.0.0.0/8"),), port=silent.getsockname()[1])
        try:
            found = await prober.probe("hang", "silent device", "127.0.0.1")
        finally:
            prober.close()
        if not found.is_reachable:
            raise TimeoutError


WAITS: Final[Mapping[str, Wait]] = {
    "a transaction, from the lease on": leasing,
    "a statement": stating,
    "a commit": committing,
    "a rollback": rolling_back,
    "a listener": listening_for_changes,
    "a start": starting,
    "the job queue": working_off_the_queue,
    "a bookmark of an action": bookmarking,
    "a conversation's memory": remembering_a_conversation,
    "GET /ready": asking_whether_it_is_ready,
    "an alarm by HTTP": telling_an_alarm,
    "a message to the provider": sending,
    "a question to the provider": finding,
    "a look at a device": probing,
}


@dataclass(frozen=True)
class Hangs:
    felt: tuple[Felt, ...]

    @property
    def longest(self) -> Felt:
        return max(self.felt, key=lambda one: one.seconds)

    @property
    def holds(self) -> bool:
        return self.longest.seconds <= LONGEST_HANG_S

    def as_rows(self) -> dict[str, Any]:
        rows: dict[str, Any] = {f"{one.wait}, {one.trouble}": f"{one.seconds:.2f} s, {one.ended}" for one in self.felt}
        return {**rows, "longest_s": self.longest.seconds}


async def measured(settings: Settings, waits: Mapping[str, Wait] = WAITS, troubles: Mapping[str, Trouble] = TROUBLES) -> Hangs:
    """Every wait under every trouble, several side by side, each in a place of its own."""
    async with database(settings) as url, Provider().running() as port:
        room = asyncio.Semaphore(AT_ONCE)
        work = [
            felt(url, port, settings, room, (wait, trouble), waits[wait], troubles[trouble])
            for wait in waits
            for trouble in troubles
            if waits[wait] is not probing or trouble == "black hole"
        ]
        return Hangs(tuple(await asyncio.gather(*work)))


async def felt(
    url: str, port: int, settings: Settings, room: asyncio.Semaphore, names: tuple[str, str], wait: Wait, trouble: Trouble
) -> Felt:
    loop = asyncio.get_running_loop()
    began: list[float] = []
    async with room, AsyncExitStack() as stack:
        to_atlas, through = await stack.enter_async_context(before_postgresql(url))
        to_provider = await stack.enter_async_context(FaultProxy(towards_port(port)).running())
        place = Place(through, settings, to_atlas, to_provider)

        def begin() -> None:
            began.append(loop.time())
            trouble.begin(place)

        starts = loop.time()
        try:
            async with asyncio.timeout(GIVEN_UP_AFTER_S):
                await wait(place, begin)
            ended = "answered"
        except Exception as error:  # whatever ends the wait is what is measured
            ended = type(error).__name__
        return Felt(*names, loop.time() - (began[0] if began else starts), ended)
