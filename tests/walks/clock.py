"""The clock that starts each leg of a walk: the platform's own jobs, worked off one after another until none is left."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from procrastinate import App
from pydantic import SecretStr

from api.bootstrap import House, house, outside_world
from api.inbound.batch import AlarmIntake
from api.inbound.snmp.parsing import Traps, parse_trap
from api.inbound.syslog.parsing import Lines, parse_line
from api.settings import Settings
from api.worker import Works, register
from atlas.jobs import queue
from evals.fault.playing import Datagram, Doors
from forge.graph import open_bookmarks
from tests.conftest import SECRET

DOORS = Doors(("127.0.0.1", 162), ("127.0.0.1", 514))


@dataclass(frozen=True)
class Walk:
    """One platform in one process: what the doors hear, and the jobs that follow."""

    house: House
    jobs: App

    async def hear(self, datagrams: Sequence[Datagram]) -> None:
        """What the SNMP and syslog doors do with datagrams, up to the commit."""
        traps, lines, intake = Traps(), Lines(), AlarmIntake(self.house.atlas)
        async with intake.running():
            for one in datagrams:
                now = datetime.now(UTC)
                is_trap = one.to == DOORS.snmp
                intake.offer(
                    parse_trap(one.octets, "127.0.0.1", now, traps) if is_trap else parse_line(one.octets, "127.0.0.1", now, lines)
                )

    async def work_off(self) -> None:
        """Every job that is due, and every job those leave."""
        await self.jobs.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False, delete_jobs="successful")


@asynccontextmanager
async def walking(url: str, folder: Path) -> AsyncIterator[Walk]:
    (folder / "secret").write_text(SECRET.hex())
    settings = Settings(home=folder).model_copy(update={"database_url": SecretStr(url)})
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(house(settings))
        bookmarks = await stack.enter_async_context(open_bookmarks(one.atlas))
        messenger, outside = await stack.enter_async_context(outside_world(one))
        jobs = queue(url, settings.secret)
        register(jobs, Works(one, bookmarks, messenger, outside))
        await stack.enter_async_context(jobs.open_async())
        yield Walk(one, jobs)
