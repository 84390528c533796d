"""`storm`: how well Cortex understands it, and how soon Atlas holds what it understood."""

import asyncio
from collections.abc import Sequence

from evals.bench import Conditions, Row
from evals.benchmarks.alertmanager_peer import peer_rows
from evals.benchmarks.storm_atlas import SEEDS, through_atlas
from evals.benchmarks.storm_judged import judged


async def run(conditions: Conditions) -> Sequence[Row]:
    ours = [*await through_atlas(conditions, hard=False), *await asyncio.to_thread(judged, False)]
    return [*ours, *await peer_rows(conditions, False, SEEDS)]
