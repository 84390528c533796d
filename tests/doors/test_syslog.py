"""Lines from routers become alarms, over UDP and TCP."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.inbound.reading import Reading
from api.inbound.syslog.framing import Frames, StreamBroken
from api.inbound.syslog.line import NotSyslog, syslog_line
from api.inbound.syslog.meanings import TableMalformed, rules_of
from api.inbound.syslog.parsing import Lines, parse_line
from atlas.connection import Atlas
from atlas.nms.records import ProbableCause, Severity
from tests import given
from tests.doors.telling import alarms, logged, set_aside, standing, streamed
from tests.given import Owner

EVENTS = Path(__file__).parents[3] / "shared" / "data" / "syslog" / "events.jsonl"
RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

DOWN = "<189>{}: core-1: Mar  2 09:00:00.100: %LINEPROTO-5-UPDOWN: Line protocol on Interface Te0/{}, changed state to down"
UP = "<189>{}: core-1: Mar  2 09:00:07.100: %LINEPROTO-5-UPDOWN: Line protocol on Interface Te0/{}, changed state to up"


def down(port: int, count: int = 1) -> bytes:
    return DOWN.format(count, port).encode()


def up(port: int, count: int = 2) -> bytes:
    return UP.format(count, port).encode()


def read(line: str, lines: Lines | None = None, received_at: datetime = RECEIVED) -> Reading:
    return parse_line(line.encode(), "10.0.0.7", received_at, lines or Lines())


def router_lines() -> list[Any]:
    if not EVENTS.exists():
        return [pytest.param({}, marks=pytest.mark.skip(f"{EVENTS} is not here"))]
    return [pytest.param(event, id=event["id"]) for event in map(json.loads, EVENTS.read_text().splitlines())]


async def test_a_line_becomes_an_alarm_of_the_host_it_names(atlas: Atlas, owner: Owner) -> None:
    device_id = await given.device(owner, "core-1", "core")

    await logged(atlas, down(3))

    assert [(alarm.device_id, alarm.managed_object) for alarm in await standing(atlas)] == [(device_id, "Te0/3")]


async def test_lines_over_tcp_come_counted_or_with_newlines_and_in_any_pieces(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")
    stream = down(1) + b"\n" + str(len(down(2))).encode() + b" " + down(2) + up(1) + b"\n" + down(3)

    await streamed(atlas, stream[:37], stream[37:150], stream[150:])

    assert {alarm.managed_object for alarm in await standing(atlas)} == {"Te0/2", "Te0/3"}


async def test_a_port_that_comes_up_is_cleared_whichever_line_comes_first(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")

    await logged(atlas, up(3), down(3))

    assert await alarms(owner) == [("Te0/3", "linkDown", "major", False)]


async def test_a_line_below_warning_that_no_rule_knows_is_no_alarm(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")

    await logged(atlas, b"<190>Mar  2 09:00:00 core-1 %SYS-6-LOGGINGHOST_STARTSTOP: Logging to host 10.1.1.1 started")

    assert (await alarms(owner), await set_aside(atlas)) == ([], [])


def test_a_warning_that_no_rule_knows_is_an_indeterminate_alarm_of_its_own() -> None:
    reading = read("<188>Mar  2 09:00:00 core-1 %FLUX-4-DRIFT: flux capacitor drifts")

    assert [(event.probable_cause, event.severity, event.managed_object) for event in reading.events] == [
        (ProbableCause.INDETERMINATE, Severity.WARNING, "FLUX-4-DRIFT")
    ]


def test_a_line_without_a_host_is_from_its_sender() -> None:
    reading = read("<187>%LINK-3-UPDOWN: Interface Te0/1, changed state to down")

    assert [event.device for event in reading.events] == ["10.0.0.7"]


def test_a_modern_line_gives_host_time_program_and_words() -> None:
    line = syslog_line(b'<165>1 2026-03-02T09:00:00.003Z core-1 bgpd 88 ADJ [id@32473 a="x\\]"] \xef\xbb\xbfpeer gone', RECEIVED)

    assert (line.host, line.at, line.app, line.message) == (
        "core-1",
        datetime(2026, 3, 2, 9, 0, 0, 3000, tzinfo=UTC),
        "bgpd ADJ",
        "ADJ: peer gone",
    )


def test_a_line_of_december_that_comes_in_january_is_last_years() -> None:
    line = syslog_line(b"<189>Dec 31 23:59:58 core-1 x: y", datetime(2027, 1, 1, 0, 0, 2, tzinfo=UTC))

    assert line.at == datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)


def test_a_router_in_another_time_zone_is_timed_by_when_it_is_heard() -> None:
    lines = Lines()

    first = read("<189>Mar  2 03:00:00.000 core-1 %LINK-3-UPDOWN: Interface Te0/1, changed state to down", lines)
    second = read(
        "<189>Mar  2 03:00:04.000 core-1 %LINK-3-UPDOWN: Interface Te0/1, changed state to up", lines, RECEIVED + timedelta(seconds=9)
    )

    assert [event.event_at for event in first.events + second.events] == [RECEIVED, RECEIVED + timedelta(seconds=4)]


@pytest.mark.parametrize("event", router_lines())
def test_a_recorded_router_line_gives_host_level_and_facility(event: dict[str, Any]) -> None:
    line = syslog_line(event["syslog"].encode(), RECEIVED)

    assert (line.host, line.level, line.facility) == tuple(event["expected"][key] for key in ("host", "severity", "facility"))


@pytest.mark.parametrize("event", router_lines())
def test_a_recorded_router_line_means_what_its_source_says(event: dict[str, Any]) -> None:
    reading = read(event["syslog"])

    assert [(found.probable_cause, found.is_clear) for found in reading.events] == MEANINGS.get(event["expected"]["event"], [])


# The kinds of recorded lines that are alarms; all others report no fault.
MEANINGS = {
    "INTERFACE_DOWN": [(ProbableCause.LINK_DOWN, False)],
    "INTERFACE_UP": [(ProbableCause.LINK_DOWN, True)],
    "DDOS_PROTOCOL_VIOLATION_SET": [(ProbableCause.THRESHOLD_CROSSED, False)],
    "MAJOR_ALARM_CLEARED": [(ProbableCause.EQUIPMENT_MALFUNCTION, True)],
    "MINOR_ALARM_CLEARED": [(ProbableCause.EQUIPMENT_MALFUNCTION, True)],
    "NH_REGION_GRAB_FAILED": [(ProbableCause.STORAGE_LIMIT, False)],
}


@pytest.mark.parametrize(
    ("line", "cause", "is_clear"),
    [
        ("<189>Mar  2 09:00:00 r1 %BGP-5-ADJCHANGE: neighbor 10.0.0.1 Down BGP Notification sent", ProbableCause.ADJACENCY_LOST, False),
        ("<189>Mar  2 09:00:00 r1 %BGP-5-ADJCHANGE: neighbor 10.0.0.1 Up", ProbableCause.ADJACENCY_LOST, True),
        ("<189>Mar  2 09:00:00 r1 %OSPF-5-ADJCHG: Process 1, Nbr 10.0.0.2 on Gi0/1 from FULL to DOWN", ProbableCause.ADJACENCY_LOST, False),
        (
            "<189>Mar  2 09:00:00 r1 %OSPF-5-ADJCHG: Process 1, Nbr 10.0.0.2 on Gi0/1 from LOADING to FULL",
            ProbableCause.ADJACENCY_LOST,
            True,
        ),
        ("<187>Mar  2 09:00:00 olt-1 gpon: ONT 0/1/3/17 LOS", ProbableCause.LOSS_OF_SIGNAL, False),
        ("<187>Mar  2 09:00:00 olt-1 gpon: ONT 0/1/3/17 LOS cleared", ProbableCause.LOSS_OF_SIGNAL, True),
        ("<187>Mar  2 09:00:00 olt-1 gpon: dying gasp from ONT 0/1/3/17", ProbableCause.DYING_GASP, False),
        ("<187>Mar  2 09:00:00 r1 %PLATFORM-3-PSU: Power supply 2 failed", ProbableCause.POWER_PROBLEM, False),
        ("<187>Mar  2 09:00:00 r1 %PLATFORM-3-PSU: Power supply 2 ok", ProbableCause.POWER_PROBLEM, True),
        ("<189>Mar  2 09:00:00 r1 %SYS-5-RESTART: System restarted", ProbableCause.RESTARTED, False),
    ],
)
def test_a_common_router_message_means_what_every_operator_knows(line: str, cause: ProbableCause, is_clear: bool) -> None:
    reading = read(line)

    assert [(event.probable_cause, event.is_clear) for event in reading.events] == [(cause, is_clear)]


def test_a_line_without_a_priority_is_set_aside_with_the_reason() -> None:
    reading = read("what is this")

    assert [each.reason for each in reading.quarantined] == ["no syslog priority at its start"]


def test_a_priority_that_cannot_be_is_no_syslog() -> None:
    with pytest.raises(NotSyslog):
        syslog_line(b"<999>Mar  2 09:00:00 core-1 x: y", RECEIVED)


def test_a_line_made_to_stall_the_patterns_is_read_all_the_same() -> None:
    reading = read("<187>Mar  2 09:00:00 core-1 " + "link a " * 1000 + "interface x ONT 1 " * 100)

    assert len(reading.events) == 1


async def test_a_stream_that_loses_its_frames_is_set_aside_and_what_came_before_is_kept(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")

    await streamed(atlas, down(1) + b"\n" + b"99999999 nonsense")

    kept = [alarm.managed_object for alarm in await standing(atlas)]
    assert (kept, [each.reason for each in await set_aside(atlas)]) == (["Te0/1"], ["an octet count that is no count"])


def test_a_line_without_end_is_no_reason_to_fill_our_memory() -> None:
    frames = Frames()

    with pytest.raises(StreamBroken):
        list(frames.feed(b"<" + b"x" * 70_000))


def test_a_table_with_a_cause_that_nobody_knows_is_refused() -> None:
    with pytest.raises(TableMalformed, match="gremlins"):
        rules_of("[{pattern: x, cause: gremlins, severity: major}]")
