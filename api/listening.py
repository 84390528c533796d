"""Serves one web app on one address while a block runs."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI

from atlas.errors import AtlasError


class PortTaken(AtlasError):
    """Something else listens where Bedrock should."""


@asynccontextmanager
async def listening(app: FastAPI, host: str, port: int) -> AsyncIterator[int]:
    """Serves `app` while the block runs; the port, which is chosen by the system where 0 was asked. Raises PortTaken."""
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=5, lifespan="on")
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
