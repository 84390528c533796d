"""`bedrock eval order-kills`: orders whose process is killed at the boundaries of their steps; then Atlas itself is asked what is left."""

import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from api.serve import database
from api.settings import Settings
from atlas.statements import Connection, Statements
from evals.kills.campaign import Figures, campaign, staged
from evals.world.seed import seed as make_world

SQL: Final = Statements(__file__)
SUBSCRIBERS: Final = 4_000


@dataclass(frozen=True)
class LeftOver:
    """What the tables say after all kills: orders that are stuck, resources that serve no line, lines charged twice."""

    stuck: int
    leaked: int
    charged_twice: int

    @property
    def holds(self) -> bool:
        return not (self.stuck or self.leaked or self.charged_twice)


async def left_over(owner: Connection) -> LeftOver:
    return LeftOver(
        stuck=int(await SQL.value(owner, "stuck")),
        leaked=int(await SQL.value(owner, "leaked")),
        charged_twice=int(await SQL.value(owner, "charged_twice")),
    )


@dataclass(frozen=True)
class OrderKills:
    figures: Figures
    left: LeftOver

    @property
    def holds(self) -> bool:
        return self.figures.holds and self.left.holds

    def as_rows(self) -> list[tuple[str, str, str]]:
        """What, how much, and what is reached."""
        one, left = self.figures, self.left
        return [
            ("orders killed", str(one.kills), ""),
            ("moments at which a process can die, and did", f"{len(one.covered)} of {one.moments}", ""),
            ("of them killed a second time", str(one.killed_twice), ""),
            ("orders stuck", str(left.stuck + one.unfinished + one.in_doubt), "0"),
            ("resources leaked", str(left.leaked + one.lost), "0"),
            ("charged or set up twice", str(left.charged_twice + one.doubled), "0"),
            ("seconds", f"{one.seconds:.0f}", ""),
        ]


async def order_kills(orders: int, seed: int) -> OrderKills:
    """In a database of its own with the smallest demo ISP."""
    with tempfile.TemporaryDirectory(prefix="bedrock-order-kills-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103
        settings = Settings(home=Path(folder), database_url=None)
        async with AsyncExitStack() as stack:
            url = await stack.enter_async_context(database(settings))
            await asyncio.to_thread(make_world, url, subscribers=SUBSCRIBERS, now=datetime.now(UTC))
            stage = await stack.enter_async_context(staged(url, settings.secret))
            (figures,) = await campaign(stage, ["line"], orders, seed, lambda _: None)
            return OrderKills(figures, await left_over(stage.owner))
