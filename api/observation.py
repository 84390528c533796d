"""Each process answers whoever watches it, on a port of its own that only this machine reaches: /metrics, /health and /ready."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import Depends, FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from api.edge.front import fronted
from api.edge.gatehouse import LOOPBACK as LOOPBACKS
from api.listening import listening
from api.operations.measures import REGISTRY, shown
from api.operations.readiness import UNREACHABLE, House, free_mb, health, not_ready_because
from console.guards import ANYBODY

LOOPBACK: Final = "127.0.0.1"
DISK: Final = Gauge("bedrock_disk_free_bytes", "What is left where our own PostgreSQL writes", registry=REGISTRY)
UP: Final = Gauge("bedrock_atlas_up", "Whether Atlas answers this process", registry=REGISTRY)


@asynccontextmanager
async def observed(house: House, name: str) -> AsyncIterator[dict[str, str]]:
    """Answers while the block runs; where, under the name of the part."""
    async with listening(watching_app(house), LOOPBACK, house.settings.metrics_port) as port:
        yield {f"{name} metrics": f"http://{LOOPBACK}:{port}/metrics"}


def watching_app(house: House) -> FastAPI:
    app = FastAPI(title="watching", docs_url=None, redoc_url=None, openapi_url=None, dependencies=[Depends(ANYBODY)])

    @app.get("/metrics")
    async def metrics() -> Response:
        try:
            shown(await house.figures())
            UP.set(1)
        except UNREACHABLE:
            shown(())
            UP.set(0)
        free = free_mb(house.settings)
        DISK.set(-1 if free is None else free * 1024 * 1024)
        return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)

    @app.get("/health")
    async def alive() -> dict[str, Any]:
        return await health(house)

    @app.get("/ready")
    async def ready(response: Response) -> dict[str, Any]:
        return await answered(house, response)

    # By the names of this machine only: a page in somebody's browser that points its own name here is turned away.
    return fronted(app, LOOPBACKS)


async def answered(house: House, response: Response) -> dict[str, Any]:
    """The answer of /ready: 503 with every reason where no work should be sent here."""
    reasons = await not_ready_because(house)
    response.status_code = 503 if reasons else 200
    return {"status": "fail" if reasons else "pass", "reasons": reasons}
