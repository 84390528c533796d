"""Questions about jobs, visits and who could go."""

from datetime import datetime, timedelta

from atlas.errors import NotFound
from atlas.field_service.records import EngineerShift, FaultPlace, Job, JobInHand, JobState, PortInHand, Shift, Visit, VisitPlace, VisitSlot
from atlas.field_service.rules import BOOKABLE, SKILL_OF_TECHNOLOGY, free_slots
from atlas.identity import CustomerId, IncidentId, JobId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# A customer who asks for their visits means those ahead, and the one they have just had.
LATELY = timedelta(days=30)


async def free_visit_slots(conn: Connection, place: VisitPlace, now: datetime) -> list[VisitSlot]:
    """The windows of the next ten days in which somebody with the line's skill could come, earliest first."""
    skill = SKILL_OF_TECHNOLOGY[place.technology]
    return free_slots(await SQL.all(conn, Shift, "shifts", skill=skill, since=now, until=now + BOOKABLE), place, now)


async def engineer_shifts(conn: Connection, skill: str, now: datetime, ahead: timedelta) -> list[EngineerShift]:
    """The shifts under way or beginning within `ahead`, of engineers with the skill."""
    return await SQL.all(conn, EngineerShift, "engineer_shifts", skill=skill, since=now, until=now + ahead)


async def visit_places(conn: Connection, customer_id: CustomerId) -> list[VisitPlace]:
    """The customer's lines as places to visit, oldest first."""
    return await SQL.all(conn, VisitPlace, "visit_places", customer_id=customer_id)


async def fault_place(conn: Connection, incident_id: IncidentId) -> FaultPlace:
    """Where the incident's root stands. Raises NotFound."""
    found = await SQL.first(conn, FaultPlace, "fault_place", incident_id=incident_id)
    if found is None:
        raise NotFound("incident", incident_id)
    return found


async def jobs_of_incident(conn: Connection, incident_id: IncidentId) -> list[Job]:
    return await SQL.all(conn, Job, "jobs", incident_id=incident_id, customer_id=None, most=50)


async def jobs_of_customer(conn: Connection, customer_id: CustomerId) -> list[Job]:
    return await SQL.all(conn, Job, "jobs", incident_id=None, customer_id=customer_id, most=50)


async def open_jobs(conn: Connection, most: int = 100) -> list[Job]:
    """Jobs that are not over, by when somebody is to be there."""
    return await SQL.all(conn, Job, "jobs", incident_id=None, customer_id=None, most=most)


async def visits_of(conn: Connection, customer_id: CustomerId, now: datetime) -> list[Visit]:
    """The customer's visits ahead and those of the last month, by time."""
    return await SQL.all(conn, Visit, "visits_of", customer_id=customer_id, since=now - LATELY)


async def job_state(conn: Connection, job_id: JobId) -> JobState | None:
    return await SQL.first(conn, JobState, "job_state", job_id=job_id)


async def job_in_hand(conn: Connection, engineer_id: StaffId, now: datetime) -> JobInHand | None:
    """What this engineer is at, else where they go next; None where nothing waits for them."""
    return await SQL.first(conn, JobInHand, "job_in_hand", engineer_id=engineer_id, now=now)


async def port_of_job(conn: Connection, job_id: JobId) -> PortInHand | None:
    """Where the line of a visit hangs; None where the job is at no customer's line."""
    return await SQL.first(conn, PortInHand, "port_of_job", job_id=job_id)
