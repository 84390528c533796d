"""The web part: the console and the public API, in a process of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.app import web_app
from api.bootstrap import house
from api.listening import listening
from api.settings import Settings
from atlas.principal import Zone


@asynccontextmanager
async def serve_web(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """The console and API on the settings' address; where it listens."""
    zones = (Zone.STAFF, Zone.EXECUTOR, Zone.INTAKE)
    async with house(settings, zones) as one, listening(web_app(one), settings.host, settings.port) as port:
        name = settings.part.replace("web", "console") or "console"
        yield {name: f"http://{settings.host}:{port}"}
