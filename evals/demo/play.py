"""`bedrock demo`: plays the whitepaper's cut on the running platform and shows what Atlas records, then what came of it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import numpy as np
from rich.console import Console
from rich.live import Live

from api.bootstrap import House
from api.doors import snmp_user
from atlas.errors import AtlasError
from atlas.identity import IncidentId, StaffId
from atlas.itsm.reads import incident as incident_of
from atlas.itsm.records import IncidentState
from atlas.principal import Principal, Role, executor, in_session
from evals.demo import measured, showing, watching
from evals.demo.watching import Happening
from evals.fault.playing import Doors, Played, play_cut, play_repair
from evals.fault.scene import Scene, scene_of_cut
from evals.fault.told import Told, noise, told_of_cut
from evals.world.plan import world
from forge.approvals import Card, approve, waiting_for
from forge.sign_in.sessions import begun

WATCHER: Final = executor("demo")
NOISE: Final = 12
REFRESH_S: Final = 0.2
# Quiet for this long with nothing left to do: whatever was going to happen has.
QUIET_S: Final = 1.5
PATIENCE_S: Final = 120.0
# A splice takes hours; nobody would watch that.
REPAIR_PACE: Final = 1.0


class NothingHappened(AtlasError):
    """The platform did not answer the fault in time; its log says why."""


@dataclass
class Stage:
    """The demo's own few facts: where the fault is, what was sent when, and which incidents came of it."""

    here: House
    console: Console
    doors: Doors
    scene: Scene
    told: list[Told]
    stray: list[Told]
    played: Played | None = None
    began_at: datetime | None = None
    incidents: list[IncidentId] = field(default_factory=list)
    happened: list[Happening] = field(default_factory=list)

    @property
    def device_ids(self) -> list[int]:
        return sorted({one.device.device_id for one in self.told})


async def play(console: Console, here: House, addresses: Mapping[str, str], *, once: bool) -> bool:
    """Plays the cut and shows it. `once`: also approves, repairs and waits for the end. Whether every promise was kept.

    Raises NothingHappened where the platform does not answer.
    """
    stage = await set_stage(console, here, addresses)
    await clear_stage(stage)
    await cut(stage)
    cards = await waiting_cards(stage)
    console.print(showing.waiting(cards))
    if not once:
        return await show_table(stage)
    console.print(measured.table(await table_of(stage)))
    await rule(stage, cards)
    await repair(stage)
    return await show_table(stage)


async def set_stage(console: Console, here: House, addresses: Mapping[str, str]) -> Stage:
    async with here.atlas.transaction(WATCHER) as conn:
        scene = await scene_of_cut(conn, world().zone.backhaul)
    doors = Doors(address_of(addresses["snmp"]), address_of(addresses["syslog"]), snmp_user(here.settings))
    return Stage(here, console, doors, scene, told_of_cut(scene), noise(scene, NOISE, np.random.default_rng(1)))


