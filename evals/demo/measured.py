"""The table "whitepaper · measured": what the scenario promises, and what Atlas says came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rich.table import Table
from rich.text import Text

from atlas.actions.reads import actions_of_incident
from atlas.actions.records import ActionRecord, ActionState
from atlas.identity import IncidentId
from atlas.itsm.reads import incident as incident_of
from atlas.itsm.records import Incident, IncidentState
from atlas.statements import Connection
from evals.demo import watching
from evals.demo.watching import Figures, NoticesByChannel
from evals.fault.playing import Played
from evals.fault.scene import Scene

CORRELATED_WITHIN_S: Final = 3.0
TOLD_WITHIN_S: Final = 30.0


@dataclass(frozen=True)
class Line:
    """One promise; `is_kept` None where it is not over yet."""

    promise: str
    bound: str
    measured: str
    is_kept: bool | None


@dataclass(frozen=True)
class Story:
    """Everything read for the table, at one moment. `incidents` were opened since the fault; the first is the fault's."""

    played: Played
    told: int
    scene: Scene
    incidents: tuple[IncidentId, ...]
    incident: Incident
    figures: Figures
    outage: tuple[NoticesByChannel, ...]
    restored: tuple[NoticesByChannel, ...]
    actions: tuple[ActionRecord, ...]

    def after(self, at: datetime | None) -> float | None:
        return None if at is None else (at - self.played.first_at).total_seconds()


async def read_story(conn: Connection, played: Played, told: int, scene: Scene, incidents: Sequence[IncidentId]) -> Story:
    found = incidents[0]
    return Story(
        played=played,
        told=told,
        scene=scene,
        incidents=tuple(incidents),
        incident=await incident_of(conn, found),
        figures=await watching.figures(conn, found),
        outage=tuple(await watching.notices(conn, found, "outage")),
        restored=tuple(await watching.notices(conn, found, "restored")),
        actions=tuple(await actions_of_incident(conn, found)),
    )


def lines(story: Story) -> list[Line]:
    return [
        _correlated(story),
        _root(story),
        _behind(story),
        _radius(story),
        *_told(story),
        _tickets(story),
        _diagnosed(story),
        *_waited(story),
        *_ended(story),
    ]


def _correlated(story: Story) -> Line:
    took = story.after(story.figures.last_joined_at)
    after_last = None if took is None else took - (story.played.last_at - story.played.first_at).total_seconds()
    count = len(story.incidents)
    measured = f"{story.figures.alarms} of {story.told} alarms in {count} incident{'s' * (count > 1)}, {seconds(took)} after the first"
    kept = took is not None and took <= CORRELATED_WITHIN_S and count == 1
    return Line("200 alarms become one event", "≤ 3 s", f"{measured}, {seconds(after_last)} after the last", kept)


def _root(story: Story) -> Line:
    incident = story.incident
    measured = f"{incident.root_kind} {incident.root_name}: {incident.cause}, confidence {incident.confidence:.2f}"
    return Line("the fibre cut is named as the root cause", story.scene.link.name, measured, incident.root_id == story.scene.link.link_id)


def _behind(story: Story) -> Line:
    incident = story.incident
    measured = (
        f"{incident.devices} devices, {incident.subscribers} subscribers in {len(incident.areas)} areas ({', '.join(incident.areas)})"
    )
    kept = (incident.devices, incident.subscribers) == (len(story.scene.dark), sum(group.lines for group in story.scene.groups))
    return Line("47 devices and 312 subscribers are mapped", f"{len(story.scene.dark)} cut off", measured, kept)


def _radius(story: Story) -> Line:
    incident, took = story.incident, story.after(story.figures.last_grown_at)
    measured = (
        f"{seconds(took)}: {incident.businesses} businesses, {incident.vulnerable} vulnerable, {incident.revenue_at_risk} a month at risk,"
        f" {story.figures.open_tickets} open tickets of theirs"
    )
    return Line("blast radius, with their open tickets", "< 3 s", measured, took is not None and took < CORRELATED_WITHIN_S)


