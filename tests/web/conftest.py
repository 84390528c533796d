"""The web app and a browser at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from atlas.connection import Atlas
from tests.web.browsing import Site, browser, site


@pytest.fixture
async def here(atlas: Atlas, tmp_path: Path) -> Site:
    return await site(atlas, tmp_path)


@pytest.fixture
async def client(here: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(here.app) as opened:
        yield opened
