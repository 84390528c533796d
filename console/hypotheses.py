"""Pure: reads the ranked hypotheses that an incident keeps as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Piece:
    """One piece of evidence. `weight` in nats."""

    observation: str
    for_it: bool
    weight: float
    count: int
    of: int


@dataclass(frozen=True)
class Suspect:
    """One hypothesis, as a page says it."""

    kind: str
    id: int
    element_name: str
    cause: str
    confidence: float
    evidence: tuple[Piece, ...]

    def named(self, name: str) -> "Suspect":
        return replace(self, element_name=name)


def suspects(hypotheses: Iterable[Mapping[str, Any]]) -> list[Suspect]:
    """The hypotheses in their order; the heaviest evidence of each first."""
    return [_suspect(one) for one in hypotheses]


def _suspect(one: Mapping[str, Any]) -> Suspect:
    element = one.get("element") or {}
    pieces = [
        Piece(
            str(piece.get("observation", "")),
            bool(piece.get("for_it")),
            float(piece.get("weight", 0)),
            int(piece.get("count", 0)),
            int(piece.get("of", 0)),
        )
        for piece in one.get("evidence", ())
    ]
    return Suspect(
        str(element.get("kind", "")),
        int(element.get("id", 0)),
        "",
        str(one.get("cause", "unknown")),
        float(one.get("confidence", 0)),
        tuple(sorted(pieces, key=lambda piece: -abs(piece.weight))),
    )
