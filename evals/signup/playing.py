"""`bedrock demo signup`: somebody whom nobody here knows writes by WhatsApp, and seconds later is a customer with a line and a bill."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from psycopg import AsyncConnection
from pydantic import SecretStr
from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.bootstrap import House, house
from api.radius.serving import program
from api.serve import database, platform
from api.settings import Settings
from atlas.cmdb.reads import secret_for_equipment
from atlas.errors import AtlasError
from atlas.identity import DeviceId, OrderId
from atlas.money import Money
from atlas.oms.reads import case_of, story_of
from atlas.oms.records import Case, Happened, OrderState
from atlas.principal import Zone, executor
from atlas.statements import Statements
from evals.inbound.twilio import Twilio
from evals.inbound.wire import Target, posted
from evals.world.seed import seed
from forge.bill_run import drafted, go_on, let_go, prepared
from forge.sessions import share_secret
from forge.telling_bills import tell_bills

SQL: Final = Statements(__file__)
ME: Final = executor("demo")
PUBLIC: Final = "https://isp.example"
NUMBER: Final = "+447700900321"
NAME: Final = "Ida Frost"
PLAN: Final = "Fibre 500"
SUBSCRIBERS: Final = 4_000
PATIENCE_S: Final = 180.0
LOOK_EVERY_S: Final = 0.1
LONGEST_STORY: Final = 26


class NotSignedUp(AtlasError):
    """The platform did not come so far in time; its log says why."""


@dataclass(frozen=True)
class Said:
    id: int
    at: datetime
    is_from_us: bool
    words: str


@dataclass(frozen=True)
class Home:
    premise_id: int
    address: str
    device_id: int


@dataclass(frozen=True)
class StepTaken:
    """One of the whitepaper's ten steps; no times where it was not needed."""

    place: int
    step: str
    from_at: datetime | None
    to_at: datetime | None
    what: str

    @property
    def seconds(self) -> float | None:
        return None if self.from_at is None or self.to_at is None else (self.to_at - self.from_at).total_seconds()


@dataclass(frozen=True)
class Bill:
    number: int
    gross: Money
    issued_at: datetime


@dataclass
class Stage:
    here: House
    owner: AsyncConnection[tuple[Any, ...]]
    web: Target
    radius: tuple[str, int] | None
    shared: str
    twilio: Twilio
    home: Home
    said: list[Said] = field(default_factory=list)
    story: list[Happened] = field(default_factory=list)


async def signed_up(console: Console, settings: Settings) -> bool:
    """Plays it in a database of its own; whether it came to an accept and a bill. Raises NotSignedUp."""
    async with AsyncExitStack() as stack:
        stage = await _staged(console, stack, settings)
        with Live(console=console, refresh_per_second=8) as live:

            def show(status: str) -> None:
                live.update(_shown(stage, status))

            order = await _talked(stage, show)
            case = await _activated(stage, order, show)
            bill = await _billed(stage, case)
            await _looked(stage, order)
            show(f"order {order} is {case.state.value}; bill {bill.number if bill else 'none'}")
        steps = await SQL.all(stage.owner, StepTaken, "ten_steps", order_id=order)
        console.print()
        console.print(_table(stage, steps, bill))
        return case.state is OrderState.COMPLETED and bill is not None and (case.evidence or "").startswith("radius_accept:")


async def _staged(console: Console, stack: AsyncExitStack, settings: Settings) -> Stage:
    """The smallest demo ISP, running, with one BNG that asks FreeRADIUS, and a home with a drop and no line."""
    url = await stack.enter_async_context(database(settings))
    await asyncio.to_thread(seed, url, subscribers=SUBSCRIBERS, now=datetime.now().astimezone())
    key = secrets.token_hex(16)
    # Without an account nothing is sent by Twilio: what leaves is recorded, what arrives is signed all the same.
    told = {"database_url": SecretStr(url), "twilio_auth_token": SecretStr(key), "twilio_account_sid": None, "webhook_url": PUBLIC}
    handed = Settings(**{**settings.model_dump(), **told})
    owner = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
    here = await stack.enter_async_context(house(handed, (Zone.EXECUTOR,), most=4))
    home = await SQL.one(owner, Home, "empty_home")
    await SQL.run(owner, "lay_drop", premise_id=home.premise_id, device_id=home.device_id)
    shared = secrets.token_urlsafe(24)
    if program():
        bng = DeviceId(await SQL.value(owner, "a_bng"))
        async with here.atlas.transaction(ME) as conn:
            await share_secret(conn, handed.secret, bng, "127.0.0.1", 3799, shared, 300)
    running = await stack.enter_async_context(platform(handed, url, lambda step: console.print(f"[dim]{step}[/]")))
    console_at = urlsplit(running.addresses["console"])
    web = Target(console_at.hostname or "127.0.0.1", console_at.port or 80, urlsplit(PUBLIC).hostname or "")
    return Stage(here, owner, web, _radius_at(running.addresses.get("radius", "")), shared, Twilio(PUBLIC, key), home)


def _radius_at(address: str) -> tuple[str, int] | None:
    """`udp://127.0.0.1:1812+1813` is (127.0.0.1, 1812)."""
    host, _, ports = address.removeprefix("udp://").rpartition(":")
    return (host, int(ports.partition("+")[0])) if host and ports[:1].isdigit() else None


