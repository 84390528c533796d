"""Who goes where and when. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, time, timedelta
from math import asin, cos, radians, sin, sqrt
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError, InvalidField
from atlas.field_service.records import Assignment, EngineerShift, JobState, Place, Shift, VisitSlot
from atlas.identity import CustomerId, IncidentId, JobId

# Windows begin on these local hours. Two hours is what customers accept to wait in, and what a repair in the home takes with the drive.
WINDOW_HOURS: Final = (8, 10, 12, 14, 16)
WINDOW: Final = timedelta(hours=2)
# Somebody must still be able to drive there and to be told.
NOTICE: Final = timedelta(hours=2)
BOOKABLE: Final = timedelta(days=10)
# An engineer's territory: further than this and the day goes on the road.
TERRITORY_KM: Final = 40.0
# If nobody with the skill comes on shift sooner, a dispatcher has to find somebody.
CREW_WITHIN: Final = timedelta(hours=24)
EARTH_KM: Final = 6371.0

LOCAL: Final = ZoneInfo("Europe/London")

SKILL_OF_TECHNOLOGY: Final = {"fibre": "fibre", "fixed_wireless": "wireless", "docsis": "coax"}
SKILL_OF_KIND: Final = {"tower": "wireless", "sector": "wireless", "cmts": "coax", "docsis_node": "coax"}
SPLICED: Final = frozenset({"feeder", "distribution"})


class NoSuchSlot(AtlasError):
    """Nobody can come then; the slots offered are those that are free."""

    def __init__(self, window_from: datetime) -> None:
        super().__init__(f"nobody can come at {window_from.isoformat()}")
        self.window_from = window_from


class VisitNotNeeded(AtlasError):
    """An open area fault holds the line: a visit to the home would find nothing."""

    def __init__(self, incident_id: IncidentId) -> None:
        super().__init__(f"incident {incident_id} holds this line; a visit to the home would not help until it is over")
        self.incident_id = incident_id


class VisitAlreadyBooked(AtlasError):
    """The customer has a visit ahead already."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"visit {job_id} is already booked")
        self.job_id = job_id


class NotTheirVisit(AtlasError):
    """The visit is somebody else's, or there is none."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"there is no visit {job_id} of this customer")
        self.job_id = job_id


class TooLateToCancel(AtlasError):
    """The window has begun, or the visit is over."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"visit {job_id} can no longer be cancelled")
        self.job_id = job_id


class JobNotOpen(AtlasError):
    """The job is over."""

    def __init__(self, job_id: JobId) -> None:
        super().__init__(f"job {job_id} is not open")
        self.job_id = job_id


class ReadingMissing(AtlasError):
    """The job cannot be completed without what it must leave behind."""

    def __init__(self, job_id: JobId, reading: str) -> None:
        super().__init__(f"job {job_id} cannot be completed without {reading}")
        self.job_id = job_id


class NoLineToVisit(AtlasError):
    """The customer has no such line."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(f"customer {customer_id} has no such line to visit")
        self.customer_id = customer_id


class Positioned(Protocol):
    """Anything with a place on the map."""

    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...


def distance_km(one: Positioned, other: Positioned) -> float:
    """As the crow flies."""
    lat, lat2 = radians(one.latitude), radians(other.latitude)
    half = sin((lat2 - lat) / 2) ** 2 + cos(lat) * cos(lat2) * sin(radians(other.longitude - one.longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(half))


def crew_skill(cause: str, root_kind: str | None) -> str:
    """What somebody must be able to do who goes to this fault."""
    if cause == "power":
        return "power"
    if cause in SPLICED:
        return "splice"
    return SKILL_OF_KIND.get(root_kind or "", "fibre")


def crew_job(cause: str) -> str:
    return "splice" if cause in SPLICED else "repair"


def windows(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Every window that may be booked, earliest first; by local time, so that a change to summer time moves none on the wall."""
    first = now.astimezone(LOCAL).date()
    for day in range(BOOKABLE.days + 1):
        for hour in WINDOW_HOURS:
            start = datetime.combine(first + timedelta(days=day), time(hour), LOCAL).astimezone(now.tzinfo)
            if now + NOTICE <= start <= now + BOOKABLE:
                yield start, start + WINDOW


def is_free(shift: Shift | EngineerShift, start: datetime, end: datetime) -> bool:
    """The whole window lies in the shift, and nothing else does there."""
    busy = zip(shift.busy_from, shift.busy_until, strict=True)
    return shift.shift_from <= start and end <= shift.shift_until and not any(begins < end and start < ends for begins, ends in busy)


