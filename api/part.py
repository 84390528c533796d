"""One process of the platform: `python -m api.part doors|worker|web`. Prints one line of JSON with its addresses when it is ready."""

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any, Final

import uvloop

from api.bootstrap import configure_logging
from api.doors import open_doors
from api.serve import until_stopped
from api.settings import Settings
from api.web import serve_web
from api.worker import run_worker

PARTS: Final[dict[str, Callable[..., Any]]] = {"doors": open_doors, "worker": run_worker, "web": serve_web}


async def run(name: str) -> None:
    settings = Settings()
    configure_logging(settings.log_format)
    async with PARTS[name](settings) as addresses:
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await until_stopped()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(sys.argv[1]))
