"""What goes on at an ISP while things break: machines tell alarms, links are cut and spliced, customers write, staff approve.

Everybody does what such callers do in the field: whoever has no good answer asks again, with the same id.
"""

import asyncio
import base64
import hashlib
import hmac
import random
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import numpy as np
import psycopg
from psycopg_pool import PoolTimeout

from api.inbound.tmf642 import PATH
from atlas.actions.records import ActionState
from atlas.errors import AtlasError
from atlas.identity import StaffId
from atlas.principal import Principal, Role, executor, in_session
from atlas.statements import Statements
from evals.campaign.books import Books
from evals.campaign.provider import ACCOUNT, SMS_FROM, TOKEN
from evals.campaign.stage import PUBLIC_URL, Stage, chance, owner_rows
from evals.demo import watching
from evals.fault.playing import play_cut, play_repair
from forge.approvals import Card, approve, waiting_for
from forge.sign_in.sessions import begun

SQL: Final = Statements(__file__)
MACHINES: Final = 3
CUSTOMERS: Final = 6
CALLER_WAITS_S: Final = 15.0
AGAIN_AFTER_S: Final = 0.3
APPROVED_EVERY_S: Final = 0.7
WATCHER: Final = executor("campaign")
WEBHOOK: Final = "/webhooks/twilio/messages"
TROUBLES: Final = (AtlasError, psycopg.Error, PoolTimeout, TimeoutError, OSError, httpx.HTTPError)
SAID: Final = (
    "Is there an outage in my area?",
    "Why is my bill higher this month?",
    "My internet is slow today",
    "What is my balance?",
    "I want to speak to a person",
    "Danke, alles gut",
    "When does my engineer come?",
)


@asynccontextmanager
async def busy(stage: Stage, books: Books, seed: int) -> AsyncIterator[None]:
    """Callers at work while the block runs. At its end each finishes what they are in the middle of, and is heard to the end."""
    stop = asyncio.Event()
    work: list[Coroutine[Any, Any, None]] = [cutting(stage, books, chance(seed, "cuts"), stop)]
    work += [telling(stage, books, number, chance(seed, f"machine {number}"), stop) for number in range(MACHINES)]
    people = await asyncio.to_thread(owner_rows, stage.url, SQL.text("people"), {"most": CUSTOMERS})
    work += [writing(stage, books, str(person[0]), chance(seed, f"customer {person[0]}"), stop) for person in people]
    async with at_work(stop, *work):
        yield


@asynccontextmanager
async def staffed(stage: Stage, books: Books) -> AsyncIterator[None]:
    """Staff rule on whatever waits while the block runs: in trouble, and in the quiet after it, when most of it is asked for."""
    stop = asyncio.Event()
    async with at_work(stop, approving(stage, books, stop)):
        yield


