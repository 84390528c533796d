"""The link in a letter: one press ends letters of its kind, looking does not, and a link that is not ours does nothing."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import structlog

from atlas.connection import Atlas
from forge.outbox import drain
from forge.outside.recorded import RecordedMessenger
from forge.outside.stop_links import PATH, StopLinks
from forge.wording import LANGUAGES
from tests import given
from tests.conftest import SECRET
from tests.doors.hooking import one
from tests.forge.test_outbox import notice
from tests.web.browsing import HERE, Site, browser

LINKS = StopLinks.of(SECRET, HERE.replace("http:", "https:"))
MAYA = "maya@home.example"
PRESSED = {"List-Unsubscribe": "One-Click"}
SAID = "SELECT purpose, channel, is_given FROM crm.consent"


@pytest.fixture
async def reader(here: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A mail program: no cookie, no page that it came from, and no word of which language it likes."""
    async with browser(here.app) as client:
        del client.headers["accept"]
        yield client


async def maya_by_mail(owner: given.Owner, **columns: object) -> int:
    maya = await given.customer(owner)
    await given.row(owner, "crm.contact", customer_id=maya, channel="email", address=MAYA)
    for name, value in columns.items():
        await owner.execute(f"UPDATE crm.customer SET {name} = %s WHERE id = %s", (value, maya))  # type: ignore[arg-type]  # noqa: S608
    return maya


def path(customer: int, purpose: str = "outage", address: str = MAYA) -> str:
    return LINKS.link(purpose, customer, address).removeprefix(LINKS.site)


async def words_of_consent(owner: given.Owner) -> list[tuple[object, ...]]:
    return await (await owner.execute(SAID)).fetchall()


