"""`bedrock eval inbound`: messages delivered again and again to web processes that are killed: each is there once, and quickly."""

import asyncio
import json
import os
import random
import signal
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import psycopg
from pydantic import SecretStr

from api.inbound.twilio.signature import Call
from api.serve import database, environment_of
from api.settings import Settings
from evals.inbound.twilio import ACCOUNT, Hook, Twilio
from evals.inbound.wire import Target, posted

KEY: Final = "the account's own key"
PUBLIC: Final = "https://isp.example"
PROCESSES: Final = 2
# As many calls as are under way at once: what a carrier has open to one customer's address.
AT_ONCE: Final = 8
NUMBERS: Final = 500
# Twilio waits so long for an answer, and then delivers again.
AGAIN_AFTER_S: Final = 0.05
SETTLES_WITHIN_S: Final = 60.0


@dataclass
class Delivered:
    """What was answered: milliseconds of each answer, and how many deliveries met a dead process."""

    messages: int
    deliveries: int
    took_ms: list[float] = field(default_factory=list)
    unanswered: int = 0
    kills: int = 0
    lost: int = 0
    doubled: int = 0
    jobs_missing: int = 0
    seconds: float = 0.0

    @property
    def p95_ms(self) -> float:
        return statistics.quantiles(self.took_ms, n=20)[-1] if len(self.took_ms) > 1 else 0.0

    @property
    def holds(self) -> bool:
        return not self.lost and not self.doubled and not self.jobs_missing

    def as_rows(self) -> list[tuple[str, str, str]]:
        return [
            ("messages lost", f"{self.lost} of {self.messages:,}", "0"),
            ("messages doubled", str(self.doubled), "0"),
            ("conversations with a message and no job", str(self.jobs_missing), "0"),
            ("answers, p95", f"{self.p95_ms:.0f} ms", "≤ 100 ms"),
            ("answers, median", f"{statistics.median(self.took_ms or [0]):.1f} ms", ""),
            ("answered deliveries", f"{len(self.took_ms):,} in {self.seconds:.0f} s", ""),
            ("deliveries that met a killed process", f"{self.unanswered:,}", ""),
            ("kills", str(self.kills), ""),
        ]


@dataclass
class Web:
    """One `api.part web` on a port of its own, started again whenever it is killed."""

    settings: Settings
    port: int
    process: asyncio.subprocess.Process | None = None
    is_ready: asyncio.Event = field(default_factory=asyncio.Event)

    async def kept_running(self) -> None:
        while True:
            environment = {**os.environ, **environment_of(self.settings), "BEDROCK_PORT": str(self.port)}
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "api.part", "web", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
            )
            assert self.process.stdout is not None, "started with a pipe"
            with suppress(json.JSONDecodeError):
                json.loads(await self.process.stdout.readline())
                self.is_ready.set()
            await self.process.wait()
            self.is_ready.clear()

    def kill(self) -> bool:
        if not self.is_ready.is_set() or self.process is None:
            return False
        self.is_ready.clear()
        os.kill(self.process.pid, signal.SIGKILL)
        return True


async def delivered(settings: Settings, messages: int, deliveries: int, kills: int, seed: int) -> Delivered:
    """Each of `messages` delivered `deliveries` times in all, in disorder, while a web process is killed `kills` times."""
    found = Delivered(messages, deliveries)
    rng = random.Random(seed)  # noqa: S311 - chance that can be repeated
    twilio = Twilio(PUBLIC, KEY, rng)
    hooks = [twilio.message(f"+4477009{rng.randrange(NUMBERS):05}", f"message {number}") for number in range(messages)]
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        given = {"database_url": SecretStr(url), "twilio_auth_token": SecretStr(KEY), "twilio_account_sid": ACCOUNT, "webhook_url": PUBLIC}
        webs = await stack.enter_async_context(running(Settings(**{**settings.model_dump(), **given}), PROCESSES))
        began = time.monotonic()
        killing = asyncio.create_task(_killed(found, webs, kills, rng))
        await _all_delivered(found, webs, [(hook, twilio.call(hook)) for hook in hooks], rng)
        await killing
        await _delivered_until_known(found, webs, [twilio.call(hook) for hook in hooks[-AT_ONCE:]])
        found.seconds = time.monotonic() - began
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as owner:
            await _counted(found, owner, hooks)
    return found


