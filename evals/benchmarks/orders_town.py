"""Where orders are measured: the smallest demo ISP, orders placed as their customers would, and the worker's rounds without its pauses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId, OrderId, PremiseId
from atlas.oms.reads import case_of, offer
from atlas.oms.records import Case
from atlas.oms.rules import checked_offer
from atlas.principal import Assurance, Zone, customer, executor
from atlas.statements import Statements
from evals.world.seed import seed
from forge.actions.oms.orders import PlaceOrder
from forge.errands import Outside, run_errands
from forge.matrix_in_force import put_in_force
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from forge.playbooks.activation import Desk, attend, attend_orders
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from forge.sequences.advance import advance, advance_due
from forge.sequences.kinds import KINDS
from governance.matrix import load

SQL = Statements(__file__)
MATRIX: Final = Path(__file__).parents[2] / "governance" / "matrix.yaml"
ME: Final = executor("benchmark")
SUBSCRIBERS: Final = 4_000
PLAN: Final = "F500"
AT_ONCE: Final = timedelta(0)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Town:
    forge: Forge
    owner: AsyncConnection[tuple[Any, ...]]

    @property
    def outside(self) -> Outside:
        atlas = self.forge.atlas
        return Outside(RecordedProber(atlas), RecordedProvisioner(atlas), RecordedPayments(atlas))

    async def placed(self, who: int, premise: int) -> OrderId:
        """As the customer's own agent places it."""
        async with self.forge.atlas.transaction(ME) as conn:
            found = checked_offer(await offer(conn, CustomerId(who), PremiseId(premise), PLAN, now().date()), PLAN)
        action = PlaceOrder.of(found, now().date(), f"benchmark-{uuid4()}")
        by = customer(CustomerId(who), Assurance.VERIFIED)
        proposed = await propose(self.forge, by, action, reason="a benchmark", correlation_id=CorrelationId(uuid4()))
        return OrderId((proposed.outcome or {})["order"])

    async def activated(self, order: OrderId) -> Case:
        """Takes one order as far as it goes by itself."""
        await attend(self.forge, order, Desk())
        case = await self.case(order)
        while case.sequence_state == "running":
            await advance(self.forge, KINDS, case.sequence_id or 0)
            await run_errands(self.forge.atlas, self.outside, now, lease=AT_ONCE)
            case = await self.case(order)
        return case

    async def all_activated(self) -> None:
        """What the worker does, round after round, until nothing is due."""
        while await attend_orders(self.forge) + await self._moved():
            await run_errands(self.forge.atlas, self.outside, now, lease=AT_ONCE)

    async def _moved(self) -> int:
        await SQL.run(self.owner, "due_now")
        return await advance_due(self.forge, KINDS)

    async def case(self, order: OrderId) -> Case:
        async with self.forge.atlas.transaction(ME) as conn:
            return await case_of(conn, order)


@asynccontextmanager
async def town(home: Path) -> AsyncIterator[Town]:
    settings = Settings(home=home)
    async with database(settings) as url, await AsyncConnection.connect(url, autocommit=True) as owner:
        seed(url, subscribers=SUBSCRIBERS, now=now())
        async with Atlas.open(url, settings.secret, (Zone.EXECUTOR, Zone.CUSTOMER)) as atlas:
            matrix = load(MATRIX)
            await put_in_force(atlas, matrix)
            yield Town(Forge(atlas, Register.of_modules(), MatrixInForce(matrix), now, ZoneInfo("Europe/London")), owner)