async def test_one_press_of_a_mail_program_ends_letters_of_that_kind_and_of_no_other(
    reader: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    maya = await maya_by_mail(owner)

    answer = await reader.post(path(maya), data=PRESSED)
    await notice(owner, maya, channel="email", address=MAYA, purpose="outage")
    await notice(owner, maya, channel="email", address=MAYA, purpose="reminder", words="Please pay.")
    await owner.execute("UPDATE helpdesk.notice SET not_before = now() - interval '1 minute'")
    await drain(atlas, RecordedMessenger(atlas))

    assert (answer.status_code, answer.headers.get("location")) == (200, None)
    assert await words_of_consent(owner) == [("service", "email", False)]
    assert await one(owner, "SELECT name, proposer, state FROM actions.action WHERE name = 'record_contact_preference'") == (
        "record_contact_preference",
        "system:unsubscribe",
        "done",
    )
    assert await one(owner, "SELECT count(*) FROM helpdesk.recorded_message WHERE address = %s AND words = 'It is down.'", MAYA) == 0


async def test_the_press_comes_as_either_kind_of_form(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)

    answer = await reader.post(path(maya), files={"List-Unsubscribe": (None, "One-Click")})

    assert answer.status_code == 200
    assert await words_of_consent(owner) == [("service", "email", False)]


async def test_looking_at_the_page_changes_nothing_however_often_a_scanner_does(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)

    pages = [await reader.get(path(maya)) for _ in range(3)]

    assert {page.status_code for page in pages} == {200}
    assert 'value="One-Click"' in pages[0].text
    assert await words_of_consent(owner) == []
    assert await one(owner, "SELECT count(*) FROM actions.action") == 0


async def test_the_pages_button_does_the_same(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)

    done = await reader.post(path(maya, "marketing"), data=PRESSED, headers={"Origin": HERE, "Accept": "text/html"})

    assert "We no longer write to this mail address about our offers." in done.text
    assert await words_of_consent(owner) == [("marketing", "email", False)]


async def test_pressed_twice_it_is_one_wish(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)

    together = await asyncio.gather(*(reader.post(path(maya), data=PRESSED) for _ in range(3)))
    later = await reader.post(path(maya), data=PRESSED)

    assert {answer.status_code for answer in (*together, later)} == {200}
    assert await one(owner, "SELECT count(*) FROM actions.action WHERE name = 'record_contact_preference'") == 1


async def test_pressed_again_after_they_wished_to_hear_from_us_it_is_another_wish(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)
    await reader.post(path(maya), data=PRESSED)
    await owner.execute("UPDATE crm.consent SET is_given = true, recorded_at = recorded_at + interval '1 second'")
    await asyncio.sleep(1.1)

    await reader.post(path(maya), data=PRESSED)

    assert await words_of_consent(owner) == [("service", "email", False)]


def altered(link: str, where: int) -> str:
    return link[:where] + ("A" if link[where] != "A" else "B") + link[where + 1 :]


@pytest.mark.parametrize("kind", ["forged", "altered", "of another installation", "nothing"])
async def test_a_link_that_is_not_ours_is_refused_and_logged_and_nothing_changes(
    reader: httpx.AsyncClient, owner: given.Owner, kind: str
) -> None:
    maya = await maya_by_mail(owner)
    forged = {
        "forged": f"{PATH}/{'A' * 55}",
        "altered": altered(path(maya), len(PATH) + 30),
        "of another installation": StopLinks.of(b"another secret", "https://x").link("outage", maya, MAYA).removeprefix("https://x"),
        "nothing": f"{PATH}/-",
    }[kind]

    with structlog.testing.capture_logs() as logs:
        answers = [await reader.get(forged), await reader.post(forged, data=PRESSED)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert [line["event"] for line in logs].count("unsubscribe_link_refused") == 2
    assert await words_of_consent(owner) == []


@pytest.mark.parametrize("body", [{}, {"List-Unsubscribe": "Yes"}, {"other": "One-Click"}])
async def test_a_call_that_is_no_press_is_refused(reader: httpx.AsyncClient, owner: given.Owner, body: dict[str, str]) -> None:
    maya = await maya_by_mail(owner)

    answer = await reader.post(path(maya), data=body)

    assert answer.status_code == 422
    assert await words_of_consent(owner) == []


async def test_for_an_address_that_was_removed_since_nothing_changes_and_the_page_says_that_nothing_goes_there(
    reader: httpx.AsyncClient, owner: given.Owner
) -> None:
    maya = await maya_by_mail(owner)
    await owner.execute("UPDATE crm.contact SET address = 'maya@elsewhere.example' WHERE channel = 'email'")

    answer = await reader.post(path(maya), data=PRESSED)

    assert answer.status_code == 200
    assert "no longer on our file" in answer.text
    assert await words_of_consent(owner) == []


async def test_for_a_customer_who_is_no_more_it_says_the_same(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    answer = await reader.post(path(4711), data=PRESSED)

    assert (answer.status_code, "no longer on our file" in answer.text) == (200, True)


async def test_a_customer_who_was_merged_into_another_is_heard_as_that_one(reader: httpx.AsyncClient, owner: given.Owner) -> None:
    maya = await maya_by_mail(owner)
    twin = await given.customer(owner, "Maya Patel-Reed", "+447700900002")
    await owner.execute("UPDATE crm.customer SET merged_into_id = %s WHERE id = %s", (maya, twin))

    await reader.post(path(twin), data=PRESSED)

    assert await one(owner, "SELECT customer_id FROM crm.consent") == maya


async def test_neighbours_who_share_the_address_are_told_once_and_so_are_heard_together(
    reader: httpx.AsyncClient, owner: given.Owner
) -> None:
    maya = await maya_by_mail(owner)
    tom = await given.customer(owner, "Tom Reed", "+447700900002")
    await given.row(owner, "crm.contact", customer_id=tom, channel="email", address=MAYA)

    await reader.post(path(maya), data=PRESSED)

    assert sorted(await (await owner.execute("SELECT customer_id FROM crm.consent")).fetchall()) == [(maya,), (tom,)]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_page_speaks_the_customers_language_and_names_nobody(
    reader: httpx.AsyncClient, owner: given.Owner, language: str
) -> None:
    maya = await maya_by_mail(owner, language=language)

    page = await reader.get(path(maya), headers={"Accept": "text/html"})

    assert f'<html lang="{language}">' in page.text
    assert not any(said in page.text for said in ("Maya", MAYA, "{about}"))


async def test_while_the_order_is_switched_off_whoever_presses_is_not_told_that_it_was_done(
    reader: httpx.AsyncClient, owner: given.Owner
) -> None:
    maya = await maya_by_mail(owner)
    await owner.execute(
        "INSERT INTO actions.kill_switch (scope, name, is_on, reason, by) VALUES ('agent', 'unsubscribe', true, 'r', 'staff:1')"
    )

    answer = await reader.post(path(maya), data=PRESSED)

    assert answer.status_code == 409
    assert await words_of_consent(owner) == []
