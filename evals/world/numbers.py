"""Addresses, prefixes and boxes of the demo ISP: what every line holds, what lies in stock, where the network does something else."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from evals.world.copying import Column
from evals.world.people import Lines
from evals.world.plant import Plant
from evals.world.tables import CPE, Table

# 100.64.0.0/10 is for carrier-grade NAT (RFC 6598); 203.0.113.0/24 and 2001:db8::/32 are for documentation (RFC 5737, 3849).
NETWORKS: Final = (
    ("residential-v4", "address", "100.64.0.0/11", 32, 1, 2**21 - 2),
    ("business-v4", "address", "100.96.0.0/11", 32, 1, 2**21 - 2),
    ("delegated-v6", "prefix", "2001:db8::/32", 56, 0, 2**24 - 1),
)
SERVES: Final = ("residential", "business", "")
KIND: Final = {"splitter": "ont", "business_switch": "router", "sector": "radio", "docsis_node": "modem"}
STOCK: Final = {"ont": 400, "modem": 60, "radio": 40}
BASELINE: Final = (("ont", "EchoLife EG8145", "V5R019C10S385"), ("modem", "CGA4236", "19.3B80"), ("radio", "PMP 450b", "21.1"))
OLD: Final = 97  # one box in so many was missed by the last campaign
DRIFTED: Final = 1_999  # one line in so many has twice its speed


def number_tables(plant: Plant, lines: Lines, action_id: int, now: datetime) -> Iterator[Table]:
    count = lines.end.size
    yield "cmdb.vrf", {"id": [1], "name": ["internet"]}
    yield (
        "cmdb.prefix",
        {
            "id": [1, 2],
            "vrf_id": [1, 1],
            "network": ["100.64.0.0/10", "2001:db8::/32"],
            "purpose": ["lines"] * 2,
            "action_id": [action_id] * 2,
        },
    )
    yield (
        "cmdb.pool",
        {
            "id": range(1, len(NETWORKS) + 1),
            "name": [name for name, *_ in NETWORKS],
            "kind": [kind for _, kind, *_ in NETWORKS],
            "serves": list(SERVES),
            "vrf_id": [1] * len(NETWORKS),
            "prefix_id": [1, 1, 2],
            "network": [network for _, _, network, *_ in NETWORKS],
            "block_length": [length for _, _, _, length, *_ in NETWORKS],
            "first_place": [first for *_, first, _ in NETWORKS],
            "last_place": [last for *_, last in NETWORKS],
            # The first line's session has 100.64.0.0, which nobody would be handed.
            "next_place": [count + 1, 1, count],
            "action_id": [action_id] * len(NETWORKS),
        },
    )
    yield "cmdb.allotment", _allotments(count, action_id, now)
    yield "cmdb.asset", _boxes(plant, lines, action_id, now)
    yield (
        "cmdb.firmware_baseline",
        {"vendor": [""] * len(BASELINE), "model": [model for _, model, _ in BASELINE], "version": [version for *_, version in BASELINE]},
    )
    yield "cmdb.observed_profile", _profiles(plant, lines, now)


def _allotments(count: int, action_id: int, now: datetime) -> dict[str, Column]:
    rows = range(count)
    v4 = [f"100.{64 + row // 65536}.{row // 256 % 256}.{row % 256}" for row in rows]
    v6 = [f"2001:db8:{row >> 8:x}:{(row & 0xFF) << 8:x}::/56" for row in rows]
    return {
        "pool_id": [1] * count + [3] * count,
        "place": [*rows, *rows],
        "block": v4 + v6,
        "state": ["assigned"] * (2 * count),
        "subscriber_id": [row + 1 for row in rows] * 2,
        "changed_at": [now - timedelta(days=90)] * (2 * count),
        "action_id": [action_id] * (2 * count),
    }


def _boxes(plant: Plant, lines: Lines, action_id: int, now: datetime) -> dict[str, Column]:
    """One at each line, with the serial that its access has, and those on the shelves."""
    places = [plant.ends[number].place for number in lines.end.tolist()]
    stock = [kind for kind, many in STOCK.items() for _ in range(many)]
    kinds = [KIND[place] for place in places] + stock
    count, total = len(places), len(kinds)
    make = {KIND[place]: cpe for place, cpe in CPE.items()}
    return {
        "kind": kinds,
        "model": [make[kind][1] for kind in kinds],
        "serial": [f"{make[kind][0]}{row + 0x1A000000:08X}" for row, kind in enumerate(kinds)],
        "mac": [f"02{row:010x}" for row in range(total)],
        "firmware": [_firmware(kind, row) for row, kind in enumerate(kinds)],
        "state": ["installed"] * count + ["stock"] * len(stock),
        "subscriber_id": [row + 1 for row in range(count)] + [None] * len(stock),
        "changed_at": [now - timedelta(days=90)] * total,
        "action_id": [action_id] * total,
    }


def _firmware(kind: str, row: int) -> str:
    version = next((version for known, _, version in BASELINE if known == kind), "7.15")
    return "older" if row % OLD == 0 else version


def _profiles(plant: Plant, lines: Lines, now: datetime) -> dict[str, Column]:
    """What the network was last seen to do: what is billed, but for a few lines that a change forgot."""
    offerings = plant.world.offerings
    factor = np.where(np.arange(lines.end.size) % DRIFTED == DRIFTED // 2, 2, 1)
    down = np.array([each.down for each in offerings])[lines.offering] * factor
    up = np.array([each.up for each in offerings])[lines.offering] * factor
    return {
        "subscriber_id": np.arange(lines.end.size) + 1,
        "down_kbps": down,
        "up_kbps": up,
        "since": [now - timedelta(days=20)] * lines.end.size,
        "seen_at": [now - timedelta(hours=1)] * lines.end.size,
    }
