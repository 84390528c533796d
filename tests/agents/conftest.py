"""A supervisor on a test's own Atlas; sentences are embedded once for all tests."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from agents.checkpoints import KeptInAtlas
from agents.consultation import Consultants, consultants
from agents.embeddings import WordCounts, local_encoder
from agents.model import CircuitBreaker
from agents.roster import Member, examples, roster
from agents.router import Router
from agents.supervisor import Supervisor, conversation_graph
from atlas.connection import Atlas
from atlas.identity import CorrelationId
from atlas.principal import Principal
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from governance import matrix
from tests import given
from tests.billing.arranged import bill
from tests.conftest import SECRET

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def members() -> dict[str, Member]:
    return roster()


@pytest.fixture(scope="session")
async def router(members: dict[str, Member]) -> Router:
    return await Router.of(examples(members), local_encoder(), WordCounts())


@pytest.fixture(scope="session")
def consulted(members: dict[str, Member], router: Router) -> Consultants:
    return consultants(members, router, None, CircuitBreaker(lambda: 0.0))


@pytest.fixture
async def checkpoints(database_url: str) -> AsyncIterator[KeptInAtlas]:
    async with KeptInAtlas.open(database_url, SECRET, most=4) as kept:
        yield kept


@pytest.fixture
async def supervisor(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, consulted: Consultants) -> Supervisor:
    await put_in_force(atlas, matrix.load(matrix.SHIPPED))
    return on(atlas, checkpoints, router, consulted)


def on(atlas: Atlas, checkpoints: KeptInAtlas, router: Router, consulted: Consultants) -> Supervisor:
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(matrix.load(matrix.SHIPPED)), lambda: NOW, LONDON)

    async def asked(principal: Principal, action: Any, reason: str, correlation_id: CorrelationId) -> Any:
        return await propose(forge, principal, action, reason=reason, correlation_id=correlation_id)

    return Supervisor(atlas, asked, router, consulted, checkpoints, LONDON, conversation_graph(router, consulted))


@pytest.fixture
async def maya(owner: AsyncConnection[tuple[Any, ...]]) -> int:
    """A customer whose February bill is 6.20 higher than January's, because of calls."""
    found = await given.customer(owner)
    await given.subscriber(owner, found, await given.device(owner, "SPL-1", "splitter"))
    await bill(owner, found, date(2026, 1, 1), {"Fibre 500": 4050})
    await bill(owner, found, date(2026, 2, 1), {"Fibre 500": 4050, "International calls": 620})
    return found
