"""Real FreeRADIUS on a real Atlas, with one BNG at 127.0.0.1. Where it is not installed these tests are skipped, and say so."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.radius.rendering import Listening
from api.radius.serving import Server, program, radius_running
from atlas.connection import Atlas, zone_url
from atlas.principal import Zone
from forge.sign_in.sealing import seal
from tests.cmdb import aaa
from tests.conftest import SECRET
from tests.given import Owner
from tests.radius.bng import SHARED

DRIVER = "rlm_sql_postgresql.so"


def missing() -> str | None:
    """What is not installed here, where something is not."""
    if program() is None or not any(Path("/usr/lib/freeradius").glob(DRIVER)):
        return "freeradius with freeradius-postgresql"
    return None if shutil.which("radclient") else "freeradius-utils"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    absent = missing()
    here = Path(__file__).parent
    for item in items:
        if absent and here in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=f"{absent} is not installed: `make radius-packages`"))


@pytest.fixture
async def freeradius(atlas: Atlas, owner: Owner) -> AsyncIterator[Server]:
    """FreeRADIUS, and the BNG `bng-1` that asks it."""
    device = await aaa.nas(owner)
    await owner.execute(
        "UPDATE cmdb.nas SET sealed_secret = %s WHERE device_id = %s", (seal(SECRET, f"nas:{device}", SHARED.encode()), device)
    )
    listening = Listening("127.0.0.1", 0, 0, zone_url(atlas.url, Zone.RADIUS, SECRET), threads=2, reject_delay_s=0)
    async with radius_running(atlas, listening) as running:
        assert running.ready.is_set(), running.failure
        yield running
