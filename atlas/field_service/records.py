"""Jobs in the field, who can do them, and when."""

from dataclasses import dataclass
from datetime import datetime

from atlas.identity import CustomerId, IncidentId, JobId, PremiseId, StaffId, SubscriberId


@dataclass(frozen=True)
class Place:
    """Where to go, in degrees; `label` is what people call it."""

    latitude: float
    longitude: float
    label: str


@dataclass(frozen=True)
class Shift:
    """One shift of somebody with the skill asked for, what fills it, and where they start from; nobody's name.

    `busy_from` and `busy_until` belong together by position.
    """

    shift_from: datetime
    shift_until: datetime
    latitude: float
    longitude: float
    busy_from: tuple[datetime, ...]
    busy_until: tuple[datetime, ...]


@dataclass(frozen=True)
class EngineerShift:
    """One shift of one engineer. `busy_from` and `busy_until` belong together by position."""

    engineer_id: StaffId
    engineer: str
    shift_from: datetime
    shift_until: datetime
    latitude: float
    longitude: float
    busy_from: tuple[datetime, ...]
    busy_until: tuple[datetime, ...]


@dataclass(frozen=True)
class Assignment:
    """Who goes, and the window in which they arrive. `engineer_id` None: nobody was found, and the job waits for a dispatcher."""

    engineer_id: StaffId | None
    engineer: str | None
    window_from: datetime
    window_until: datetime


@dataclass(frozen=True)
class VisitSlot:
    """A window in which somebody could come; `engineers` is how many could."""

    window_from: datetime
    window_until: datetime
    engineers: int


@dataclass(frozen=True)
class VisitPlace:
    """One of a customer's lines, as a place to visit. `incident_id` is the open area fault that holds it, None where there is none."""

    subscriber_id: SubscriberId
    premise_id: PremiseId
    technology: str
    area: str
    latitude: float
    longitude: float
    incident_id: IncidentId | None


@dataclass(frozen=True)
class FaultPlace:
    """Where an incident's root stands, and what is needed there."""

    cause: str
    root_device_id: int | None
    root_device_kind: str | None
    latitude: float
    longitude: float
    label: str
    confidence: float
    is_confirmed: bool
    jobs_before: int
    has_open_job: bool


@dataclass(frozen=True)
class Job:
    """One job as staff see it."""

    job_id: JobId
    kind: str
    state: str
    incident_id: IncidentId | None
    customer_id: CustomerId | None
    skill: str
    engineer: str | None
    window_from: datetime
    window_until: datetime
    instructions: str
    findings: str
    completed_at: datetime | None


@dataclass(frozen=True)
class Visit:
    """One visit as the customer sees it."""

    job_id: JobId
    kind: str
    state: str
    window_from: datetime
    window_until: datetime


@dataclass(frozen=True)
class JobInHand:
    """The job that an engineer is at or goes to next; `technology` None: it is at no customer's home. `measured`: the kinds read so far."""

    job_id: JobId
    kind: str
    state: str
    technology: str | None
    place: str
    window_from: datetime
    window_until: datetime
    instructions: str
    measured: tuple[str, ...]
    received_power_dbm: float | None


@dataclass(frozen=True)
class PortInHand:
    """Where the line of a job hangs: the splitter, the port that speaks for it, the box in the home, and the light there when last read."""

    device: str
    reported_by: str
    port: str
    cpe_serial: str
    cpe_model: str
    received_power_dbm: float | None
    measured_at: datetime | None


@dataclass(frozen=True)
class JobState:
    """What must be known of a job before it is changed."""

    job_id: JobId
    kind: str
    state: str
    incident_id: IncidentId | None
    customer_id: CustomerId | None
    technology: str | None
    window_from: datetime
