"""Puts the house together from settings: the one place that knows every part by name."""

import logging
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import structlog

from api.settings import Settings, value_of
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.principal import Zone
from cortex.pictures import WarmTopology
from forge.errands import Outside
from forge.outside.ports import Messenger
from forge.outside.recorded import RecordedMessenger, RecordedProber, RecordedProvisioner
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import load


class NoDatabase(AtlasError):
    """A part was started by itself, without the database's address."""


@dataclass(frozen=True)
class House:
    """What every part of the platform is handed; `parts` says which of two possible ones it runs with (Twilio or recorded, ...)."""

    settings: Settings
    atlas: Atlas
    forge: Forge
    warm: WarmTopology
    parts: dict[str, str]


@asynccontextmanager
async def house(settings: Settings, zones: Collection[Zone] = tuple(Zone), most: int = 8) -> AsyncIterator[House]:
    """Opens Atlas at the database of the settings, with a pool per zone, and builds Forge on it.

    Raises MatrixRefused or MatrixAndRegisterDisagree where the operator's matrix is not sound: nothing starts on a doubtful matrix.
    """
    url = value_of(settings.database_url)
    if url is None:
        raise NoDatabase("DATABASE_URL is not set; `bedrock serve` starts the embedded PostgreSQL and hands it on")
    matrix = load(settings.matrix)
    async with Atlas.open(url, settings.secret, zones, most) as atlas:
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix), lambda: datetime.now(UTC), ZoneInfo(settings.timezone))
        yield House(settings, atlas, forge, WarmTopology(), {})


def outside_world(one: House) -> tuple[Messenger, Outside]:
    """The real carrier and prober where they are configured, else their recorded twins; `parts` remembers which."""
    one.parts.update(messenger="recorded", prober="recorded", provisioner="recorded")
    return RecordedMessenger(one.atlas), Outside(RecordedProber(one.atlas), RecordedProvisioner())


def configure_logging(form: str) -> None:
    """Events in the past tense with ids and measures, one a line, to standard error: JSON for machines, colours for people."""
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
