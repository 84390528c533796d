"""Whoever watches the house sees what waits, what fails and what is full, without asking a person."""

import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.bootstrap import House, house
from api.inbound.batch import AlarmIntake
from api.inbound.tmf642 import PATH
from api.observation import watching_app
from api.operations import readiness
from api.operations.measures import OBSERVED, timed
from api.rest.health import router
from api.settings import Settings
from api.worker import attempted
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.principal import Zone
from evals.drills.commands import open_folder
from tests import given
from tests.conftest import SECRET
from tests.doors.telling import now, posted_to
from tests.given import Owner


@pytest.fixture
def settings(database_url: str) -> Iterator[Settings]:
    with open_folder() as home:
        (home / "secret").write_text(SECRET.hex())
        yield Settings(home=home).model_copy(update={"database_url": SecretStr(database_url)})


@pytest.fixture
async def watched(atlas: Atlas, settings: Settings) -> AsyncIterator[readiness.House]:
    with OBSERVED.watching(atlas):
        yield readiness.House(settings, atlas)


async def asked(one: readiness.House, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(watching_app(one)), base_url="http://127.0.0.1") as client:
        return await client.get(path)


async def scraped(one: readiness.House) -> dict[str, float]:
    """Every line of a scrape, by its name and labels."""
    lines = (await asked(one, "/metrics")).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


def alarm(named: str) -> dict[str, Any]:
    return {
        "alarmType": "communicationsAlarm",
        "perceivedSeverity": "major",
        "probableCause": "lossOfSignal",
        "alarmedObject": {"id": named},
        "sourceSystemId": "ems-1",
        "state": "raised",
        "alarmRaisedTime": now().isoformat(),
    }


async def a_matrix_is_in_force(owner: Owner) -> None:
    await owner.execute("INSERT INTO actions.matrix_in_force (digest) VALUES ('of a test')")


async def notice(owner: Owner, state: str, age_s: int = 0) -> None:
    await owner.execute(
        "INSERT INTO helpdesk.notice (purpose, key, channel, address, language, template, words, state, queued_at, not_before, action_id)"
        " VALUES ('outage', %(key)s, 'sms', '+447700900001', 'en', 'outage', 'words', %(state)s,"
        "         clock_timestamp() - make_interval(secs => %(age)s), clock_timestamp() - make_interval(secs => %(age)s), %(action)s)",
        {"key": uuid.uuid4().hex, "state": state, "age": age_s, "action": await given.action(owner)},
    )


async def test_a_scrape_says_what_waits_to_go_out_and_for_how_long(watched: readiness.House, owner: Owner) -> None:
    await notice(owner, "queued", age_s=90)
    await notice(owner, "in_doubt")

    found = await scraped(watched)

    assert found['bedrock_notices{label="queued"}'] == 1
    assert found['bedrock_notices{label="in_doubt"}'] == 1
    assert found['bedrock_notice_age_seconds{label=""}'] > 89


async def test_a_scrape_says_what_waits_for_a_person(watched: readiness.House, owner: Owner) -> None:
    await given.action(owner, state="waiting")
    await given.action(owner, state="done")

    found = await scraped(watched)

    assert found['bedrock_actions_unfinished{label="waiting"}'] == 1
    assert 'bedrock_actions_unfinished{label="done"}' not in found


async def test_a_scrape_says_how_the_queue_of_work_stands(watched: readiness.House, owner: Owner) -> None:
    await owner.execute("SELECT jobs.defer('cortex.look', '{}', NULL, NULL, NULL)")

    found = await scraped(watched)

    assert found['bedrock_jobs{label="todo"}'] == 1


async def test_a_scrape_says_how_full_each_pool_is_and_that_atlas_answers(watched: readiness.House) -> None:
    found = await scraped(watched)

    assert found["bedrock_atlas_up"] == 1
    assert found['bedrock_pool{of="max",zone="executor"}'] == 4


async def test_a_sweep_that_fails_is_counted_under_its_name(watched: readiness.House) -> None:
    name = uuid.uuid4().hex

    async def fails() -> None:
        raise AtlasError("for the test")

    await attempted(name, fails)

    found = await scraped(watched)
    assert found[f'bedrock_sweeps_failed_total{{sweep="{name}"}}'] == 1
    assert found[f'bedrock_sweep_seconds_count{{sweep="{name}"}}'] == 1


