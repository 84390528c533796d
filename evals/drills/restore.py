"""The restore drill: load runs, a backup is taken, more is written, and a moment in between is restored beside it and compared."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.backup.base import Place, take_backup
from atlas.backup.log import log_kept
from atlas.backup.manifest import base_folder
from atlas.backup.restore import restore
from atlas.connection import Atlas
from atlas.principal import Zone
from evals.drills.load import DRILL, Found, acknowledged_load, found_in, from_after, lost, prepare


@dataclass(frozen=True)
class RestoreDrill:
    """What came of it. Seconds; `lost` and `from_after` are writes, `size_mb` is the base backup as it lies there."""

    writes: int
    before: int
    after: int
    lost: int
    from_after: int
    audit_entries: int
    broken_links: int
    backup_s: float
    size_mb: float
    restore_s: float

    @property
    def passed(self) -> bool:
        return self.before > 0 and self.after > 0 and not (self.lost or self.from_after or self.broken_links)


@dataclass(frozen=True)
class Moment:
    """A moment by the database's clock, and between which two readings of ours it lay."""

    at: datetime
    before: float
    after: float


async def restore_drill(folder: Path, seconds: float, key: bytes | None = None) -> RestoreDrill:
    """Writes for `seconds` around the backup and as long again after the moment. Makes its servers in `folder`, and stops them."""
    settings = Settings(home=folder / "live", database_url=None, ballast_mb=0)
    place = Place(folder / "backups", settings.secret, key)
    async with database(settings) as url:
        await prepare(url)
        async with log_kept(url, place, settings.home / "spool") as log, acknowledged_load(settings, url) as load:
            await asyncio.sleep(seconds / 2)
            began = time.perf_counter()
            backup = await take_backup(url, place)
            backup_s = time.perf_counter() - began
            await asyncio.sleep(seconds / 2)
            moment = await _moment(url)
            await asyncio.sleep(seconds)
            writes = list(load.writes)
            await log.reached()
    size = sum(path.stat().st_size for path in (base_folder(place.folder) / backup.name).iterdir())
    began = time.perf_counter()
    await restore(place.folder, folder / "restored", key=key, at=moment.at)
    restore_s = time.perf_counter() - began
    found = await _found(Settings(home=folder / "restored", database_url=None, ballast_mb=0), settings.secret)
    return RestoreDrill(
        writes=len(writes),
        before=sum(write.acknowledged is not None and write.acknowledged < moment.before for write in writes),
        after=sum(write.began > moment.after for write in writes),
        lost=len(lost(found, writes, moment.before)),
        from_after=len(from_after(found, writes, moment.after)),
        audit_entries=found.audit_entries,
        broken_links=len(found.broken),
        backup_s=backup_s,
        size_mb=size / 1e6,
        restore_s=restore_s,
    )


async def _moment(url: str) -> Moment:
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        before = time.perf_counter()
        row = await (await conn.execute("SELECT clock_timestamp()")).fetchone()
        assert row is not None, "a clock answers"
        return Moment(row[0], before, time.perf_counter())


async def _found(settings: Settings, secret: bytes) -> Found:
    """What the restored home holds, asked as the product would, with the secret of the one that was lost."""
    settings.home.mkdir(exist_ok=True)
    if not (settings.home / "secret").exists():
        (settings.home / "secret").write_text(secret.hex())
    async with database(settings) as url, Atlas.open(url, secret, (Zone.EXECUTOR,), most=1) as atlas, atlas.transaction(DRILL) as conn:
        return await found_in(conn)
