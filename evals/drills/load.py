"""Writes that are acknowledged, each remembered with when it began and when it was answered: the yardstick of every drill."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout
from pydantic import SecretStr

from api.bootstrap import House, house
from api.inbound.batch import AlarmIntake
from api.inbound.reading import Reading
from api.settings import Settings
from atlas.actions.reads import audit_entries, broken_links
from atlas.actions.records import ActionState, BrokenLink
from atlas.errors import AtlasError
from atlas.identity import AlarmId, CorrelationId
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Severity
from atlas.principal import Zone, executor
from atlas.statements import Connection, Statements
from forge.actions.nms import AcknowledgeAlarm
from forge.propose import propose

SQL: Final = Statements(__file__)
DEVICE: Final = "drill-olt-01"
DRILL: Final = executor("drill")
# Of each kind: enough to keep commits in flight at every moment, few enough for two cores.
WRITERS: Final = 4
# A writer that was refused comes again after this.
AGAIN_AFTER_S: Final = 0.05


@dataclass(frozen=True)
class Write:
    """One write. Times in seconds of this process's own clock; `acknowledged` is None where no answer came."""

    kind: str
    number: int
    began: float
    acknowledged: float | None


@dataclass
class AcknowledgedLoad:
    """Alarms through the intake and governed actions through Forge, on a database at `url`, which may name several servers."""

    here: House
    intake: AlarmIntake
    writes: list[Write] = field(default_factory=list)
    last: int = 0

    @property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.acknowledged is not None]

    async def write_for_ever(self, kind: str) -> None:
        while True:
            self.last += 1
            number, began = self.last, time.perf_counter()
            try:
                await (self._alarm(number) if kind == "alarm" else self._action(number))
            except (psycopg.Error, AtlasError, PoolTimeout, TimeoutError, OSError):
                self.writes.append(Write(kind, number, began, None))
                await asyncio.sleep(AGAIN_AFTER_S)
            else:
                self.writes.append(Write(kind, number, began, time.perf_counter()))

    async def _alarm(self, number: int) -> None:
        event = AlarmEvent(
            device=DEVICE,
            managed_object=f"drill {number}",
            probable_cause=ProbableCause.LOSS_OF_SIGNAL,
            severity=Severity.MINOR,
            alarm_type=AlarmType.COMMUNICATIONS,
            text="a write of the drill",
            received_at=datetime.now(UTC),
            door=Door.TMF642,
        )
        await self.intake.take(Reading((event,), ()))

    async def _action(self, number: int) -> None:
        """A number that is no alarm's: governed, audited and done like any other, and nothing is acknowledged by it."""
        action = AcknowledgeAlarm((AlarmId(10**12 + number),))
        proposed = await propose(self.here.forge, DRILL, action, reason=str(number), correlation_id=CorrelationId(UUID(int=number)))
        if proposed.state is not ActionState.DONE:
            raise AtlasError(f"the drill's action is {proposed.state.value}: {proposed.verdict_reason}{proposed.failure or ''}")

    async def acknowledged_after(self, moment: float) -> float:
        """When the first write that began after `moment` was acknowledged, both kinds; waits for it."""
        found: dict[str, float] = {}
        seen = 0
        while len(found) < len(KINDS):
            for write in self.writes[seen:]:
                if write.began >= moment and write.acknowledged is not None:
                    found.setdefault(write.kind, write.acknowledged)
            seen = len(self.writes)
            await asyncio.sleep(0.01)
        return max(found.values())


KINDS: Final = ("alarm", "action")


@asynccontextmanager
async def acknowledged_load(settings: Settings, url: str, writers: int = WRITERS) -> AsyncIterator[AcknowledgedLoad]:
    """Writes while the block runs. The drill's own device must be there: `prepare`."""
    handed = settings.model_copy(update={"database_url": SecretStr(url)})
    async with AsyncExitStack() as stack:
        here = await stack.enter_async_context(house(handed, (Zone.EXECUTOR, Zone.INTAKE), most=8))
        intake = await stack.enter_async_context(AlarmIntake(here.atlas).running())
        load = AcknowledgedLoad(here, intake)
        tasks = [asyncio.create_task(load.write_for_ever(kind)) for kind in KINDS for _ in range(writers)]
        try:
            yield load
        finally:
            for task in tasks:
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(*tasks, return_exceptions=True)


async def prepare(url: str) -> None:
    """As the owner: the one device that the drill's alarms come from."""
    async with await AsyncConnection.connect(url) as conn:
        await SQL.run(conn, "make_area")
        await SQL.run(conn, "make_device", name=DEVICE)


@dataclass(frozen=True)
class Found:
    """What a database holds of a drill's writes, and whether its audit trail holds."""

    alarms: frozenset[int]
    actions: frozenset[int]
    audit_entries: int
    broken: tuple[BrokenLink, ...]

    def has(self, write: Write) -> bool:
        return write.number in (self.alarms if write.kind == "alarm" else self.actions)


async def found_in(conn: Connection) -> Found:
    """As the executor."""
    alarms = await SQL.column(conn, "alarm_numbers", device=DEVICE)
    actions = await SQL.column(conn, "action_numbers", proposer=DRILL.reference)
    return Found(frozenset(alarms), frozenset(actions), await audit_entries(conn), tuple(await broken_links(conn)))


def lost(found: Found, writes: Sequence[Write], before: float) -> list[Write]:
    """Acknowledged before the moment, and not there."""
    return [write for write in writes if write.acknowledged is not None and write.acknowledged < before and not found.has(write)]


def from_after(found: Found, writes: Sequence[Write], after: float) -> list[Write]:
    """Begun after the moment, and there."""
    return [write for write in writes if write.began > after and found.has(write)]
