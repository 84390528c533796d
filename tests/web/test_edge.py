"""What every answer carries, and what is said to whoever sends too much, too slowly or nonsense."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import Depends, FastAPI, Request

from api.edge.front import fronted
from api.edge.gatehouse import Pace
from api.edge.patience import Patience
from api.listening import listening
from console.guards import ANYBODY, BY_SIGNATURE, every_route
from tests import given
from tests.web.browsing import PUBLIC, Site, browser, signed_in, site

ALWAYS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


async def test_every_answer_says_where_it_may_load_from_and_that_nobody_frames_it(here: Site, client: httpx.AsyncClient) -> None:
    paths = [route.path for route in every_route(here.app) if route.method == "GET" and "{" not in route.path and route.path != "/live"]

    answers = [await client.get(path) for path in [*paths, "/nowhere", "/static/console.css", "/static/nowhere"]]

    bare = [str(answer.url) for answer in answers if not ALWAYS.items() <= dict(answer.headers).items()]
    open_ = [str(answer.url) for answer in answers if "frame-ancestors 'none'" not in answer.headers["content-security-policy"]]
    cached = [str(answer.url) for answer in answers if "/static" not in str(answer.url) and answer.headers["cache-control"] != "no-store"]
    assert (bare, open_, cached) == ([], [], [])


async def test_a_script_runs_only_with_the_nonce_of_this_very_answer(client: httpx.AsyncClient) -> None:
    one, other = await client.get("/sign-in"), await client.get("/sign-in")

    nonces = [re.findall(r"script-src 'nonce-([\w-]+)'", page.headers["content-security-policy"])[0] for page in (one, other)]
    assert nonces[0] != nonces[1]
    assert set(re.findall(r"<script[^>]* nonce=\"([\w-]+)\"", one.text)) == {nonces[0]}
    assert re.findall(r"<script(?![^>]*nonce=)", one.text) == []


async def test_no_page_has_a_style_or_a_script_of_its_own_in_line(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, "Helen Brooks", "operations_director")
    customer = await given.customer(owner)

    pages = [
        await client.get(path)
        for path in ("/incidents", "/approvals", f"/customers/{customer}", "/account", "/switches", "/matrix", "/actions")
    ]

    assert [page.status_code for page in pages] == [200] * 7
    assert [(str(page.url), found) for page in pages for found in re.findall(r' style="| on[a-z]+="|<style|javascript:', page.text)] == []


async def test_over_https_browsers_are_told_never_to_come_without(
    here: Site, client: httpx.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    public = await site(here.atlas, tmp_path_factory.mktemp("home"), public_url=PUBLIC)

    async with browser(public.app, PUBLIC) as over_tls:
        answers = [await over_tls.get("/sign-in"), await over_tls.get("/health"), await client.get("/sign-in")]

    assert [answer.headers.get("strict-transport-security") for answer in answers] == ["max-age=63072000; includeSubDomains"] * 2 + [None]


async def test_no_other_sites_script_reads_an_answer_of_ours(client: httpx.AsyncClient) -> None:
    answer = await client.get("/health", headers={"Origin": "https://evil.test"})

    assert [name for name in answer.headers if name.startswith("access-control-")] == []


async def test_a_picture_says_in_which_letters_it_is_written(client: httpx.AsyncClient) -> None:
    answer = await client.get("/static/mark.svg")

    assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"


async def test_what_breaks_inside_is_told_without_a_word_of_what_is_inside(capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/broken", dependencies=[Depends(ANYBODY)])
    async def broken() -> None:
        raise RuntimeError("the password is swordfish")

    async with browser(fronted(app, None)) as client:
        answer = await client.get("/broken")

    assert (answer.status_code, answer.json()["title"]) == (500, "something of ours broke")
    assert "swordfish" not in answer.text
    assert "x-content-type-options" in answer.headers


async def test_wrong_fields_are_named_and_what_was_in_them_is_not_repeated(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sign-in", data={"email": "x" * 300, "password": "swordfish" * 100}, headers={"Accept": "application/json"})

    assert (answer.status_code, [one["field"] for one in answer.json()["fields"]]) == (422, ["body.email", "body.password"])
    assert "swordfish" not in answer.text


@pytest.mark.parametrize("is_announced", [True, False])
async def test_more_than_any_form_of_ours_is_refused(client: httpx.AsyncClient, is_announced: bool) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(140):
            yield b"x" * 1024

    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await client.post("/sign-in", content=b"x" * 140 * 1024 if is_announced else dripping(), headers=headers)

    assert answer.status_code == 413


async def test_a_body_that_never_arrives_is_given_up() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.post("/", dependencies=[Depends(BY_SIGNATURE)])
    async def read(request: Request) -> int:
        return len(await request.body())

    app.add_middleware(Patience, body_s=0.05)

    async def stuck() -> AsyncIterator[bytes]:
        yield b"x"
        await asyncio.sleep(5)

    async with browser(app) as client:
        answer = await client.post("/", content=stuck())

    assert answer.status_code == 408


async def test_an_answer_that_never_begins_is_given_up() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)

    @app.get("/", dependencies=[Depends(ANYBODY)])
    async def slow() -> None:
        await asyncio.sleep(5)

    app.add_middleware(Patience, answer_s=0.05)

    async with browser(app) as client:
        answer = await client.get("/")

    assert answer.status_code == 503


async def test_one_address_that_asks_without_end_is_slowed_and_no_other(here: Site) -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/", lambda: None, dependencies=[Depends(ANYBODY)])
    app.add_middleware(Pace, per_second=0.001, at_once=3)

    async with browser(app, address="192.0.2.1") as greedy, browser(app, address="192.0.2.2") as other:
        answers = [(await greedy.get("/")).status_code for _ in range(5)]
        untouched = (await other.get("/")).status_code

    assert (answers, untouched) == ([200, 200, 200, 429, 429], 200)


@pytest.mark.parametrize("host", ["evil.test", "", "localhost.evil.test", "evil.test:80", "localhost@evil.test"])
async def test_another_name_that_was_made_to_point_here_gets_nothing(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/sign-in", headers={"Host": host})

    assert (answer.status_code, "Bedrock" in answer.text) == (421, False)


async def test_a_person_gets_a_page_where_a_machine_gets_a_problem(client: httpx.AsyncClient) -> None:
    person, machine = await client.get("/nowhere"), await client.get("/nowhere", headers={"Accept": "application/json"})

    assert (person.status_code, "<h1>Not Found</h1>" in person.text) == (404, True)
    assert (machine.status_code, machine.headers["content-type"]) == (404, "application/problem+json")


async def test_a_connection_whose_head_never_comes_is_hung_up(here: Site) -> None:
    async with listening(here.app, "127.0.0.1", 0, head_s=0.1) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /sign-in HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        async with asyncio.timeout(10):
            rest = await reader.read()
        writer.close()

    assert rest == b""


async def test_the_server_does_not_say_what_it_is(here: Site) -> None:
    async with listening(here.app, "127.0.0.1", 0) as port, httpx.AsyncClient() as client:
        answer = await client.get(f"http://localhost:{port}/sign-in")

    assert "server" not in answer.headers
