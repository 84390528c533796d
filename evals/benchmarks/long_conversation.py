"""Two hundred turns in one conversation: the last cost what the first did, and what is kept of them stays small."""

from collections.abc import Sequence
from statistics import median
from typing import Final

import psycopg

from evals.bench import Conditions, Row
from evals.benchmarks.turn import ASKS, asked, in_quiet, maya_in, p99, timed
from evals.stage import stage
from evals.world.happened import conversation_opened

TURNS: Final = 200
COMPARED: Final = 40
KEPT: Final = """
SELECT coalesce((SELECT sum(pg_column_size(one.*)) FROM checkpoints.checkpoints AS one WHERE one.thread_id = %(thread)s), 0)
     + coalesce((SELECT sum(pg_column_size(one.*)) FROM checkpoints.checkpoint_blobs AS one WHERE one.thread_id = %(thread)s), 0)
     + coalesce((SELECT sum(pg_column_size(one.*)) FROM checkpoints.checkpoint_writes AS one WHERE one.thread_id = %(thread)s), 0)
"""


async def run(conditions: Conditions) -> Sequence[Row]:
    """The last forty turns beside the first forty, and the bytes that LangGraph keeps of the conversation."""
    return await in_quiet(conditions, "long_conversation", measured)


async def measured() -> Sequence[Row]:
    async with stage() as one, maya_in(one) as (here, maya):
        thread = await conversation_opened(here.atlas, maya, "chat", ASKS[0])
        seconds = await timed(TURNS, lambda at: asked(here, maya, thread, ASKS[at % len(ASKS)]))
        async with await psycopg.AsyncConnection.connect(here.url) as owner:
            row = await (await owner.execute(KEPT.encode(), {"thread": str(thread)})).fetchone()
    first, last = seconds[:COMPARED], seconds[-COMPARED:]
    return [
        Row(
            "long-conversation",
            "turns 161 to 200",
            "ms",
            1000 * median(last),
            1000 * p99(last),
            1000 * median(first),
            "turns 1 to 40",
            "flat",
        ),
        Row("long-conversation", "kept of the conversation", "kB", (row[0] if row else 0) / 1000, None, None, "", "≤ 50"),
    ]
