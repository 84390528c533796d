"""A fibre is cut: one incident, everybody told once, credits that wait, and restoration told to those who are back."""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from atlas.connection import Atlas
from atlas.identity import AlarmId, CorrelationId, DeviceId, IncidentId, SubscriberId
from atlas.itsm.records import IncidentState
from atlas.money import ZERO
from atlas.principal import executor
from cortex.findings import BlastRadius, CauseClass, Element, Evidence, Finding, Hypothesis
from cortex.watch import IncidentCleared, IncidentFolded, IncidentMoved, NewIncident
from forge.actions.field_service import DispatchCrew
from forge.actions.itsm.incidents import OpenTickets
from forge.graph import Bookmarks
from forge.matrix_in_force import write_in_force
from forge.outbox import drain
from forge.outside.recorded import RecordedMessenger
from forge.playbooks.outage import play
from forge.propose import Forge, MatrixInForce, propose
from forge.register import Register
from forge.respond import respond
from governance.matrix import SHIPPED, load
from tests import given
from tests.forge.conftest import Clock

Owner = AsyncConnection[tuple[Any, ...]]
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Street:
    """A splitter under an OLT, with houses."""

    olt: int
    splitter: int
    lines: tuple[int, ...]
    alarm: int


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner, clock: Clock) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), clock, ZoneInfo("Europe/London"))


@pytest.fixture
async def street(owner: Owner) -> Street:
    olt = await given.device(owner, "olt-1")
    splitter = await given.device(owner, "splitter-1", kind="splitter", is_monitored=False)
    lines = [
        await given.subscriber(owner, await given.customer(owner, f"House {one}", f"+4477009000{one:02}", language="en"), splitter)
        for one in range(10, 13)
    ]
    now = datetime.now(UTC)
    alarm = await given.row(
        owner,
        "nms.alarm",
        device_id=olt,
        probable_cause="lossOfSignal",
        alarm_type="communicationsAlarm",
        severity="critical",
        door="test",
        raised_at=now,
        first_received_at=now,
        last_received_at=now,
    )
    await given.row(
        owner, "billing.compensation_rate", segment="residential", valid_from=now.date(), minimum_outage=timedelta(0), flat_minor=30000
    )
    return Street(olt, splitter, tuple(lines), alarm)


def finding(street: Street, lines: Sequence[int], cause: CauseClass = CauseClass.FEEDER, is_outage: bool = True) -> Finding:
    now = datetime.now(UTC)
    seen = Evidence("behind_it_all_alarmed", True, 3.0, (AlarmId(street.alarm),), (), 1, 1)
    best = Hypothesis(Element("device", street.splitter), cause, 0.93, (seen,))
    devices = (DeviceId(street.splitter),) if lines else ()
    blast = BlastRadius(devices, tuple(SubscriberId(line) for line in lines), len(lines), 0, 0, ZERO, ())
    return Finding((best,), (AlarmId(street.alarm),), blast, now, now, is_outage)


async def opened(forge: Forge, found: Finding) -> IncidentId:
    proposed = await respond(forge, NewIncident(found))
    assert proposed is not None
    assert proposed.outcome is not None, proposed
    return IncidentId(proposed.outcome["incident_id"])


async def restore(owner: Owner, lines: Sequence[int]) -> None:
    await owner.execute("UPDATE itsm.incident_subscriber SET restored_at = now() WHERE subscriber_id = ANY (%s)", (list(lines),))


async def told(owner: Owner, purpose: str) -> int:
    row = await (await owner.execute("SELECT count(*) FROM helpdesk.notice WHERE purpose = %s", (purpose,))).fetchone()
    return int(row[0]) if row else 0


async def became(owner: Owner) -> dict[str, str]:
    rows = await (await owner.execute("SELECT name, state FROM actions.action WHERE proposer = 'system:playbook' ORDER BY id")).fetchall()
    return dict(rows)


async def test_a_finding_opens_one_incident_and_leaves_its_playbook_to_be_played(forge: Forge, owner: Owner, street: Street) -> None:
    found = finding(street, street.lines)

    incidents = {await opened(forge, found), await opened(forge, found)}

    jobs = await (await owner.execute("SELECT args FROM jobs.procrastinate_jobs WHERE task_name = 'forge.playbook'")).fetchall()
    assert [job[0]["incident_id"] for job in jobs] == list(incidents)


