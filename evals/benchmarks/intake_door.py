"""One HTTP door in a process of its own: `python -m evals.benchmarks.intake_door door|floor`; its database's URL is in DATABASE_URL.

Prints its port when it listens, and on end of input its memory in MB at its largest and the processor seconds of its work; then stops.
"""

import asyncio
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import uvicorn
import uvloop
from fastapi import FastAPI
from psycopg_pool import AsyncConnectionPool

from api.inbound.batch import AlarmIntake
from api.inbound.tmf642 import MANY, router
from api.operations.measures import timed
from api.settings import Settings, value_of
from atlas.connection import Atlas
from atlas.principal import Zone
from evals.benchmarks.intake_load import TOKEN

SECRET: Final = b"a secret of this benchmark only.."


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """Serves `app` on a free port of loopback while the block runs."""
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", access_log=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn sets no event
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


@asynccontextmanager
async def door(url: str) -> AsyncIterator[int]:
    """The real one: the TMF642 router before the intake before Atlas."""
    async with Atlas.open(url, SECRET, (Zone.INTAKE,)) as atlas, AlarmIntake(atlas).running() as intake:
        app = FastAPI()
        app.include_router(router(intake, TOKEN, lambda: datetime.now(UTC)))
        async with listening(timed(app, "intake")) as port:
            yield port


@asynccontextmanager
async def floor(url: str) -> AsyncIterator[int]:
    """The least that keeps a batch durable: bare uvicorn, decoded, COPYed and committed; no dedup, no device, no row security."""
    async with AsyncConnectionPool(url, min_size=4, max_size=4, kwargs={"autocommit": True}) as pool:

        async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                return
            body, more = b"", True
            while more:
                message = await receive()
                body, more = body + message["body"], message.get("more_body", False)
            async with pool.connection() as conn, conn.cursor() as cursor, cursor.copy("COPY bench_event FROM STDIN") as copy:
                for alarm in MANY.decode(body):
                    await copy.write_row(
                        (
                            alarm.alarmed_object.id,
                            alarm.probable_cause,
                            alarm.perceived_severity.value,
                            alarm.alarm_details,
                            alarm.alarm_raised_time,
                        )
                    )
            await send({"type": "http.response.start", "status": 201, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"{}"})

        async with listening(app) as port:
            yield port


async def run(name: str) -> None:
    url = value_of(Settings().database_url)
    assert url is not None, "the benchmark hands its database on"
    async with {"door": door, "floor": floor}[name](url) as port:
        began = resource.getrusage(resource.RUSAGE_SELF)
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
        used = resource.getrusage(resource.RUSAGE_SELF)
        sys.stdout.write(f"{used.ru_maxrss / 1024:.0f} {used.ru_utime + used.ru_stime - began.ru_utime - began.ru_stime}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run(sys.argv[1]))