@asynccontextmanager
async def at_work(stop: asyncio.Event, *work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def telling(stage: Stage, books: Books, machine: int, rng: random.Random, stop: asyncio.Event) -> None:
    """An element manager: some alarms in one call, and their clears a little later."""
    number = 0
    while not stop.is_set():
        number += 1
        where = rng.choice(stage.elsewhere).name
        objects = [f"campaign {machine}.{number}.{part}" for part in range(rng.randint(1, 8))]
        await told(stage, books, where, objects, is_clear=False)
        if rng.random() < 0.5:
            await told(stage, books, where, objects, is_clear=True)
        await asyncio.sleep(rng.uniform(0.1, 0.6))


async def told(stage: Stage, books: Books, where: str, objects: Iterable[str], *, is_clear: bool) -> None:
    """Tells it until it is accepted."""
    body = [as_tmf642(where, one, is_clear=is_clear) for one in objects]
    headers = {"authorization": f"Bearer {stage.token}"}
    while True:
        if await answered(stage.intake.port, PATH, books, json=body, headers=headers) == 201:
            break
        await asyncio.sleep(AGAIN_AFTER_S)
    for one in objects:
        books.alarms[where, one] = not is_clear


def as_tmf642(device: str, managed_object: str, *, is_clear: bool) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat()
    alarm = {
        "alarmType": "environmentalAlarm",
        "perceivedSeverity": "warning",
        "probableCause": "temperatureUnacceptable",
        "alarmedObject": {"id": f"{device}/{managed_object}"},
        "sourceSystemId": "campaign",
        "state": "raised",
        "alarmRaisedTime": now,
        "alarmDetails": "inlet temperature 47 C",
    }
    return {**alarm, "perceivedSeverity": "cleared", "state": "cleared", "alarmClearedTime": now} if is_clear else alarm


async def answered(port: int, path: str, books: Books, **request: Any) -> int:
    """The status of one call; 0 where there was no answer."""
    try:
        async with httpx.AsyncClient(timeout=CALLER_WAITS_S) as client:
            answer = await client.post(f"http://127.0.0.1:{port}{path}", **request)
    except (httpx.HTTPError, OSError):
        books.failed["no answer"] += 1
        return 0
    if answer.status_code >= 400:
        books.failed[f"{path} {answer.status_code}"] += 1
    return answer.status_code


async def cutting(stage: Stage, books: Books, rng: random.Random, stop: asyncio.Event) -> None:
    """The backhaul is cut and spliced, again and again; what is told over UDP may be lost, as in the field."""
    while not stop.is_set():
        books.cuts += 1
        await play_cut(stage.told, stage.doors, np.random.default_rng(rng.getrandbits(32)), spread_s=0.6)
        await paused(stop, rng.uniform(4, 15))
        await play_repair(stage.told, stage.doors, pace=0.1)
        await paused(stop, rng.uniform(2, 10))


async def paused(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


async def writing(stage: Stage, books: Books, address: str, rng: random.Random, stop: asyncio.Event) -> None:
    """A customer who writes now and then; the carrier hands each message over until it is taken."""
    while not stop.is_set():
        await paused(stop, rng.uniform(0.5, 4))
        sid = f"SM{rng.getrandbits(128):032x}"
        form = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": address, "To": SMS_FROM, "Body": rng.choice(SAID), "NumMedia": "0"}
        headers = {"x-twilio-signature": signature(PUBLIC_URL + WEBHOOK, form)}
        while not stop.is_set():
            if 200 <= await answered(stage.web.port, WEBHOOK, books, data=form, headers=headers) < 300:
                books.messages.add(sid)
                break
            await asyncio.sleep(AGAIN_AFTER_S)


def signature(url: str, form: dict[str, str]) -> str:
    """As https://www.twilio.com/docs/usage/security says."""
    text = url + "".join(name + value for name, value in sorted(form.items()))
    return base64.b64encode(hmac.new(TOKEN.encode(), text.encode(), hashlib.sha1).digest()).decode()


async def approving(stage: Stage, books: Books, stop: asyncio.Event) -> None:
    """Staff who approve whatever waits, each of the role that it waits for."""
    people: dict[str, Principal] = {}
    while not stop.is_set():
        try:
            async with stage.here.atlas.transaction(WATCHER) as conn:
                cards = await waiting_for(stage.here.forge, conn)
            for card in cards:
                await ruled(stage, books, card, people)
        except TROUBLES as error:
            books.failed[f"approval {type(error).__name__}"] += 1
        await paused(stop, APPROVED_EVERY_S)


async def ruled(stage: Stage, books: Books, card: Card, people: dict[str, Principal]) -> None:
    for role in card.approver_roles:
        if role not in people:
            people[role] = await somebody(stage, Role(role))
        became = await approve(stage.here.forge, people[role], card.action_id, digest_seen=card.digest, note="seen in a campaign")
        if became.state is ActionState.APPROVED:
            books.approved.add(card.action_id)


async def somebody(stage: Stage, role: Role) -> Principal:
    async with stage.here.atlas.transaction(WATCHER) as conn:
        found = await watching.somebody_with(conn, role)
    assert found is not None, f"the demo ISP has a {role.value}"
    return in_session(found, (await begun(stage.here.atlas, StaffId(found.staff_id or 0))).fingerprint)
