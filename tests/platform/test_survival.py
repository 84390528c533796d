"""The whole platform, in its own processes on its own server: what is killed comes back, and the incident completes."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg
import pytest
from pydantic import SecretStr

from api.doors import snmp_user
from api.serve import Running, database, platform
from api.settings import Settings
from atlas import embedded
from atlas.connection import Atlas
from atlas.principal import Zone, executor
from evals.demo.play import address_of
from evals.fault.playing import Doors, play_cut, play_repair
from evals.fault.scene import scene_of_cut
from evals.fault.told import Told, told_of_cut
from evals.world.plan import world
from evals.world.seed import seed

COMPLETES_WITHIN_S = 60
OWED = """
SELECT (SELECT count(*) FROM itsm.incident WHERE state = 'inProgress' AND is_outage),
       (SELECT count(*) FROM itsm.incident_alarm JOIN itsm.incident ON id = incident_id WHERE state = 'inProgress'),
       (SELECT count(*) FROM itsm.incident_subscriber JOIN itsm.incident ON id = incident_id WHERE state = 'inProgress'),
       (SELECT count(*) FROM itsm.ticket JOIN itsm.incident ON incident.id = incident_id WHERE incident.state = 'inProgress'),
       (SELECT count(*) FROM helpdesk.notice JOIN itsm.incident ON incident.id = incident_id
         WHERE incident.state = 'inProgress' AND purpose = 'outage' AND notice.state = 'sent'),
       (SELECT count(*) FROM actions.action JOIN itsm.incident ON incident.id = incident_id
         WHERE incident.state = 'inProgress' AND name = 'issue_credits' AND action.state = 'waiting')
"""
WAITING_TO_HEAR = """
SELECT (SELECT count(*) FROM itsm.incident WHERE state = 'inProgress')
     + (SELECT count(*) FROM helpdesk.notice AS told
         WHERE told.purpose = 'outage'
           AND NOT EXISTS (SELECT FROM helpdesk.notice AS back
                            WHERE back.customer_id = told.customer_id AND back.purpose = 'restored' AND back.queued_at > told.queued_at))
