"""A suite that would not notice a missing defence proves nothing: each is taken away once, and some oracle must speak."""

import pytest

from atlas import embedded
from evals.adversary.ground import Troupe
from evals.adversary.mutants import MUTANTS, Mutant, noticed_by


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
async def test_a_missing_defence_is_noticed(server: embedded.EmbeddedServer, cast: Troupe, mutant: Mutant) -> None:
    noticed = await noticed_by(server, cast, mutant)

    assert noticed.oracle, f"{noticed.runs} runs without {mutant.name} and nobody noticed"
