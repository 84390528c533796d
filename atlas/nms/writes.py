"""Facts that arrived: alarms and what could not be taken. Every order of arrival ends the same; the same alarm again only counts up."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Final
from uuid import UUID

import msgspec

from atlas.identity import AlarmId, DeviceId
from atlas.jobs import defer
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Quarantined, Recorded, Severity
from atlas.nms.rules import FLAPS_WITHIN, HOLD_DOWN, STANDS_FOR, AlarmMoves, folded
from atlas.statements import Connection, Statements

SQL: Final = Statements(__file__)
# "Look at the network": however many batches change it, one look waits.
LOOK: Final = "cortex.look"
LONGEST_RAW: Final = 65_535
UNKNOWN_DEVICE: Final = "no device of this name or address is known"


@dataclass(frozen=True)
class Merged:
    """The answer of `record_heard`; `unknown` are the lines of the batch whose device nobody knows."""

    alarms: int
    changed: int
    unknown: tuple[int, ...]


class Heard(msgspec.Struct):
    """One line of a batch as `record_heard` reads it: JSON, because it is the cheapest way in for many rows at once."""

    row_number: int
    device: str
    address: str | None
    managed_object: str
    probable_cause: ProbableCause
    alarm_type: AlarmType
    severity: Severity
    specific_problem: str
    text: str
    door: Door
    raised_at: datetime | None
    cleared_at: datetime | None
    first_received_at: datetime
    last_received_at: datetime
    times: int


@dataclass(frozen=True)
class Released:
    """An event that waited in quarantine for its device."""

    id: int
    event: Any


async def begin_batch(conn: Connection, writer: UUID, batch: int) -> bool:
    """Writes down that this transaction is the writer's batch of that number; False where that batch is committed already.

    Each writer counts up from one. Waits for an earlier attempt at the same batch that is still under way.
    """
    return await SQL.run(conn, "begin_batch", writer=writer, batch=batch) == 1


async def record_alarms(conn: Connection, events: Sequence[AlarmEvent]) -> Recorded:
    """Merges raises and clears into the alarms they move; what no known device said goes to quarantine, to be replayed.

    If an alarm opened, closed or changed severity, a look at the network is left as a job in this transaction.
    """
    return await record_moves(conn, folded(events))


async def record_moves(conn: Connection, moves: Sequence[AlarmMoves]) -> Recorded:
    """The same for a batch that is folded already: one line per alarm, in the order of `in_order`."""
    if not moves:
        return Recorded(0, 0, 0)
    heard = msgspec.json.encode([_heard(number, move) for number, move in enumerate(moves)])
    merged = await SQL.one(conn, Merged, "record_heard", heard=heard.decode(), flaps_within=FLAPS_WITHIN)
    await _set_aside(conn, [moves[number] for number in merged.unknown])
    if merged.changed:
        await defer(conn, LOOK, lock=LOOK, queueing_lock=LOOK)
    return Recorded(merged.alarms, merged.changed, sum(moves[number].times for number in merged.unknown))


def _heard(number: int, move: AlarmMoves) -> Heard:
    event = move.latest
    return Heard(
        row_number=number,
        device=event.device,
        address=_address(event.device),
        managed_object=event.managed_object,
        probable_cause=event.probable_cause,
        alarm_type=event.alarm_type,
        severity=event.severity,
        specific_problem=event.specific_problem,
        text=event.text,
        door=event.door,
        raised_at=move.raised_at,
        cleared_at=move.cleared_at,
        first_received_at=move.first_received_at,
        last_received_at=move.last_received_at,
        times=move.times,
    )


@lru_cache(maxsize=100_000)
def _address(device: str) -> str | None:
    try:
        return str(ip_address(device))
    except ValueError:
        return None


async def _set_aside(conn: Connection, moves: Iterable[AlarmMoves]) -> None:
    rows = [_waiting_row(event, move.times) for move in moves for event in _last_words(move)]
    if rows:
        await SQL.run_each(conn, "set_aside", rows)


def _last_words(move: AlarmMoves) -> list[AlarmEvent]:
    """The latest raise and the latest clear that a batch told of one alarm, as events again."""
    raised = [replace(move.latest, event_at=move.raised_at)] if move.raised_at else []
    cleared = [replace(move.latest, event_at=move.cleared_at, severity=Severity.CLEARED)] if move.cleared_at else []
    return raised + cleared


def _waiting_row(event: AlarmEvent, times: int) -> dict[str, Any]:
    written = msgspec.json.encode(event)
    return {
        "received_at": event.received_at,
        "happened_at": event.event_at or event.received_at,
        "door": event.door.value,
        "device": event.device,
        "managed_object": event.managed_object,
        "probable_cause": event.probable_cause.value,
        "is_clear": event.is_clear,
        "reason": UNKNOWN_DEVICE,
        "raw": written[:LONGEST_RAW],
        "event": written.decode(),
        "times": times,
    }


async def quarantine(conn: Connection, rejected: Iterable[Quarantined]) -> int:
    """Keeps what could not be taken: each thing once a batch, with how often it came. How many rows."""
    found: dict[tuple[Door, str, str, bytes], dict[str, Any]] = {}
    for each in rejected:
        raw = each.raw[:LONGEST_RAW]
        row = found.setdefault((each.door, each.source_address, each.reason, raw), _rejected_row(each, raw))
        row["times"] += 1
    await SQL.run_each(conn, "quarantine", list(found.values()))
    return len(found)


def _rejected_row(each: Quarantined, raw: bytes) -> dict[str, Any]:
    return {
        "received_at": each.received_at,
        "door": each.door.value,
        "source_address": each.source_address,
        "device": None,
        "reason": each.reason,
        "raw": raw,
        "event": None,
        "times": 0,
    }


async def replay_quarantine(conn: Connection, now: datetime, most: int = 5000) -> Recorded:
    """Records what waited for a device that is known now, at most `most` events; they keep the times they happened at."""
    released = await SQL.all(conn, Released, "released", most=most)
    recorded = await record_alarms(conn, [msgspec.convert(each.event, AlarmEvent) for each in released])
    await SQL.run(conn, "mark_replayed", now=now, ids=[each.id for each in released])
    return recorded


async def age_out(conn: Connection, now: datetime) -> int:
    """Closes what was over the moment it happened (a restart, a refused login) and has stood long enough to be seen; how many."""
    causes, stand_for = [cause.value for cause in STANDS_FOR], list(STANDS_FOR.values())
    aged = await SQL.run(conn, "age_out", causes=causes, stand_for=stand_for, now=now)
    if aged:
        await defer(conn, LOOK, lock=LOOK, queueing_lock=LOOK)
    return aged


async def end_hold_down(conn: Connection, now: datetime, hold_down: timedelta = HOLD_DOWN) -> int:
    """Alarms that flapped and were quiet for so long since are again what they last said; how many."""
    ended = await SQL.run(conn, "end_hold_down", now=now, hold_down=hold_down)
    if ended:
        await defer(conn, LOOK, lock=LOOK, queueing_lock=LOOK)
    return ended


async def forget_writers(conn: Connection) -> int:
    """Forgets who has written nothing for a day: processes that ended; how many."""
    return await SQL.run(conn, "forget_writers")


async def acknowledge_alarms(conn: Connection, alarms: Sequence[AlarmId]) -> int:
    """Somebody has seen them: how many stood and had not been acknowledged. Needs a claimed action."""
    return await SQL.run(conn, "acknowledge_alarms", alarms=list(alarms))


async def set_maintenance_window(conn: Connection, devices: Sequence[DeviceId], starts_at: datetime, ends_at: datetime, reason: str) -> int:
    """Work is planned on these devices in this time; how many of them are known. Needs a claimed action."""
    return await SQL.run(conn, "set_maintenance_window", devices=list(devices), starts_at=starts_at, ends_at=ends_at, reason=reason)
