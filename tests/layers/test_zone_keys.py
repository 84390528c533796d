"""A process that was given the key of one zone is that zone, and can be no other."""

import json
from pathlib import Path

import psycopg
import pytest

from api.settings import Settings
from atlas.connection import Atlas, login_of, principal_key, signed, zone_url
from atlas.helpdesk.rules import code_key
from atlas.principal import Zone, executor, intake
from atlas.zone_keys import KeyMissing, KeyUnreadable, ZoneSecret, for_zone
from tests import given
from tests.conftest import SECRET


async def test_a_door_with_its_own_key_alone_opens_its_own_zone(database_url: str) -> None:
    key = for_zone(Zone.INTAKE, SECRET)
    async with Atlas.open(database_url, key, (Zone.INTAKE,), most=1) as door, door.transaction(intake("doors")) as conn:
        answered = await (await conn.execute("SELECT atlas.zone()")).fetchone()

    assert answered == ("intake",)


async def test_it_opens_no_other_zone(database_url: str) -> None:
    with pytest.raises(KeyMissing):
        async with Atlas.open(database_url, for_zone(Zone.INTAKE, SECRET), (Zone.EXECUTOR,), most=1):
            pass


async def test_a_principal_of_another_zone_signed_with_this_zones_key_is_nobody(atlas: Atlas, owner: given.Owner) -> None:
    await given.customer(owner)

    async with await psycopg.AsyncConnection.connect(zone_url(atlas.url, Zone.EXECUTOR, SECRET)) as conn:
        forged = signed(executor("forge"), conn.info.backend_pid, 4e9, principal_key(Zone.INTAKE, SECRET))
        await conn.execute("SELECT set_config('bedrock.principal', %s, true)", (forged,))
        seen = await (await conn.execute("SELECT name FROM crm.customer")).fetchall()

    assert seen == []


def test_a_key_is_written_for_its_owners_eyes_and_read_back(tmp_path: Path) -> None:
    file = tmp_path / "intake.key"

    for_zone(Zone.INTAKE, SECRET).written(file)

    read = Settings(zone_key=file).secret
    assert isinstance(read, ZoneSecret)
    assert (read, read.zone, file.stat().st_mode & 0o777) == (for_zone(Zone.INTAKE, SECRET), Zone.INTAKE, 0o600)
    assert SECRET.hex() not in file.read_text()


def test_the_doors_hide_a_code_as_the_executor_knows_it() -> None:
    assert code_key(for_zone(Zone.INTAKE, SECRET)) == code_key(SECRET)


def test_every_zone_has_a_key_of_its_own() -> None:
    assert len({bytes(for_zone(zone, SECRET)) for zone in Zone}) == len({login_of(zone) for zone in Zone})


@pytest.mark.parametrize("held", ["", "{}", json.dumps({"zone": "emperor", "secret": "00", "codes": "00"})])
def test_a_file_that_holds_no_key_is_refused(tmp_path: Path, held: str) -> None:
    (tmp_path / "key").write_text(held)

    with pytest.raises(KeyUnreadable):
        ZoneSecret.read(tmp_path / "key")
