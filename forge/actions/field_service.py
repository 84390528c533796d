"""What can be done in the field: send a crew, book and cancel a visit, complete a job."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from atlas.field_service import reads, writes
from atlas.field_service.records import Place, VisitPlace
from atlas.field_service.rules import (
    BOOKABLE,
    CREW_WITHIN,
    SKILL_OF_TECHNOLOGY,
    JobNotOpen,
    NoLineToVisit,
    TooLateToCancel,
    VisitAlreadyBooked,
    VisitNotNeeded,
    check_cancellable,
    check_completable,
    checked_reading,
    crew,
    crew_job,
    crew_skill,
    visitor,
)
from atlas.identity import CustomerId, DeviceId, IncidentId, JobId, StaffId, SubscriberId
from atlas.itsm.reads import is_in_progress_held
from atlas.itsm.writes import record_event
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class DispatchCrew(Action):
    """Send one crew to where an incident's root stands: whoever has the skill and can be there soonest. One open crew per incident."""

    name: ClassVar[str] = "dispatch_crew"

    incident: IncidentId
    crews: int
    sent_before: int
    confidence: float
    is_confirmed: bool

    @classmethod
    async def due_for(cls, conn: Connection, incident: IncidentId, now: datetime) -> Self:  # noqa: ARG003
        """One crew; `crews` is 0 where one is on its way already."""
        place = await reads.fault_place(conn, incident)
        return cls(incident, 0 if place.has_open_job else 1, place.jobs_before, float(place.confidence), place.is_confirmed)

    @property
    def incident_id(self) -> IncidentId:
        return self.incident

    @property
    def operation_key(self) -> str:
        # A crew that failed or was called off does not stand in the way of the next.
        return f"{self.name}:{self.incident}:{self.sent_before}"

    def facts(self) -> Facts:
        return Facts(self.name, crews=self.crews, confidence=self.confidence, incident_confirmed=self.is_confirmed)

    async def refreshed(self, conn: Connection, now: datetime) -> Self:
        return await self.due_for(conn, self.incident, now)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        await writes.lock_dispatch(conn)
        if not await is_in_progress_held(conn, self.incident):
            return {"job": None, "because": "service is back already"}
        fault = await reads.fault_place(conn, self.incident)
        place, skill = Place(fault.latitude, fault.longitude, fault.label), crew_skill(fault.cause, fault.root_device_kind)
        chosen = crew(await reads.engineer_shifts(conn, skill, now, CREW_WITHIN), place, now)
        device_id = DeviceId(fault.root_device_id) if fault.root_device_id else None
        job_id = await writes.open_crew_job(
            conn, self.incident, place, device_id, kind=crew_job(fault.cause), skill=skill, assignment=chosen, at=now
        )
        if job_id is None:
            return {"job": None, "because": "a crew is on its way already"}
        outcome = {
            "job": job_id,
            "engineer": chosen.engineer,
            "skill": skill,
            "place": place.label,
            "from": chosen.window_from.isoformat(),
            "until": chosen.window_until.isoformat(),
        }
        await record_event(conn, self.incident, "crew_sent", now, **outcome)
        return outcome


@dataclass(frozen=True)
class BookVisit(Action):
    """Send somebody to a customer's home in one of the free windows. One visit ahead per customer, none under an open area fault.

    `visits_before` tells a window that is booked again, after it was called off, from its first booking. `because_of_incident` is
    what staff write to book one under an area fault all the same.
    """

    name: ClassVar[str] = "book_visit"

    customer: CustomerId
    line: SubscriberId
    window_from: datetime
    visits_before: int = 0
    kind: str = "repair"
    instructions: str = ""
    because_of_incident: str = ""

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.customer}:{self.line}:{int(self.window_from.timestamp())}:{self.visits_before}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, crews=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        await writes.lock_dispatch(conn)
        place = await self._place(conn)
        if place.incident_id is not None and not self.because_of_incident:
            raise VisitNotNeeded(place.incident_id)
        ahead = [visit for visit in await reads.visits_of(conn, self.customer, now) if visit.state == "acknowledged"]
        if ahead:
            raise VisitAlreadyBooked(ahead[0].job_id)
        skill = SKILL_OF_TECHNOLOGY[place.technology]
        chosen = visitor(await reads.engineer_shifts(conn, skill, now, BOOKABLE + timedelta(days=1)), place, self.window_from, now)
        job_id = await writes.open_visit(
            conn, self.customer, place, kind=self.kind, skill=skill, assignment=chosen, instructions=self._instructions, at=now
        )
        return {
            "job": job_id,
            "from": chosen.window_from.isoformat(),
            "until": chosen.window_until.isoformat(),
            "engineer": chosen.engineer,
        }

    @property
    def _instructions(self) -> str:
        return " ".join(part for part in (self.instructions, self.because_of_incident) if part)[:1000]

    async def _place(self, conn: Connection) -> VisitPlace:
        for place in await reads.visit_places(conn, self.customer):
            if place.subscriber_id == self.line:
                return place
        raise NoLineToVisit(self.customer)