"""


class Stage:
    """A running platform, the fault that can be played on it, and what to look at."""

    def __init__(self, url: str, running: Running, doors: Doors, told: list[Told]) -> None:
        self.url, self.running, self.doors, self.told = url, running, doors, told

    async def cut(self, seed_number: int) -> None:
        await play_cut(self.told, self.doors, np.random.default_rng(seed_number), spread_s=0.6)

    def owed(self) -> tuple[int, ...]:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(OWED).fetchone()
        assert row is not None
        return tuple(row)

    def story(self) -> str:
        """What became of every action of the latest incident, for whoever must find out why it is not whole."""
        with psycopg.connect(self.url) as conn:
            rows = conn.execute(
                "SELECT name, state, verdict_reason, failure, outcome::text FROM actions.action"
                " WHERE incident_id = (SELECT max(id) FROM itsm.incident) ORDER BY id"
            ).fetchall()
        return "\n".join(map(str, rows))

    def sent_more_than_once(self) -> list[tuple[str, int]]:
        with psycopg.connect(self.url) as conn:
            return conn.execute("SELECT key, times FROM helpdesk.recorded_message WHERE times > 1").fetchall()

    async def until_complete(self) -> tuple[int, ...]:
        """What the incident came to, once it is whole, or after a minute as it then stands."""
        owed: tuple[int, ...] = ()
        for _ in range(COMPLETES_WITHIN_S * 2):
            # A server that comes back from a crash does not answer yet.
            with contextlib.suppress(psycopg.OperationalError):
                owed = await asyncio.to_thread(self.owed)
                if owed == self.whole:
                    break
            await asyncio.sleep(0.5)
        return owed

    @property
    def whole(self) -> tuple[int, ...]:
        with psycopg.connect(self.url) as conn:
            told = conn.execute(
                "SELECT count(DISTINCT contact.customer_id) FROM itsm.incident_subscriber AS lost"
                " JOIN itsm.incident ON incident.id = lost.incident_id"
                " JOIN crm.subscriber ON subscriber.id = lost.subscriber_id"
                " JOIN crm.contact ON contact.customer_id = subscriber.customer_id"
                " LEFT JOIN crm.consent ON consent.customer_id = contact.customer_id AND consent.channel = contact.channel"
                "  AND consent.purpose = 'service'"
                " WHERE incident.state = 'inProgress' AND coalesce(consent.is_given, true)"
            ).fetchone()
        assert told is not None
        return (1, len(self.told), 312, 4, told[0], 1)

    async def repaired(self) -> None:
        """Plays the repair until everybody has heard of it: who still waits for that word is not told of an outage again."""
        await play_repair(self.told, self.doors, pace=0.1)
        for _ in range(COMPLETES_WITHIN_S * 2):
            if self.waiting_to_hear() == 0:
                return
            await asyncio.sleep(0.5)
        raise AssertionError(f"{self.waiting_to_hear()} have not heard that they are back:\n{self.story()}")

    def waiting_to_hear(self) -> int:
        with psycopg.connect(self.url) as conn:
            row = conn.execute(WAITING_TO_HEAR).fetchone()
        assert row is not None
        return int(row[0])


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that others may enter: the embedded server may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="bedrock-platform-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


@pytest.fixture
def home() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
async def stage() -> AsyncIterator[Stage]:
    with open_folder() as folder:
        async with staged(folder) as one:
            yield one


@contextlib.asynccontextmanager
async def staged(home: Path) -> AsyncIterator[Stage]:
    ports = free_ports(4)
    # The same cable is cut again and again here, with hours between as far as the story goes.
    settings = Settings(
        home=home, port=ports[0], snmp_port=ports[1], syslog_port=ports[2], intake_port=ports[3], radius="off", hold_down_s=1
    )
    async with database(settings) as url:
        await asyncio.to_thread(seed, url, subscribers=4_000, now=datetime.now(UTC))
        async with platform(settings, url) as running:
            handed = settings.model_copy(update={"database_url": SecretStr(url)})
            async with Atlas.open(url, handed.secret, (Zone.EXECUTOR,)) as atlas, atlas.transaction(executor("test")) as conn:
                scene = await scene_of_cut(conn, world().zone.backhaul)
            doors = Doors(address_of(running.addresses["snmp"]), address_of(running.addresses["syslog"]), snmp_user(handed))
            yield Stage(url, running, doors, told_of_cut(scene))


@pytest.mark.parametrize("after_s", [0.3, 0.7, 1.1])
async def test_a_worker_killed_at_any_moment_loses_nothing_and_tells_nobody_twice(stage: Stage, after_s: float) -> None:
    cutting = asyncio.create_task(stage.cut(int(after_s * 10)))
    await asyncio.sleep(after_s)

    os.kill(stage.running.pid_of("worker"), signal.SIGKILL)
    await cutting

    assert await stage.until_complete() == stage.whole, stage.story()
    assert stage.sent_more_than_once() == []
    await stage.repaired()


async def test_alarms_that_come_while_the_doors_restart_are_heard_when_they_are_told_again(stage: Stage) -> None:
    os.kill(stage.running.pid_of("doors"), signal.SIGKILL)
    await stage.running.back("doors")

    await stage.cut(7)

    assert await stage.until_complete() == stage.whole, stage.story()
    await stage.repaired()


async def test_postgresql_crashed_under_load_comes_back_and_the_incident_completes(stage: Stage) -> None:
    cutting = asyncio.create_task(stage.cut(9))
    await asyncio.sleep(0.4)

    crash(stage.url)
    await cutting

    assert await stage.until_complete() == stage.whole, stage.story()
    assert stage.sent_more_than_once() == []
    await stage.repaired()


async def test_two_starts_at_once_on_one_folder_share_one_database(home: Path) -> None:
    async def started() -> int:
        command = (sys.executable, "-m", "evals.cli", "migrate")
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, "BEDROCK_HOME": str(home)})
        return await process.wait()

    codes = await asyncio.gather(started(), started())

    assert codes == [0, 0]


def test_a_folder_given_relative_to_where_one_stands_works_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)

    running = embedded.start(Path("here"))

    assert str(home) in running.url
    running.stop()


def free_ports(how_many: int) -> list[int]:
    """Ports that nobody has at this moment; a part that is restarted must find its own again."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(how_many)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def crash(url: str) -> None:
    """Kills one backend without a word, as a bug or the kernel would: PostgreSQL restarts all of it and recovers from its log."""
    with psycopg.connect(url, autocommit=True) as conn:
        victim = conn.execute(
            "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1"
        ).fetchone()
        assert victim is not None
        os.kill(victim[0], signal.SIGKILL)
