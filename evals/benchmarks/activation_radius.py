"""The same order with nothing moved by hand: carried out by the real worker, its box let in by real FreeRADIUS once it is set up."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import SecretStr
from rich.console import Console

from api.radius.rendering import Listening
from api.radius.serving import RadiusMissing, Server, program, radius_running
from api.settings import Settings
from api.worker import run_worker
from atlas.cmdb.reads import secret_for_equipment
from atlas.connection import zone_url
from atlas.errors import AtlasError
from atlas.identity import DeviceId, OrderId
from atlas.oms.records import Case, OrderState
from atlas.principal import Zone
from atlas.statements import Statements
from evals.bench import Row
from evals.benchmarks.orders_town import ME, Town
from evals.demo.quiet import logs_kept_in
from forge.sessions import share_secret

SQL = Statements(__file__)
SHARED: Final = "a-secret-of-the-bench-bng"
PATIENCE_S: Final = 60.0
LOOK_EVERY_S: Final = 0.01


class NotSeen(AtlasError):
    """A line that was set up did not come in, or its order did not go on: the figure would say nothing."""


async def with_radius(here: Town, homes: Sequence[tuple[int, int]], home: Path) -> list[Row]:
    """Two rows, in seconds; none, said on standard error, where FreeRADIUS or radclient is not installed."""
    if program() is None or shutil.which("radclient") is None:
        Console(stderr=True).print(f"[red]activation with a real accept was not measured: {RadiusMissing()}[/]")
        return []
    took, woke = [], []
    # What the worker and FreeRADIUS have to say is no figure.
    with logs_kept_in(home / "activation_radius.log"):
        async with bng_that_asks(here, home) as server:
            for who, premise in homes:
                began = time.perf_counter()
                order = await here.placed(who, premise)
                accepted = await signed_in(here, order, server)
                await ended(here, order)
                done = time.perf_counter()
                took.append(done - began)
                woke.append(done - accepted)
    what = "from capture to a line that works and is charged (real worker, RADIUS accept; recorded network)"
    return [_row(what, took, "≤ 2 s"), _row("of this, from the accept on", woke, "")]


def _row(what: str, took: Sequence[float], goal: str) -> Row:
    return Row("activation", what, "s", float(np.median(took)), float(np.percentile(took, 99)), None, "", goal)


@asynccontextmanager
async def bng_that_asks(here: Town, home: Path) -> AsyncIterator[Server]:
    """FreeRADIUS and the worker on the town's database, and one BNG that asks; afterwards nobody asks again."""
    atlas = here.forge.atlas
    bng = DeviceId(await SQL.value(here.owner, "a_bng"))
    async with atlas.transaction(ME) as conn:
        await share_secret(conn, atlas.secret, bng, "127.0.0.1", 3799, SHARED, 300)
    settings = Settings(home=home, port=0).model_copy(update={"database_url": SecretStr(atlas.url)})
    listening = Listening("127.0.0.1", 0, 0, zone_url(atlas.url, Zone.RADIUS, atlas.secret), threads=2)
    try:
        async with radius_running(atlas, listening) as server, run_worker(settings):
            yield server
    finally:
        await SQL.run(here.owner, "nobody_asks")


async def signed_in(here: Town, order: OrderId, server: Server) -> float:
    """When the box was let in, by this clock: it asks once the network has set it up. Raises NotSeen."""
    await until(lambda: _is_set_up(here, order), f"order {order} was not set up")
    case = await here.case(order)
    async with here.forge.atlas.transaction(ME) as conn:
        secret = await secret_for_equipment(conn, case.subscriber_id)
    asked = f'User-Name = "line{case.subscriber_id}"\nUser-Password = "{secret}"\nFramed-Protocol = "PPP"\nMessage-Authenticator = "0x00"\n'
    client = await asyncio.create_subprocess_exec(
        *("radclient", "-x", "-r", "3", "-t", "2", f"{server.listening.host}:{server.listening.auth_port}", "auth", SHARED),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await client.communicate(asked.encode())
    if b"Received Access-Accept" not in said:
        raise NotSeen(f"line {case.subscriber_id} was not let in: {said.decode(errors='replace')[-200:]}")
    return time.perf_counter()


async def ended(here: Town, order: OrderId) -> Case:
    """Raises NotSeen unless its line works, on the evidence of the accept."""

    async def is_over() -> bool:
        return (await here.case(order)).state in (OrderState.COMPLETED, OrderState.FAILED)

    await until(is_over, f"order {order} did not go on")
    case = await here.case(order)
    if case.state is not OrderState.COMPLETED or not (case.evidence or "").startswith("radius_accept:"):
        raise NotSeen(f"order {order} is {case.state.value} by {case.evidence}: {case.sequence_why}")
    return case


async def _is_set_up(here: Town, order: OrderId) -> bool:
    return await SQL.value(here.owner, "set_up_at", order_id=order) is not None


async def until(holds: Callable[[], Awaitable[bool]], otherwise: str) -> None:
    """Raises NotSeen."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not await holds():  # noqa: ASYNC110 - other processes, in effect
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise NotSeen(f"{otherwise} within {PATIENCE_S:.0f} s") from None
