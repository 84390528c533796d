"""The web: the console, the public API, health, and errors said once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api.bootstrap import House
from api.errors import translate_errors
from api.rest.health import router as health
from console.app import add_console
from console.live import Changes
from console.room import Room


def web_app(house: House) -> FastAPI:
    """The console and what stands beside it, on an open house."""
    changes = Changes(house.atlas)

    @asynccontextmanager
    async def listening(_: FastAPI) -> AsyncIterator[None]:
        async with changes.listening():
            yield

    app = FastAPI(title="Bedrock", version="0.1.0", lifespan=listening, docs_url=None, redoc_url=None)
    translate_errors(app)
    app.include_router(health(house))
    settings = house.settings
    add_console(app, Room(house.forge, changes, settings.operator, settings.currency, settings.secret))
    return app
