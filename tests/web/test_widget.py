"""The chat on the operator's site: nobody until a code came back, framed by listed sites alone, and nothing anybody typed is lost."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from api.inbound.chat import heard
from api.inbound.widget.keeping import MOST_AN_HOUR, new_token, visitor_of
from api.inbound.widget.web import origins
from api.listening import listening
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import ConversationId, CorrelationId, CustomerId
from atlas.principal import customer, executor
from forge.actions.helpdesk.saying import SendMessage
from forge.outbox import drain
from forge.outside.codes import WithCodes
from forge.outside.recorded import RecordedMessenger
from forge.propose import propose
from forge.wording import LANGUAGES
from tests import given
from tests.doors.hooking import one
from tests.web import chromium
from tests.web.browsing import HERE, Site, browser, site

SHOP = "https://www.isp.example"
PHONE = "+447700900001"
OURS = {"Origin": HERE}


@pytest.fixture
async def there(atlas: Atlas, tmp_path: Path) -> Site:
    return await site(atlas, tmp_path, chat_origins=(SHOP,))


@pytest.fixture
async def guest(there: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A browser that has begun a visit."""
    async with browser(there.app) as client:
        client.headers.update(OURS)
        begun = await client.post("/widget/visits")
        client.headers["Authorization"] = f"Bearer {begun.json()['token']}"
        yield client


async def said(client: httpx.AsyncClient, words: str, key: uuid.UUID | None = None) -> httpx.Response:
    return await client.post("/widget/messages", data={"key": str(key or uuid.uuid4()), "words": words})


async def answered(there: Site, owner: given.Owner, words: str) -> None:
    """The agents' answer to whatever was said last, without the agents."""
    conversation, customer, message = await one(
        owner, "SELECT conversation_id, customer_id, id FROM helpdesk.message WHERE NOT is_from_us ORDER BY id DESC LIMIT 1"
    )
    reply = SendMessage(ConversationId(conversation), customer and CustomerId(customer), message, words, "agents:itsm")
    await propose(there.forge, executor("supervisor"), reply, reason="answers", correlation_id=CorrelationId(uuid.uuid4()))


async def maya_for_long(owner: given.Owner, changed: timedelta = timedelta(days=30)) -> int:
    maya = await given.customer(owner)
    await owner.execute("UPDATE crm.contact SET changed_at = clock_timestamp() - %s::interval", (changed,))
    return maya


async def digits_sent(atlas: Atlas, owner: given.Owner) -> str:
    await drain(atlas, WithCodes(RecordedMessenger(atlas), atlas))
    words = await one(owner, "SELECT words FROM helpdesk.recorded_message WHERE key LIKE 'code:%%' ORDER BY at DESC LIMIT 1")
    return "".join(letter for letter in words if letter.isdigit())


async def signed_in(client: httpx.AsyncClient, atlas: Atlas, owner: given.Owner, address: str = PHONE) -> bool:
    assert (await client.post("/widget/sign-in", data={"address": address})).status_code == 204
    found = await client.post("/widget/code", data={"digits": await digits_sent(atlas, owner)})
    return bool(found.json()["is_right"])