async def test_alarms_are_counted_by_what_became_of_them(atlas: Atlas, settings: Settings, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    heard = alarm("olt-1/port 1")
    door = AlarmIntake(atlas)
    with OBSERVED.watching(atlas, (door,)):
        async with door.running():
            await posted_to(door, PATH, [heard, heard, alarm("a stranger/port 1"), {"alarmType": "nonsense"}])
        found = await scraped(readiness.House(settings, atlas))

    assert found['bedrock_alarms_total{became="in"}'] == 3
    assert found['bedrock_alarms_total{became="deduplicated"}'] == 1
    assert found['bedrock_alarms_total{became="set_aside"}'] == 2


async def test_requests_are_timed_by_route_and_status_and_a_strangers_path_gets_no_line(watched: readiness.House) -> None:
    app, door = FastAPI(), uuid.uuid4().hex

    @app.get("/bills/{bill_id}")
    async def bill(bill_id: int) -> int:
        return bill_id

    async with httpx.AsyncClient(transport=httpx.ASGITransport(timed(app, door)), base_url="http://web") as client:
        await client.get("/bills/7")
        await client.get("/bills/8")
        await client.get("/wp-admin")
        await client.request("BREW", "/bills/7")

    found = {name: value for name, value in (await scraped(watched)).items() if door in name and "_count" in name}
    line = f'bedrock_http_request_seconds_count{{door="{door}",'
    assert found == {
        line + 'method="GET",route="/bills/{bill_id}",status="200"}': 2,
        line + 'method="GET",route="none",status="404"}': 1,
        line + 'method="other",route="/bills/{bill_id}",status="405"}': 1,
    }


async def test_a_process_is_ready_once_the_schema_is_whole_and_a_matrix_is_in_force(watched: readiness.House, owner: Owner) -> None:
    before = await asked(watched, "/ready")
    await a_matrix_is_in_force(owner)
    after = await asked(watched, "/ready")

    assert (before.status_code, before.json()["reasons"]) == (503, ["no escalation matrix is in force"])
    assert (after.status_code, after.json()["reasons"]) == (200, [])


async def test_a_process_whose_database_lacks_a_migration_is_not_ready(watched: readiness.House, owner: Owner) -> None:
    await a_matrix_is_in_force(owner)
    await owner.execute("DELETE FROM public.migration WHERE name = '0014_operations.sql'")

    assert (await asked(watched, "/ready")).json()["reasons"] == ["the schema lacks 0014_operations.sql"]


async def test_a_process_on_a_full_disk_is_not_ready(watched: readiness.House, owner: Owner) -> None:
    await a_matrix_is_in_force(owner)
    (watched.settings.home / "postgres").mkdir()
    full = replace(watched, settings=watched.settings.model_copy(update={"disk_limit_mb": 10**9}))

    response = await asked(full, "/ready")

    assert response.status_code == 503
    assert "MB left" in response.json()["reasons"][0]


async def test_a_process_without_its_database_is_alive_and_not_ready(atlas: Atlas, settings: Settings) -> None:
    async with Atlas.open(atlas.url, atlas.secret, (Zone.EXECUTOR,), most=1) as closed:
        pass
    lonely = readiness.House(settings, closed)

    alive, ready = await asked(lonely, "/health"), await asked(lonely, "/ready")

    assert (alive.status_code, alive.json()["status"]) == (200, "warn")
    assert ready.status_code == 503
    assert "atlas does not answer" in ready.json()["reasons"][0]


async def test_a_door_that_may_not_read_the_house_says_whether_its_schema_is_whole(settings: Settings, atlas: Atlas) -> None:
    async with Atlas.open(atlas.url, atlas.secret, (Zone.INTAKE,), most=1) as door:
        response = await asked(readiness.House(settings, door), "/ready")

    assert (response.status_code, response.json()["reasons"]) == (200, [])


async def test_health_says_what_works_worse_than_it_could(watched: readiness.House, owner: Owner) -> None:
    await notice(owner, "queued", age_s=90)
    await notice(owner, "in_doubt")

    told: dict[str, Any] = (await asked(watched, "/health")).json()

    assert told["status"] == "warn"
    assert any(line.startswith("notices wait 9") for line in told["degraded"])
    assert "1 notices in doubt" in told["degraded"]
    assert "no model provider: the rule model answers" in told["degraded"]


async def test_a_stranger_learns_on_the_web_whether_it_works_and_not_why(settings: Settings) -> None:
    async with house(settings, (Zone.EXECUTOR,), most=1) as one:
        ready = await on_the_web(one, "/ready")
        alive = await on_the_web(one, "/health")

    assert (ready.status_code, ready.json()) == (200, {"status": "pass"})
    assert (alive.status_code, alive.json()) == (200, {"status": "warn"})


async def on_the_web(one: House, path: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(router(one))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://web") as client:
        return await client.get(path)