@dataclass(frozen=True)
class CancelVisit(Action):
    """Call off a customer's visit before its window begins."""

    name: ClassVar[str] = "cancel_visit"

    customer: CustomerId
    job: JobId

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.job}"

    @property
    def for_customer(self) -> CustomerId:
        return self.customer

    def facts(self) -> Facts:
        return Facts(self.name, customers=1, crews=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        check_cancellable(await reads.job_state(conn, self.job), self.job, self.customer, now)
        if not await writes.cancel_visit(conn, self.job):
            raise TooLateToCancel(self.job)
        return {"job": self.job, "state": "cancelled"}


@dataclass(frozen=True)
class CompleteJob(Action):
    """Close a job with what was found and, in a fibre home, the light that was measured there."""

    name: ClassVar[str] = "complete_job"

    job: JobId
    findings: str
    received_power_dbm: float | None = None

    @property
    def operation_key(self) -> str:
        # Refused for want of a reading, it may be asked for again with one.
        said = hashlib.sha256(f"{self.findings}|{self.received_power_dbm}".encode()).hexdigest()[:16]
        return f"{self.name}:{self.job}:{said}"

    def facts(self) -> Facts:
        return Facts(self.name, crews=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        job = await reads.job_state(conn, self.job)
        check_completable(job, self.job, self.findings, self.received_power_dbm)
        measured = "" if self.received_power_dbm is None else f" Received power {self.received_power_dbm:.1f} dBm."
        if not await writes.complete_job(conn, self.job, self.findings.strip() + measured, now):
            raise JobNotOpen(self.job)
        if job and job.incident_id:
            await record_event(conn, job.incident_id, "crew_done", now, job=self.job, findings=self.findings.strip())
        return {"job": self.job, "state": "completed"}


@dataclass(frozen=True)
class RecordReading(Action):
    """Keep what an engineer measured at their job; `value` in the unit that the kind ends with. Said again, the latest counts."""

    name: ClassVar[str] = "record_reading"

    job: JobId
    kind: str
    value: float
    taken_at: datetime

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.job}:{self.kind}:{self.value}:{self.taken_at.isoformat()}"

    def facts(self) -> Facts:
        return Facts(self.name, crews=1)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField for what no meter shows, JobNotOpen for a job that is over."""
        value = checked_reading(self.kind, self.value)
        job = await reads.job_state(conn, self.job)
        if job is None or job.state not in ("acknowledged", "held", "inProgress"):
            raise JobNotOpen(self.job)
        await writes.record_reading(conn, self.job, self.kind, value, now)
        return {"job": self.job, "kind": self.kind, "value": value}


@dataclass(frozen=True)
class GiveHandsFree(Action):
    """Say from which number an engineer calls, and keep the mark of the PIN by which they are known there."""

    name: ClassVar[str] = "give_hands_free"

    engineer: StaffId
    phone: str
    pin_mark: str

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.engineer}:{self.phone}:{self.pin_mark[:16]}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002 - it holds from now on
        await writes.give_hands_free(conn, self.engineer, self.phone, bytes.fromhex(self.pin_mark))
        return {"engineer": self.engineer}


ACTIONS: tuple[type[Action], ...] = (DispatchCrew, BookVisit, CancelVisit, CompleteJob, RecordReading, GiveHandsFree)
