"""Keeps the escalation matrix in Atlas's own gate, which makes a verdict of its own of it and holds its limits against every approval."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import timedelta
from typing import Any, Final

from atlas.actions import reads
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import Zone, executor, governor
from atlas.statements import Connection, Statements
from governance.matrix import load
from governance.rows import Allowance, HardLimit, Limits, Matrix, Row

SQL = Statements(__file__)

READER: Final = executor("governance")
# What the file and the record call otherwise than the gate does.
RENAMED: Final = {"because": "reason"}
ELSEWHERE: Final = frozenset({"actions", "line"})


async def put_in_force(atlas: Atlas, matrix: Matrix) -> None:
    """Puts the matrix in force for everybody, whole, on the governance login; nothing changes where it is in force already."""
    async with atlas.transaction(READER) as conn:
        held = await reads.in_force(conn)
    if held is None or held.digest != matrix.digest:
        async with Atlas.open(atlas.url, atlas.secret, (Zone.GOVERNANCE,), most=1) as gate, gate.transaction(governor()) as conn:
            await write_in_force(conn, matrix)


async def write_in_force(conn: Connection, matrix: Matrix) -> None:
    """The same within a transaction of the governance login, or of the database's owner: the gate takes it from nobody else."""
    await SQL.value(conn, "put_in_force", matrix=json.dumps(as_loaded(matrix)), digest=matrix.digest, source=matrix.source)


async def read_in_force(conn: Connection) -> Matrix | None:
    """The matrix that the gate holds, read again from its file as it is kept there; None where no file was kept. Raises MatrixRefused."""
    held = await reads.in_force(conn)
    if held is None or not held.source:
        return None
    matrix = await asyncio.to_thread(load, held.source)
    return matrix if matrix.digest == held.digest else None


def as_loaded(matrix: Matrix) -> dict[str, Any]:
    """The matrix as the gate takes it: one row for each action, money in minor units, tiers by rank, times in seconds."""
    return {
        "rows": [_line(row, action, place) for place, row in enumerate(matrix.rows) for action in row.actions],
        "allowances": [
            {**_line(allowance, action, place), "actions": list(allowance.actions)}
            for place, allowance in enumerate(matrix.allowances)
            for action in allowance.actions
        ],
        "limits": [_limit(limit) for limit in matrix.hard_limits],
    }


def _line(line: Row | Allowance, action: str, place: int) -> dict[str, Any]:
    columns = {RENAMED.get(one.name, one.name): _plain(getattr(line, one.name)) for one in fields(line) if one.name not in ELSEWHERE}
    return {"action": action, "place": place, **columns}


def _plain(value: object) -> Any:
    if isinstance(value, Money):
        return value.minor
    if isinstance(value, timedelta):
        return f"{value.total_seconds()} seconds"
    if isinstance(value, frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _limit(limit: HardLimit) -> dict[str, Any]:
    alone = None if limit.alone is None else _measures(limit.alone)
    return {"action": limit.action, "disconnects": limit.disconnects, "ever": _measures(limit.ever), "alone": alone}


def _measures(limits: Limits) -> Mapping[str, int]:
    return {
        "money": limits.money.minor,
        "money_each": limits.money_each.minor,
        "customers": limits.customers,
        "devices": limits.devices,
        "crews": limits.crews,
        "device_tier": limits.device_tier.value,
    }
