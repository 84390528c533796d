"""PostgreSQL dies under writers: what they were told is committed is there, once, and it serves again by itself."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from evals.campaign.crashes import crashed


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that others may enter: the embedded server may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="bedrock-crashes-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


async def test_two_crashes_of_postgresql_lose_nothing_that_was_acknowledged(home: Path) -> None:
    found = await crashed(Settings(home=home), how_many=2, seed=3)

    assert found.acknowledged > 0
    assert (found.lost, found.doubled, found.audit_breaks) == (0, 0, 0)
    assert sum(found.crashes.values()) == 2
