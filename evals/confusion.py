"""Pure: who was asked for what, agent by agent: what a label says beside what the router did, which also asks back or fetches a person."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from rich.table import Table

from atlas.modules import MODULES

# What the router does instead of asking an agent: one question which of two it is, or a person.
ASKS: Final = "asks"
PERSON: Final = "person"
ANSWERS: Final = (*MODULES, ASKS, PERSON)


@dataclass(frozen=True)
class Decision:
    """One sentence: `may` are the agents that may rightly answer, the likeliest first; `did` whom the router asked, or that it asked back.

    `offered`: between whom it asked.
    """

    may: tuple[str, ...]
    did: tuple[str, ...]
    offered: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        return not set(self.may).isdisjoint(self.did)

    @property
    def is_offered(self) -> bool:
        """Whether the question names one that may answer: then one word more and it is answered."""
        return not set(self.may).isdisjoint(self.offered)

    @property
    def cell(self) -> tuple[str, str]:
        """Whose it is, and who was asked. Where several may answer it is theirs who was asked, if they are among them."""
        found = next((one for one in self.did if one in self.may), "")
        return (found, found) if found else (self.may[0], self.did[0])


@dataclass(frozen=True)
class Confusion:
    """The decisions over one set of sentences."""

    name: str
    decisions: tuple[Decision, ...]

    @cached_property
    def cells(self) -> Counter[tuple[str, str]]:
        return Counter(one.cell for one in self.decisions)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(module for module in MODULES if any(whose == module for whose, _ in self.cells))

    def of(self, whose: str) -> tuple[int, ...]:
        """A row: of this agent's sentences, how many each was asked, in the order of `ANSWERS`."""
        return tuple(self.cells[whose, did] for did in ANSWERS)

    def recall(self, module: str) -> float | None:
        """Of its sentences the share it was asked; None where it has none."""
        return _share(self.cells[module, module], sum(self.of(module)))

    def precision(self, module: str) -> float | None:
        """Of what it was asked the share that was its; None where it was asked nothing."""
        return _share(self.cells[module, module], sum(count for (_, did), count in self.cells.items() if did == module))

    @property
    def top_1(self) -> float | None:
        """Of all the share that an agent was asked who may answer; asking back is not right, and not wrong."""
        return _share(sum(one.is_right for one in self.decisions), len(self.decisions))

    @property
    def abstained(self) -> float | None:
        return _share(sum(one.did[0] in (ASKS, PERSON) for one in self.decisions), len(self.decisions))

    @property
    def wrong(self) -> float | None:
        """The share that an agent was asked who may not answer, and nobody noticed."""
        return _share(sum(not one.is_right and one.did[0] in MODULES for one in self.decisions), len(self.decisions))

    @property
    def asked_well(self) -> float | None:
        """Of the questions asked back the share that names an agent who may answer; None where none was asked."""
        asked = [one for one in self.decisions if one.did == (ASKS,)]
        return _share(sum(one.is_offered for one in asked), len(asked))


def _share(some: int, of: int) -> float | None:
    return some / of if of else None


def as_json(one: Confusion) -> dict[str, Any]:
    agents = {
        module: {"asked": dict(zip(ANSWERS, one.of(module), strict=True)), "recall": one.recall(module), "precision": one.precision(module)}
        for module in one.labels
    }
    shares = {"top_1": one.top_1, "abstained": one.abstained, "wrong": one.wrong, "asked_well": one.asked_well}
    return {"set": one.name, "sentences": len(one.decisions), **shares, "agents": agents}


def sentence(one: Confusion) -> str:
    """The figures of one set in a line."""
    return (
        f"{one.name} ({len(one.decisions)}): {in_percent(one.top_1)} to an agent who may answer, {in_percent(one.abstained)} abstained"
        f" (of the questions asked back {in_percent(one.asked_well)} name the right one), {in_percent(one.wrong)} wrong"
    )


def in_percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def confusion_table(one: Confusion) -> Table:
    """Rows: whose the sentences are; columns: who was asked."""
    shown = Table("whose", *(name[:6] for name in ANSWERS), "recall", "precision", title=sentence(one))
    for module in one.labels:
        counts = [str(count) if count else "·" for count in one.of(module)]
        shown.add_row(module, *counts, in_percent(one.recall(module)), in_percent(one.precision(module)))
    return shown


def most_confused(one: Confusion, most: int = 5) -> Sequence[tuple[str, str, int]]:
    """Which agents are taken for which others, oftenest first."""
    wrong = ((whose, did, count) for (whose, did), count in one.cells.items() if whose != did and did in MODULES)
    return sorted(wrong, key=lambda cell: (-cell[2], cell[0], cell[1]))[:most]
