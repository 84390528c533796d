"""Traps over real UDP become alarms."""

import asyncio
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pyasn1.codec.ber import encoder
from pysnmp.proto.api import v1

from api.inbound.batch import AlarmIntake
from api.inbound.snmp import listening
from api.inbound.snmp.meanings import TableMalformed, meanings_of, shipped_meanings
from api.inbound.snmp.parsing import Traps, parse_trap
from api.inbound.snmp.usm import SnmpUser, UserSecurity
from api.inbound.sources import SenderClocks, TrustedForwarders
from atlas.connection import Atlas
from atlas.nms.records import ProbableCause, Severity
from evals.trap_encoding import BEDROCK_ALARM, LINK_DOWN, LINK_UP, SecureSender, bedrock_alarm, encode_trap, link_state
from tests import given
from tests.doors.snmptrapd_text import datagram_of
from tests.doors.telling import alarms, now, set_aside, standing, trapped
from tests.given import Owner

TRAPS = Path(__file__).parents[3] / "shared" / "data" / "snmp-traps" / "traps.jsonl"
RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
USER = SnmpUser("noc", "sha256", "an authentication key", "aes128", "a privacy key")

# The source's two levels of fault are two of X.733 each; a notice is what RFC 5674 calls indeterminate, or nothing that stands.
FIVE_LEVELS = {
    "clear": {"cleared"},
    "error": {"critical", "major"},
    "warning": {"minor", "warning"},
    "notice": {"indeterminate", "no alarm"},
    "info": {"no alarm"},
}


def los(port: str = "gpon 0/1/1", severity: Severity = Severity.CRITICAL, at: datetime | None = None, **extra: Any) -> bytes:
    return encode_trap(BEDROCK_ALARM, bedrock_alarm(port, ProbableCause.LOSS_OF_SIGNAL, severity, at), 5000, **extra)


def recorded_traps() -> list[dict[str, Any]]:
    if not TRAPS.exists():
        pytest.skip(f"{TRAPS} is not here")
    return [json.loads(line) for line in TRAPS.read_text().splitlines()]


async def test_a_trap_becomes_an_alarm_of_the_device_that_sent_it(atlas: Atlas, owner: Owner) -> None:
    device_id = await given.device(owner, "olt-1", management_address="127.0.0.1")

    await trapped(atlas, los())

    assert [(alarm.device_id, alarm.managed_object, alarm.severity) for alarm in await standing(atlas)] == [
        (device_id, "gpon 0/1/1", Severity.CRITICAL)
    ]


async def test_a_trusted_relay_speaks_for_the_device_it_names(atlas: Atlas, owner: Owner) -> None:
    device_id = await given.device(owner, "olt-1", management_address="10.0.0.7")

    await trapped(atlas, los(agent="10.0.0.7"))

    assert [alarm.device_id for alarm in await standing(atlas)] == [device_id]


def test_a_sender_that_is_no_trusted_relay_speaks_for_itself() -> None:
    traps = Traps(forwarders=TrustedForwarders.of(["192.0.2.0/24"]))

    reading = parse_trap(los(agent="10.0.0.7"), "203.0.113.5", RECEIVED, traps)

    assert [event.device for event in reading.events] == ["203.0.113.5"]


