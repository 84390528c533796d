"""Sessions: what a browser keeps, how long it is worth something, and who ends it."""

import asyncio
from datetime import timedelta

import httpx
import pytest
from psycopg import sql

from atlas.staff.rules import SESSION_IDLES, SESSION_LIVES
from console.live import Changes
from tests import given
from tests.web.browsing import PASSWORD, PUBLIC, Site, browser, enter, form_token, grown_stale, hired, posted, signed_in, site, token_in

NAME = "Helen Brooks"
NEW = "purple gravel sings quietly"


async def is_in(client: httpx.AsyncClient) -> bool:
    return (await client.get("/incidents")).status_code == 200


async def test_signing_in_gives_a_token_of_its_own_whatever_the_browser_brought(client: httpx.AsyncClient, owner: given.Owner) -> None:
    client.cookies.set("bedrock", "chosen-by-somebody-else")

    await signed_in(client, owner, NAME, "billing_lead")

    tokens = [cookie.value for cookie in client.cookies.jar if cookie.name == "bedrock" and cookie.domain == "localhost.local"]
    assert tokens != ["chosen-by-somebody-else"]
    assert (
        await (await owner.execute("SELECT 1 FROM staff.session WHERE token_hash = sha256('chosen-by-somebody-else')")).fetchone() is None
    )


