"""Is it alive, and is it able to work? For whatever stands in front of the web and chooses between several.

A stranger learns that and no more: why, and what works worse than it could, is told on the loopback port (api/observation.py).
"""

from fastapi import APIRouter, Depends, Response

from api import observation
from api.bootstrap import House
from api.operations import readiness
from console.guards import ANYBODY


def router(house: House) -> APIRouter:
    routes = APIRouter(tags=["health"], dependencies=[Depends(ANYBODY)])
    watched = readiness.House(house.settings, house.atlas, house.parts)

    @routes.get("/health")
    async def health() -> dict[str, str]:
        """This process answers: `pass`, or `warn` where something works worse than it could."""
        told = await readiness.health(watched)
        return {"status": told["status"]}

    @routes.get("/ready", responses={503: {"description": "work is better sent elsewhere"}})
    async def ready(response: Response) -> dict[str, str]:
        """Whether work may be sent here; 503 where not."""
        told = await observation.answered(watched, response)
        return {"status": told["status"]}

    return routes
