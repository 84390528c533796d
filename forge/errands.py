"""After commit, runs the errands that actions left for the world outside: probing and provisioning, one key each, at least once."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
import structlog

from atlas.actions import writes
from atlas.actions.records import Errand
from atlas.actions.rules import is_in_doubt
from atlas.cmdb.writes import record_diagnosis
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import DeviceId
from atlas.principal import executor
from forge.outside.ports import Never, Probe, Prober, Provisioner

log = structlog.get_logger()

ERRANDS: Final = executor("errands")
# As many as go out at once: a killed worker's batch is taken over as soon as its slowest call must be over.
BATCH: Final = 32
AT_ONCE: Final = BATCH
# What the slowest device or platform may take; beyond it we do not know what became of the errand.
WORST_CASE: Final = timedelta(seconds=20)
LEASE: Final = WORST_CASE + timedelta(seconds=5)


class ErrandUnknown(AtlasError):
    """An errand for a port that nobody serves, or without what the port needs to know."""


@dataclass(frozen=True)
class Outside:
    """Whoever runs errands: `prober` looks at devices, `provisioner` changes what the network does for a line."""

    prober: Prober
    provisioner: Provisioner


@dataclass(frozen=True)
class Ran:
    done: int
    failed: int
    later: int


async def run_errands(atlas: Atlas, outside: Outside, now: Callable[[], datetime], lease: timedelta = LEASE) -> Ran:
    """Runs whatever waits until nothing does. What a probe found is kept as a diagnosis, in the transaction that ends its errand."""
    states: list[str] = []
    while batch := await _leased(atlas, lease):
        room = asyncio.Semaphore(AT_ONCE)
        ended = await asyncio.gather(*(_run(atlas, outside, errand, now, room) for errand in batch), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        states.extend(state for state in ended if isinstance(state, str))
    done, failed = states.count("done"), states.count("failed")
    if states:
        log.info("errands_ran", done=done, failed=failed, later=len(states) - done - failed)
    return Ran(done, failed, len(states) - done - failed)


async def _leased(atlas: Atlas, lease: timedelta) -> list[Errand]:
    async with atlas.transaction(ERRANDS) as conn:
        return await writes.lease_errands(conn, BATCH, lease)


async def _run(atlas: Atlas, outside: Outside, errand: Errand, now: Callable[[], datetime], room: asyncio.Semaphore) -> str:
    """One attempt; the state it leaves the errand in. The key is the same each time, so the other side does it once."""
    async with room:
        try:
            async with asyncio.timeout(WORST_CASE.total_seconds()):
                return await _probe(atlas, outside, errand, now) if errand.port == "prober" else await _provision(atlas, outside, errand)
        except (Never, ErrandUnknown) as refusal:
            return await _ended(atlas, errand, "failed", {"why": str(refusal)})
        except psycopg.Error:
            raise
        except Exception as silence:  # nobody answered, or the port broke: either says nothing of whether it was done
            why = str(silence) if isinstance(silence, AtlasError) else type(silence).__name__
            log.warning("errand_unanswered", errand_id=errand.id, why=type(silence).__name__)
            return "leased" if not is_in_doubt(errand.attempts) else await _ended(atlas, errand, "in_doubt", {"why": why})


async def _probe(atlas: Atlas, outside: Outside, errand: Errand, now: Callable[[], datetime]) -> str:
    device_id, device = errand.arguments.get("device_id"), errand.arguments.get("device")
    if not isinstance(device_id, int) or not isinstance(device, str):
        raise ErrandUnknown(f"errand {errand.id} names no device")
    found = await outside.prober.probe(errand.key, device, errand.arguments.get("address"))
    async with atlas.transaction(ERRANDS) as conn:
        await record_diagnosis(
            conn,
            errand.id,
            DeviceId(device_id),
            at=now(),
            is_reachable=found.is_reachable,
            round_trip=found.round_trip,
            detail=found.detail,
        )
        await writes.finish_errand(conn, errand, "done", _answer(found))
    return "done"


async def _provision(atlas: Atlas, outside: Outside, errand: Errand) -> str:
    if errand.port != "provisioner":
        raise ErrandUnknown(f"errand {errand.id} is for {errand.port}, which nobody serves")
    answer = await outside.provisioner.provision(errand.key, errand.operation, errand.arguments)
    return await _ended(atlas, errand, "done", answer)


async def _ended(atlas: Atlas, errand: Errand, state: str, answer: dict[str, Any]) -> str:
    async with atlas.transaction(ERRANDS) as conn:
        await writes.finish_errand(conn, errand, state, answer)
    return state


def _answer(found: Probe) -> dict[str, Any]:
    milliseconds = None if found.round_trip is None else found.round_trip.total_seconds() * 1000
    return {"is_reachable": found.is_reachable, "round_trip_ms": milliseconds, **found.detail}
