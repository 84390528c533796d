"""A suite that would not notice a missing defence proves nothing: each is taken away once, and some oracle must speak."""

import pytest

from atlas import embedded
from evals.adversary.attacks.all import attacks_at
from evals.adversary.defences import APPROVAL, GATE, ISOLATION, MUTANTS, SENDING
from evals.adversary.ground import Troupe
from evals.adversary.mutants import Mutant, noticed_by

# One of each kind at every run of the tests; all of them by `bedrock eval adversary --mutants`.
A_FEW = (ISOLATION[0], ISOLATION[2], GATE[0], GATE[2], GATE[5], APPROVAL[0], SENDING[-1])


@pytest.mark.parametrize("mutant", A_FEW, ids=[mutant.name for mutant in A_FEW])
async def test_a_missing_defence_is_noticed(server: embedded.EmbeddedServer, cast: Troupe, mutant: Mutant) -> None:
    noticed = await noticed_by(server, cast, mutant)

    assert noticed.oracle, f"{noticed.runs} runs without {mutant.name} and nobody noticed"


def test_every_mutant_has_a_name_of_its_own_and_an_attack_that_is_made() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 30
    assert [one.name for one in MUTANTS if one.attack not in {attack.name for attack in attacks_at(one.level)}] == []
