"""PostgreSQL is killed while traps pour in."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.inbound.batch import AlarmIntake
from api.inbound.snmp import listening
from api.inbound.snmp.parsing import Traps
from atlas import embedded
from atlas.connection import Atlas
from atlas.migrate import migrate
from atlas.principal import Zone
from evals.trap_encoding import LINK_DOWN, encode_trap, link_state
from tests.conftest import SECRET
from tests.doors.telling import now, send

TRAPS = 300


@pytest.fixture
def own_server() -> Iterator[embedded.EmbeddedServer]:
    """A server that a test may kill."""
    with tempfile.TemporaryDirectory(prefix="bedrock-restart-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        running = embedded.start(Path(folder))
        migrate(running.url, SECRET)
        with psycopg.connect(running.url, autocommit=True) as conn:
            conn.execute("INSERT INTO gis.area (name, latitude, longitude) VALUES ('Harbour', 50.7, -3.5)")
            conn.execute(
                "INSERT INTO cmdb.device (name, kind, area_id, management_address) SELECT 'olt-1', 'olt', id, '127.0.0.1' FROM gis.area"
            )
        yield running
        running.stop()


async def test_traps_that_come_while_postgresql_is_down_are_each_kept_once(own_server: embedded.EmbeddedServer) -> None:
    async with Atlas.open(own_server.url, SECRET, (Zone.INTAKE,)) as atlas, AlarmIntake(atlas).running() as intake:
        listener = await listening.listen("127.0.0.1", 0, Traps(), intake, now)
        for number in range(TRAPS):
            send(listener.port, encode_trap(LINK_DOWN, link_state(f"xe-{number}", number + 1, False), 1000 + number))
            if number == TRAPS // 3:
                os.kill(int((own_server.folder / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
            await asyncio.sleep(0.001)
        await asyncio.to_thread(own_server.server.start)
        async with asyncio.timeout(60):
            while intake.recorded < TRAPS:  # noqa: ASYNC110 - the intake sets no event for tests
                await asyncio.sleep(0.05)
        listener.close()

    with psycopg.connect(own_server.url) as conn:
        assert conn.execute("SELECT count(*), sum(times)::int FROM nms.alarm WHERE is_open").fetchone() == (TRAPS, TRAPS)
