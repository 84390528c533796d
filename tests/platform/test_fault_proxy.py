"""The fault proxies do what they say, over real connections: else a campaign through them would prove nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager

import httpx
import psycopg
import pytest
from fastapi import FastAPI, Request, Response
from psycopg import AsyncConnection

from api.listening import listening
from evals.campaign.proxy import BLACK_HOLE, LOSES_ANSWERS, PASSES, REFUSES, Fault, before_postgresql, towards_port
from evals.campaign.web_proxy import Request as Asked
from evals.campaign.web_proxy import WebFault, WebFaultProxy


async def connected(url: str) -> AsyncConnection:
    return await AsyncConnection.connect(url, autocommit=True, connect_timeout=5)


async def one(conn: AsyncConnection) -> object:
    row = await (await conn.execute("SELECT 1")).fetchone()
    return row and row[0]


async def test_what_passes_reaches_postgresql_and_comes_back(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url), await connected(url) as conn:
        assert await one(conn) == 1
        assert proxy.accepted == 1


async def test_a_cut_connection_is_an_error_on_both_sides_and_the_next_one_works(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url):
        conn = await connected(url)

        assert proxy.cut() == 1

        with pytest.raises(psycopg.OperationalError):
            await one(conn)
        async with await connected(url) as again:
            assert await one(again) == 1


async def test_what_is_refused_hears_so_at_once(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url):
        proxy.fault = REFUSES

        with pytest.raises(psycopg.OperationalError):
            await connected(url)


async def test_nothing_comes_back_out_of_a_black_hole_until_it_heals(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url), await connected(url) as conn:
        proxy.fault = BLACK_HOLE
        asked = asyncio.create_task(one(conn))

        done, _ = await asyncio.wait([asked], timeout=0.3)
        proxy.fault = PASSES

        assert not done
        assert await asked == 1


async def test_a_commit_whose_answer_is_lost_has_been_committed(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url), await connected(url) as conn:
        await conn.execute("CREATE TABLE kept (id int)")
        proxy.fault = LOSES_ANSWERS
        writing = asyncio.create_task(conn.execute("INSERT INTO kept VALUES (1)"))
        async with await connected(database_url) as direct:
            await until(lambda: is_kept(direct))

        proxy.cut()

        with pytest.raises(psycopg.OperationalError):
            await writing


async def test_a_late_line_is_late_both_ways_and_a_narrow_one_takes_its_time(database_url: str) -> None:
    loop = asyncio.get_running_loop()
    async with before_postgresql(database_url) as (proxy, url), await connected(url) as conn:
        proxy.fault = Fault(delay_s=0.1)
        began = loop.time()
        await one(conn)
        late = loop.time() - began
        proxy.fault = Fault(octets_per_s=50_000)
        began = loop.time()
        await conn.execute("SELECT repeat('x', 10000)")

        assert late >= 0.1
        assert loop.time() - began >= 0.2


async def test_a_half_closed_connection_ends_for_the_client(database_url: str) -> None:
    async with before_postgresql(database_url) as (proxy, url):
        conn = await connected(url)

        proxy.half_close()

        with pytest.raises(psycopg.OperationalError):
            await one(conn)


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    while not await happened():  # noqa: ASYNC110 - nobody tells what is asked here
        await asyncio.sleep(0.01)


async def is_true(answer: bool) -> bool:
    return answer


async def is_kept(conn: AsyncConnection) -> bool:
    return await (await conn.execute("SELECT count(*) FROM kept")).fetchone() == (1,)


class Counting:
    """A server that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.app = FastAPI()

        @self.app.api_route("/{what}", methods=["GET", "POST"])
        async def ask(what: str, request: Request) -> Response:
            self.asked.append(what)
            return Response((await request.body()) or b"nothing")


@asynccontextmanager
async def web(
    mix: Mapping[WebFault, float], repeats: Collection[str] = ("GET", "POST")
) -> AsyncIterator[tuple[Counting, httpx.AsyncClient]]:
    server = Counting()
    async with listening(server.app, "127.0.0.1", 0) as port:
        proxy = WebFaultProxy(towards_port(port), random.Random(1), late_s=0.2, repeats=repeats, mix=mix)
        async with proxy.running(), httpx.AsyncClient() as client:
            client.base_url = f"http://127.0.0.1:{proxy.port}"
            yield server, client


async def test_a_request_passes_with_its_body_and_its_answer() -> None:
    async with web({WebFault.PASSES: 1}) as (server, client):
        answer = await client.post("/a", content=b"words")

    assert (answer.status_code, answer.content, server.asked) == (200, b"words", ["a"])


async def test_a_500_tells_nothing_of_whether_it_was_done() -> None:
    async with web({WebFault.FAILS_BEFORE: 1}) as (server, client):
        before_it = (await client.post("/a")).status_code, list(server.asked)
    async with web({WebFault.FAILS_AFTER: 1}) as (server, client):
        after_it = (await client.post("/a")).status_code, list(server.asked)

    assert before_it == (500, [])
    assert after_it == (500, ["a"])


@pytest.mark.parametrize("fault", [WebFault.LOSES_ANSWER, WebFault.CUTS_SHORT])
async def test_an_answer_that_is_lost_or_cut_short_was_an_answer_to_something_done(fault: WebFault) -> None:
    async with web({fault: 1}) as (server, client):
        with pytest.raises(httpx.HTTPError):
            await client.post("/a", content=b"words of some length")

        assert server.asked == ["a"]


async def test_a_request_sent_twice_is_done_twice_and_answered_once() -> None:
    async with web({WebFault.SENDS_TWICE: 1}) as (server, client):
        assert (await client.post("/a", content=b"words")).content == b"words"

        assert server.asked == ["a", "a"]


async def test_before_a_provider_that_takes_no_key_only_questions_are_sent_twice() -> None:
    async with web({WebFault.SENDS_TWICE: 1}, repeats=("GET",)) as (server, client):
        await client.post("/send")
        await client.get("/list")

        assert server.asked == ["send", "list", "list"]


async def test_a_request_that_is_overtaken_comes_after_the_next() -> None:
    server = Counting()
    async with listening(server.app, "127.0.0.1", 0) as port, WebFaultProxy(towards_port(port), random.Random(1)).running() as proxy:
        proxy.mix = {WebFault.OVERTAKEN: 1}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{proxy.port}") as client:
            first = asyncio.create_task(client.post("/first"))
            await until(lambda: is_true(proxy.befell[WebFault.OVERTAKEN] == 1))
            proxy.mix = {WebFault.PASSES: 1}
            await client.post("/second")
            await first

    assert server.asked == ["second", "first"]


async def test_the_same_seed_gives_the_same_faults() -> None:
    async def drawn(seed: int) -> list[WebFault]:
        proxy = WebFaultProxy(towards_port(1), random.Random(seed))
        proxy.mix = dict.fromkeys(WebFault, 1.0)
        return [proxy.drawn(Asked(b"POST / HTTP/1.1", b"")) for _ in range(50)]

    assert await drawn(3) == await drawn(3) != await drawn(4)