def address_of(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "127.0.0.1", parts.port or 0


async def clear_stage(stage: Stage) -> None:
    """Repairs what an earlier run left cut, so that this one is a new fault."""
    async with stage.here.atlas.transaction(WATCHER) as conn:
        is_open = await watching.alarms_open(conn, stage.device_ids)
        standing = await watching.incidents_standing(conn, stage.device_ids)
    if not is_open and not standing:
        return
    stage.console.print("[dim]repairing the cut of an earlier run first[/]")
    await play_repair([*stage.told, *stage.stray], stage.doors, pace=0.2)

    async def is_clear() -> bool:
        async with stage.here.atlas.transaction(WATCHER) as conn:
            return not await watching.incidents_standing(conn, stage.device_ids)

    await until(is_clear, "the incident of the earlier run is not over")


async def cut(stage: Stage) -> None:
    """The burst, live, until everything that follows by itself has."""
    link, count = stage.scene.link, len(stage.told) + len(stage.stray)
    heading = f"{link.name} is cut: {count} alarms over UDP"

    async def fault() -> None:
        stage.began_at = stage.here.forge.now()
        stage.played = await play_cut([*stage.told, *stage.stray], stage.doors, np.random.default_rng(1))

    async def is_answered() -> bool:
        return stage.played is not None and bool(stage.incidents) and await is_quiet(stage)

    await shown_while(stage, fault, is_answered, heading)


async def repair(stage: Stage) -> None:
    async def splice() -> None:
        await play_repair(stage.told, stage.doors, REPAIR_PACE)

    async def is_over() -> bool:
        async with stage.here.atlas.transaction(WATCHER) as conn:
            return (await incident_of(conn, stage.incidents[0])).state is IncidentState.CLOSED and await is_quiet(stage)

    await shown_while(stage, splice, is_over, f"{stage.scene.link.name} is spliced: the clears come port by port")


async def rule(stage: Stage, cards: Sequence[Card]) -> None:
    """Approves what waits, as somebody of the role it waits for."""
    for card in cards:
        for role in card.approver_roles:
            person = await somebody_with(stage, Role(role))
            ruled = await approve(stage.here.forge, person, card.action_id, digest_seen=card.digest, note="seen in the demo")
            stage.console.print(f"[green]{person.name}, {role.replace('_', ' ')}, approves {card.reference}[/]: {ruled.state.value}")


async def somebody_with(stage: Stage, role: Role) -> Principal:
    async with stage.here.atlas.transaction(WATCHER) as conn:
        found = await watching.somebody_with(conn, role)
    if found is None:
        raise NothingHappened(f"nobody here is {role.value}")
    return in_session(found, (await begun(stage.here.atlas, StaffId(found.staff_id or 0))).fingerprint)


async def shown_while(stage: Stage, act: Callable[[], Awaitable[None]], is_over: Callable[[], Awaitable[bool]], heading: str) -> None:
    """Does `act` while the timeline is shown, until `is_over`."""
    with Live(console=stage.console, refresh_per_second=8) as live:

        async def is_shown_and_over() -> bool:
            await refresh(stage)
            first_at = stage.played.first_at if stage.played else stage.began_at
            live.update(showing.timeline(stage.happened, first_at, heading, await status(stage)))
            return await is_over()

        acting = asyncio.ensure_future(act())
        try:
            await until(is_shown_and_over, "the platform does not answer")
        finally:
            await acting


async def refresh(stage: Stage) -> None:
    if stage.began_at is None:
        return
    async with stage.here.atlas.transaction(WATCHER) as conn:
        stage.incidents = await watching.incidents_of_fault(conn, stage.device_ids, stage.began_at) or stage.incidents
        stage.happened = sorted(
            [one for found in stage.incidents for one in await watching.happenings(conn, found)], key=lambda one: one.at
        )


async def status(stage: Stage) -> str:
    if not stage.incidents:
        return "listening"
    async with stage.here.atlas.transaction(WATCHER) as conn:
        found = await incident_of(conn, stage.incidents[0])
    left = f"{found.devices_out} of {found.devices} devices and {found.subscribers_out} of {found.subscribers} subscribers without service"
    stands = f"{found.alarms_open} of {found.alarms} alarms stand"
    return f"INC-{found.incident_id} {found.state.value}: {found.cause} at {found.root_name}; {stands}, {left}"


async def is_quiet(stage: Stage) -> bool:
    """Nothing is left to do by itself, and nothing was recorded lately."""
    async with stage.here.atlas.transaction(WATCHER) as conn:
        left = sum([await watching.unsettled(conn, found) for found in stage.incidents])
    latest = max((one.at for one in stage.happened), default=None)
    return left == 0 and latest is not None and stage.here.forge.now() - latest > timedelta(seconds=QUIET_S)


async def until(holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Asks until it holds. Raises NothingHappened after two minutes."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                if await holds():
                    return
                await asyncio.sleep(REFRESH_S)
    except TimeoutError:
        raise NothingHappened(f"{otherwise}, {PATIENCE_S:.0f} seconds on") from None


async def waiting_cards(stage: Stage) -> list[Card]:
    async with stage.here.atlas.transaction(WATCHER) as conn:
        cards = await waiting_for(stage.here.forge, conn)
    return [card for card in cards if card.incident_id in stage.incidents]


async def table_of(stage: Stage) -> list[measured.Line]:
    assert stage.played is not None, "the table comes after the fault"
    async with stage.here.atlas.transaction(WATCHER) as conn:
        return measured.lines(await measured.read_story(conn, stage.played, len(stage.told), stage.scene, stage.incidents))


async def show_table(stage: Stage) -> bool:
    found = await table_of(stage)
    stage.console.print(measured.table(found))
    return all(line.is_kept is not False for line in found)