def _told(story: Story) -> list[Line]:
    notices = story.outage
    total, sent = sum(each.notices for each in notices), sum(each.sent for each in notices)
    held = sum(each.held_back for each in notices)
    queued = story.after(max((each.last_queued_at for each in notices), default=None))
    last = story.after(max((each.last_sent_at for each in notices if each.last_sent_at), default=None))
    channels = ", ".join(f"{each.notices} {each.channel}" for each in notices)
    by_preference = sum(each.as_preferred for each in notices)
    out = story.figures.opted_out
    kept = total + out == story.incident.customers and sent + held == total and last is not None and last <= TOLD_WITHIN_S
    waits = f"; {held} wait for their morning" if held else ""
    return [
        Line(
            "everybody is told, on the channel they prefer",
            "≤ 30 s",
            f"{total} of {story.incident.customers} customers ({channels}), {out} opted out; {by_preference} as preferred;"
            f" queued {seconds(queued)}, sent {seconds(last)}{waits}",
            kept,
        ),
        Line(
            "nobody twice, nobody after opting out",
            "0 and 0",
            f"{story.figures.told_twice} and {story.figures.told_after_opting_out}",
            story.figures.told_twice == 0 and story.figures.told_after_opting_out == 0,
        ),
    ]


def _tickets(story: Story) -> Line:
    figures, areas = story.figures, len(story.incident.areas)
    measured = f"{figures.parents} parent, {figures.children} children, {seconds(story.after(figures.tickets_at))}"
    kept = figures.parents == 1 and figures.children == areas
    return Line("one parent ticket, a child for each zone", f"1 + {areas}", measured, kept)


def _diagnosed(story: Story) -> Line:
    figures = story.figures
    took = f", {seconds(story.after(figures.diagnosed_from))} to {seconds(story.after(figures.diagnosed_at))}" if figures.diagnosed else ""
    measured = f"{figures.diagnosed} of {story.incident.devices} devices{took}"
    return Line("diagnostics on all affected devices", "all", measured, figures.diagnosed == story.incident.devices)


def _waited(story: Story) -> list[Line]:
    return [_wait(story, action) for action in story.actions if action.approvals_needed and action.state is not ActionState.SUPERSEDED]


def _wait(story: Story, action: ActionRecord) -> Line:
    roles = " and ".join(action.approver_roles).replace("_", " ")
    waited_s = (action.ruled_at - action.judged_at).total_seconds() if action.ruled_at and action.judged_at else None
    ruled = f"ruled on after {seconds(waited_s)}, then {action.state.value}" if waited_s is not None else action.state.value
    done = (
        f"; {story.figures.credits} credits, {story.figures.credited} posted"
        if action.name == "issue_credits" and story.figures.credits
        else ""
    )
    kept = None if action.state is ActionState.WAITING else action.state is ActionState.DONE
    return Line(f"{action.name.replace('_', ' ')} waits for a person", roles, f"{action.verdict_reason}; {ruled}{done}", kept)


def _ended(story: Story) -> list[Line]:
    incident = story.incident
    if incident.state is IncidentState.IN_PROGRESS and not story.restored:
        return []
    back, told = (sum(each.notices for each in notices) for notices in (story.restored, story.outage))
    left = f"{incident.subscribers_out} lines out, {incident.state.value}"
    is_closed = incident.state is IncidentState.CLOSED and not incident.subscribers_out
    return [
        Line("those who are back are told so, as they come back", str(told), f"{back} told", back == told),
        Line("the incident shrinks and closes", "0 left", left, is_closed),
    ]


def seconds(value: float | None) -> str:
    return "not yet" if value is None else f"{value:.2f} s"


def table(measured: Sequence[Line]) -> Table:
    shown = Table(title="whitepaper · measured", title_style="bold", show_lines=False)
    for heading in ("The whitepaper says", "Bound", "Measured, from Atlas", ""):
        shown.add_column(heading, overflow="fold")
    for line in measured:
        mark = (
            Text("waits", style="yellow")
            if line.is_kept is None
            else Text("kept", style="green")
            if line.is_kept
            else Text("missed", style="red")
        )
        shown.add_row(line.promise, line.bound, line.measured, mark)
    return shown
