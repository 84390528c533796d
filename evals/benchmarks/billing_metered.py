"""Cases of usage: a meter with the case's prices, its units used in May, and the bill of the first of June."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Any, Final

from evals.benchmarks.billing_played import NotOurs, Played, add_tier, meter, noon, plan, rated_for, use

MAY: Final = date(2026, 5, 1)
USED_ON: Final = date(2026, 5, 10)
JUNE: Final = date(2026, 6, 1)
TIERING: Final = {"each tier": "graduated", "top tier": "volume"}


async def by_tiers(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    price, bounds = await _tiered(play, given)
    found = await _used(play, int(given["units"]))
    if given["mode"] != "each tier":
        return found
    reached = [min(bound, int(given["units"])) for bound in [0, *bounds]]
    rated = [await rated_for(play.conn, price, units) for units in reached]
    return {**found, "tier_amounts": [Decimal(upper - lower) / 100 for lower, upper in pairwise(rated)]}


async def by_packages(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    await _metered(play, given["price_per_package"], given["package_size"], given["free_units"], "graduated")
    return await _used(play, given["units"])


async def _tiered(play: Played, given: dict[str, Any]) -> tuple[int, Sequence[int]]:
    """The price, and up to which unit each tier goes."""
    price = await _metered(play, "0.01", 1, 0, TIERING[given["mode"]])
    tiers = given["tiers"]
    if "up_to_blocks" in tiers[0]:
        bounds = list(accumulate(tier["up_to_blocks"] * given["block_size"] for tier in tiers))
        asked = [(start, tier["price_per_block"], given["block_size"], "0") for start, tier in zip([0, *bounds], tiers, strict=False)]
    else:
        bounds = [tier["to"] or 10**9 for tier in tiers]
        asked = [(max(0, tier["from"] - 1), tier["per_unit"], 1, tier["flat"]) for tier in tiers]
    for start, amount, size, entry in asked:
        await add_tier(play.conn, price=price, from_units=start, minor=_minor(amount), per_units=size, entry=_minor(entry))
    return price, bounds


async def _metered(play: Played, amount: str, size: int, free: int, tiering: str) -> int:
    version = await plan(play.conn, 1)
    price = await meter(play.conn, version, minor=_minor(amount), per_units=size, allowance=free, tiering=tiering)
    await play.begins(MAY, version, 1)
    return price


async def _used(play: Played, units: int) -> Mapping[str, Any]:
    if not units:
        raise NotOurs("a fee for no unit at all")
    await use(play.conn, line=play.line, units=units, at=noon(USED_ON))
    lines = await play.bills_on(JUNE)
    return {"total": Decimal(sum(line.net for line in lines if line.kind == "usage")) / 100}


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)
