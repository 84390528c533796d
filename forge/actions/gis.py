"""What can be done to the map: put a premise where it is, take in a register, hold a port for an order, keep who would buy."""

import hashlib
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final, Self

from atlas.errors import Conflict, InvalidField
from atlas.gis import writes
from atlas.gis.reads import box_of_areas, coverage_sorted, premise, premises_sorted, qualification
from atlas.gis.records import DrawnCoverage, PlacedPremise, Position, Qualification, Reservation
from atlas.gis.rules.positions import checked_position, distance_m
from atlas.gis.rules.registers import RowRefused, checked_coverage
from atlas.gis.writes import NoPortLeft, move_premise
from atlas.identity import CustomerId, DeviceId, PremiseId
from atlas.oms.writes import look_again_in
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts

# What a landlord may be found to have said; that nobody was asked yet is how a building begins.
ANSWERS: Final = ("asked", "given", "refused")
# Nobody's order needs longer from the port to the line; and a port that nobody fetches is somebody else's again.
LONGEST_HELD: Final = timedelta(days=60)


async def port_held(conn: Connection, premise_id: PremiseId, device_id: DeviceId, key: str, ttl: timedelta, today: date) -> Reservation:
    """A port of the device held for `key`, in the caller's claimed transaction. Raises NoPortLeft, with what could be had instead."""
    try:
        return await writes.reserve_port(conn, premise_id, device_id, key, ttl)
    except NoPortLeft as lost:
        raise NoPortLeft(lost.left, alternatives_to(device_id, await qualification(conn, premise_id, today))) from None


def alternatives_to(device_id: DeviceId, found: Qualification) -> tuple[str, ...]:
    """What a premise could have instead of a line at this device: another device, another technology, or to be told."""
    others = [f"{option.technology} at {option.device}" for option in found.options if option.device_id != device_id]
    return tuple(others) or found.alternatives or ("to be told when a port is free",)


@dataclass(frozen=True)
class ReservePort(Action):
    """Hold a port for an order, until `hours` have passed. `key` says whose it is: the same key gets the same port."""

    name: ClassVar[str] = "reserve_port"

    premise_id: PremiseId
    device_id: DeviceId
    key: str
    hours: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.key}:{self.device_id}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises NoPortLeft with alternatives; InvalidField for a time that is none."""
        ttl = timedelta(hours=self.hours)
        if not timedelta(0) < ttl <= LONGEST_HELD:
            raise InvalidField("hours", f"between 1 and {LONGEST_HELD // timedelta(hours=1)}")
        held = await port_held(conn, self.premise_id, self.device_id, self.key, ttl, now.date())
        return {"device": held.device, "port": held.port, "expires_at": held.expires_at.isoformat()}


@dataclass(frozen=True)
class LetPortGo(Action):
    """Let go of the port that is held for `key`; nothing happens where none is."""

    name: ClassVar[str] = "let_port_go"

    key: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.key}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        return {"released": await writes.end_reservation(conn, self.key, "released")}


@dataclass(frozen=True)
class RecordLead(Action):
    """Keep that somebody would have bought: where, how fast, and why they could not. One a day for each address and asker."""

    name: ClassVar[str] = "record_lead"

    written: str
    postcode: str
    premise_id: PremiseId | None
    customer_id: CustomerId | None
    wanted_kbps: int | None
    reason: str
    asked_on: date

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.asked_on}:{self.customer_id or 0}:{self.premise_id or self.written.lower()}"

    @property
    def for_customer(self) -> CustomerId | None:
        return self.customer_id

    def facts(self) -> Facts:
        return Facts(self.name, customers=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        kept = await writes.record_lead(
            conn,
            key=self.operation_key,
            written=self.written,
            postcode=self.postcode,
            premise_id=self.premise_id,
            customer_id=self.customer_id,
            wanted_kbps=self.wanted_kbps,
            reason=self.reason,
        )
        return {"recorded": kept}


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


@dataclass(frozen=True)
class ImportPremises(Action):
    """Take in premises as a register has them: new ones, and what it says otherwise of ours, where `customers` live.

    `source` names the reading of a file and which part of it this is. What says the same changes nothing.
    """

    name: ClassVar[str] = "import_premises"

    source: str
    premises: tuple[PlacedPremise, ...]
    customers: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.source}"

    def facts(self) -> Facts:
        return Facts(self.name, customers=self.customers)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:  # noqa: ARG002
        found = await premises_sorted(conn, self.premises)
        return replace(self, customers=sum(one.customers for one in found.changed))

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises InvalidField where one of them cannot be taken any more, and Conflict where one came in meanwhile: then none is."""
        found = await premises_sorted(conn, self.premises)
        _refuse_any(found.refused)
        if await writes.record_premises(conn, found.new, found.changed) < len(found.new) + len(found.changed):
            raise Conflict("one of these premises came in from somebody else first: read the file again")
        return {"new": len(found.new), "changed": len(found.changed), "same": found.same}


@dataclass(frozen=True)
class ImportCoverage(Action):
    """Draw where technologies are meant to be sold: new polygons, and others in place of those of the same name."""

    name: ClassVar[str] = "import_coverage"

    source: str
    drawn: tuple[DrawnCoverage, ...]

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.source}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
        """Raises InvalidField, naming the first field that is wrong: then none is drawn."""
        found = await coverage_sorted(conn, self.drawn)
        _refuse_any(found.refused)
        near = await box_of_areas(conn)
        for one in (*found.new, *(changed.after for changed in found.changed)):
            await writes.record_coverage(conn, *checked_coverage(one, near))
        return {"new": len(found.new), "changed": len(found.changed), "same": found.same}


@dataclass(frozen=True)
class RecordLandlordConsent(Action):
    """Keep what a landlord said of laying lines in a building: asked, given or refused. Orders that it held are looked at again."""

    name: ClassVar[str] = "record_landlord_consent"

    building: int
    was: str
    consent: str
    note: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.building}:{self.was}:{self.consent}:{hashlib.sha256(self.note.encode()).hexdigest()[:16]}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for an answer that is none, Conflict where it changed meanwhile."""
        if self.consent not in ANSWERS:
            raise InvalidField("consent", f"one of {', '.join(ANSWERS)}")
        if not await writes.record_consent(conn, self.building, self.was, self.consent, now):
            raise Conflict(f"the consent for building {self.building} is no longer {self.was}")
        return {"building": self.building, "consent": self.consent, "orders": await look_again_in(conn, self.building)}


def _refuse_any(refused: tuple[RowRefused, ...]) -> None:
    if refused:
        raise InvalidField(refused[0].field, f"{refused[0].reason} (row {refused[0].at + 1})")


def _written(position: Position) -> str:
    return f"{position.latitude:.6f},{position.longitude:.6f}"


ACTIONS: tuple[type[Action], ...] = (
    CorrectPremisePosition,
    ImportPremises,
    ImportCoverage,
    RecordLandlordConsent,
    ReservePort,
    LetPortGo,
    RecordLead,
)
