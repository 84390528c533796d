"""How pressing a ticket is, when it is due, and what may be closed. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError, InvalidField
from atlas.identity import AlarmId, IncidentId
from atlas.itsm.records import AreaHit, Observation, Pause, Promise, Root, Suspicion, TicketClock, TicketDraft, Unfinished

# A fault that takes a cabinet wakes one engineer; one that takes an exchange is a major incident.
MAJOR_FROM: Final = 200
WIDE_FROM: Final = 50
# Below this promise an SLA clock runs out within one shift.
PRESSING_HOURS: Final = 8
WEEKDAYS: Final = frozenset(range(5))
# Longer than any SLA: a calendar without a working day would otherwise be searched for ever.
HORIZON: Final = timedelta(days=366)
LONGEST_NOTE: Final = 300


class IncidentNotOpen(AtlasError):
    """The incident is not in progress, or another revision came first; nothing was kept."""

    def __init__(self, incident_id: IncidentId) -> None:
        super().__init__(f"incident {incident_id} is not in progress as it was seen; look again")
        self.incident_id = incident_id


class IncidentStillOpen(AtlasError):
    """Something in the incident is not finished, so it cannot be closed."""

    def __init__(self, incident_id: IncidentId, unfinished: Unfinished) -> None:
        left = ", ".join(f"{count} {name}" for name, count in vars(unfinished).items() if count)
        super().__init__(f"incident {incident_id} cannot be closed: {left or 'it is not resolved'}")
        self.incident_id = incident_id
        self.unfinished = unfinished


class AlarmAlreadyHeld(AtlasError):
    """An alarm belongs to at most one incident that is not over."""

    def __init__(self, alarms: Collection[AlarmId], incident_id: IncidentId) -> None:
        super().__init__(f"{len(alarms)} of the alarms already belong to incident {incident_id}")
        self.alarms = tuple(alarms)
        self.incident_id = incident_id


class IncidentNeedsAlarm(AtlasError):
    """An incident without a single alarm is somebody's opinion."""


@dataclass(frozen=True)
class Calendar:
    """When a clock runs: the same hours on each working day, in one place's time, holidays left out."""

    zone: ZoneInfo
    opens: time
    closes: time
    weekdays: frozenset[int] = WEEKDAYS
    holidays: frozenset[date] = frozenset()

    def hours_of(self, day: date) -> tuple[datetime, datetime] | None:
        """The day's working hours, None on a day off."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return None
        return datetime.combine(day, self.opens, self.zone), datetime.combine(day, self.closes, self.zone)


OFFICE_HOURS: Final = Calendar(ZoneInfo("Europe/London"), time(9), time(17))


def due_at(since: datetime, allowed: timedelta, calendar: Calendar | None, pauses: Sequence[Pause] = ()) -> datetime:
    """When `allowed` working time after `since` has run out; a calendar of None never stops. In `since`'s zone.

    In a pause the clock stands still; one that is going on counts until the moment at which it ends at the latest. `pauses` in their order.
    """
    clock, left = since, allowed
    for pause in pauses:
        begins = max(clock, pause.paused_at)
        ran = elapsed(clock, begins, calendar)
        if ran >= left:
            break
        clock, left = max(clock, pause.ends_at), left - ran
    return _runs_out(clock, left, calendar).astimezone(since.tzinfo)


def _runs_out(since: datetime, allowed: timedelta, calendar: Calendar | None) -> datetime:
    if calendar is None:
        return since + allowed
    day, left = since.astimezone(calendar.zone).date(), allowed
    while day < since.date() + HORIZON:
        if hours := calendar.hours_of(day):
            # Compared in UTC: two local times of one day are apart by the clock on the wall, which a change to summer time breaks.
            opens, closes = max(_utc(hours[0]), _utc(since)), _utc(hours[1])
            if closes - opens >= left:
                return opens + left
            left -= max(closes - opens, timedelta(0))
        day += timedelta(days=1)
    return since + HORIZON


def elapsed(since: datetime, until: datetime, calendar: Calendar | None) -> timedelta:
    """How much of the time between the two the clock ran: `due_at` asked the other way round. A calendar of None never stops."""
    if calendar is None or until <= since:
        return max(until - since, timedelta(0))
    first, last = since.astimezone(calendar.zone).date(), until.astimezone(calendar.zone).date()
    days = (calendar.hours_of(first + timedelta(days=day)) for day in range((last - first).days + 1))
    spans = ((max(_utc(hours[0]), _utc(since)), min(_utc(hours[1]), _utc(until))) for hours in days if hours)
    return sum((max(closes - opens, timedelta(0)) for opens, closes in spans), timedelta(0))


def paused(since: datetime, until: datetime, calendar: Calendar | None, pauses: Sequence[Pause]) -> timedelta:
    """How much of the working time between the two the clock stood still."""
    return sum((elapsed(max(since, one.paused_at), min(until, one.ends_at), calendar) for one in pauses), timedelta(0))


def calendar_of(promise: Promise) -> Calendar | None:
    return None if promise.is_around_the_clock else OFFICE_HOURS


def promised_by(since: datetime, promises: Iterable[Promise], pauses: Sequence[Pause] = ()) -> datetime | None:
    """When the first of the promises runs out, each by its own calendar; None where nothing was promised."""
    dues = (due_at(since, timedelta(hours=one.repair_hours), calendar_of(one), pauses) for one in promises)
    return min(dues, default=None)


@dataclass(frozen=True)
class Reading:
    """A ticket's clock as it stands: the working time since it began is what elapsed and what was paused. None of them is below zero."""

    promise: Promise
    elapsed: timedelta
    paused: timedelta
    left: timedelta


