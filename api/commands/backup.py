"""`bedrock backup` and `bedrock restore`."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from api.bootstrap import configure_logging
from api.cli import console, run
from api.serve import database, until_stopped
from api.settings import Settings, value_of
from atlas.backup.base import Place, take_backup
from atlas.backup.log import Keeping, forget_log, log_kept
from atlas.backup.manifest import Backup
from atlas.backup.restore import restore
from atlas.errors import InvalidField
from atlas.sealed import sealing_key

log = structlog.get_logger()

SPOOL: Final = "wal-spool"
Folder = Annotated[Path, typer.Argument(help="Where backups are kept; on another disk or machine than the database.")]


def add_backup(app: typer.Typer) -> None:
    app.command("backup")(backup_)
    app.command("restore")(restore_)


def backup_(
    folder: Folder,
    keep: Annotated[int, typer.Option(min=1, help="How many base backups are kept, and the log they need.")] = 7,
    continuous: Annotated[
        bool, typer.Option("--continuous", help="Keep the log too, until stopped, so that any moment can be restored.")
    ] = False,
    every_h: Annotated[float, typer.Option(min=0.1, help="With --continuous: hours between base backups.")] = 24.0,
    forget: Annotated[bool, typer.Option("--forget-log", help="Tell the server that nobody fetches its log any more, and stop.")] = False,
) -> None:
    """Back up the whole database, verified, beside those before; encrypted where BEDROCK_BACKUP_KEY is set."""
    settings = Settings()
    place = Place(folder.resolve(), settings.secret, backup_key(settings), keep)

    async def work() -> None:
        configure_logging(settings.log_format)
        async with database(settings) as url:
            if forget:
                await forget_log(url)
            elif continuous:
                await kept_continuously(settings, url, place, every_h * 3600)
            else:
                said(await take_backup(url, place), place)

    run(work)


def backup_key(settings: Settings) -> bytes | None:
    """Raises InvalidField where it is not 64 hexadecimal digits."""
    written = value_of(settings.backup_key)
    return sealing_key(written) if written else None


async def kept_continuously(settings: Settings, url: str, place: Place, every_s: float) -> None:
    """The log as it is written and a base backup now and then, until Ctrl-C or SIGTERM."""
    async with AsyncExitStack() as stack:
        keeping = await stack.enter_async_context(log_kept(url, place, settings.home / SPOOL))
        backing_up = asyncio.create_task(_now_and_then(url, place, every_s))
        stack.callback(backing_up.cancel)
        console.print(f"Keeping the log in {place.folder}. Ctrl-C stops it; the server keeps what comes meanwhile.")
        await _until_stopped_or_failed(backing_up)
        await _last_piece(keeping)


async def _until_stopped_or_failed(backing_up: "asyncio.Task[None]") -> None:
    stopping = asyncio.create_task(until_stopped())
    done, _ = await asyncio.wait((stopping, backing_up), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if backing_up in done:
        backing_up.result()


async def _last_piece(keeping: Keeping) -> None:
    console.print(f"Everything until {(await keeping.reached()).isoformat()} can be restored.")


async def _now_and_then(url: str, place: Place, every_s: float) -> None:
    while True:
        said(await take_backup(url, place), place)
        await asyncio.sleep(every_s)


def said(made: Backup, place: Place) -> None:
    size = sum(file.size for file in made.files.values()) / 1e6
    sealed = "encrypted" if made.is_sealed else "not encrypted"
    console.print(f"Backup {made.name}: {size:,.1f} MB, verified, {sealed}, in {place.folder}.", highlight=False)
    log.info("backup_taken", backup=made.name, megabytes=round(size, 1), sealed=made.is_sealed, files=len(made.files))


def restore_(
    folder: Folder,
    into: Annotated[Path, typer.Option(help="A home (BEDROCK_HOME) that holds no database yet.")],
    at: Annotated[str | None, typer.Option(help="The moment, as in 2026-11-23T09:30:00Z; the newest there is, without it.")] = None,
    erasures: Annotated[
        Path | None, typer.Option(help="A list of erasures beside the folder's own; without it what BEDROCK_ERASURES names.")
    ] = None,
) -> None:
    """Make a home again from a backup, as it was at a moment. Whatever would go out is held until a lead releases it."""
    settings = Settings()
    source, home, key, moment = folder.resolve(), into.resolve(), backup_key(settings), moment_of(at) if at else None
    done = run(lambda: restore(source, home, key=key, at=moment, erasures=erasures or settings.erasures))
    console.print(f"Restored {done.backup} into {done.home}" + (f" as of {done.at.isoformat()}." if done.at else "."), highlight=False)
    console.print("Actions, agents and channels are switched off: release them once you know what went out since.")
    if done.erased_again is None:
        console.print("People were erased after that moment: the first start erases them again, before anybody is served.")
    elif done.erased_again:
        console.print(f"{done.erased_again} people who were erased after that moment are erased again.")
    if not done.secret_is_there:
        console.print(
            f"[yellow]The installation's secret was not in the backup: put the old one at {done.home / 'secret'} before the first start.[/]"
        )


def moment_of(written: str) -> datetime:
    """An ISO 8601 moment; without a zone it is UTC. Raises InvalidField."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise InvalidField("--at", f"{written} is not a moment like 2026-11-23T09:30:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