async def _talked(stage: Stage, show: Callable[[str], None]) -> OrderId:
    """The conversation, a line at a time: each is signed by Twilio's key, and the next is written once the last was answered."""
    for words in (
        f"Hello! What can I get at {stage.home.address}?",
        "I would like to sign up",
        PLAN,
        NAME,
    ):
        hook = stage.twilio.message(f"whatsapp:{NUMBER}", words)
        answers = sum(one.is_from_us for one in stage.said)
        status = await posted(stage.web, stage.twilio.call(hook))
        if status >= 300:
            raise NotSignedUp(f"the webhook answered {status}")
        await _until(stage, lambda before=answers: _is_answered(stage, before), show, "the agents look it up")  # type: ignore[misc]
    found = await SQL.value(stage.owner, "order_signed_up", address=NUMBER)
    if found is None:
        raise NotSignedUp(f"no order was placed; the last answer was: {stage.said[-1].words}")
    return OrderId(found)


async def _is_answered(stage: Stage, before: int) -> bool:
    return sum(one.is_from_us for one in stage.said) > before


async def _activated(stage: Stage, order: OrderId, show: Callable[[str], None]) -> Case:
    """Until the line works: once the network has set the box up, it signs in at the BNG."""

    async def is_set_up() -> bool:
        await _looked(stage, order)
        return await SQL.value(stage.owner, "set_up_at", order_id=order) is not None

    async def is_completed() -> bool:
        await _looked(stage, order)
        return (await _case(stage, order)).state in (OrderState.COMPLETED, OrderState.FAILED) and bool(stage.story)

    await _until(stage, is_set_up, show, f"order {order} is carried out")
    if stage.radius is not None:
        await _until(stage, lambda: _signs_in(stage, order), show, "the box at the customer's signs in")
    await _until(stage, is_completed, show, f"order {order}: the line was seen to work")
    return await _case(stage, order)


async def _case(stage: Stage, order: OrderId) -> Case:
    async with stage.here.atlas.transaction(ME) as conn:
        return await case_of(conn, order)


async def _signs_in(stage: Stage, order: OrderId) -> bool:
    """As the customer's own equipment: with the secret it was set up with, by PAP through radclient; whether it was let in."""
    assert stage.radius is not None, "asked where FreeRADIUS runs"
    case = await _case(stage, order)
    async with stage.here.atlas.transaction(ME) as conn:
        secret = await secret_for_equipment(conn, case.subscriber_id)
    asked = f'User-Name = "line{case.subscriber_id}"\nUser-Password = "{secret}"\nFramed-Protocol = "PPP"\nMessage-Authenticator = "0x00"\n'
    host, port = stage.radius
    client = await asyncio.create_subprocess_exec(
        *("radclient", "-x", "-r", "1", "-t", "1", f"{host}:{port}", "auth", stage.shared),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await client.communicate(asked.encode())
    return b"Received Access-Accept" in said


async def _billed(stage: Stage, case: Case) -> Bill | None:
    """The first bill, by the real run, for this one customer."""
    forge = stage.here.forge
    run = await prepared(forge, ME, forge.now().date(), [case.customer_id])
    await drafted(forge, run)
    await let_go(forge, ME, run)
    await go_on(forge)
    await tell_bills(forge)
    return await SQL.first(stage.owner, Bill, "first_bill", order_id=case.order_id)


async def _looked(stage: Stage, order: OrderId) -> None:
    async with stage.here.atlas.transaction(ME) as conn:
        stage.story = await story_of(conn, order)


async def _until(stage: Stage, holds: Callable[[], Awaitable[bool]], show: Callable[[str], None], status: str) -> None:
    """Asks until it holds, showing what was said and what happened. Raises NotSignedUp."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                after = stage.said[-1].id if stage.said else 0
                stage.said += await SQL.all(stage.owner, Said, "said_since", address=NUMBER, after=after)
                show(status)
                if await holds():
                    return
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise NotSignedUp(f"it took longer than {PATIENCE_S:.0f} s: {status}") from None


def _shown(stage: Stage, status: str) -> Group:
    began = stage.said[0].at if stage.said else None
    talk = Table.grid(padding=(0, 2))
    for one in stage.said:
        who = Text("Bedrock" if one.is_from_us else "stranger", style="cyan" if one.is_from_us else "bold")
        talk.add_row(_since(one.at, began), who, one.words)
    story = Table.grid(padding=(0, 2))
    for happened in stage.story[-LONGEST_STORY:]:
        story.add_row(_since(happened.at, began), Text(happened.system, style="green"), Text(happened.what[:110]))
    return Group(
        Panel(talk, title=f"WhatsApp from {NUMBER}"), Panel(story, title="one order, ten systems, one trace"), Text(status, style="dim")
    )


def _since(at: datetime, began: datetime | None) -> Text:
    return Text("" if began is None else f"+{(at - began).total_seconds():6.2f} s", style="dim")


def _table(stage: Stage, steps: list[StepTaken], bill: Bill | None) -> Table:
    began = stage.said[0].at
    shown = Table("", "Step of the whitepaper", "Took", "Done at", "How", title="Ten systems, one Atlas: a signup")
    for one in steps:
        took = "—" if one.seconds is None else f"{one.seconds:.2f} s"
        shown.add_row(str(one.place), one.step, took, _since(one.to_at, began) if one.to_at else "", one.what)
    if bill is not None:
        shown.add_row("", "First invoice", "", _since(bill.issued_at, began), f"number {bill.number}, {bill.gross} with tax")
    return shown
