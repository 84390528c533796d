"""`storm-hard`: how well Cortex understands it, and how soon Atlas holds what it understood."""

import asyncio
from collections.abc import Sequence

from evals.bench import Conditions, Row
from evals.benchmarks.storm_atlas import through_atlas
from evals.benchmarks.storm_judged import judged


async def run(conditions: Conditions) -> Sequence[Row]:
    return [*await through_atlas(conditions, hard=True), *await asyncio.to_thread(judged, True)]
