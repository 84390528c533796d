"""A short campaign: everything around a whole platform breaks for some seconds, and then nothing is lost, doubled or left undone."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evals.campaign.campaign import campaign
from evals.campaign.troubles import KINDS, planned

# As soon as everything holds it goes on; only a machine that has no time for it takes so long.
AT_THE_LATEST_S = 240.0
PARTS = ("doors", "worker", "worker-2", "web")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that others may enter: the embedded server may run as a user of its own."""
    with tempfile.TemporaryDirectory(prefix="bedrock-campaign-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        yield Path(folder)


@pytest.mark.campaign
async def test_after_some_seconds_of_trouble_every_invariant_holds(home: Path, tmp_path: Path) -> None:
    timeline = tmp_path / "timeline.jsonl"

    found = await campaign(home, seconds=4, seed=3, timeline=timeline, quiet_s=AT_THE_LATEST_S)

    assert found.broken == {}
    assert found.next_outage_lacks == ""
    assert found.load["alarms_accepted"] > 0
    assert len(timeline.read_text().splitlines()) == sum(found.troubles.values())


def test_the_same_seed_plans_the_same_troubles_and_half_an_hour_has_every_kind() -> None:
    plan = planned(7, 1_800, PARTS)

    assert plan == planned(7, 1_800, PARTS)
    assert plan != planned(8, 1_800, PARTS)
    assert {trouble.what for trouble in plan} == set(KINDS)
