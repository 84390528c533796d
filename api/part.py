"""One process of the platform: `python -m api.part doors|worker|agents|web|radius`. Prints its addresses as a line of JSON when ready."""

import asyncio
import importlib
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvloop
from structlog.contextvars import bind_contextvars

from api.bootstrap import configure_logging
from api.observation import observed
from api.operations.measures import OBSERVED
from api.operations.readiness import House
from api.operations.tracing import tracing
from api.serve import until_stopped
from api.settings import Settings

ORPHANED_AFTER_S: Final = 1.0
# By name, so that a process loads its own part and not the others'.
PARTS: Final = {
    "doors": ("api.doors", "open_doors"),
    "worker": ("api.worker", "run_worker"),
    "agents": ("api.agents", "answer_messages"),
    "web": ("api.web", "serve_web"),
    "radius": ("api.radius.serving", "serve_radius"),
}


async def run(name: str) -> None:
    settings = Settings()
    configure_logging(settings.log_format)
    bind_contextvars(part=settings.part or name)
    with tracing(settings.otlp_endpoint, name):
        await opened(settings, name)


async def opened(settings: Settings, name: str) -> None:
    """Runs the part until it is told to stop."""
    module, opening = PARTS[name]
    async with getattr(importlib.import_module(module), opening)(settings) as addresses, watched(settings, name) as watching:
        sys.stdout.write(json.dumps({**addresses, **watching}) + "\n")
        sys.stdout.flush()
        endings = [asyncio.create_task(until_stopped()), asyncio.create_task(until_orphaned(os.getppid()))]
        await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        for ending in endings:
            ending.cancel()


async def until_orphaned(parent: int) -> None:
    """Whoever started us was killed: the next one needs our ports, and would have two of each part."""
    while os.getppid() == parent:  # noqa: ASYNC110 - the system sends no event that every system has
        await asyncio.sleep(ORPHANED_AFTER_S)


@asynccontextmanager
async def watched(settings: Settings, name: str) -> AsyncIterator[dict[str, str]]:
    """Whoever watches this process is answered while the block runs; where."""
    async with observed(House(settings, OBSERVED.houses[0]), settings.part or name) as addresses:
        yield addresses


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(sys.argv[1]))
