"""A restore to a moment before somebody was erased does not bring them back."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from api.bootstrap import house
from api.serve import database
from api.settings import Settings
from atlas.actions.reads import broken_links
from atlas.backup.base import Place, take_backup
from atlas.backup.erased import ERASURES, Erased, ErasureList, appended, listed, lost_with
from atlas.backup.log import log_kept
from atlas.backup.manifest import BackupDamaged
from atlas.backup.restore import ERASE_AGAIN, restore
from atlas.principal import Zone
from evals.drills.commands import open_folder
from forge.privacy import erasures_listed
from tests.billing.arranged import customer_with_line
from tests.conftest import in_memory_where_there_is_room
from tests.given import Owner
from tests.privacy.canaries import erased, forge_of, found_anywhere

GONE, STAYS, LATER = "Zinnia Zanzibar", "Quentin Quay", "Yolanda Ypres"
KEY: Final = bytes(range(32))
FUNCTIONS: Final = (
    "privacy.erase_again(bigint, timestamptz, text[], text[])",
    "privacy.erase_rows(bigint, text[], bigint, text[])",
)


@dataclass(frozen=True)
class Lost:
    """A house that was backed up, in which somebody was erased afterwards, and whose disk is gone: `elsewhere` is the worker's own list."""

    folder: Path
    secret: bytes
    moment: datetime

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    @property
    def elsewhere(self) -> Path:
        return self.folder / "elsewhere.jsonl"


@asynccontextmanager
async def owner_of(url: str) -> AsyncIterator[Owner]:
    async with await AsyncConnection.connect(url, autocommit=True) as owner:
        yield owner


def at_home(home: Path) -> Settings:
    return Settings(home=home, database_url=None, ballast_mb=0)


@pytest.fixture(scope="module")
async def lost() -> AsyncIterator[Lost]:
    with open_folder(in_memory_where_there_is_room()) as folder:
        settings = at_home(folder / "live")
        place = Place(folder / "backups", settings.secret, KEY)
        async with database(settings) as url, owner_of(url) as owner:
            for name, number in ((GONE, "+447700900444"), (STAYS, "+447700900445"), (LATER, "+447700900446")):
                await customer_with_line(owner, name, number)
            await take_backup(url, place)
            async with log_kept(url, place, settings.home / "spool") as log:
                here = Lost(folder, settings.secret, await _now(owner))
                await _erased(settings, url, owner, GONE, here.elsewhere)
                await log.reached()
        yield here


async def _now(owner: Owner) -> datetime:
    row = await (await owner.execute("SELECT clock_timestamp()")).fetchone()
    assert row is not None
    at: datetime = row[0]
    return at


async def _erased(settings: Settings, url: str, owner: Owner, name: str, elsewhere: Path) -> None:
    """Their line ends and they are forgotten, by the product's own way; the worker writes down that they were."""
    row = await (
        await owner.execute(
            "UPDATE crm.subscriber SET state = 'terminated' FROM crm.customer WHERE customer.id = customer_id"
            " AND name = %s RETURNING customer_id",
            (name,),
        )
    ).fetchone()
    assert row is not None
    async with house(settings.model_copy(update={"database_url": SecretStr(url)}), (Zone.EXECUTOR, Zone.STAFF, Zone.GOVERNANCE)) as one:
        outcome = await erased(await forge_of(one.atlas, owner), owner, row[0])
        assert outcome["is_whole"], outcome
        assert await erasures_listed(one.atlas, ErasureList(elsewhere)) == 1
    assert await found_anywhere(owner, [GONE]) == {}


@asynccontextmanager
async def served(home: Path, secret: bytes) -> AsyncIterator[Owner]:
    """The restored house as it comes up, before anybody is let in."""
    if not (home / "secret").exists():
        (home / "secret").write_text(secret.hex())
    async with database(at_home(home)) as url, owner_of(url) as owner:
        yield owner


async def test_whoever_was_erased_after_the_moment_restored_is_erased_again(lost: Lost) -> None:
    done = await restore(lost.backups, lost.folder / "at", key=KEY, at=lost.moment)

    async with served(lost.folder / "at", lost.secret) as owner:
        left = await found_anywhere(owner, [GONE, "+447700900444", STAYS])
        names = await (await owner.execute("SELECT name FROM crm.customer ORDER BY id")).fetchall()
        why = await (await owner.execute("SELECT proposer, rule, state FROM actions.action WHERE name = 'erase_customer'")).fetchall()
    assert done.erased_again == 1
    assert set(left) == {STAYS}
    assert [name for (name,) in names] == ["Erased customer 1", STAYS, LATER]
    assert why == [("system:restore", "erased-again", "done")]


