"""The OpenAPI document of everything that answers here; for whoever holds a key, and not for passers-by."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI

from api.rest.answers import PROBLEMS
from api.rest.guard import TokenOnly
from atlas.principal import Principal
from forge.api_tokens import Keyring, Scope


def add_document(app: FastAPI, keys: Keyring) -> None:
    """Serves the document at /api/v1/openapi.json."""
    routes = APIRouter(prefix="/api/v1", tags=["document"], responses=PROBLEMS)

    @routes.get("/openapi.json")
    async def document(_: Principal = Depends(TokenOnly(keys, Scope.INCIDENTS_READ))) -> dict[str, Any]:
        """This document."""
        return app.openapi()

    app.include_router(routes)
