"""In by another house's word (OpenID Connect), and every way in which that word is not taken."""

import html
import re
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from joserfc.jwk import OctKey, RSAKey

from api.app import web_app
from api.bootstrap import House
from api.settings import Settings
from atlas.connection import Atlas
from atlas.errors import Conflict
from cortex.pictures import WarmTopology
from forge.sign_in import administration
from forge.sign_in.oidc import CALLBACK
from tests import given
from tests.web.authenticator import Authenticator
from tests.web.browsing import HERE, Site, browser, email_of, hired, signed_in, site
from tests.web.other_house import CLIENT, ISSUER, SECRET, OtherHouse
from tests.web.test_passkeys import added

NAME = "Asha Patel"


@pytest.fixture
def house() -> OtherHouse:
    return OtherHouse()


@pytest.fixture
async def linked(atlas: Atlas, owner: given.Owner, tmp_path: Path, house: OtherHouse) -> Site:
    """The web app that takes the other house's word, with Asha linked there."""
    made = await site(atlas, tmp_path)
    settings = Settings(home=tmp_path, oidc_issuer=ISSUER, oidc_client_id=CLIENT, oidc_client_secret=SECRET, oidc_name="Elsewhere")
    app = web_app(House(settings, atlas, made.forge, WarmTopology(), {}), house.transport)
    await hired(owner, NAME, "noc_lead")
    await administration.link(atlas, email_of(NAME), ISSUER, "sub-7", "operator:test")
    return replace(made, app=app)


@pytest.fixture
async def visitor(linked: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(linked.app) as client:
        yield client


async def sent(client: httpx.AsyncClient) -> str:
    """To the other house; the address there."""
    page = await client.post("/sign-in/elsewhere", data={"next": "/approvals"})
    found = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', page.text)
    assert found is not None, page.text
    return html.unescape(found[1])


async def there_and_back(client: httpx.AsyncClient, house: OtherHouse) -> httpx.Response:
    return await client.get(house.authorized(await sent(client)))


async def is_in(client: httpx.AsyncClient) -> bool:
    return (await client.get("/incidents")).status_code == 200


async def test_somebody_whom_the_other_house_vouches_for_gets_in(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    answer = await there_and_back(visitor, house)

    assert (answer.status_code, 'url=/approvals"' in answer.text, await is_in(visitor)) == (200, True, True)


async def test_an_account_that_nobody_linked_gets_nowhere_whatever_its_e_mail(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    house.subject = "sub-8"
    house.claims = {"email": email_of(NAME), "email_verified": True}

    answer = await there_and_back(visitor, house)

    assert (answer.status_code, "not linked" in answer.text, await is_in(visitor)) == (401, True, False)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"iss": "https://evil.test"},
        {"aud": "somebody-else"},
        {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"iat": int(time.time()) + 3600},
        {"sub": None},
    ],
    # By field: two workers that collect a second apart must name the same tests.
    ids="-".join,
)
async def test_a_word_that_is_not_for_us_now_and_here_is_not_taken(
    visitor: httpx.AsyncClient, house: OtherHouse, claims: dict[str, object]
) -> None:
    house.claims = claims

    answer = await there_and_back(visitor, house)

    assert (answer.status_code, await is_in(visitor)) == (401, False)


async def test_a_word_signed_with_another_key_is_not_taken(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    house.signs_with = RSAKey.generate_key(2048)

    answer = await there_and_back(visitor, house)

    assert answer.status_code == 401


async def test_a_word_signed_with_a_secret_that_both_know_is_not_taken(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    house.algorithm, house.signs_with = "HS256", OctKey.import_key(SECRET)

    answer = await there_and_back(visitor, house)

    assert answer.status_code == 401


async def test_a_way_back_that_this_browser_did_not_begin_is_refused(linked: Site, visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    back = house.authorized(await sent(visitor))

    async with browser(linked.app) as victim:
        answer = await victim.get(back)

    assert answer.status_code == 401


async def test_a_way_back_with_another_state_is_refused(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    back = house.authorized(await sent(visitor))

    answer = await visitor.get(re.sub(r"state=[^&]+", "state=chosen", back))

    assert answer.status_code == 401


async def test_a_way_back_is_gone_once(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    back = house.authorized(await sent(visitor))
    await visitor.get(back)

    answer = await visitor.get(back)

    assert answer.status_code == 401


async def test_a_code_of_another_house_is_not_redeemed(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    back = house.authorized(await sent(visitor))

    answer = await visitor.get(re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fevil.test", back))

    assert answer.status_code == 401


async def test_somebody_who_stopped_at_the_other_house_is_back_at_the_door(visitor: httpx.AsyncClient) -> None:
    await sent(visitor)

    answer = await visitor.get(CALLBACK, params={"error": "access_denied", "state": "x"})

    assert answer.status_code == 401


async def test_a_house_that_gives_another_name_is_not_believed(visitor: httpx.AsyncClient, house: OtherHouse) -> None:
    house.name = "https://evil.test"

    answer = await visitor.post("/sign-in/elsewhere", data={})

    assert (answer.status_code, "does not answer" in answer.text) == (502, True)


async def test_with_a_second_factor_here_another_houses_password_is_the_first_half(
    linked: Site, owner: given.Owner, house: OtherHouse, atlas: Atlas
) -> None:
    await administration.unlink(atlas, email_of(NAME))
    async with browser(linked.app) as hers:
        await signed_in(hers, owner, "Helen Brooks", "billing_lead")
        await added(hers, Authenticator(HERE))
    await administration.link(atlas, email_of("Helen Brooks"), ISSUER, "sub-7", "operator:test")

    async with browser(linked.app) as client:
        answer = await there_and_back(client, house)
        half = await is_in(client)
        house.claims = {"amr": ["pwd", "mfa"]}
        await there_and_back(client, house)
        whole = await is_in(client)

    assert ("/sign-in/second" in answer.text, half, whole) == (True, False, True)


async def test_an_account_elsewhere_is_one_persons_only(linked: Site, owner: given.Owner, atlas: Atlas) -> None:
    await hired(owner, "Mallory Moss", "customer_care")

    with pytest.raises(Conflict):
        await administration.link(atlas, email_of("Mallory Moss"), ISSUER, "sub-7", "operator:test")