def reading(clock: TicketClock, pauses: Sequence[Pause], now: datetime) -> Reading | None:
    """By the promise that runs out first; None where nothing was promised."""
    if not clock.promises:
        return None
    first = min(clock.promises, key=lambda one: due_at(clock.since, timedelta(hours=one.repair_hours), calendar_of(one), pauses))
    until, calendar = clock.over_at or now, calendar_of(first)
    stood = paused(clock.since, until, calendar, pauses)
    ran = elapsed(clock.since, until, calendar) - stood
    return Reading(first, ran, stood, max(timedelta(hours=first.repair_hours) - ran, timedelta(0)))


# For how long a clock may stand still at most. Nobody keeps a promise by waiting: then it runs again, and somebody is told.
LONGEST_PAUSE: Final[Mapping[str, timedelta]] = {
    "customer": timedelta(days=3),
    "access": timedelta(days=5),
    "third_party": timedelta(days=10),
}
OVER: Final = frozenset({"resolved", "closed", "cancelled", "rejected"})


class ClockNotPausable(AtlasError):
    """The ticket's clock cannot be stopped, or started; why is in the message."""

    def __init__(self, ticket_id: int, why: str) -> None:
        super().__init__(f"the clock of ticket {ticket_id} {why}")
        self.ticket_id = ticket_id


def checked_pause(clock: TicketClock, pauses: Sequence[Pause], reason: str, note: str) -> timedelta:
    """For how long at most it is stopped. Raises InvalidField, ClockNotPausable."""
    if reason not in LONGEST_PAUSE:
        raise InvalidField("reason", f"one of {', '.join(LONGEST_PAUSE)}")
    if not 0 < len(note.strip()) <= LONGEST_NOTE or not note.isprintable():
        raise InvalidField("note", f"say what is waited for, in one line of at most {LONGEST_NOTE} characters")
    if clock.state in OVER:
        raise ClockNotPausable(clock.ticket_id, f"does not run any more: the ticket is {clock.state}")
    if not clock.promises:
        raise ClockNotPausable(clock.ticket_id, "does not run: nothing was promised to anybody in it")
    if any(one.resumed_at is None for one in pauses):
        raise ClockNotPausable(clock.ticket_id, "stands still already")
    if reason == "customer" and clock.customer_id is None:
        raise ClockNotPausable(clock.ticket_id, "cannot wait for a customer: it is of no single one")
    return LONGEST_PAUSE[reason]


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(ZoneInfo("UTC"))


