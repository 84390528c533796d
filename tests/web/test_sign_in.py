"""In by password: who gets in, what a guesser learns, and how long they wait."""

import httpx
import pytest

from atlas.errors import InvalidField
from forge.sign_in.passwords import new_password
from tests import given
from tests.web.browsing import PASSWORD, Site, browser, email_of, enter, hired, signed_in

# The same password under the parameters of a decade ago.
WEAK = "$argon2id$v=19$m=8192,t=1,p=1$a0ImUQTJPOvu2z9O5blQsg$S1dSgNw562o4I3TyG0T0VOv3XrY7Ijor068RRnNqr3Q"


async def wrong(client: httpx.AsyncClient, name: str, times: int) -> list[int]:
    return [(await enter(client, name, "a guess that is wrong")).status_code for _ in range(times)]


async def waited(owner: given.Owner) -> None:
    """The wait that was asked for is over."""
    await owner.execute("UPDATE staff.attempt SET refused_until = clock_timestamp() - interval '1 second'")


async def test_the_sixth_guess_at_an_account_is_not_heard(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")

    answers = await wrong(client, "Helen Brooks", 6)

    assert answers == [401] * 5 + [429]


async def test_while_a_guesser_waits_the_right_password_is_not_heard_either(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")
    await wrong(client, "Helen Brooks", 5)

    answer = await enter(client, "Helen Brooks")

    assert (answer.status_code, int(answer.headers["retry-after"]) <= 30) == (429, True)


async def test_each_wrong_guess_after_the_wait_doubles_it_up_to_a_quarter_of_an_hour(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")
    await wrong(client, "Helen Brooks", 5)

    waits = []
    for _ in range(7):
        waits.append(int((await enter(client, "Helen Brooks", "a guess")).headers["retry-after"]))
        await waited(owner)
        await wrong(client, "Helen Brooks", 1)

    assert waits == [30, 60, 120, 240, 480, 900, 900]


async def test_whoever_waited_gets_in_and_is_forgiven(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")
    await wrong(client, "Helen Brooks", 5)
    await waited(owner)

    first, after = await enter(client, "Helen Brooks"), await wrong(client, "Helen Brooks", 4)

    assert (first.status_code, after) == (303, [401] * 4)


async def test_a_strangers_guessing_does_not_lock_out_a_browser_that_got_in_before(here: Site, owner: given.Owner) -> None:
    async with browser(here.app) as hers, browser(here.app, address="203.0.113.9") as strangers:
        await signed_in(hers, owner, "Helen Brooks", "billing_lead")
        await wrong(strangers, "Helen Brooks", 6)

        answer = await enter(hers, "Helen Brooks")

    assert answer.status_code == 303


async def test_the_mark_of_a_browser_that_got_in_is_worth_nothing_at_another_account(here: Site, owner: given.Owner) -> None:
    async with browser(here.app) as mallorys, browser(here.app, address="203.0.113.9") as strangers:
        await signed_in(mallorys, owner, "Mallory Moss", "customer_care")
        await hired(owner, "Helen Brooks", "billing_lead")
        await wrong(strangers, "Helen Brooks", 5)

        answer = await enter(mallorys, "Helen Brooks", "a guess")

    assert answer.status_code == 429


async def test_an_account_that_does_not_exist_is_counted_and_refused_like_one_that_does(
    client: httpx.AsyncClient, owner: given.Owner
) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")

    known, unknown = await wrong(client, "Helen Brooks", 6), await wrong(client, "Nobody Here", 6)

    assert known == unknown


async def test_one_address_that_tries_many_accounts_is_slowed_down(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await owner.execute(
        "INSERT INTO staff.attempt (scope, key, tries, counted_until) SELECT 'address', sha256('192.0.2.1'), 59, now() + interval '1 hour'"
    )

    answers = [(await enter(client, f"Nobody {number}", "guess")).status_code for number in range(2)]

    assert answers == [401, 429]


async def test_a_flood_over_all_accounts_and_addresses_is_slowed_down(here: Site, owner: given.Owner) -> None:
    await owner.execute(
        "INSERT INTO staff.attempt (scope, key, tries, counted_until) SELECT 'whole', sha256('sign-in'), 599, now() + interval '1 hour'"
    )

    async with browser(here.app, address="192.0.2.7") as one, browser(here.app, address="192.0.2.8") as other:
        answers = [(await enter(client, "Nobody", "guess")).status_code for client in (one, other)]

    assert answers == [401, 429]


async def test_someone_who_left_does_not_get_in(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")
    await owner.execute("UPDATE staff.member SET is_active = false")

    answer = await enter(client, "Helen Brooks")

    assert answer.status_code == 401


async def test_a_password_is_kept_as_argon2id_of_19_mib_and_two_passes(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")

    (kept,) = await (await owner.execute("SELECT password_hash FROM staff.member")).fetchone() or ("",)

    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_hash_with_weaker_parameters_is_made_anew_at_the_next_sign_in(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")
    await owner.execute("UPDATE staff.member SET password_hash = %s", (WEAK,))

    await enter(client, "Helen Brooks")

    (kept,) = await (await owner.execute("SELECT password_hash FROM staff.member")).fetchone() or ("",)
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_what_a_wrong_sign_in_shows_is_the_same_for_every_account(client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, "Helen Brooks", "billing_lead")

    wrong, unknown = await enter(client, "Helen Brooks", "guess"), await enter(client, "Nobody Here", "guess")

    assert shown(wrong, "Helen Brooks") == shown(unknown, "Nobody Here")


def shown(answer: httpx.Response, name: str) -> tuple[int, str, list[str]]:
    """Everything a guesser sees but what differs in each answer: the nonce and the address they typed themselves."""
    nonce = answer.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
    return answer.status_code, answer.text.replace(nonce, "").replace(email_of(name), ""), sorted(answer.headers)


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "password1234",
        "P@ssw0rd!!2026",
        "qwertyqwerty12",
        "aaaaaaaaaaaaaaa",
        "harbour-harbour-1",
        "letmein-letmein!",
        "x" * 257,
        "1qaz2wsx3edc",
        "GHJCNJgfhjkm",
    ],
)
def test_a_password_that_a_guesser_comes_to_early_is_refused(password: str) -> None:
    with pytest.raises(InvalidField):
        new_password(password, ["Harbour", "Broadband"])


@pytest.mark.parametrize(
    "password", [PASSWORD, "тёплый чай у окна", "    spaces are letters    ", "🚲🚲 bicycle pump! garden", "Tr0ub4dor&3xyzzy"]
)
def test_any_characters_make_a_password_that_is_long_and_unlike_others(password: str) -> None:
    assert new_password(password)