async def test_a_link_that_comes_up_clears_its_alarm(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1", management_address="127.0.0.1")

    await trapped(
        atlas, encode_trap(LINK_DOWN, link_state("xe-0/0/0", 502, False), 100), encode_trap(LINK_UP, link_state("xe-0/0/0", 502, True), 900)
    )

    assert await alarms(owner) == [("xe-0/0/0", "linkDown", "major", False)]


async def test_traps_that_overtake_one_another_end_as_the_device_saw_it(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1", management_address="127.0.0.1")

    await trapped(
        atlas,
        encode_trap(LINK_UP, link_state("xe-0/0/0", 502, True), 90_000),
        encode_trap(LINK_DOWN, link_state("xe-0/0/0", 502, False), 89_000),
    )

    assert await standing(atlas) == []


async def test_an_inform_is_answered_once_its_alarm_is_safe(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1", management_address="127.0.0.1")
    async with AlarmIntake(atlas).running() as intake:
        listener = await listening.listen("127.0.0.1", 0, Traps(), intake, now)

        answer = await asked(listener.port, los(inform_id=77))

        assert (answer[:1], len(await standing(atlas))) == (b"\x30", 1)
        listener.close()


async def asked(port: int, datagram: bytes) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        await asyncio.get_running_loop().sock_sendto(sender, datagram, ("127.0.0.1", port))
        async with asyncio.timeout(10):
            return await asyncio.get_running_loop().sock_recv(sender, 65_535)


@pytest.mark.parametrize(
    "user",
    [
        SnmpUser("open"),
        SnmpUser("signed", "sha", "an authentication key"),
        SnmpUser("old", "md5", "an authentication key", "des", "a privacy key"),
        USER,
        SnmpUser("long", "sha512", "an authentication key", "aes256", "a privacy key"),
    ],
    ids=lambda user: f"{user.auth}-{user.priv}",
)
def test_a_v3_trap_is_read_at_every_level_of_security(user: SnmpUser) -> None:
    sender = SecureSender(user, b"\x80\x00\x7f\x12\x04olt-1")
    traps = Traps(users=UserSecurity([user]))

    reading = parse_trap(sender.trap(LINK_DOWN, link_state("xe-0/0/0", 502, False), 100), "10.0.0.7", RECEIVED, traps)

    assert [event.managed_object for event in reading.events] == ["xe-0/0/0"]


def test_a_v3_user_who_signs_less_than_agreed_is_not_believed() -> None:
    sender = SecureSender(SnmpUser(USER.name), b"\x80\x00\x7f\x12\x04olt-1")
    traps = Traps(users=UserSecurity([USER]))

    reading = parse_trap(sender.trap(LINK_DOWN, link_state("xe-0/0/0", 502, False), 100), "10.0.0.7", RECEIVED, traps)

    assert [each.reason for each in reading.quarantined] == ["SNMPv3 user noc: sent with less security than agreed"]


def test_a_v3_inform_first_learns_who_we_are_and_is_then_taken_and_answered() -> None:
    sender = SecureSender(USER, b"\x80\x00\x7f\x12\x04olt-1")
    traps = Traps(users=UserSecurity([USER], b"\x80\x00\x7f\x12\x04bedrock"))
    asked_who = parse_trap(sender.inform(LINK_DOWN, link_state("xe-0/0/0", 502, False), 100, 77), "10.0.0.7", RECEIVED, traps)
    sender.hear(asked_who.answer or b"")

    told = parse_trap(sender.inform(LINK_DOWN, link_state("xe-0/0/0", 502, False), 100, 77), "10.0.0.7", RECEIVED, traps)

    assert (asked_who.events, asked_who.quarantined, len(told.events), told.answer is None) == ((), (), 1, False)


def test_a_trap_of_version_1_means_what_it_means_in_version_2() -> None:
    message = v1.Message()
    v1.apiMessage.set_defaults(message)
    pdu = v1.TrapPDU()
    v1.apiTrapPDU.set_defaults(pdu)
    v1.apiTrapPDU.set_generic_trap(pdu, "linkDown")
    v1.apiTrapPDU.set_varbinds(pdu, [((1, 3, 6, 1, 2, 1, 2, 2, 1, 2, 502), v1.OctetString("xe-0/0/0"))])
    v1.apiMessage.set_pdu(message, pdu)

    reading = parse_trap(encoder.encode(message), "10.0.0.7", RECEIVED, Traps())

    assert [(event.managed_object, event.probable_cause) for event in reading.events] == [("xe-0/0/0", ProbableCause.LINK_DOWN)]


def test_a_community_that_is_not_ours_is_set_aside() -> None:
    traps = Traps(communities=frozenset({b"harbour"}))

    reading = parse_trap(los(community="public"), "10.0.0.7", RECEIVED, traps)

    assert [each.reason for each in reading.quarantined] == ["community is not one of ours"]


def test_a_trap_that_no_table_knows_is_an_indeterminate_alarm() -> None:
    reading = parse_trap(encode_trap("1.3.6.1.4.1.99999.0.1", [("1.3.6.1.4.1.99999.1.0", "gizmo 7")], 1), "10.0.0.7", RECEIVED, Traps())

    assert [(event.severity, event.probable_cause, event.text) for event in reading.events] == [
        (Severity.INDETERMINATE, ProbableCause.INDETERMINATE, "gizmo 7")
    ]


def test_a_trap_that_no_table_knows_but_names_its_severity_has_it() -> None:
    bindings = [("1.3.6.1.4.1.99999.1.0", "Major"), ("1.3.6.1.4.1.99999.2.0", "rectifier module 3")]

    reading = parse_trap(encode_trap("1.3.6.1.4.1.99999.0.1", bindings, 1), "10.0.0.7", RECEIVED, Traps())

    assert [(event.severity, event.probable_cause) for event in reading.events] == [(Severity.MAJOR, ProbableCause.POWER_PROBLEM)]


def test_a_message_with_long_form_lengths_means_the_same() -> None:
    short = los()
    body = short[3:] if short[1] & 0x80 else short[2:]

    reading = parse_trap(b"\x30\x83" + len(body).to_bytes(3, "big") + body, "10.0.0.7", RECEIVED, Traps())

    assert reading.events == parse_trap(short, "10.0.0.7", RECEIVED, Traps()).events


def test_a_gpon_olt_names_its_ont_and_the_dying_gasp() -> None:
    e7 = "1.3.6.1.4.1.6321.1.2.2.4.1"
    bindings = [(f"{e7}.2.0", 200), (f"{e7}.3.0", 1), (f"{e7}.13.0", 2), (f"{e7}.17.0", "ONT dying gasp"), (f"{e7}.29.0", "ont 1/2/3/17")]

    reading = parse_trap(encode_trap("1.3.6.1.4.1.6321.1.2.2.4.2.1", bindings, 1), "10.0.0.7", RECEIVED, Traps())

    assert [(event.managed_object, event.probable_cause, event.severity) for event in reading.events] == [
        ("ont 1/2/3/17", ProbableCause.DYING_GASP, Severity.MAJOR)
    ]


@pytest.mark.parametrize("minutes", [-5, 5], ids=["slow", "fast"])
def test_a_clock_five_minutes_off_keeps_raise_and_clear_in_order(minutes: int) -> None:
    traps = Traps()
    skew = timedelta(minutes=minutes)
    raised = parse_trap(los(at=RECEIVED + skew), "10.0.0.7", RECEIVED, traps)

    cleared = parse_trap(
        los(severity=Severity.CLEARED, at=RECEIVED + skew + timedelta(seconds=3)), "10.0.0.7", RECEIVED + timedelta(seconds=3), traps
    )

    assert [event.event_at for event in raised.events + cleared.events] == [RECEIVED, RECEIVED + timedelta(seconds=3)]


def test_a_device_that_thinks_it_is_1970_is_timed_by_its_uptime() -> None:
    traps = Traps()
    beginning = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)

    reading = parse_trap(los(at=beginning), "10.0.0.7", RECEIVED, traps)

    assert [event.event_at for event in reading.events] == [RECEIVED]


def test_a_datagram_held_up_on_its_way_happened_when_the_sender_says() -> None:
    clocks = SenderClocks()
    boot = datetime(1970, 1, 1, tzinfo=UTC)
    clocks.happened_at("olt-1", boot + timedelta(seconds=100), RECEIVED)

    late = clocks.happened_at("olt-1", boot + timedelta(seconds=101), RECEIVED + timedelta(seconds=9))

    assert late == RECEIVED + timedelta(seconds=1)


def test_an_uptime_that_stands_still_is_not_asked() -> None:
    clocks = SenderClocks()
    boot = datetime(1970, 1, 1, tzinfo=UTC)
    clocks.happened_at("olt-1", boot, RECEIVED)

    later = clocks.happened_at("olt-1", boot, RECEIVED + timedelta(seconds=20))

    assert later == RECEIVED + timedelta(seconds=20)


def test_a_device_that_restarted_counts_anew() -> None:
    clocks = SenderClocks()
    boot = datetime(1970, 1, 1, tzinfo=UTC)
    clocks.happened_at("olt-1", boot + timedelta(days=80), RECEIVED)

    restarted = clocks.happened_at("olt-1", boot + timedelta(seconds=4), RECEIVED + timedelta(minutes=3))

    assert restarted == RECEIVED + timedelta(minutes=3)


def test_a_table_with_a_name_that_nobody_defined_is_refused() -> None:
    with pytest.raises(TableMalformed, match="IF-MIB::linkGone"):
        meanings_of("names: {IF-MIB: {linkDown: 1.3.6.1.6.3.1.1.5.3}}\nmeanings: [{trap: IF-MIB::linkGone, severity: major}]")


def test_a_table_with_a_word_that_is_no_severity_is_refused() -> None:
    with pytest.raises(TableMalformed, match="awful"):
        meanings_of("names: {IF-MIB: {linkDown: 1.3.6.1.6.3.1.1.5.3}}\nmeanings: [{trap: IF-MIB::linkDown, severity: awful}]")


def understood(traps: list[dict[str, Any]]) -> Iterator[bool]:
    """Of each recorded trap: whether raise or clear and severity are what its source says."""
    for trap in traps:
        reading = parse_trap(datagram_of(trap["trap"], shipped_meanings().oids), "198.51.100.7", RECEIVED, Traps())
        ours = reading.events[0].severity.value if reading.events else "no alarm"
        yield ours in FIVE_LEVELS[trap["expected"][0]["severity"]]


def test_at_least_95_percent_of_recorded_traps_give_the_right_raise_or_clear_and_severity() -> None:
    right = list(understood(recorded_traps()))

    assert sum(right) / len(right) >= 0.95


async def test_every_recorded_trap_is_taken_over_real_udp_and_none_is_set_aside(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "rack", management_address="127.0.0.1")
    await given.device(owner, "edge-rtr-7", management_address="198.51.100.7")
    await given.device(owner, "vm-radius-1", management_address="198.51.100.88")

    await trapped(atlas, *(datagram_of(trap["trap"], shipped_meanings().oids) for trap in recorded_traps()))

    assert await set_aside(atlas) == []