@asynccontextmanager
async def running(settings: Settings, how_many: int) -> AsyncIterator[list[Web]]:
    """Web processes on free ports; killed at the end."""
    webs = [Web(settings, _free_port()) for _ in range(how_many)]
    keepers = [asyncio.create_task(web.kept_running()) for web in webs]
    try:
        async with asyncio.timeout(SETTLES_WITHIN_S):
            await asyncio.gather(*(web.is_ready.wait() for web in webs))
        yield webs
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        for web in webs:
            if web.process is not None and web.process.returncode is None:
                web.process.kill()
                await web.process.wait()


async def _all_delivered(found: Delivered, webs: Sequence[Web], calls: Sequence[tuple[Hook, Call]], rng: random.Random) -> None:
    """Every call so often, near to one another in time but in disorder; what was not answered is delivered again until it is."""
    waiting = sorted(
        ((number + rng.uniform(0, 40), number) for number in range(len(calls)) for _ in range(found.deliveries)), key=lambda one: one[0]
    )
    queue = iter(waiting)

    async def deliverer() -> None:
        for _, number in queue:
            await _until_answered(found, webs, calls[number][1], number)

    await asyncio.gather(*(deliverer() for _ in range(AT_ONCE)))


async def _until_answered(found: Delivered, webs: Sequence[Web], call: Call, number: int) -> None:
    """As a proxy before two processes does: to either; and Twilio delivers again what nobody answered."""
    for attempt in range(number, number + 2000):
        web = webs[attempt % len(webs)]
        started = time.perf_counter()
        try:
            status = await posted(Target("127.0.0.1", web.port, "isp.example"), call)
        except (OSError, TimeoutError):
            found.unanswered += 1
            await asyncio.sleep(AGAIN_AFTER_S)
            continue
        if status == 204:
            found.took_ms.append((time.perf_counter() - started) * 1000)
            return
        found.unanswered += 1
        await asyncio.sleep(AGAIN_AFTER_S)


async def _delivered_until_known(found: Delivered, webs: Sequence[Web], calls: Sequence[Call]) -> None:
    """The last ones again when no one is killed any more: whoever was not answered would have been asked again."""
    for number, call in enumerate(calls):
        await _until_answered(found, webs, call, number)


async def _killed(found: Delivered, webs: Sequence[Web], kills: int, rng: random.Random) -> None:
    while found.kills < kills:
        await asyncio.sleep(rng.uniform(0.2, 0.8))
        if rng.choice(webs).kill():
            found.kills += 1


async def _counted(found: Delivered, owner: psycopg.AsyncConnection[Any], hooks: Sequence[Hook]) -> None:
    """What is in Atlas, against what was sent."""
    kept = await (await owner.execute("SELECT provider_reference, words FROM helpdesk.message")).fetchall()
    found.doubled = len(kept) - len({reference for reference, _ in kept})
    sent = {(hook.provider_id, dict(hook.fields)["Body"]) for hook in hooks}
    found.lost = len(sent - set(kept))
    found.doubled += len(set(kept) - sent)
    row = await (
        await owner.execute(
            "SELECT count(DISTINCT conversation_id) FROM helpdesk.inbox WHERE state = 'received' AND NOT EXISTS ("
            " SELECT 1 FROM jobs.procrastinate_jobs WHERE lock = 'conversation:' || inbox.conversation_id)"
        )
    ).fetchone()
    found.jobs_missing = row[0] if row else 0


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
