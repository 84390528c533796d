"""Changes to jobs. All need a claimed action."""

from datetime import datetime

from atlas.field_service.records import Assignment, Place, VisitPlace
from atlas.identity import CustomerId, DeviceId, IncidentId, JobId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def lock_dispatch(conn: Connection) -> None:
    """From here to the end of the transaction nobody else assigns an engineer."""
    await SQL.value(conn, "lock_dispatch")


async def open_crew_job(
    conn: Connection,
    incident_id: IncidentId,
    place: Place,
    device_id: DeviceId | None,
    *,
    kind: str,
    skill: str,
    assignment: Assignment,
    at: datetime,
) -> JobId | None:
    """Sends a crew to the place; None where a crew is on its way to this incident already."""
    made = await SQL.value(
        conn,
        "open_crew_job",
        incident_id=incident_id,
        device_id=device_id,
        latitude=place.latitude,
        longitude=place.longitude,
        kind=kind,
        skill=skill,
        engineer_id=assignment.engineer_id,
        window_from=assignment.window_from,
        window_until=assignment.window_until,
        instructions=f"Go to {place.label}",
        at=at,
    )
    return None if made is None else JobId(int(made))


async def open_visit(
    conn: Connection,
    customer_id: CustomerId,
    place: VisitPlace,
    *,
    kind: str,
    skill: str,
    assignment: Assignment,
    instructions: str,
    at: datetime,
) -> JobId:
    made = await SQL.value(
        conn,
        "open_visit",
        customer_id=customer_id,
        premise_id=place.premise_id,
        latitude=place.latitude,
        longitude=place.longitude,
        kind=kind,
        skill=skill,
        engineer_id=assignment.engineer_id,
        window_from=assignment.window_from,
        window_until=assignment.window_until,
        instructions=instructions,
        at=at,
    )
    return JobId(int(made))


async def cancel_visit(conn: Connection, job_id: JobId) -> bool:
    return bool(await SQL.run(conn, "cancel_visit", job_id=job_id))


async def complete_job(conn: Connection, job_id: JobId, findings: str, at: datetime) -> bool:
    """False where the job was over."""
    return bool(await SQL.run(conn, "complete_job", job_id=job_id, findings=findings, at=at))


async def record_reading(conn: Connection, job_id: JobId, kind: str, value: float, at: datetime) -> int:
    return int(await SQL.value(conn, "record_reading", job_id=job_id, kind=kind, value=value, at=at))


async def give_hands_free(conn: Connection, staff_id: StaffId, phone: str, pin_mac: bytes) -> None:
    """Says from which number an engineer calls, and by which PIN they are known there; again, it replaces both."""
    await SQL.run(conn, "give_hands_free", staff_id=staff_id, phone=phone, pin_mac=pin_mac)
