"""A whole platform with a fault proxy on every way between its parts, PostgreSQL, its callers and the provider."""

import asyncio
import contextlib
import random
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psycopg
from psycopg import conninfo
from pydantic import SecretStr

from api.bootstrap import House, house
from api.doors import intake_token, snmp_user
from api.serve import Running, database, parts_of, platform
from api.settings import Settings
from atlas.principal import Zone, executor
from evals.campaign.clock import MovedClock, installed
from evals.campaign.disk import SmallDisk
from evals.campaign.provider import ACCOUNT, SMS_FROM, TOKEN, WHATSAPP_FROM, Provider
from evals.campaign.proxy import PASSES, FaultProxy, before_postgresql, towards_port
from evals.campaign.web_proxy import HARMLESS, WebFaultProxy
from evals.demo.play import address_of
from evals.fault.playing import Doors
from evals.fault.scene import Gear, scene_of_cut
from evals.fault.told import Told, told_of_cut
from evals.world.plan import world
from evals.world.seed import seed as make_world

SUBSCRIBERS: Final = 4_000
PUBLIC_URL: Final = "https://isp.example"
# Whom the campaign's own people (approvers, watchers) are: a part like the others, with a way of its own that breaks too.
STAFF_WAY: Final = "staff"


@dataclass
class Stage:
    """The platform while it runs, and everything that can be done to it from outside."""

    url: str
    postgres: Path
    settings: Settings
    running: Running
    here: House
    ways: dict[str, FaultProxy]
    intake: WebFaultProxy
    web: WebFaultProxy
    to_provider: WebFaultProxy
    provider: Provider
    clock: MovedClock
    disk: SmallDisk
    doors: Doors
    told: list[Told]
    elsewhere: tuple[Gear, ...]

    @property
    def token(self) -> str:
        return intake_token(self.here.settings)

    def heal(self) -> None:
        """Every way passes again, the clocks are right and the disk has room."""
        for way in self.ways.values():
            way.fault = PASSES
        for proxy in (self.intake, self.web, self.to_provider):
            proxy.mix = HARMLESS
        self.clock.move(0)
        self.disk.empty()


@asynccontextmanager
async def staged(home: Path, seed: int, faketime: Path | None = None, workers: int = 2) -> AsyncIterator[Stage]:
    """The demo ISP on an embedded PostgreSQL, its platform before it, and proxies in between. `faketime`: its library."""
    clock = MovedClock(home / "clock", faketime or installed())
    async with AsyncExitStack() as stack:
        disk = stack.enter_context(SmallDisk.mounted(home))
        ports = free_ports(4)
        settings = Settings(
            home=disk.home,
            port=ports[0],
            snmp_port=ports[1],
            syslog_port=ports[2],
            intake_port=ports[3],
            workers=workers,
            radius="off",
            hold_down_s=5,  # what was cut for the third time in minutes is held; the quiet after the trouble is longer than this
        )
        url = await stack.enter_async_context(database(settings))
        await asyncio.to_thread(make_world, url, subscribers=SUBSCRIBERS, now=datetime.now(UTC))
        provider = Provider(slow_s=0.01, chance=chance(seed, "provider"))
        to_provider = await before_provider(stack, provider, seed)
        settings = with_provider(settings, to_provider.port)
        ways = {}
        for name in (*parts_of(settings), STAFF_WAY):
            ways[name] = await stack.enter_async_context(before_postgresql(url, seed))
        surroundings = {name: {**clock.environment, "DATABASE_URL": through} for name, (_, through) in ways.items()}
        surroundings["web"]["BEDROCK_PUBLIC_URL"] = PUBLIC_URL
        running = await stack.enter_async_context(platform(settings, url, surroundings=surroundings))
        handed = settings.model_copy(update={"database_url": SecretStr(ways[STAFF_WAY][1])})
        here = await stack.enter_async_context(house(handed, (Zone.EXECUTOR, Zone.STAFF), most=4))
        async with here.atlas.transaction(executor("campaign")) as conn:
            scene = await scene_of_cut(conn, world().zone.backhaul)
        yield Stage(
            url=url,
            postgres=Path(str(conninfo.conninfo_to_dict(url)["host"])),
            settings=settings,
            running=running,
            here=here,
            ways={name: proxy for name, (proxy, _) in ways.items()},
            intake=await before_web(stack, ports[3], seed, "intake"),
            web=await before_web(stack, ports[0], seed, "web"),
            to_provider=to_provider,
            provider=provider,
            clock=clock,
            disk=disk,
            doors=Doors(address_of(running.addresses["snmp"]), address_of(running.addresses["syslog"]), snmp_user(handed)),
            told=told_of_cut(scene),
            elsewhere=scene.elsewhere,
        )


async def before_provider(stack: AsyncExitStack, provider: Provider, seed: int) -> WebFaultProxy:
    """A provider that takes no key: only questions may be sent to it twice."""
    port = await stack.enter_async_context(provider.running())
    proxy = WebFaultProxy(towards_port(port), chance(seed, "to provider"), repeats=("GET",))
    return await stack.enter_async_context(proxy.running())


async def before_web(stack: AsyncExitStack, port: int, seed: int, name: str) -> WebFaultProxy:
    return await stack.enter_async_context(WebFaultProxy(towards_port(port), chance(seed, name)).running())


def with_provider(settings: Settings, port: int) -> Settings:
    given = {
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": SecretStr(TOKEN),
        "twilio_sms_from": SMS_FROM,
        "twilio_whatsapp_from": WHATSAPP_FROM,
        "twilio_base_url": f"http://127.0.0.1:{port}",
    }
    return settings.model_copy(update=given)


def chance(seed: int, name: str) -> random.Random:
    """Each part of the campaign draws from a sequence of its own, so that one that draws more shifts no other."""
    return random.Random(f"{seed}/{name}")  # noqa: S311 - a campaign to be repeated, not a secret


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody has at this moment; a part that is restarted must find its own again."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(how_many)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def owner_rows(url: str, statement: bytes, parameters: Mapping[str, object] | None = None) -> list[tuple[object, ...]]:
    """What the owner of the database sees; for the campaign's judge, who believes nobody."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as conn:
        return conn.execute(statement, dict(parameters or {})).fetchall()