async def test_everybody_behind_a_cut_is_told_once_however_often_it_is_played(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    incident = await opened(forge, finding(street, street.lines))

    for _ in range(3):
        await play(forge, bookmarks, incident)

    assert await told(owner, "outage") == 3


async def test_a_credit_that_waits_holds_up_nothing_else(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))

    await play(forge, bookmarks, incident)

    outcome = await became(owner)
    assert outcome["issue_credits"] == "waiting"
    assert {outcome["notify_outage"], outcome["open_child_tickets"]} == {"done"}


async def test_a_branch_that_fails_holds_up_nothing_else(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await owner.execute("REVOKE INSERT ON itsm.ticket FROM bedrock_executor")

    await play(forge, bookmarks, incident)

    assert await told(owner, "outage") == 3
    assert (await became(owner))["open_child_tickets"] == "failed"


async def test_what_failed_is_tried_again_at_the_next_change(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await owner.execute("REVOKE INSERT ON itsm.ticket FROM bedrock_executor")
    await play(forge, bookmarks, incident)
    await owner.execute("GRANT INSERT ON itsm.ticket TO bedrock_executor")

    await play(forge, bookmarks, incident)

    assert (await became(owner))["open_child_tickets"] == "done"


async def test_only_those_who_are_back_hear_that_it_is_over(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await restore(owner, street.lines[:1])

    for _ in range(2):
        await play(forge, bookmarks, incident)

    assert await told(owner, "restored") == 1


async def test_an_incident_that_cleared_is_told_to_all_and_closed(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await respond(forge, IncidentCleared(incident))

    state = await play(forge, bookmarks, incident)

    assert (state, await told(owner, "restored")) == (IncidentState.CLOSED, 3)


async def test_a_closed_incident_is_played_no_more(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await respond(forge, IncidentCleared(incident))
    await play(forge, bookmarks, incident)
    before = await became(owner)

    state = await play(forge, bookmarks, incident)

    assert (state, await became(owner)) == (IncidentState.CLOSED, before)


async def test_an_incident_that_grew_is_told_to_the_newcomers_only(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await given.subscriber(owner, await given.customer(owner, "House 20", "+447700900020"), street.splitter)

    await respond(forge, IncidentMoved(incident, (finding(street, street.lines),), grew=True))
    await play(forge, bookmarks, incident)

    assert await told(owner, "outage") == 4


async def test_degradation_alarms_nobody(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, (), CauseClass.DEGRADATION, is_outage=False))

    await play(forge, bookmarks, incident)

    assert (await told(owner, "outage"), "issue_credits" in await became(owner)) == (0, False)


@pytest.mark.parametrize("dies_after_s", [0.02, 0.05, 0.1, 0.2, 0.4])
async def test_a_playbook_killed_at_any_point_doubles_nothing_and_loses_nothing(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street, dies_after_s: float
) -> None:
    incident = await opened(forge, finding(street, street.lines))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(dies_after_s):
            await play(forge, bookmarks, incident)

    await play(forge, bookmarks, incident)
    await play(forge, bookmarks, incident)

    tickets = await (await owner.execute("SELECT count(*) FROM itsm.ticket WHERE parent_id IS NULL")).fetchone()
    assert (await told(owner, "outage"), tickets) == (3, (1,))
    assert (await became(owner))["issue_credits"] == "waiting"


async def bookmarks_kept(owner: Owner) -> int:
    row = await (await owner.execute("SELECT count(*) FROM checkpoints.checkpoints")).fetchone()
    return int(row[0]) if row else 0


async def test_a_playbook_that_is_played_often_keeps_one_bookmark(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))

    for _ in range(4):
        await play(forge, bookmarks, incident)

    assert await bookmarks_kept(owner) == 1


async def test_a_closed_incident_keeps_no_bookmark(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await respond(forge, IncidentCleared(incident))

    await play(forge, bookmarks, incident)

    assert await bookmarks_kept(owner) == 0


async def test_an_incident_that_was_folded_into_another_tells_nobody_that_they_are_back(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    small = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, small)
    large = IncidentId(small + 1)
    await respond(forge, IncidentFolded(small, large))
    await respond(forge, NewIncident(finding(street, street.lines)))

    await play(forge, bookmarks, small)
    await play(forge, bookmarks, large)

    assert (await told(owner, "outage"), await told(owner, "restored")) == (3, 0)


async def test_what_was_still_to_be_done_when_service_came_back_does_not_keep_the_incident_open(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    """A branch measured what was owed, and before it asked everybody was back."""
    incident = await opened(forge, finding(street, street.lines))
    await respond(forge, IncidentCleared(incident))
    for late in (OpenTickets(incident), DispatchCrew(incident, 1, 0, 0.9, is_confirmed=True)):
        await propose(forge, executor("playbook"), late, reason="it came late", correlation_id=CorrelationId(uuid4()))

    state = await play(forge, bookmarks, incident)

    left = await (await owner.execute("SELECT (SELECT count(*) FROM itsm.ticket), (SELECT count(*) FROM field_service.job)")).fetchone()
    assert (state, left) == (IncidentState.CLOSED, (0, 0))


async def test_planned_work_is_told_to_nobody_and_credited_to_nobody(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    incident = await opened(forge, finding(street, street.lines, CauseClass.PLANNED, is_outage=False))
    await play(forge, bookmarks, incident)
    await respond(forge, IncidentCleared(incident))

    state = await play(forge, bookmarks, incident)

    assert (state, await became(owner)) == (IncidentState.CLOSED, {"close_incident": "done"})


async def test_planned_work_that_outlasts_its_window_becomes_an_outage_that_everybody_hears_of(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    incident = await opened(forge, finding(street, street.lines, CauseClass.PLANNED, is_outage=False))
    await play(forge, bookmarks, incident)
    await respond(forge, IncidentMoved(incident, (finding(street, street.lines),), grew=True))

    await play(forge, bookmarks, incident)

    assert await told(owner, "outage") == 3


async def test_a_relapse_within_one_incident_is_told_again_once(forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street) -> None:
    incident = await opened(forge, finding(street, street.lines))
    await play(forge, bookmarks, incident)
    await restore(owner, street.lines[:1])
    await play(forge, bookmarks, incident)
    await relapsed(owner, street.lines[:1])

    for _ in range(2):
        await play(forge, bookmarks, incident)
    heard = await told(owner, "outage"), await told(owner, "restored")
    await respond(forge, IncidentCleared(incident))
    await play(forge, bookmarks, incident)

    assert (heard, await told(owner, "restored")) == ((4, 1), 4)


async def test_whose_line_comes_and_goes_has_heard_enough_after_three_times(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street
) -> None:
    incident = await opened(forge, finding(street, street.lines))
    for _ in range(5):
        await play(forge, bookmarks, incident)
        await restore(owner, street.lines[:1])
        await play(forge, bookmarks, incident)
        await relapsed(owner, street.lines[:1])

    neighbours = len(street.lines) - 1
    assert (await told(owner, "outage") - neighbours, await told(owner, "restored")) == (3, 3)


async def relapsed(owner: Owner, lines: Sequence[int]) -> None:
    await owner.execute("UPDATE itsm.incident_subscriber SET restored_at = NULL WHERE subscriber_id = ANY (%s)", (list(lines),))


async def killed_after(database_url: str, incident: IncidentId, seconds: float) -> None:
    """Lets a worker of its own play the incident for so long, and kills it with SIGKILL."""
    command = (sys.executable, "-m", "tests.forge.player", database_url, str(incident))
    worker = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert worker.stdout is not None
    await worker.stdout.readline()
    await asyncio.sleep(seconds)
    worker.kill()
    await worker.wait()


async def test_a_worker_killed_again_and_again_sends_nothing_twice_and_loses_nothing(
    forge: Forge, bookmarks: Bookmarks, owner: Owner, street: Street, database_url: str
) -> None:
    incident = await opened(forge, finding(street, street.lines))

    for seconds in (0.1, 0.25):
        await killed_after(database_url, incident, seconds)
        await owner.execute("UPDATE helpdesk.notice SET leased_until = now() WHERE state = 'leased'")
    await play(forge, bookmarks, incident)
    await drain(forge.atlas, RecordedMessenger(forge.atlas))

    sent = await (await owner.execute("SELECT address, times FROM helpdesk.recorded_message ORDER BY address")).fetchall()
    assert sent == [(f"+4477009000{one}", 1) for one in range(10, 13)]
