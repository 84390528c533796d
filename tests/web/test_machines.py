"""Keys for machines: made, listed, ended, and what they open at the intake and at the public API."""

from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from api.doors import machine_app
from api.inbound.batch import AlarmIntake
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from forge import api_tokens
from forge.api_tokens import Keyring, Scope
from tests import given
from tests.doors.test_http import TMF, alarm
from tests.web.browsing import Site, browser, email_of, hired

NAME = "Asha Patel"


async def made(atlas: Atlas, owner: given.Owner, *scopes: Scope) -> api_tokens.MadeToken:
    await hired(owner, NAME, "noc_lead")
    return await api_tokens.create(atlas, "the alarm forwarder", email_of(NAME), scopes, timedelta(days=30))


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


async def test_a_key_for_alarms_opens_the_intake(atlas: Atlas, owner: given.Owner, tmp_path: Path) -> None:
    await given.device(owner, "olt-1")
    key = await made(atlas, owner, Scope.ALARMS_WRITE)

    intake = AlarmIntake(atlas)
    async with intake.running(), browser(machine_app(atlas, intake, Settings(home=tmp_path))) as client:
        answer = await client.post(TMF, json=alarm(), headers=bearer(key.secret))

    assert answer.status_code == 201


async def test_a_key_for_reading_does_not(atlas: Atlas, owner: given.Owner, tmp_path: Path) -> None:
    key = await made(atlas, owner, Scope.INCIDENTS_READ, Scope.ACTIONS_READ)

    async with browser(machine_app(atlas, AlarmIntake(atlas), Settings(home=tmp_path))) as client:
        answer = await client.post(TMF, json=alarm(), headers=bearer(key.secret))

    assert answer.status_code == 401


async def test_atlas_keeps_of_a_key_only_its_hash(atlas: Atlas, owner: given.Owner) -> None:
    key = await made(atlas, owner, Scope.ALARMS_WRITE)

    row = await (await owner.execute("SELECT api_token::text FROM staff.api_token")).fetchone()

    assert row is not None
    assert key.secret.removeprefix("bdrk_") not in row[0]


@pytest.mark.parametrize(
    "ends",
    [
        "UPDATE staff.api_token SET expires_at = now()",
        "UPDATE staff.api_token SET revoked_at = now()",
        "UPDATE staff.member SET is_active = false",
    ],
    ids=["it lapsed", "it was revoked", "its owner left"],
)
async def test_a_key_that_ended_opens_nothing(here: Site, client: httpx.AsyncClient, owner: given.Owner, ends: str) -> None:
    key = await made(here.atlas, owner, Scope.INCIDENTS_READ)
    await owner.execute(ends.encode())

    answer = await client.get("/api/v1/incidents", headers=bearer(key.secret))

    assert answer.status_code == 401


async def test_a_revoked_key_is_remembered_for_seconds_only(atlas: Atlas, owner: given.Owner) -> None:
    key = await made(atlas, owner, Scope.INCIDENTS_READ)
    await api_tokens.revoke(atlas, key.token_id)

    assert await Keyring(atlas).holder(f"Bearer {key.secret}") is None
    assert api_tokens.REMEMBERED_S <= 5


async def test_a_program_reads_incidents_without_anybodys_name(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    key = await made(here.atlas, owner, Scope.INCIDENTS_READ)

    answer = await client.get("/api/v1/incidents", headers=bearer(key.secret))

    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_customers_number_is_not_told_to_a_program(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    key = await made(here.atlas, owner, Scope.ACTIONS_READ)
    action_id = await given.action(owner)
    await owner.execute("UPDATE actions.action SET proposer = 'customer:12'")

    answer = await client.get(f"/api/v1/actions/{action_id}", headers=bearer(key.secret))

    assert (answer.status_code, answer.json()["proposer"]) == (200, "customer")


async def test_the_document_is_not_for_passers_by(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    key = await made(here.atlas, owner, Scope.INCIDENTS_READ)

    answers = [await client.get("/api/v1/openapi.json"), await client.get("/api/v1/openapi.json", headers=bearer(key.secret))]

    assert [answer.status_code for answer in answers] == [401, 200]
    assert (await client.get("/openapi.json")).status_code == 404


@pytest.mark.parametrize(
    ("scopes", "days", "name"),
    [
        ([], 1, "x"),
        (["everything"], 1, "x"),
        ([Scope.ALARMS_WRITE], 0, "x"),
        ([Scope.ALARMS_WRITE], 400, "x"),
        ([Scope.ALARMS_WRITE], 1, " "),
    ],
)
async def test_a_key_without_a_scope_an_end_or_a_use_is_not_made(
    atlas: Atlas, owner: given.Owner, scopes: list[str], days: int, name: str
) -> None:
    await hired(owner, NAME)

    with pytest.raises(InvalidField):
        await api_tokens.create(atlas, name, email_of(NAME), scopes, timedelta(days=days))


async def test_a_key_belongs_to_somebody_who_works_here(atlas: Atlas, owner: given.Owner) -> None:
    with pytest.raises(NotFound):
        await api_tokens.create(atlas, "a program", "nobody@example.com", [Scope.ALARMS_WRITE], timedelta(days=1))


async def test_keys_are_listed_with_their_last_use_and_revoked_once(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    key = await made(here.atlas, owner, Scope.INCIDENTS_READ)
    await client.get("/api/v1/incidents", headers=bearer(key.secret))

    await api_tokens.revoke(here.atlas, key.token_id)
    (listed,) = await api_tokens.every_token(here.atlas)

    assert (listed.owner, listed.last_used_at is not None, listed.revoked_at is not None) == (email_of(NAME), True, True)
    with pytest.raises(NotFound):
        await api_tokens.revoke(here.atlas, key.token_id)
