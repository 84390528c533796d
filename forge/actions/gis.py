"""What can be done to the map: put a premise where it really is."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Self

from atlas.errors import Conflict
from atlas.gis.reads import premise
from atlas.gis.records import Position
from atlas.gis.rules import checked_position, distance_m
from atlas.gis.writes import move_premise
from atlas.identity import PremiseId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class CorrectPremisePosition(Action):
    """Put a premise at the position where it was found to be. `was` is where it stood when asked; `customers` live there."""

    name: ClassVar[str] = "correct_premise_position"

    premise_id: PremiseId
    was: Position
    found: Position
    customers: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.premise_id}:{_written(self.was)}:{_written(self.found)}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        known = await premise(conn, self.premise_id)
        return replace(self, was=known.position, customers=known.customers)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises Conflict where somebody moved it first, and the errors of a position that cannot be true."""
        checked_position(self.found, near=self.was)
        if not await move_premise(conn, self.premise_id, self.was, self.found):
            raise Conflict(f"premise {self.premise_id} was moved by somebody else first")
        return {"premise": self.premise_id, "moved_m": round(distance_m(self.was, self.found), 1)}


def _written(position: Position) -> str:
    return f"{position.latitude:.6f},{position.longitude:.6f}"


ACTIONS: tuple[type[Action], ...] = (CorrectPremisePosition,)
