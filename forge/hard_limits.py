"""Keeps the matrix's hard limits in Atlas's own gate, which holds them against every verdict and every approval."""

import json
from collections.abc import Mapping
from typing import Any

from atlas.connection import Atlas
from atlas.principal import executor
from atlas.statements import Connection, Statements
from governance.rows import HardLimit, Limits, Matrix

SQL = Statements(__file__)


async def load_hard_limits(atlas: Atlas, matrix: Matrix) -> None:
    """Puts the matrix's limits in force in the gate, in a transaction of its own; nothing changes where they are there already."""
    async with atlas.transaction(executor("governance")) as conn:
        await keep_hard_limits(conn, matrix)


async def keep_hard_limits(conn: Connection, matrix: Matrix) -> None:
    """The same within an executor's transaction, before it judges by this matrix: the gate takes verdicts of no other."""
    if await SQL.value(conn, "matrix_in_force") != matrix.digest:
        limits = json.dumps([as_loaded(limit) for limit in matrix.hard_limits])
        await SQL.value(conn, "set_hard_limits", limits=limits, matrix_digest=matrix.digest)


def as_loaded(limit: HardLimit) -> dict[str, Any]:
    """One hard limit as the gate takes it: money in minor units, tiers by rank."""
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
