"""The second step: an authenticator app, its recovery codes, and what happens to a code that was seen."""

import re
from datetime import UTC, datetime

import httpx
import pyotp
import pytest

from forge.sign_in.totp import STEP_S, code_hash, new_recovery_codes, step_of
from tests import given
from tests.web.browsing import Site, browser, enter, form_token, grown_stale, posted, signed_in, token_in

NAME = "Helen Brooks"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def begun_in(page: httpx.Response) -> str:
    found = re.search(r'name="begun" value="([^"]+)"', page.text)
    assert found is not None, page.text[:400]
    return found[1]


def secret_in(page: httpx.Response) -> str:
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None, page.text[:400]
    return found[1].replace(" ", "")


async def enrolled(client: httpx.AsyncClient, here: Site) -> tuple[pyotp.TOTP, list[str]]:
    """Adds an app to whoever is signed in; the app, one step on, and the recovery codes."""
    begun = await posted(client, "/account/app")
    app = pyotp.TOTP(secret_in(begun))
    done = await client.post(
        "/account/app/finish", data={"token": token_in(begun), "begun": begun_in(begun), "code": app.at(here.clock.now())}
    )
    assert done.status_code == 200, done.text
    here.clock.ahead += STEP_S
    return app, re.findall(r"<li>([a-z2-7-]{27})</li>", done.text)


async def second(client: httpx.AsyncClient, code: str) -> int:
    return (await client.post("/sign-in/second", data={"code": code})).status_code


async def test_with_an_app_the_password_alone_opens_nothing(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await enrolled(client, here)

    async with browser(here.app) as another:
        step = await enter(another, NAME)
        inside = await another.get("/incidents")

    assert (step.headers["location"], inside.status_code) == ("/sign-in/second?to=/incidents", 303)


async def test_the_code_of_the_moment_opens_the_second_step(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)

    async with browser(here.app) as another:
        await enter(another, NAME)
        step = await second(another, app.at(here.clock.now()))
        inside = await another.get("/incidents")

    assert (step, inside.status_code) == (303, 200)


async def test_a_code_that_was_used_opens_nothing_again(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)
    code = app.at(here.clock.now())

    answers = []
    for _ in range(2):
        async with browser(here.app) as another:
            await enter(another, NAME)
            answers.append(await second(another, code))

    assert answers == [303, 401]


async def test_the_code_that_enrolled_the_app_is_used_up(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)

    async with browser(here.app) as another:
        await enter(another, NAME)
        answer = await second(another, app.at(here.clock.now().timestamp() - STEP_S))

    assert answer == 401


async def test_a_recovery_code_opens_the_second_step_once(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    _, codes = await enrolled(client, here)

    answers = []
    for _ in range(2):
        async with browser(here.app) as another:
            await enter(another, NAME)
            answers.append(await second(another, codes[0].upper().replace("-", " ")))

    assert (len(codes), answers) == (10, [303, 401])


async def test_new_recovery_codes_replace_those_before(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    _, codes = await enrolled(client, here)
    await posted(client, "/account/codes")

    async with browser(here.app) as another:
        await enter(another, NAME)
        answer = await second(another, codes[0])

    assert answer == 401


async def test_nobody_guesses_codes_for_long_however_many_sign_ins_they_begin(
    client: httpx.AsyncClient, here: Site, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await enrolled(client, here)

    answers = []
    for _ in range(3):
        async with browser(here.app) as another:
            await enter(another, NAME)
            answers += [await second(another, "000000") for _ in range(2)]

    assert answers == [401] * 5 + [429]


async def test_the_second_step_is_nobodys_without_the_first(client: httpx.AsyncClient, owner: given.Owner) -> None:
    answer = await client.post("/sign-in/second", data={"code": "000000"})

    assert answer.status_code == 401


async def test_a_first_step_that_took_too_long_begins_again(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)

    async with browser(here.app) as another:
        await enter(another, NAME)
        await owner.execute("UPDATE staff.unfinished_proof SET expires_at = now()")
        answer = await second(another, app.at(here.clock.now()))

    assert answer == 401


async def test_a_wrong_first_code_adds_no_app(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    begun = await posted(client, "/account/app")

    answer = await client.post("/account/app/finish", data={"token": token_in(begun), "begun": begun_in(begun), "code": "000000"})

    assert (answer.status_code, secret_in(answer)) == (401, secret_in(begun))
    assert await (await owner.execute("SELECT 1 FROM staff.totp")).fetchone() is None


async def test_nobody_finishes_an_enrolment_that_somebody_else_began(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    begun = await posted(client, "/account/app")
    code = pyotp.TOTP(secret_in(begun)).at(here.clock.now())

    async with browser(here.app) as another:
        await signed_in(another, owner, "Mallory Moss", "customer_care")
        answer = await another.post(
            "/account/app/finish", data={"token": await form_token(another), "begun": begun_in(begun), "code": code}
        )

    assert answer.status_code == 404


async def test_an_app_is_added_only_by_whoever_showed_lately_who_they_are(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    await grown_stale(owner)

    answer = await posted(client, "/account/app")

    assert (answer.status_code, answer.headers["location"]) == (303, "/prove?to=/account")


async def test_atlas_keeps_the_secret_of_an_app_only_sealed(client: httpx.AsyncClient, here: Site, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, "billing_lead")
    app, _ = await enrolled(client, here)

    (sealed,) = await (await owner.execute("SELECT sealed_secret FROM staff.totp")).fetchone() or (b"",)

    assert app.secret.encode() not in bytes(sealed)


@pytest.mark.parametrize(("drift", "is_right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off_to_either_side(drift: int, is_right: bool) -> None:
    code = pyotp.TOTP(SECRET).at(NOON.timestamp() + drift)

    assert (step_of(SECRET, code, NOON, last_step=0) is not None) is is_right


@pytest.mark.parametrize("code", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "  ", "0" * 64])
def test_what_is_no_code_is_none(code: str) -> None:
    assert step_of(SECRET, code, NOON, last_step=0) is None


def test_a_recovery_code_has_120_bits_and_is_known_however_it_is_typed() -> None:
    (code, *others) = new_recovery_codes()

    assert len(code.replace("-", "")) * 5 == 120
    assert code_hash(code) == code_hash(code.upper().replace("-", ""))
    assert len({code, *others}) == 10
