"""Governance's verdict and the gate's on the same random requests, under the shipped matrix and under edited ones: the same in full."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from psycopg import AsyncConnection

from atlas.actions.records import Judgement
from atlas.statements import Connection, Statements
from evals.governance.requests import Asked, Pools, asked, edited
from forge.matrix_in_force import write_in_force
from forge.register import FACTS
from forge.verdicts import verdict_of
from governance.decide import Spent, Verdict, decide
from governance.matrix import SHIPPED, load
from governance.rows import Matrix

SQL = Statements(__file__)

# Large enough that PostgreSQL's work outweighs the way there, small enough that a matrix serves a few thousand requests only.
BATCH: Final = 5_000
SHOWN: Final = 10


@dataclass(frozen=True)
class Difference:
    """One request on which the two disagree."""

    facts: str
    governance: Verdict
    gate: Verdict


@dataclass(frozen=True)
class Compared:
    """How many requests were compared, over how many matrices, what was answered, and where the two differ."""

    requests: int
    matrices: int
    answers: dict[str, int]
    rules: int
    differ: int
    differences: tuple[Difference, ...]


async def compare(
    url: str, requests: int, seed: int, batch: int = BATCH, enough: int = 0, tell: Callable[[int], None] = lambda _: None
) -> Compared:
    """Every other batch is judged by the shipped matrix, the rest each by one of its own. `url`: of the database's owner.

    `enough`: stops once so many differ; 0: never.
    """
    random, shipped = Random(seed), load(SHIPPED)  # noqa: S311
    answers: Counter[str] = Counter()
    rules: set[str] = set()
    found: list[Difference] = []
    done = matrices = 0
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        while done < requests and not (enough and len(found) >= enough):
            matrix = shipped if matrices % 2 == 0 else edited(random, shipped)
            pools = Pools(matrix)
            some = [asked(random, pools) for _ in range(min(batch, requests - done))]
            for governance, gate, one in await differing(conn, matrix, some):
                answers[governance.answer.value] += 1
                rules.add(governance.rule)
                if governance != gate:
                    found.append(Difference(str(one.facts), governance, gate))
            done, matrices = done + len(some), matrices + 1
            tell(done)
    return Compared(done, matrices, dict(answers), len(rules), len(found), tuple(found[:SHOWN]))


async def differing(conn: Connection, matrix: Matrix, some: Sequence[Asked]) -> list[tuple[Verdict, Verdict, Asked]]:
    """Both verdicts on each request, governance's first."""
    await write_in_force(conn, matrix)
    rows = await SQL.all(conn, Judgement, "decided", requests=json.dumps([_request(one) for one in some]))
    return [(decide(one.facts, matrix, spent=one.spent), verdict_of(row), one) for one, row in zip(some, rows, strict=True)]


def _request(one: Asked) -> dict[str, Any]:
    return {"action": one.facts.action, "facts": FACTS.dump_python(one.facts, mode="json"), "spent": _tallies(one.spent)}


def _tallies(spent: Spent) -> dict[str, dict[str, int]]:
    return {
        rule: {"money": tally.money.minor, "customers": tally.customers, "devices": tally.devices, "actions": tally.actions}
        for rule, tally in spent.tallies.items()
    }
