"""Is it alive, and is it able to work?"""

from typing import Any

import psycopg
from fastapi import APIRouter, Depends, Response

from api.bootstrap import House
from atlas.errors import AtlasError
from atlas.principal import executor
from console.guards import ANYBODY


def router(house: House) -> APIRouter:
    routes = APIRouter(tags=["health"], dependencies=[Depends(ANYBODY)])

    @routes.get("/health")
    async def health() -> dict[str, Any]:
        """This process answers; what it runs on is told, nothing is asked of it."""
        return {"status": "pass", "operator": house.settings.operator, "parts": house.parts}

    @routes.get("/ready")
    async def ready(response: Response) -> dict[str, Any]:
        """Atlas answers too; 503 while it does not."""
        try:
            async with house.atlas.transaction(executor("health")) as conn:
                await conn.execute("SELECT 1")
        except (AtlasError, psycopg.Error, TimeoutError) as error:
            response.status_code = 503
            return {"status": "fail", "atlas": type(error).__name__}
        return {"status": "pass"}

    return routes
