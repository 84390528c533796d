"""What devices are configured as: kept where it changed, compared, known to work, and put back only by somebody's approval."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from api.inbound.configs import ConfigTaken, configs_read, import_configs
from atlas.cmdb.records.plant import ConfigKept
from atlas.cmdb.rules import config_diff
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import ConfigId, StaffId
from atlas.principal import staff
from forge.actions.cmdb.configs import MarkConfigGood, RestoreConfig
from tests import carried, given
from tests.asking import asking
from tests.given import NOW, Owner
from tools import cmdb

STAFF = staff(StaffId(1), "Anna Bell", frozenset())
FIRST = "hostname olt-1\nsnmp community public-7 ro\nline-profile 100\n"
SECOND = "hostname olt-1\nsnmp community public-9 ro\nline-profile 500\n"


async def taken(atlas: Atlas, folder: Path, files: dict[str, str | bytes], day: int = 0) -> list[ConfigTaken]:
    written(folder, files)
    return await import_configs(atlas, configs_read(folder), NOW + timedelta(days=day))


def written(folder: Path, files: dict[str, str | bytes]) -> None:
    for name, words in files.items():
        (folder / name).write_bytes(words.encode() if isinstance(words, str) else words)


async def kept(atlas: Atlas) -> list[ConfigKept]:
    async with asking(atlas, STAFF) as (turn, _):
        return await cmdb.configs_of_device(turn, "olt-1")


async def test_a_configuration_is_kept_where_it_is_another_than_before(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")

    became = [
        (await taken(atlas, tmp_path, {"olt-1.cfg": words}, day))[0].became for day, words in enumerate((FIRST, FIRST, SECOND, FIRST))
    ]

    assert became == ["kept", "same", "kept", "kept"]
    assert [one.taken_at for one in await kept(atlas)] == [NOW + timedelta(days=day) for day in (3, 2, 0)]


async def test_a_file_that_is_wrong_is_told_and_holds_up_no_other(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")

    found = await taken(atlas, tmp_path, {"olt-1.cfg": FIRST, "nobody.cfg": FIRST, "empty.cfg": " \n", "odd.cfg": b"\xff\xfe", ".git": "x"})

    assert [(one.device, one.became) for one in found] == [("empty", "wrong"), ("nobody", "wrong"), ("odd", "wrong"), ("olt-1", "kept")]
    assert found[1].why == "there is no device of this name"


async def test_what_changed_is_shown_line_by_line_and_no_secret_with_it(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")
    for day, words in enumerate((FIRST, SECOND)):
        await taken(atlas, tmp_path, {"olt-1": words}, day)

    async with asking(atlas, STAFF) as (turn, _):
        found = await cmdb.compare_configs(turn, "olt-1")

    assert found.lines[1:] == (
        " hostname olt-1",
        "-snmp community *** ro",
        "-line-profile 100",
        "+snmp community *** ro",
        "+line-profile 500",
    )


@pytest.mark.parametrize(
    "line",
    [
        "enable secret 5 $1$abcdefgh",
        "username noc password 7 0822455D0A16",
        "snmp-server community sEcReT ro",
        "set system login user a authentication encrypted-password: $6$salt",
        "radius-server key sEcReT",
        "psk=sEcReT",
    ],
)
def test_a_secret_is_hidden_however_its_maker_writes_it(line: str) -> None:
    (_, shown) = config_diff("", line)

    assert "***" in shown
    assert not any(secret in shown for secret in ("$1$abcdefgh", "0822455D0A16", "sEcReT", "$6$salt"))


async def test_one_configuration_has_nothing_to_be_compared_with(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")
    await taken(atlas, tmp_path, {"olt-1": FIRST})

    async with asking(atlas, STAFF) as (turn, _):
        with pytest.raises(InvalidField, match="nothing to compare"):
            await cmdb.compare_configs(turn, "olt-1")


async def good_and_bad(atlas: Atlas, owner: Owner, folder: Path) -> tuple[Any, list[ConfigKept]]:
    device: Any = await given.device(owner, "olt-1")
    for day, words in enumerate((FIRST, SECOND)):
        await taken(atlas, folder, {"olt-1": words}, day)
    oldest = (await kept(atlas))[-1].id
    async with atlas.transaction(carried.TESTS) as conn:
        marking = await MarkConfigGood(device, oldest, 0).refreshed(conn, NOW)  # type: ignore[arg-type]
    await carried.out(atlas, marking, NOW)
    return device, await kept(atlas)


async def test_the_last_that_is_known_to_work_is_what_is_put_back(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    _, known = await good_and_bad(atlas, owner, tmp_path)

    async with asking(atlas, STAFF) as (turn, proposed):
        await cmdb.restore_config(turn, "olt-1", "the last change broke it")

    assert [one.is_good for one in known] == [False, True]
    assert isinstance(proposed[0], RestoreConfig)
    assert (proposed[0].config, proposed[0].since) == (known[1].id, known[0].taken_at)


async def test_what_is_sent_to_the_device_names_the_configuration_and_tells_no_secret(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    device, known = await good_and_bad(atlas, owner, tmp_path)
    await given.subscriber(owner, await given.customer(owner), device)
    async with atlas.transaction(carried.TESTS) as conn:
        action = await RestoreConfig.of(conn, device, known[1].id, known[0].taken_at)

    outcome = await carried.out(atlas, action, NOW)

    ((operation, arguments),) = await (await owner.execute("SELECT operation, arguments FROM actions.errand")).fetchall()
    assert (outcome["restoring"], outcome["customers"], operation) == ("olt-1", 1, "restore_config")
    assert (arguments["config"], arguments["sha256"]) == (known[1].id, known[1].sha256)
    assert "public-7" not in str(arguments)


async def test_a_configuration_of_another_device_is_not_put_back(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    device, known = await good_and_bad(atlas, owner, tmp_path)
    other: Any = await given.device(owner, "olt-2")
    async with atlas.transaction(carried.TESTS) as conn:
        action = await RestoreConfig.of(conn, other, known[1].id, known[0].taken_at)

    with pytest.raises(NotFound):
        await carried.out(atlas, action, NOW)
    assert device != other


async def test_without_one_that_is_known_to_work_somebody_must_say_which(atlas: Atlas, owner: Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")
    await taken(atlas, tmp_path, {"olt-1": FIRST})

    async with asking(atlas, STAFF) as (turn, _):
        with pytest.raises(InvalidField, match="known to work"):
            await cmdb.restore_config(turn, "olt-1", "it is broken")
        with pytest.raises(NotFound):
            await cmdb.mark_config_good(turn, "olt-1", ConfigId(999), "it works")