def free_slots(shifts: Iterable[Shift], place: Positioned, now: datetime) -> list[VisitSlot]:
    """The windows in which somebody whose territory holds the place could come, earliest first."""
    near = [shift for shift in shifts if distance_km(shift, place) <= TERRITORY_KM]
    found = Counter({window: sum(is_free(shift, *window) for shift in near) for window in windows(now)})
    return [VisitSlot(start, end, engineers) for (start, end), engineers in sorted(found.items()) if engineers]


def visitor(shifts: Iterable[EngineerShift], place: Positioned, window_from: datetime, now: datetime) -> Assignment:
    """The nearest engineer who can come in this window. Raises NoSuchSlot where it is none of the windows, or nobody can."""
    window = next((found for found in windows(now) if found[0] == window_from), None)
    able = [shift for shift in shifts if window and is_free(shift, *window) and distance_km(shift, place) <= TERRITORY_KM]
    if window is None or not able:
        raise NoSuchSlot(window_from)
    nearest = min(able, key=lambda shift: (distance_km(shift, place), shift.engineer_id))
    return Assignment(nearest.engineer_id, nearest.engineer, *window)


def crew(shifts: Sequence[EngineerShift], place: Place, now: datetime) -> Assignment:
    """Whoever can be there soonest: on shift and free now before anybody who comes on later, the nearest among equals.

    With nobody to be had the assignment names no engineer, and a dispatcher has to find somebody.
    """
    ready = [(start, shift) for shift in shifts if (start := _ready_at(shift, now)) is not None]
    if not ready:
        return Assignment(None, None, now, now + WINDOW)
    start, chosen = min(ready, key=lambda one: (one[0], distance_km(one[1], place), one[1].engineer_id))
    return Assignment(chosen.engineer_id, chosen.engineer, start, start + WINDOW)


def _ready_at(shift: EngineerShift, now: datetime) -> datetime | None:
    """The first moment of the shift from which a whole window is free; the shift's end does not call off a repair that has begun."""
    start = max(now, shift.shift_from)
    for begins, ends in sorted(zip(shift.busy_from, shift.busy_until, strict=True)):
        if begins < start + WINDOW and start < ends:
            start = ends
    return start if start < shift.shift_until else None


def check_cancellable(job: JobState | None, job_id: JobId, customer_id: CustomerId, now: datetime) -> None:
    """Raises NotTheirVisit or TooLateToCancel."""
    if job is None or job.customer_id != customer_id:
        raise NotTheirVisit(job_id)
    if job.state != "acknowledged" or job.window_from <= now:
        raise TooLateToCancel(job_id)


def check_completable(job: JobState | None, job_id: JobId, findings: str, received_power_dbm: float | None) -> None:
    """Raises JobNotOpen or ReadingMissing: nobody leaves a fibre home without having measured the light."""
    if job is None or job.state not in ("acknowledged", "held", "inProgress"):
        raise JobNotOpen(job_id)
    if not findings.strip():
        raise ReadingMissing(job_id, "a word on what was found")
    if job.technology == "fibre" and job.kind in ("repair", "install") and received_power_dbm is None:
        raise ReadingMissing(job_id, "the received power at the ONT")


# Between what any meter shows: what lies outside was misheard, most often for want of a minus.
SENSIBLE: Final[Mapping[str, tuple[float, float]]] = {
    "received_power_dbm": (-60.0, 10.0),
    "otdr_distance_m": (0.0, 200_000.0),
    "splice_loss_db": (0.0, 20.0),
    "speed_down_mbps": (0.0, 100_000.0),
}


def readings_wanted(kind: str, technology: str | None) -> tuple[str, ...]:
    """What a job is to be measured by, in the order in which the work goes."""
    if kind == "splice":
        return ("otdr_distance_m", "splice_loss_db", "received_power_dbm")
    if kind in ("repair", "install"):
        return ("received_power_dbm", "speed_down_mbps") if technology == "fibre" else ("speed_down_mbps",)
    return ()


def next_step(kind: str, technology: str | None, measured: Iterable[str]) -> str:
    """The first reading that is missing; `close` once none is."""
    return next((wanted for wanted in readings_wanted(kind, technology) if wanted not in set(measured)), "close")


def checked_reading(kind: str, value: float) -> float:
    """Raises InvalidField for a kind that nobody measures, and for what no meter shows."""
    if kind not in SENSIBLE:
        raise InvalidField("kind", f"one of {', '.join(sorted(SENSIBLE))}")
    least, most = SENSIBLE[kind]
    if not least <= value <= most:
        raise InvalidField("value", f"between {least:g} and {most:g}; say minus where it is below nothing")
    return value
