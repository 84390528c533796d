"""The short forms of `bedrock eval webhooks` and `bedrock eval inbound`."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.settings import Settings
from evals.inbound.delivery import delivered
from evals.inbound.mutations import KINDS
from evals.inbound.webhooks import LAYOUTS, Webhooks, evaluated, judged


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that others may enter: the embedded server may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="bedrock-inbound-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


def test_no_changed_call_is_believed() -> None:
    found = Webhooks()

    judged(found, 3_000, seed=7)

    assert found.changed == 3_000 > len(KINDS)
    assert found.accepted == {}


async def test_behind_every_proxy_the_genuine_is_kept_and_the_changed_is_not(home: Path) -> None:
    found = await evaluated(Settings(home=home), 0, seed=3, genuine_each=3, changed_each=4)

    assert (found.genuine, found.over_the_wire) == (3 * len(LAYOUTS), 4 * len(LAYOUTS))
    assert (found.refused, found.accepted) == ({}, {})


async def test_messages_delivered_four_times_to_processes_that_are_killed_are_there_once(home: Path) -> None:
    found = await delivered(Settings(home=home), messages=100, deliveries=4, kills=2, seed=5)

    assert found.kills == 2
    assert (found.lost, found.doubled, found.jobs_missing) == (0, 0, 0)
