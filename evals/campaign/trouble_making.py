"""Does what the plan says, when it says so, and writes down when it was really done."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TextIO

import psycopg

from atlas.statements import Statements
from evals.campaign.proxy import BLACK_HOLE, LOSES_ANSWERS, PASSES, REFUSES, Fault
from evals.campaign.stage import Stage, owner_rows
from evals.campaign.troubles import Trouble
from evals.campaign.web_proxy import HARMLESS, WebFault, WebFaultProxy

SQL: Final = Statements(__file__)
Done = Callable[[Stage, Trouble], Awaitable[str]]

MIXES: Final[Mapping[str, tuple[WebFault, ...]]] = {
    "web late": (WebFault.ANSWERS_LATE,),
    "web failing": (WebFault.FAILS_BEFORE, WebFault.FAILS_AFTER),
    "web answers lost": (WebFault.LOSES_ANSWER, WebFault.CUTS_SHORT),
    "web twice": (WebFault.SENDS_TWICE,),
    "web reordered": (WebFault.OVERTAKEN,),
}


async def make_trouble(stage: Stage, plan: Sequence[Trouble], timeline: Path) -> dict[str, int]:
    """Plays the plan to its end; how often each thing was done. What lasts is healed by itself, or when the next on the same way begins."""
    loop = asyncio.get_running_loop()
    began, done = loop.time(), dict[str, int]()
    with timeline.open("w") as kept:
        async with asyncio.TaskGroup() as group:
            for trouble in plan:
                await asyncio.sleep(max(0.0, began + trouble.at_s - loop.time()))
                done[trouble.what] = done.get(trouble.what, 0) + 1
                group.create_task(one_trouble(stage, trouble, kept, began))
    return done


async def one_trouble(stage: Stage, trouble: Trouble, kept: TextIO, began: float) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time() - began
    try:
        became = await DONE.get(trouble.what, web_trouble)(stage, trouble)
    except (psycopg.Error, OSError) as error:
        became = f"not possible now: {type(error).__name__}"
    row = {**trouble.as_row(), "began_s": round(started, 3), "over_s": round(loop.time() - began, 3), "became": became}
    kept.write(json.dumps(row) + "\n")
    kept.flush()


async def kill_part(stage: Stage, trouble: Trouble) -> str:
    return signalled(stage, trouble.target, signal.SIGKILL)


async def terminate_part(stage: Stage, trouble: Trouble) -> str:
    return signalled(stage, trouble.target, signal.SIGTERM)


async def freeze_part(stage: Stage, trouble: Trouble) -> str:
    pid = stage.running.pid_of(trouble.target)
    became = signalled(stage, trouble.target, signal.SIGSTOP)
    await asyncio.sleep(trouble.lasts_s)
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
    return became


def signalled(stage: Stage, part: str, number: signal.Signals) -> str:
    process = stage.running.parts[part].process
    if process is None or process.returncode is not None:
        return "it was down already"
    process.send_signal(number)
    return f"pid {process.pid}"


async def kill_backend(stage: Stage, trouble: Trouble) -> str:
    pids = await asyncio.to_thread(owner_rows, stage.url, SQL.text("backends"))
    if not pids:
        return "there was none"
    pid = int(str(pids[int(trouble.how_much * len(pids))][0]))
    os.kill(pid, signal.SIGKILL)
    return f"pid {pid}"


async def terminate_backend(stage: Stage, trouble: Trouble) -> str:
    gone = await asyncio.to_thread(owner_rows, stage.url, SQL.text("terminate"), {"which": trouble.how_much})
    return str(gone[0][0]) if gone else "there was none"


async def kill_postgresql(stage: Stage, _: Trouble) -> str:
    pid = int((stage.postgres / "postmaster.pid").read_text().split(maxsplit=1)[0])
    os.kill(pid, signal.SIGKILL)
    return f"pid {pid}"


async def cut_way(stage: Stage, trouble: Trouble) -> str:
    return f"{stage.ways[trouble.target].cut()} connections"


async def half_close_way(stage: Stage, trouble: Trouble) -> str:
    return f"{stage.ways[trouble.target].half_close()} connections"


def spoilt(fault: Callable[[Trouble], Fault], *, cuts_after: bool = False) -> Done:
    """A fault on one way while the trouble lasts. `cuts_after`: what was held back never arrives."""

    async def spoil(stage: Stage, trouble: Trouble) -> str:
        way, spoilt_by = stage.ways[trouble.target], fault(trouble)
        way.fault = spoilt_by
        await asyncio.sleep(trouble.lasts_s)
        if way.fault is not spoilt_by:
            return "another trouble took over"
        lost = way.cut() if cuts_after else 0
        way.fault = PASSES
        return f"{lost} connections cut"

    return spoil


async def web_trouble(stage: Stage, trouble: Trouble) -> str:
    """So large a share of requests meets the fault while it lasts."""
    proxy: WebFaultProxy = {"intake": stage.intake, "web": stage.web, "provider": stage.to_provider}[trouble.target]
    kinds = MIXES[trouble.what]
    mix = {WebFault.PASSES: 1 - trouble.how_much, **dict.fromkeys(kinds, trouble.how_much / len(kinds))}
    before = proxy.befell.total()
    proxy.mix = mix
    await asyncio.sleep(trouble.lasts_s)
    if proxy.mix is mix:
        proxy.mix = HARMLESS
    return f"{proxy.befell.total() - before} requests"


async def move_clock(stage: Stage, trouble: Trouble) -> str:
    if not stage.clock.can_move:
        return "skipped: libfaketime is not installed"
    stage.clock.move(trouble.how_much)
    await asyncio.sleep(trouble.lasts_s)
    stage.clock.move(0)
    return f"by {trouble.how_much:+g} s"


async def fill_disk(stage: Stage, trouble: Trouble) -> str:
    if not stage.disk.is_small:
        return "skipped: no disk of its own"
    await asyncio.to_thread(stage.disk.fill, int(trouble.how_much))
    await asyncio.sleep(trouble.lasts_s)
    stage.disk.empty()
    return f"{trouble.how_much:g} MB were left"


DONE: Final[Mapping[str, Done]] = {
    "part killed": kill_part,
    "part terminated": terminate_part,
    "part frozen": freeze_part,
    "backend killed": kill_backend,
    "backend terminated": terminate_backend,
    "postgresql killed": kill_postgresql,
    "way cut": cut_way,
    "way half closed": half_close_way,
    "way black": spoilt(lambda _: Fault(**vars(BLACK_HOLE))),
    "answers lost": spoilt(lambda _: Fault(**vars(LOSES_ANSWERS)), cuts_after=True),
    "way late": spoilt(lambda trouble: Fault(delay_s=trouble.how_much)),
    "way narrow": spoilt(lambda trouble: Fault(octets_per_s=trouble.how_much)),
    "way refused": spoilt(lambda _: Fault(**vars(REFUSES))),
    "clock moved": move_clock,
    "disk filled": fill_disk,
}