async def test_signing_in_again_ends_the_session_that_the_browser_held(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    before = client.cookies["bedrock"]
    await enter(client, NAME)

    async with browser(here.app) as thief:
        thief.cookies.set("bedrock", before)
        inside = await is_in(thief)

    assert inside is False


async def test_atlas_keeps_of_a_token_only_its_hash(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    (kept,) = await (await owner.execute("SELECT token_hash FROM staff.session")).fetchone() or (b"",)

    assert (len(client.cookies["bedrock"]) >= 43, client.cookies["bedrock"].encode() in bytes(kept)) == (True, False)


@pytest.mark.parametrize(
    ("column", "ago"),
    [("expires_at", timedelta(seconds=1)), ("last_used_at", SESSION_IDLES + timedelta(seconds=1))],
    ids=["a working day is over", "nobody was at it"],
)
async def test_a_session_ends_by_itself(client: httpx.AsyncClient, owner: given.Owner, column: str, ago: timedelta) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await owner.execute(sql.SQL("UPDATE staff.session SET {} = now() - %s").format(sql.Identifier(column)), (ago,))

    assert await is_in(client) is False


async def test_a_session_lives_a_working_day_by_the_databases_clock(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    (lives,) = await (await owner.execute("SELECT expires_at - started_at FROM staff.session")).fetchone() or (None,)

    assert lives == SESSION_LIVES


async def test_a_page_that_refreshes_itself_keeps_nobody_signed_in(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await owner.execute("UPDATE staff.session SET last_used_at = now() - interval '50 minutes'")

    await client.get("/incidents/board", headers={"X-Region": "1"})

    (idle,) = await (await owner.execute("SELECT now() - last_used_at > interval '40 minutes' FROM staff.session")).fetchone() or (None,)
    assert idle is True


async def test_somebody_at_work_is_not_idle(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await owner.execute("UPDATE staff.session SET last_used_at = now() - interval '50 minutes'")

    await client.get("/incidents")

    (idle,) = await (await owner.execute("SELECT now() - last_used_at > interval '1 minute' FROM staff.session")).fetchone() or (None,)
    assert idle is False


async def test_the_browsers_of_a_person_are_listed_and_one_is_signed_out(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    async with browser(here.app, address="203.0.113.9") as another:
        await enter(another, NAME)
        listed = (await client.get("/account")).text
        (session_id,) = await (await owner.execute("SELECT max(id) FROM staff.session")).fetchone() or (0,)
        await posted(client, f"/account/sessions/{session_id}/end")
        inside = await is_in(another)

    assert ("203.0.113.9" in listed, inside, await is_in(client)) == (True, False, True)


async def test_nobody_ends_the_session_of_somebody_else(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    (session_id,) = await (await owner.execute("SELECT id FROM staff.session")).fetchone() or (0,)

    async with browser(here.app) as mallorys:
        await signed_in(mallorys, owner, "Mallory Moss", "customer_care")
        answer = await posted(mallorys, f"/account/sessions/{session_id}/end")

    assert (answer.status_code, await is_in(client)) == (404, True)


async def test_signing_out_everywhere_else_leaves_this_browser(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    async with browser(here.app) as one, browser(here.app) as other:
        await enter(one, NAME)
        await enter(other, NAME)
        await posted(client, "/account/sessions/end")
        inside = [await is_in(one), await is_in(other), await is_in(client)]

    assert inside == [False, False, True]


async def test_a_new_password_signs_every_other_browser_out_and_turns_this_ones_token(
    client: httpx.AsyncClient, here: Site, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    before = client.cookies["bedrock"]

    async with browser(here.app) as another:
        await enter(another, NAME)
        answer = await posted(client, "/account/password", old=PASSWORD, new=NEW)
        inside = await is_in(another)
        await enter(another, NAME, NEW)

        assert (answer.status_code, inside, await is_in(client), await is_in(another)) == (200, False, True, True)
    assert client.cookies["bedrock"] != before


async def test_a_password_is_changed_only_by_whoever_knows_the_old_one(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    answer = await posted(client, "/account/password", old="a guess", new=NEW)

    assert answer.status_code == 401


async def test_a_weak_new_password_is_refused_with_the_reason(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    answer = await posted(client, "/account/password", old=PASSWORD, new="helen.brooks1")

    assert (answer.status_code, "a guesser" in answer.text) == (422, True)


async def test_whoever_gains_or_loses_a_role_signs_in_again(client: httpx.AsyncClient, owner: given.Owner) -> None:
    member = await signed_in(client, owner, NAME, "billing_lead")

    await owner.execute("INSERT INTO staff.role_held (staff_id, role) VALUES (%s, 'operations_director')", (member,))

    assert await is_in(client) is False


async def test_whoever_leaves_is_signed_out_at_once(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    await owner.execute("UPDATE staff.member SET is_active = false")

    assert await (await owner.execute("SELECT 1 FROM staff.session")).fetchone() is None


async def test_signing_out_empties_the_browser(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")

    answer = await posted(client, "/sign-out")

    assert (answer.headers["clear-site-data"], "bedrock" in client.cookies) == ('"cache", "storage"', False)


async def test_over_https_a_cookie_is_bound_to_the_host_and_out_of_reach_of_scripts(
    atlas: object, here: Site, owner: given.Owner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    public = await site(here.atlas, tmp_path_factory.mktemp("home"), public_url=PUBLIC, second_factor="if_added")
    await hired(owner, NAME, "billing_lead")

    async with browser(public.app, PUBLIC) as client:
        answer = await enter(client, NAME)

    cookies = answer.headers.get_list("set-cookie")
    (session,) = (one for one in cookies if one.startswith("__Host-bedrock="))
    assert {part.strip().lower() for part in session.split(";")[1:]} >= {"httponly", "secure", "samesite=strict", "path=/"}
    assert all(one.startswith("__Host-") and "domain" not in one.lower() for one in cookies)


async def test_where_two_factors_are_asked_for_one_opens_only_the_page_that_adds_another(
    here: Site, owner: given.Owner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    public = await site(here.atlas, tmp_path_factory.mktemp("home"), public_url=PUBLIC)

    async with browser(public.app, PUBLIC) as client:
        await signed_in(client, owner, NAME, "billing_lead")
        pages = {path: (await client.get(path)).status_code for path in ("/incidents", "/approvals", "/customers/1", "/account")}

    assert pages == {"/incidents": 303, "/approvals": 303, "/customers/1": 303, "/account": 200}


async def test_proving_again_goes_on_to_where_one_was_going(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    before = client.cookies["bedrock"]
    await grown_stale(owner)

    answer = await posted(client, "/prove", password=PASSWORD, next="/approvals")

    (fresh,) = await (await owner.execute("SELECT fresh_at > now() - interval '1 minute' FROM staff.session")).fetchone() or (None,)
    assert (answer.headers["location"], fresh, client.cookies["bedrock"] != before) == ("/approvals", True, True)


async def test_a_wrong_password_proves_nothing_again(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await grown_stale(owner)

    answer = await posted(client, "/prove", password="a guess")

    (fresh,) = await (await owner.execute("SELECT fresh_at > now() - interval '1 minute' FROM staff.session")).fetchone() or (None,)
    assert (answer.status_code, fresh) == (401, False)


async def test_a_form_rendered_before_one_proved_again_still_works_after(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    rendered = await form_token(client)
    await posted(client, "/prove", password=PASSWORD)

    answer = await client.post("/account/sessions/end", data={"token": rendered})

    assert answer.status_code == 200


async def test_a_stream_says_when_nothing_changed_so_that_its_session_is_asked_for_again(here: Site) -> None:
    heard = Changes(here.atlas).stream(0.01)

    async with asyncio.timeout(5):
        first = await anext(heard)

    assert first == frozenset()


async def test_a_sign_in_and_what_changes_it_are_on_the_audit_trail(client: httpx.AsyncClient, owner: given.Owner) -> None:
    member = await signed_in(client, owner, NAME, "billing_lead")
    await posted(client, "/account/password", old=PASSWORD, new=NEW)
    await posted(client, "/sign-out")

    events = [
        row[0]
        for row in await (
            await owner.execute("SELECT event FROM actions.audit WHERE actor = %s ORDER BY seq", (f"staff:{member}",))
        ).fetchall()
    ]

    assert events == ["signed_in", "password_changed", "proved_again", "signed_out"]


async def test_the_page_of_the_account_shows_the_persons_own_things_only(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    async with browser(here.app, address="198.51.100.77") as another:
        await signed_in(another, owner, "Asha Patel", "noc_lead")

    page = await client.get("/account")

    assert (token_in(page) != "", "198.51.100.77" in page.text) == (True, False)
