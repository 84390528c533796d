from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.walks.clock import Walk, walking
from tests.world.seeded import harbour_copy_url, harbour_template

__all__ = ["harbour_copy_url", "harbour_template"]


@pytest.fixture
async def walk(harbour_copy_url: str, tmp_path: Path) -> AsyncIterator[Walk]:
    async with walking(harbour_copy_url, tmp_path) as one:
        yield one


@pytest.fixture
async def rows(harbour_copy_url: str) -> AsyncIterator[AsyncConnection[tuple[Any, ...]]]:
    """The owner's connection to what the walk changes."""
    async with await AsyncConnection.connect(harbour_copy_url, autocommit=True) as conn:
        yield conn
