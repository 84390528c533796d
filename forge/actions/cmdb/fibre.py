"""What can be written down of the glass: a splice made or taken apart, cables and splices out of a file."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Final, Self

from atlas.cmdb import reads, writes
from atlas.cmdb.records.fibre import PlannedCable, SpliceEnd
from atlas.cmdb.rules import end_meant
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId
from atlas.statements import Connection
from forge.action import Action
from governance.facts import DeviceTier, Facts


@dataclass(frozen=True)
class RecordSplice(Action):
    """Write down, as built, that a strand is spliced to another strand or to a port. Made by `of`, which reads what people write."""

    name: ClassVar[str] = "record_splice"

    one: SpliceEnd
    other: SpliceEnd
    made_at: datetime

    @classmethod
    async def of(cls, conn: Connection, one: str, other: str, made_at: datetime) -> Self:
        """Raises NotFound, InvalidField for an end that the plant has not, Conflict where one is spliced already."""
        action = cls(await reads.splice_end_meant(conn, one), await reads.splice_end_meant(conn, other), made_at)
        await must_be_free(conn, (action.one, action.other))
        return action

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.one}:{self.other}:{self.made_at.isoformat()}"

    def facts(self) -> Facts:
        return Facts(self.name, devices=2, device_tier=DeviceTier.CORE)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField, and Conflict where a strand or port is spliced already; then it says to what."""
        if self.made_at > now:
            raise InvalidField("made_at", "a splice is written down once it is made")
        await must_be_free(conn, (self.one, self.other))
        made = await writes.record_splices(conn, [(self.one, self.other)], self.made_at)
        return {"splice": made, "one": str(self.one), "other": str(self.other)}


async def must_be_free(conn: Connection, ends: Sequence[SpliceEnd]) -> None:
    """Raises Conflict for the first that is spliced already."""
    for end in ends:
        if held := await reads.spliced_to(conn, end):
            raise Conflict(f"{end} is spliced already, to {held}: take that splice away first")


@dataclass(frozen=True)
class RemoveSplice(Action):
    """Write down that a splice was taken apart. Made by `of`, which counts who is lit through it by what is on record."""

    name: ClassVar[str] = "remove_splice"

    splice: int
    one: str
    other: str
    customers: int
    reason: str

    @classmethod
    async def of(cls, conn: Connection, splice: int, reason: str) -> Self:
        """Raises NotFound, and Conflict where it was taken apart already."""
        known = await reads.splice(conn, splice)
        if known.removed_at is not None:
            raise Conflict(f"splice {splice} was taken apart already")
        return cls(splice, known.one, known.other, len(await _lit_through(conn, known.one, known.other)), reason)

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.splice}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers, devices=2, device_tier=DeviceTier.CORE)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        return await self.of(conn, self.splice, self.reason)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where somebody else wrote it down first."""
        if not await writes.remove_splice(conn, self.splice, now):
            raise Conflict(f"splice {self.splice} was taken apart already")
        return {"splice": self.splice, "one": self.one, "other": self.other}


async def _lit_through(conn: Connection, *ends: str) -> set[CustomerId]:
    """Whose light goes through a splice: all that its first strand reaches."""
    cable, strand, _ = next(found for end in ends if (found := end_meant(end))[1])
    return {one.customer_id for one in await reads.lines_lit(conn, cable, [int(strand)])}


@dataclass(frozen=True)
class ImportFibre(Action):
    """Take in cables and splices of a plan, all or none. `source` names the reading of a file and which part of it this is."""

    name: ClassVar[str] = "import_fibre"

    source: str
    cables: tuple[PlannedCable, ...]
    splices: tuple[tuple[SpliceEnd, SpliceEnd], ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.source}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises Conflict where a cable or a splice came in meanwhile, InvalidField for what the plant has not: then nothing is taken."""
        if self.cables and await writes.record_cables(conn, self.cables) < len(self.cables):
            raise Conflict("one of these cables came in from somebody else first, or a place is gone: read the file again")
        if self.splices:
            await must_be_free(conn, [end for pair in self.splices for end in pair])
            await writes.record_splices(conn, self.splices, now)
        return {"cables": len(self.cables), "splices": len(self.splices)}


ACTIONS: Final[tuple[type[Action], ...]] = (RecordSplice, RemoveSplice, ImportFibre)
