"""Serves one web app on one address while a block runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, Final

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.operations.measures import timed
from atlas.errors import AtlasError

# A browser sends its whole head at once; one that drips it in holds a connection and pays nothing for it.
HEAD_S: Final = 10.0
# Above the streams of every page of a large control room; beyond it a connection is told 503 and not kept.
MOST_CONNECTIONS: Final = 1000
# Of a web socket: a call is words, and nobody says as much at once.
LONGEST_FRAME: Final = 64 * 1024


class PortTaken(AtlasError):
    """Something else listens where Bedrock should."""


class Impatient(HttpToolsProtocol):
    """HTTP/1.1 that hangs up on whoever does not finish a request's head in time, and does not say what it is."""

    def __init__(self, *arguments: Any, head_s: float, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.head_s = head_s
        self._head_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_came()
        self._head_deadline = self.loop.call_later(self.head_s, self.transport.close)

    def _head_came(self) -> None:
        if self._head_deadline is not None:
            self._head_deadline.cancel()
            self._head_deadline = None


@asynccontextmanager
async def listening(app: FastAPI, host: str, port: int, head_s: float = HEAD_S) -> AsyncIterator[int]:
    """Serves `app` while the block runs; the port, which is chosen by the system where 0 was asked. Raises PortTaken."""
    impatient: Any = partial(Impatient, head_s=head_s)
    config = uvicorn.Config(
        timed(app, getattr(app, "title", "web")),
        host=host,
        port=port,
        http=impatient,
        ws="websockets-sansio",
        ws_max_size=LONGEST_FRAME,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=5,
        lifespan="on",
    )
    server = uvicorn.Server(config)
    # Signals belong to the part, which stops more than this server.
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    serving = asyncio.create_task(_served(server))
    while not server.started:
        if serving.done():
            raise PortTaken(f"cannot listen on {host}:{port}; is Bedrock running already?")
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


async def _served(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit:
        return  # uvicorn's way of saying that the port is taken; `started` stays False


@contextmanager
def _no_signals() -> Iterator[None]:
    yield
