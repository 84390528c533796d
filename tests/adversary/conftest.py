"""The town and its agents, made once for all tests of the worst case."""

import pytest

from atlas import embedded
from evals.adversary.ground import Ground, Troupe, laid, troupe


@pytest.fixture(scope="session")
def town(server: embedded.EmbeddedServer) -> Ground:
    return laid(server)


@pytest.fixture(scope="session")
async def cast() -> Troupe:
    return await troupe()