async def test_what_a_visitor_writes_is_kept_as_nobodys_with_a_job_to_answer(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    kept = await said(guest, "Which plans do you have?")

    assert (kept.status_code, kept.json()) == (201, {"id": await one(owner, "SELECT id FROM helpdesk.message")})

    assert await one(owner, "SELECT customer_id, channel, words FROM helpdesk.message") == (None, "chat", "Which plans do you have?")
    assert await one(owner, "SELECT task_name FROM jobs.procrastinate_jobs") == "agents.answer"


async def test_a_message_that_is_sent_again_is_kept_once(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    key = uuid.uuid4()

    answers = [(await said(guest, "Hello?", key)).status_code for _ in range(3)]

    assert answers == [201, 204, 204]
    assert await one(owner, "SELECT count(*) FROM helpdesk.message") == 1


async def test_a_visitor_hears_their_own_answers_and_nobody_elses(guest: httpx.AsyncClient, there: Site, owner: given.Owner) -> None:
    await said(guest, "Is there an outage?")
    await answered(there, owner, "There is none.")
    async with browser(there.app) as other:
        other.headers.update(OURS)
        other.headers["Authorization"] = f"Bearer {(await other.post('/widget/visits')).json()['token']}"
        await said(other, "And for me?")
        await answered(there, owner, "Nor for you.")

        theirs = (await other.get("/widget/messages")).json()["messages"]
    own = (await guest.get("/widget/messages")).json()["messages"]

    assert [one["words"] for one in own] == ["Is there an outage?", "There is none."]
    assert [one["words"] for one in theirs] == ["And for me?", "Nor for you."]


async def test_digits_that_went_to_an_address_on_file_make_a_visitor_a_customer(
    guest: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    maya = await maya_for_long(owner)

    assert await signed_in(guest, atlas, owner)
    await said(guest, "Why is my bill higher?")

    assert await one(owner, "SELECT customer_id FROM helpdesk.message ORDER BY id DESC LIMIT 1") == maya
    verified = "SELECT verified_channel, verified_until > clock_timestamp() FROM helpdesk.conversation WHERE customer_id = %s"
    assert await one(owner, verified, maya) == ("chat", True)
    assert (await guest.get("/widget/messages")).json()["is_signed_in"]


async def test_a_customer_who_wrote_by_text_and_then_signs_in_to_the_chat_has_one_case(
    guest: httpx.AsyncClient, atlas: Atlas, owner: given.Owner
) -> None:
    maya = await maya_for_long(owner)
    await heard(atlas, customer(CustomerId(maya)), "sms", PHONE, "My line is down", datetime.now(UTC))

    await signed_in(guest, atlas, owner)
    await said(guest, "It is still down")

    asked = "SELECT count(*), count(DISTINCT conversation_id), count(DISTINCT channel) FROM helpdesk.message WHERE customer_id = %s"
    assert await one(owner, asked, maya) == (2, 1, 2)


async def test_until_then_whatever_they_type_is_nobodys(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    await maya_for_long(owner)
    await guest.post("/widget/sign-in", data={"address": PHONE})

    await said(guest, f"I am Maya Patel, {PHONE}")

    assert await one(owner, "SELECT count(*) FROM helpdesk.message WHERE customer_id IS NOT NULL") == 0


@pytest.mark.parametrize("address", ["+447700900999", "nobody@example.com", "no address at all"])
async def test_whoever_asks_does_not_learn_whether_an_address_is_on_file(
    guest: httpx.AsyncClient, owner: given.Owner, address: str
) -> None:
    await maya_for_long(owner)

    unknown = await guest.post("/widget/sign-in", data={"address": address})
    known = await guest.post("/widget/sign-in", data={"address": PHONE})

    assert (unknown.status_code, unknown.content) == (known.status_code, known.content) == (204, b"")
    assert await one(owner, "SELECT count(*) FROM helpdesk.one_time_code") == 1


async def test_no_code_goes_to_an_address_that_changed_lately(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    await maya_for_long(owner, timedelta(hours=71))

    await guest.post("/widget/sign-in", data={"address": PHONE})

    assert await one(owner, "SELECT count(*) FROM helpdesk.one_time_code") == 0


async def test_no_code_goes_to_an_address_that_several_share(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    await given.customer(owner, "Tom Reed", PHONE)
    await maya_for_long(owner)

    await guest.post("/widget/sign-in", data={"address": PHONE})

    assert await one(owner, "SELECT count(*) FROM helpdesk.one_time_code") == 0


async def test_a_code_is_good_in_the_browser_that_asked_for_it_alone_and_once(
    guest: httpx.AsyncClient, there: Site, atlas: Atlas, owner: given.Owner
) -> None:
    await maya_for_long(owner)
    await guest.post("/widget/sign-in", data={"address": PHONE})
    digits = await digits_sent(atlas, owner)
    async with browser(there.app) as thief:
        thief.headers.update(OURS)
        thief.headers["Authorization"] = f"Bearer {new_token(atlas.secret)}"
        stolen = await thief.post("/widget/code", data={"digits": digits})

    first = await guest.post("/widget/code", data={"digits": digits})
    again = await guest.post("/widget/code", data={"digits": digits})

    assert [one.json()["is_right"] for one in (stolen, first, again)] == [False, True, False]


async def test_guessing_ends_after_five_tries(guest: httpx.AsyncClient, atlas: Atlas, owner: given.Owner) -> None:
    await maya_for_long(owner)
    await guest.post("/widget/sign-in", data={"address": PHONE})
    digits = await digits_sent(atlas, owner)
    wrong = f"{(int(digits) + 1) % 10**6:06}"

    for _ in range(5):
        await guest.post("/widget/code", data={"digits": wrong})

    assert not (await guest.post("/widget/code", data={"digits": digits})).json()["is_right"]


async def test_more_than_a_person_types_is_refused_and_nothing_of_it_is_kept(guest: httpx.AsyncClient, owner: given.Owner) -> None:
    for nth in range(MOST_AN_HOUR):
        await said(guest, f"message {nth}")

    refused = await said(guest, "one more")

    assert (refused.status_code, refused.json()["title"]) == (429, "TooMuchSaid")
    assert await one(owner, "SELECT count(*) FROM helpdesk.message") == MOST_AN_HOUR


@pytest.mark.parametrize("words", ["", "   ", "x" * 10_000])
async def test_nothing_and_a_pasted_book_name_the_field(guest: httpx.AsyncClient, words: str) -> None:
    refused = await said(guest, words)

    assert refused.status_code == 422


FORGED = new_token(b"another installation's secret....")


@pytest.mark.parametrize("token", ["", "x", "x.y", "é.ü", FORGED], ids=["none", "x", "two parts", "not ASCII", "another's"])
async def test_a_token_that_is_not_ours_opens_nothing(there: Site, owner: given.Owner, token: str) -> None:
    async with browser(there.app) as client:
        shown = httpx.Headers([(b"origin", HERE.encode()), (b"authorization", f"Bearer {token}".encode())])
        answers = [
            await client.get("/widget/messages", headers=shown),
            await client.get("/widget/live", headers=shown),
            await client.post("/widget/messages", headers=shown, data={"key": str(uuid.uuid4()), "words": "hi"}),
            await client.post("/widget/sign-in", headers=shown, data={"address": PHONE}),
            await client.post("/widget/code", headers=shown, data={"digits": "123456"}),
        ]

    assert {one.status_code for one in answers} == {403}
    assert await one(owner, "SELECT count(*) FROM helpdesk.message") == 0


async def test_another_sites_page_cannot_write_here(guest: httpx.AsyncClient) -> None:
    refused = await guest.post("/widget/messages", headers={"Origin": SHOP}, data={"key": str(uuid.uuid4()), "words": "hi"})

    assert refused.status_code == 403


def test_a_token_names_its_browser_and_says_nothing(atlas: Atlas) -> None:
    first, second = new_token(atlas.secret), new_token(atlas.secret)
    named = visitor_of(atlas.secret, first)

    assert named == visitor_of(atlas.secret, first) != visitor_of(atlas.secret, second)
    assert named is not None
    assert first.partition(".")[0] not in named.name


async def test_listed_sites_alone_may_frame_the_chat_and_nothing_else(guest: httpx.AsyncClient) -> None:
    frame = (await guest.get("/widget/frame")).headers["content-security-policy"]
    elsewhere = (await guest.get("/sign-in")).headers["content-security-policy"]

    assert f"frame-ancestors 'self' {SHOP}" in frame
    assert "frame-ancestors 'none'" in elsewhere


async def test_only_the_one_script_may_be_loaded_by_another_site(guest: httpx.AsyncClient) -> None:
    script, style = await guest.get("/widget/widget.js"), await guest.get("/widget/frame.css")

    assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    assert style.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_frame_speaks_each_language(guest: httpx.AsyncClient, language: str) -> None:
    page = await guest.get("/widget/frame", params={"language": language})

    assert page.status_code == 200
    assert f'<html lang="{language}">' in page.text


async def test_without_a_listed_site_there_is_no_such_chat(here: Site) -> None:
    async with browser(here.app) as client:
        assert (await client.get("/widget/frame")).status_code == 404
        assert (await client.post("/widget/visits", headers=OURS)).status_code in (404, 405)


@pytest.mark.parametrize(
    "written", ["www.isp.example", "https://a.example/", "https://a.example; script-src *", "*", "https://a@b.example"]
)
def test_what_is_no_origin_is_refused_by_its_setting(written: str) -> None:
    with pytest.raises(InvalidField, match="chat_origins"):
        origins((written,))


SHOP_PAGE = (
    '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><h1>Harbour Broadband</h1><script src="{}"></script>'
)


@asynccontextmanager
async def shop_with_chat(
    there_of: Any, atlas: Atlas, home: Path, around: Callable[[FastAPI], Any] = lambda app: app
) -> AsyncIterator[tuple[Site, str, str]]:
    """The operator's site on one port and ours on another; the addresses of both."""
    shop = FastAPI()
    address: dict[str, str] = {}

    @shop.get("/")
    async def page() -> Response:
        return Response(SHOP_PAGE.format(f"{address['ours']}/widget/widget.js"), media_type="text/html")

    async with listening(shop, "127.0.0.1", 0) as port:
        where = f"http://127.0.0.1:{port}"
        made = await there_of(atlas, home, chat_origins=(where,))
        async with listening(around(made.app), "127.0.0.1", 0) as ours:
            # Another name for this machine is another site to a browser.
            address["ours"] = f"http://localhost:{ours}"
            yield made, where, address["ours"]


SETTLED = "document.querySelector('[data-ask] textarea') !== null && document.readyState === 'complete'"
ASKS = (
    "(() => { document.querySelector('[data-ask] textarea').value = 'Is there an <b>outage</b>?';"
    " document.querySelector('[data-ask]').requestSubmit(); })()"
)


@pytest.mark.skipif(chromium.installed() is None, reason="NO CHROMIUM IS INSTALLED: nobody has looked at the chat in a browser")
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800)], ids=["phone", "laptop"])
async def test_in_a_browser_a_stranger_asks_and_is_answered(
    atlas: Atlas, owner: given.Owner, tmp_path: Path, width: int, height: int
) -> None:
    async with shop_with_chat(site, atlas, tmp_path / "home") as (made, shop, ours), chromium.chromium(tmp_path / "browser") as page:
        await page.open(shop, width, height)
        await page.run("document.querySelector('button').click()")
        frame = await page.frame(ours)
        await page.until(SETTLED, frame)
        await page.run(ASKS, frame)
        await page.until("document.querySelector('li.theirs:not(.waits)') !== null", frame)
        await answered(made, owner, "There is no outage that we know of.\nIs there anything else?")
        await page.until("document.querySelector('li.ours') !== null", frame)

        heard = await page.run("[...document.querySelectorAll('li')].map((line) => line.textContent)", frame)
        fits = await page.run("document.documentElement.scrollWidth <= window.innerWidth", frame)
        picture = await page.picture(tmp_path / f"widget-{width}.png")

    assert heard == ["Is there an <b>outage</b>?", "There is no outage that we know of.\nIs there anything else?"]
    assert fits
    assert len(picture) > 5_000


@pytest.mark.skipif(chromium.installed() is None, reason="NO CHROMIUM IS INSTALLED: nobody has looked at the chat in a browser")
async def test_who_writes_before_the_page_listens_is_the_one_visitor_who_reads_the_answer(
    atlas: Atlas, owner: given.Owner, tmp_path: Path
) -> None:
    visits = []

    def slowly(app: FastAPI) -> Any:
        async def begins_late(scope: Any, receive: Any, send: Any) -> None:
            if scope.get("path") == "/widget/visits":
                visits.append(scope)
                await asyncio.sleep(1.0)
            await app(scope, receive, send)

        return begins_late

    there = shop_with_chat(site, atlas, tmp_path / "home", slowly)
    async with there as (made, shop, ours), chromium.chromium(tmp_path / "browser") as page:
        await page.open(shop, 390, 844)
        await page.run("document.querySelector('button').click()")
        frame = await page.frame(ours)
        await page.until(SETTLED, frame)
        await page.run(ASKS, frame)
        await page.until("document.querySelector('li.theirs:not(.waits)') !== null", frame)
        await answered(made, owner, "There is no outage that we know of.")
        await page.until("document.querySelector('li.ours') !== null", frame)

    assert len(visits) == 1
