"""Premises and coverage out of a file: each row judged by itself, those that can be taken asked for in batches by whoever reads them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from api.places.columns import Layer
from api.places.reading import Place, RowRead
from atlas.actions.records import ActionState
from atlas.errors import InvalidField
from atlas.gis.reads import coverage_sorted, premises_sorted
from atlas.gis.records import DrawnCoverage, PlacedPremise
from atlas.gis.rules.registers import Sorted
from atlas.identity import CorrelationId
from atlas.principal import Principal, executor
from atlas.statements import Connection
from forge.action import Action
from forge.actions.gis import ImportCoverage, ImportPremises
from forge.propose import Forge, propose

READER: Final = executor("import")
# An action is kept with its arguments for good, and read by whoever must rule on it.
BATCH: Final = 500


@dataclass(frozen=True)
class Refused:
    """A row that was not taken: its number in the file, the field and why."""

    row: int
    field: str
    reason: str


@dataclass(frozen=True)
class Asked:
    """One batch that was asked for: what people call it, and what became of it. `why`: the verdict, or the failure."""

    reference: str
    state: str
    rows: int
    why: str


@dataclass(frozen=True)
class Taken:
    """What became of a file: how many rows are new, say otherwise than we have, or say the same, and which were refused."""

    new: int
    changed: int
    same: int
    refused: tuple[Refused, ...]
    asked: tuple[Asked, ...]

    @property
    def is_whole(self) -> bool:
        return not self.refused and all(one.state == ActionState.DONE.value for one in self.asked)


async def import_places(
    forge: Forge, principal: Principal, layer: Layer, rows: Sequence[RowRead], correlation: CorrelationId, *, is_dry: bool
) -> Taken:
    """Takes the rows that can be taken and tells the rest; one that is wrong holds up no other. Dry, nothing is asked for.

    Raises InvalidField for a layer that only goes out.
    """
    readable = [row for row in rows if row.place is not None]
    async with forge.atlas.transaction(READER) as conn:
        found = await _sorted(conn, layer, [row.place for row in readable if row.place is not None])
    wrong = [Refused(row.row, row.field, row.reason) for row in rows if row.place is None]
    refused = [*wrong, *(Refused(readable[one.at].row, one.field, one.reason) for one in found.refused)]
    wanted = [*found.new, *(one.after for one in found.changed)]
    parts = [] if is_dry else [wanted[at : at + BATCH] for at in range(0, len(wanted), BATCH)]
    asked = [await _asked(forge, principal, part, f"{correlation}/{at}", correlation) for at, part in enumerate(parts)]
    return Taken(len(found.new), len(found.changed), found.same, tuple(sorted(refused, key=lambda one: one.row)), tuple(asked))


async def _sorted(conn: Connection, layer: Layer, places: Sequence[Place]) -> Sorted[PlacedPremise] | Sorted[DrawnCoverage]:
    if layer is Layer.PREMISES:
        return await premises_sorted(conn, [one for one in places if isinstance(one, PlacedPremise)])
    if layer is Layer.COVERAGE:
        return await coverage_sorted(conn, [one for one in places if isinstance(one, DrawnCoverage)])
    raise InvalidField("layer", "plant comes in by bedrock import topology")


async def _asked(forge: Forge, principal: Principal, part: Sequence[Place], source: str, correlation: CorrelationId) -> Asked:
    """Who lives where something would change is counted in the moment before it is asked for."""
    drawn = tuple(one for one in part if isinstance(one, DrawnCoverage))
    action: Action = ImportCoverage(source, drawn)
    if not drawn:
        premises = ImportPremises(source, tuple(one for one in part if isinstance(one, PlacedPremise)), customers=0)
        async with forge.atlas.transaction(READER) as conn:
            action = await premises.refreshed(conn, forge.now())
    proposed = await propose(forge, principal, action, reason="read from a file", correlation_id=correlation)
    return Asked(proposed.reference, proposed.state.value, len(part), proposed.failure or proposed.verdict_reason)
