"""Whoever waits on something that fell silent is told so soon, whatever it is they wait on."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from api.settings import Settings
from evals.campaign.hangs import LONGEST_HANG_S, TROUBLES, WAITS, Hangs, measured
from tests.conftest import SECRET

WAITED = ("a transaction, from the lease on", "a statement", "a commit", "a bookmark of an action", "a look at a device")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home: Path = tmp_path_factory.mktemp("hangs")
    (home / "secret").write_text(SECRET.hex())
    return Settings(home=home)


async def test_nobody_waits_longer_than_fifteen_seconds_on_a_black_hole_or_a_reset(settings: Settings, database_url: str) -> None:
    placed = settings.model_copy(update={"database_url": SecretStr(database_url)})
    waits, troubles = {name: WAITS[name] for name in WAITED}, {name: TROUBLES[name] for name in ("black hole", "reset")}

    found: Hangs = await measured(placed, waits, troubles)

    assert len(found.felt) == 9
    assert {one.ended for one in found.felt if one.trouble == "black hole"} <= {"OperationalError", "PoolTimeout", "TimeoutError"}
    assert found.longest.seconds <= LONGEST_HANG_S