async def test_the_trail_of_a_house_that_erased_again_holds_and_says_so(lost: Lost) -> None:
    await restore(lost.backups, lost.folder / "trail", key=KEY, at=lost.moment)

    async with served(lost.folder / "trail", lost.secret) as owner:
        told = await (await owner.execute("SELECT event FROM actions.audit WHERE actor = 'system:restore'")).fetchall()
        broken = await broken_links(owner)
    assert ("done",) in told
    assert broken == []


async def test_without_the_log_the_list_that_the_worker_kept_elsewhere_is_enough(lost: Lost, tmp_path: Path) -> None:
    alone = Path(shutil.copytree(lost.backups, lost.folder / "alone"))
    (alone / ERASURES).unlink()
    shutil.rmtree(alone / "wal")

    done = await restore(alone, lost.folder / "base", key=KEY, erasures=lost.elsewhere)

    async with served(lost.folder / "base", lost.secret) as owner:
        assert set(await found_anywhere(owner, [GONE, STAYS])) == {STAYS}
    assert done.erased_again == 1


async def test_a_house_restored_to_its_newest_has_the_erasure_already_and_repeats_none(lost: Lost) -> None:
    done = await restore(lost.backups, lost.folder / "newest", key=KEY)

    async with served(lost.folder / "newest", lost.secret) as owner:
        count = await (await owner.execute("SELECT count(*) FROM privacy.erasure")).fetchone()
    assert (done.erased_again, count) == (0, (1,))


async def test_whoever_has_the_number_of_somebody_erased_is_not_erased_in_their_place(lost: Lost) -> None:
    other = lost.folder / "other.jsonl"
    appended(other, [Erased(2, date(1999, 1, 1), lost.moment + timedelta(seconds=1), ())])

    done = await restore(lost.backups, lost.folder / "number", key=KEY, at=lost.moment, erasures=other)

    async with served(lost.folder / "number", lost.secret) as owner:
        assert set(await found_anywhere(owner, [STAYS])) == {STAYS}
    assert done.erased_again == 1


async def test_a_house_of_an_older_schema_erases_at_its_first_start_before_anybody_is_served() -> None:
    with open_folder(in_memory_where_there_is_room()) as folder:
        settings, list_of_ours = at_home(folder / "live"), folder / "elsewhere.jsonl"
        async with database(settings) as url, owner_of(url) as owner:
            await customer_with_line(owner, GONE, "+447700900444")
            for function in FUNCTIONS:
                await owner.execute(f"DROP FUNCTION {function}".encode())
            await owner.execute("DELETE FROM public.migration WHERE name = '0043_erased_again.sql'")
            await take_backup(url, Place(folder / "backups", settings.secret, KEY))
            since = await (await owner.execute("SELECT customer_since FROM crm.customer")).fetchone()
            assert since is not None
            appended(list_of_ours, [Erased(1, since[0], await _now(owner), ())])

        done = await restore(folder / "backups", folder / "restored", key=KEY, erasures=list_of_ours)
        waited = (folder / "restored" / ERASE_AGAIN).exists()

        async with served(folder / "restored", settings.secret) as owner:
            assert await found_anywhere(owner, [GONE]) == {}
        assert (done.erased_again, waited, (folder / "restored" / ERASE_AGAIN).exists()) == (None, True, False)


async def test_the_list_names_nobody_and_each_erasure_once(lost: Lost) -> None:
    kept = [lost.elsewhere.read_text(), (lost.backups / ERASURES).read_text()]

    assert [len(text.splitlines()) for text in kept] == [1, 1]
    assert all(name not in text for text in kept for name in (GONE, "Zinnia", "+447700900444"))
    assert appended(lost.elsewhere, listed(lost.elsewhere)) == 0


def test_a_line_of_the_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ERASURES).write_text('{"customer_id": 7}\n')

    with pytest.raises(BackupDamaged, match=r"erasures\.jsonl, line 1"):
        listed(tmp_path / ERASURES)


def test_only_an_erasure_that_the_moment_does_not_hold_is_repeated_and_each_person_once() -> None:
    moment = datetime(2026, 3, 2, 12, tzinfo=UTC)
    hours = [Erased(number, date(2020, 1, 1), moment + timedelta(hours=after), ()) for number, after in ((1, -5), (2, 1), (2, 3))]

    assert lost_with(moment, hours) == [hours[2]]
