"""Passkeys: added, shown alone or as the second step, and every way in which one is refused."""

import json
from typing import Any

import httpx
import pytest

from tests import given
from tests.web.authenticator import Authenticator
from tests.web.browsing import HERE, Site, browser, enter, form_token, grown_stale, origin_of, signed_in

NAME = "Asha Patel"


async def asked(client: httpx.AsyncClient, path: str, **headers: str) -> dict[str, Any]:
    answer = await client.post(path + "/ask", headers={"Origin": origin_of(client), **headers})
    assert answer.status_code == 200, answer.text
    question: dict[str, Any] = answer.json()
    return question


async def added(client: httpx.AsyncClient, key: Authenticator, name: str = "Laptop") -> httpx.Response:
    """Adds the key to whoever is signed in."""
    token = await form_token(client)
    question = await asked(client, "/account/passkeys", **{"X-Form-Token": token})
    form = {"asked": question["asked"], "answer": key.made(question["options"]), "name": name}
    return await client.post("/account/passkeys", data=form, headers={"Origin": origin_of(client), "X-Form-Token": token})


async def shown(client: httpx.AsyncClient, key: Authenticator, path: str = "/sign-in/passkey", rp_id: str | None = None) -> httpx.Response:
    question = await asked(client, path)
    form = {"asked": question["asked"], "answer": key.shown(question["options"], rp_id)}
    return await client.post(path, data=form, headers={"Origin": origin_of(client)})


@pytest.fixture
async def key(client: httpx.AsyncClient, owner: given.Owner) -> Authenticator:
    """Asha's key; she is signed in at `client`."""
    await signed_in(client, owner, NAME, "noc_lead")
    made = Authenticator(HERE)
    assert (await added(client, made)).status_code == 200
    return made