def impact_of(subscribers: int) -> int:
    """1 is widest, 4 a single line."""
    if subscribers >= MAJOR_FROM:
        return 1
    if subscribers >= WIDE_FROM:
        return 2
    return 3 if subscribers > 1 else 4


def urgency_of(is_outage: bool, vulnerable: int, repair_hours: int | None) -> int:
    """1 cannot wait: somebody depends on the line, or a promise to repair runs out within a shift. 4 is degradation."""
    if not is_outage:
        return 4
    if vulnerable or (repair_hours is not None and repair_hours <= PRESSING_HOURS):
        return 1
    return 2 if repair_hours is not None else 3


def ticket_drafts(cause: str, root_name: str, is_outage: bool, areas: Iterable[AreaHit]) -> list[TicketDraft]:
    """The parent first (the whole incident), then one child for each area that lost a line; areas with devices only need no ticket."""
    hit = [area for area in areas if area.subscribers]
    children = [_draft(f"{_cause_title(cause)}: {area.area}", is_outage, [area], area) for area in hit]
    return [_draft(f"{_cause_title(cause)} at {root_name}" if root_name else _cause_title(cause), is_outage, hit, None), *children]


def _draft(title: str, is_outage: bool, areas: list[AreaHit], own: AreaHit | None) -> TicketDraft:
    promised = (area.repair_hours for area in areas if area.repair_hours is not None)
    return TicketDraft(
        area_id=own.area_id if own else None,
        impact=impact_of(sum(a.subscribers for a in areas)),
        urgency=urgency_of(is_outage, sum(a.vulnerable for a in areas), min(promised, default=None)),
        title=title,
    )


def _cause_title(cause: str) -> str:
    return {"unknown": "Fault", "degradation": "Degradation", "planned": "Planned work"}.get(cause, f"{cause.capitalize()} fault")


def check_closable(incident_id: IncidentId, is_resolved: bool, unfinished: Unfinished) -> None:
    """Raises IncidentStillOpen unless the incident is resolved and nothing in it is unfinished."""
    if not is_resolved or any(vars(unfinished).values()):
        raise IncidentStillOpen(incident_id, unfinished)


def suspected_elements(hypotheses: Sequence[Mapping[str, Any]]) -> list[Root]:
    """Every element that an incident's stored hypotheses name."""
    return [element for hypothesis in hypotheses for element in _elements(hypothesis)]


def suspicions(hypotheses: Sequence[Mapping[str, Any]], names: Mapping[tuple[str, int], str]) -> list[Suspicion]:
    """An incident's stored hypotheses as people read them, likeliest first."""
    return [
        Suspicion(
            cause=str(hypothesis["cause"]),
            elements=tuple(names.get((element.kind, element.id), f"{element.kind} {element.id}") for element in _elements(hypothesis)),
            confidence=round(float(hypothesis["confidence"]), 3),
            speaks_for=_observations(hypothesis, True),
            speaks_against=_observations(hypothesis, False),
        )
        for hypothesis in hypotheses
    ]


def _elements(hypothesis: Mapping[str, Any]) -> list[Root]:
    together = [hypothesis["element"], *hypothesis.get("with_elements", ())]
    return [Root(str(element["kind"]), int(element["id"])) for element in together]


def _observations(hypothesis: Mapping[str, Any], for_it: bool) -> tuple[Observation, ...]:
    kept = [one for one in hypothesis.get("evidence", ()) if bool(one["for_it"]) is for_it]
    kept.sort(key=lambda one: -abs(float(one["weight"])))
    return tuple(
        Observation(str(one["observation"]), round(abs(float(one["weight"])), 2), int(one.get("count", 0)), int(one.get("of", 0)))
        for one in kept
    )
