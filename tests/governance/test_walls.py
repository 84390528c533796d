"""The gate and governance are two walls: they answer alike, a hole in one is seen, and no race gets between them."""

from evals.governance.mutants import MUTANTS, noticed
from evals.governance.races import race
from evals.governance.verdicts import compare
from tests.conftest import SECRET


async def test_the_gate_and_governance_answer_alike(database_url: str) -> None:
    found = await compare(database_url, requests=20_000, seed=7)

    assert found.differences == ()
    assert found.answers.keys() == {"allowed", "allowed_and_told", "needs_approval", "refused"}


async def test_a_defence_taken_out_of_the_gate_is_noticed(database_url: str) -> None:
    some = MUTANTS[::6]

    found = await noticed(database_url, some, requests=8_000, seed=2)

    assert [one.mutant for one in found if not one.differ] == []
    assert len(MUTANTS) >= 30


async def test_no_race_between_rulings_amendments_lapses_and_executions_ends_wrongly(database_url: str) -> None:
    found = await race(database_url, SECRET, races=60, seed=3)

    assert (found.wrong, "done" in found.ended) == (0, True)
