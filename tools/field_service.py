"""What an agent may ask of the field: free times, visits, crews."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from atlas.errors import NotFound
from atlas.field_service import reads
from atlas.field_service.records import Job, JobInHand, PortInHand, Visit, VisitPlace, VisitSlot
from atlas.field_service.rules import VisitNotNeeded, next_step
from atlas.identity import CustomerId, IncidentId, JobId, SubscriberId
from atlas.principal import Assurance
from forge.actions.field_service import BookVisit, CancelVisit, CompleteJob, DispatchCrew, RecordReading
from forge.propose import Proposed
from tools.turn import Turn, needs

# More than these nobody reads; they span several days.
SLOTS_OFFERED: Final = 12


@needs(Assurance.VERIFIED)
async def free_visit_slots(turn: Turn, line: SubscriberId | None = None) -> list[VisitSlot]:
    """Two-hour windows of the next ten days in which somebody with the right skill could come, earliest first; at most 12.

    Where an open area fault holds the line it says so instead: a visit to the home would not help. `line` is needed only by somebody with
    several lines; left out, it is the oldest.
    """
    place = await _place(turn, turn.customer_id, line)
    if place.incident_id is not None:
        raise VisitNotNeeded(place.incident_id)
    return (await reads.free_visit_slots(turn.conn, place, turn.now))[:SLOTS_OFFERED]


@needs(Assurance.VERIFIED)
async def book_visit(turn: Turn, window_from: datetime, line: SubscriberId | None = None) -> Proposed:
    """Books a visit in a window that free_visit_slots answered with, named by when it begins; answers whether it is booked.

    Refused where an open area fault holds the line, where a visit is booked already, or where the window is no longer free.
    """
    place = await _place(turn, turn.customer_id, line)
    before = len(await reads.visits_of(turn.conn, turn.customer_id, turn.now))
    action = BookVisit(turn.customer_id, place.subscriber_id, window_from, visits_before=before)
    return await turn.propose(action, "the customer asked for a visit")


@needs(Assurance.VERIFIED)
async def my_visits(turn: Turn) -> list[Visit]:
    """The customer's visits ahead, and those of the last 30 days with what became of them, by time."""
    return await reads.visits_of(turn.conn, turn.customer_id, turn.now)


@needs(Assurance.VERIFIED)
async def cancel_visit(turn: Turn, job_id: JobId) -> Proposed:
    """Calls off one of the customer's own visits before its window begins. `job_id` is one that my_visits answered with."""
    return await turn.propose(CancelVisit(turn.customer_id, job_id), "the customer asked to call off their visit")


async def visits_of(turn: Turn, customer_id: CustomerId) -> list[Job]:
    """This customer's visits, past and ahead, with who comes and what was found; at most 50. For staff."""
    turn.for_staff_only()
    return await reads.jobs_of_customer(turn.conn, customer_id)


async def free_visit_slots_for(turn: Turn, customer_id: CustomerId) -> list[VisitSlot]:
    """Two-hour windows of the next ten days in which somebody could come to this customer's oldest line; at most 12. For staff."""
    turn.for_staff_only()
    return (await reads.free_visit_slots(turn.conn, await _place(turn, customer_id, None), turn.now))[:SLOTS_OFFERED]


async def book_visit_for(turn: Turn, customer_id: CustomerId, window_from: datetime, reason: str, despite_fault: str = "") -> Proposed:
    """Books a visit to this customer's oldest line in a free window. `despite_fault`: why, where an open area fault holds it. For staff."""
    turn.for_staff_only()
    place = await _place(turn, customer_id, None)
    before = len(await reads.visits_of(turn.conn, customer_id, turn.now))
    action = BookVisit(
        customer_id, place.subscriber_id, window_from, visits_before=before, instructions=reason, because_of_incident=despite_fault
    )
    return await turn.propose(action, reason)


async def open_jobs(turn: Turn) -> list[Job]:
    """Jobs in the field that are not over, by when somebody is to be there; at most 100. For staff."""
    turn.for_staff_only()
    return await reads.open_jobs(turn.conn)


async def send_crew(turn: Turn, incident_id: IncidentId) -> Proposed:
    """Sends a crew to where the incident's root stands: whoever has the skill and is there soonest. One per incident. For staff."""
    turn.for_staff_only()
    action = await DispatchCrew.due_for(turn.conn, incident_id, turn.now)
    if not action.crews:
        raise NotFound("crew to send: one is on its way to incident", incident_id)
    return await turn.propose(action, f"a member of staff asked for a crew to incident {incident_id}")


async def complete_job(turn: Turn, job_id: JobId, findings: str, received_power_dbm: float | None = None) -> Proposed:
    """Closes a job with what was found; in a fibre home the light measured there, in dBm, is required. For staff."""
    turn.for_staff_only()
    return await turn.propose(CompleteJob(job_id, findings, received_power_dbm), findings[:200])


@dataclass(frozen=True)
class NextStep:
    """The engineer's job and what is next at it: a reading by its kind, or `close`."""

    job_id: JobId
    kind: str
    place: str
    window_from: datetime
    window_until: datetime
    instructions: str
    step: str


async def my_next_step(turn: Turn) -> NextStep | None:
    """The job that the engineer who asks is at, else goes to next, and the next step of it; nothing where no job waits. For staff."""
    job = await reads.job_in_hand(turn.conn, turn.staff_id, turn.now)
    if job is None:
        return None
    step = next_step(job.kind, job.technology, job.measured)
    return NextStep(job.job_id, job.kind, job.place, job.window_from, job.window_until, job.instructions, step)


async def record_reading(
    turn: Turn, kind: Literal["received_power_dbm", "otdr_distance_m", "splice_loss_db", "speed_down_mbps"], value: float
) -> Proposed:
    """Keeps what the engineer who speaks measured at their own job, in the unit that the kind ends with. For staff."""
    job = await _in_hand(turn)
    return await turn.propose(RecordReading(job.job_id, kind, value, turn.now), "the engineer says what the meter shows")


async def port_of_my_job(turn: Turn) -> PortInHand | None:
    """Where the line of the engineer's own job hangs: splitter, port, box, and the light there when last read. For staff."""
    return await reads.port_of_job(turn.conn, (await _in_hand(turn)).job_id)


async def close_my_job(turn: Turn, findings: str) -> Proposed:
    """Closes the job of the engineer who speaks, with what they found; the light that they recorded goes with it. For staff."""
    job = await _in_hand(turn)
    return await turn.propose(CompleteJob(job.job_id, findings, job.received_power_dbm), findings[:200])


async def _in_hand(turn: Turn) -> JobInHand:
    """Raises NotFound where no job waits for whoever asks."""
    job = await reads.job_in_hand(turn.conn, turn.staff_id, turn.now)
    if job is None:
        raise NotFound("job", "in your hands")
    return job


async def _place(turn: Turn, customer_id: CustomerId, line: SubscriberId | None) -> VisitPlace:
    for place in await reads.visit_places(turn.conn, customer_id):
        if line is None or place.subscriber_id == line:
            return place
    raise NotFound("line to visit", line or "of this customer")
