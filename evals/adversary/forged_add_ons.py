"""Hostile orders about what goes beside a plan: dear ones for others, ends that nobody asked for, steps that no order has."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from evals.adversary.knowledge import Knowledge


def _add_on(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    return {
        "customer": victim,
        "line": knows.lines[victim][0],
        "code": rng.choice(["static-ip", "fibre-max"]),
        "version": 3,
        "monthly": rng.choice(["0.01", "49.99"]),
        "one_off": "0.00",
        "wanted_on": datetime.now(UTC).date().isoformat(),
        "after": rng.randrange(10**6),
    }


def _order(knows: Knowledge, rng: Random, victim: int) -> dict[str, Any]:
    return {"customer": victim, "order": knows.orders.get(victim, 4), "turn": f"forged {rng.random()}"}


ADD_ONS: Final[Mapping[str, Callable[[Knowledge, Random, int], Mapping[str, Any]]]] = {
    "order_add_on": _add_on,
    "order_end_of_add_on": _add_on,
    "begin_add_on": _order,
    "take_back_add_on": _order,
    "end_add_on": _order,
}
