"""The short form of `bedrock eval ledger`: the books beside their model, and a few bugs that must not go unnoticed."""

import asyncio

import pytest

from evals.ledger.bugs import BUGS, Bug, plant
from evals.ledger.drive import driven

STEPS = 1_600
# One of each kind: a cache, a sign, a lock's second wall, an order, a key.
SHORTLY = (
    "balances are not moved",
    "a write-off has the wrong sign",
    "the newest bill is settled first",
    "a refund is given twice under one key",
    "a reversal leaves what was settled",
)


async def test_the_books_do_what_their_model_does_whatever_happens_to_money(database_url: str) -> None:
    found = await driven(database_url, STEPS, seed=7)

    assert (found.broken, found.error, found.steps >= STEPS, found.refused > 0, found.races > 0) == ("", "", True, True, True)


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in SHORTLY], ids=lambda bug: bug.name)
async def test_a_bug_in_the_books_is_noticed(database_url: str, bug: Bug) -> None:
    await asyncio.to_thread(plant, database_url, bug)

    found = await driven(database_url, STEPS, seed=7)

    assert found.broken != "", found.error


def test_there_are_bugs_enough_and_each_is_another() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 20