async def test_a_passkey_alone_opens_the_door(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        answer = await shown(another, key)
        inside = await another.get("/incidents")

    assert (answer.status_code, answer.json()["to"], inside.status_code) == (200, "/incidents", 200)


async def test_with_a_passkey_the_password_alone_opens_nothing(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        await enter(another, NAME)
        outside = await another.get("/incidents")
        answer = await shown(another, key, "/sign-in/second/passkey")
        inside = await another.get("/incidents")

    assert (outside.status_code, answer.status_code, inside.status_code) == (303, 200, 200)


async def test_a_passkey_that_its_owner_did_not_unlock_is_refused(here: Site, key: Authenticator) -> None:
    key.unlocks = False

    async with browser(here.app) as another:
        answer = await shown(another, key)

    assert answer.status_code == 401


async def test_an_answer_given_at_another_site_is_refused(here: Site, key: Authenticator) -> None:
    key.origin = "https://consoIe.harbour.test"

    async with browser(here.app) as another:
        answer = await shown(another, key)

    assert answer.status_code == 401


async def test_an_answer_for_another_site_is_refused(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        answer = await shown(another, key, rp_id="elsewhere.test")

    assert answer.status_code == 401


async def test_a_copy_of_a_key_whose_count_stands_still_is_refused(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        first = await shown(another, key)
        key.sign_count -= 1
        again = await shown(another, key)

    assert (first.status_code, again.status_code) == (200, 401)


async def test_an_answer_is_taken_once(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        question = await asked(another, "/sign-in/passkey")
        form = {"asked": question["asked"], "answer": key.shown(question["options"])}
        answers = [(await another.post("/sign-in/passkey", data=form)).status_code for _ in range(2)]

    assert answers == [200, 401]


async def test_an_answer_to_another_question_is_refused(here: Site, key: Authenticator) -> None:
    async with browser(here.app) as another:
        first, second = await asked(another, "/sign-in/passkey"), await asked(another, "/sign-in/passkey")
        form = {"asked": first["asked"], "answer": key.shown(second["options"])}
        answer = await another.post("/sign-in/passkey", data=form)

    assert answer.status_code == 401


async def test_somebody_elses_passkey_is_no_second_step(here: Site, key: Authenticator, owner: given.Owner) -> None:
    async with browser(here.app) as mallorys:
        await signed_in(mallorys, owner, "Mallory Moss", "customer_care")
        hers = Authenticator(HERE)
        await added(mallorys, hers)
        await enter(mallorys, NAME)

        answer = await shown(mallorys, hers, "/sign-in/second/passkey")

    assert answer.status_code == 401


async def test_a_key_signed_by_another_is_refused(here: Site, key: Authenticator) -> None:
    forged = Authenticator(HERE, credential_id=key.credential_id)

    async with browser(here.app) as another:
        answer = await shown(another, forged)

    assert answer.status_code == 401


@pytest.mark.parametrize("answer", ["", "{}", "[]", "null", '{"id": 7}', '{"id": "AA"}', "[" * 3000, json.dumps({"id": "A" * 4000})])
async def test_what_is_no_answer_of_a_passkey_is_refused(client: httpx.AsyncClient, answer: str) -> None:
    question = await asked(client, "/sign-in/passkey")

    told = await client.post("/sign-in/passkey", data={"asked": question["asked"], "answer": answer})

    assert told.status_code in (401, 422)


async def test_a_passkey_of_someone_who_left_opens_nothing(here: Site, key: Authenticator, owner: given.Owner) -> None:
    await owner.execute("UPDATE staff.member SET is_active = false")

    async with browser(here.app) as another:
        answer = await shown(another, key)

    assert answer.status_code == 401


async def test_a_removed_passkey_opens_nothing(client: httpx.AsyncClient, here: Site, key: Authenticator, owner: given.Owner) -> None:
    (passkey_id,) = await (await owner.execute("SELECT id FROM staff.passkey")).fetchone() or (0,)
    await client.post(f"/account/passkeys/{passkey_id}/remove", data={"token": await form_token(client)})

    async with browser(here.app) as another:
        answer = await shown(another, key)

    assert answer.status_code == 401


async def test_nobody_removes_a_passkey_of_somebody_else(here: Site, key: Authenticator, owner: given.Owner) -> None:
    (passkey_id,) = await (await owner.execute("SELECT id FROM staff.passkey")).fetchone() or (0,)

    async with browser(here.app) as mallorys:
        await signed_in(mallorys, owner, "Mallory Moss", "customer_care")
        answer = await mallorys.post(f"/account/passkeys/{passkey_id}/remove", data={"token": await form_token(mallorys)})

    assert answer.status_code == 404


async def test_a_passkey_is_added_only_by_whoever_showed_lately_who_they_are(
    client: httpx.AsyncClient, key: Authenticator, owner: given.Owner
) -> None:
    token = await form_token(client)
    await grown_stale(owner)

    answer = await client.post("/account/passkeys/ask", headers={"X-Form-Token": token})

    assert (answer.status_code, answer.headers["x-prove"]) == (403, "/prove")


async def test_a_key_that_is_added_already_is_named_to_the_device(client: httpx.AsyncClient, key: Authenticator) -> None:
    question = await asked(client, "/account/passkeys", **{"X-Form-Token": await form_token(client)})

    assert [one["id"] for one in question["options"]["excludeCredentials"]] == [
        json.loads(key.shown(question["options"], "localhost"))["id"]
    ]
    assert question["options"]["authenticatorSelection"]["userVerification"] == "required"


async def test_showing_a_passkey_again_makes_the_session_fresh_under_a_new_token(
    client: httpx.AsyncClient, key: Authenticator, owner: given.Owner
) -> None:
    token, before = await form_token(client), client.cookies["bedrock"]
    await grown_stale(owner)

    question = await asked(client, "/prove/passkey", **{"X-Form-Token": token})
    form = {"asked": question["asked"], "answer": key.shown(question["options"])}
    answer = await client.post("/prove/passkey", data=form, headers={"X-Form-Token": token})

    fresh = await (await owner.execute("SELECT fresh_at > now() - interval '1 minute' FROM staff.session")).fetchall()
    assert (answer.status_code, client.cookies["bedrock"] != before, (True,) in fresh) == (200, True, True)
