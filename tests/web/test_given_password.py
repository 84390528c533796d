"""A password that somebody else chose: it lets its owner change it, and that for three days."""

from pathlib import Path

import httpx
import pytest

from api.bootstrap import House
from api.cli import signed_in_here
from api.settings import Settings
from atlas.connection import Atlas
from cortex.pictures import WarmTopology
from forge.sign_in.administration import give_password
from forge.sign_in.passwords import SignInRefused
from tests import given
from tests.web.browsing import Site, email_of, enter, hired, posted
from tests.web.test_sign_in import WEAK

HELEN = "Helen Brooks"
NEW = "violet tractor meadow"


async def given_one(atlas: Atlas, owner: given.Owner) -> str:
    await hired(owner, HELEN, "noc_lead")
    return await give_password(atlas, email_of(HELEN))


async def test_whoever_comes_with_a_password_made_for_them_sees_only_the_page_that_changes_it(
    client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    first = await given_one(atlas, owner)

    await enter(client, HELEN, first)

    elsewhere = {path: (await client.get(path)).headers.get("location") for path in ("/incidents", "/approvals", "/customers", "/live")}
    page = await client.get("/account")
    assert set(elsewhere.values()) == {"/account"}
    assert "Choose a password of your own" in page.text


@pytest.mark.parametrize("path", ["/account/app", "/account/sessions/end", "/account/passkeys/ask"])
async def test_with_it_nothing_else_of_the_account_is_changed_either(
    client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner, path: str
) -> None:
    await enter(client, HELEN, await given_one(atlas, owner))

    answer = await posted(client, path)

    assert (answer.status_code, answer.json()["detail"]) == (403, "a password of your own is to be chosen first")


async def test_once_it_is_changed_the_console_opens_and_the_one_that_was_given_opens_nothing(
    client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    first = await given_one(atlas, owner)
    await enter(client, HELEN, first)

    changed = await posted(client, "/account/password", old=first, new=NEW)

    assert (changed.status_code, "Choose a password of your own" in changed.text) == (200, False)
    assert (await client.get("/incidents")).status_code == 200
    await posted(client, "/sign-out")
    assert (await enter(client, HELEN, first)).status_code == 401
    assert (await enter(client, HELEN, NEW)).status_code == 303


async def test_it_is_not_kept_by_choosing_it_again(client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner) -> None:
    first = await given_one(atlas, owner)
    await enter(client, HELEN, first)

    answer = await posted(client, "/account/password", old=first, new=first)

    assert answer.status_code == 422
    assert (await client.get("/incidents")).headers["location"] == "/account"


async def test_after_three_days_it_opens_nothing(client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner) -> None:
    first = await given_one(atlas, owner)
    await owner.execute("UPDATE staff.member SET password_given_at = now() - interval '73 hours'")

    answer = await enter(client, HELEN, first)

    assert answer.status_code == 401
    assert "made for you too long ago" in answer.text


async def test_each_is_made_by_chance_and_long(atlas: Atlas, owner: given.Owner) -> None:
    made = {await given_one(atlas, owner)} | {await give_password(atlas, email_of(HELEN)) for _ in range(2)}

    assert len(made) == 3
    assert {len(password) for password in made} == {20}


async def test_the_command_line_lets_nobody_act_on_it_either(here: Site, atlas: Atlas, owner: given.Owner, tmp_path: Path) -> None:
    first, house = await given_one(atlas, owner), House(Settings(home=tmp_path), atlas, here.forge, WarmTopology(), {})

    with pytest.raises(SignInRefused, match="of your own at the console first"):
        await signed_in_here(house, email_of(HELEN), first)

    assert await (await owner.execute("SELECT count(*) FROM staff.session")).fetchone() == (0,)


async def test_a_stronger_hash_made_at_the_first_sign_in_leaves_it_given(
    client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    await given_one(atlas, owner)
    await owner.execute("UPDATE staff.member SET password_hash = %s", (WEAK,))

    await enter(client, HELEN)

    (kept,) = await (await owner.execute("SELECT password_hash FROM staff.member")).fetchone() or ("",)
    assert kept != WEAK
    assert (await client.get("/incidents")).headers["location"] == "/account"
