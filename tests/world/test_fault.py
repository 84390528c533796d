from datetime import UTC, datetime
from typing import Final

import numpy as np
import pytest

from api.inbound.reading import Reading
from api.inbound.snmp.parsing import Traps, parse_trap
from api.inbound.snmp.usm import SnmpUser, UserSecurity
from api.inbound.syslog.parsing import Lines, parse_line
from atlas.cmdb import reads as cmdb
from atlas.connection import Atlas
from atlas.identity import AlarmId, DeviceId, LinkId
from atlas.nms.records import AlarmEvent, OpenAlarm
from atlas.principal import executor
from cortex.correlate import correlate
from cortex.findings import Element
from cortex.topology import Topology
from evals.fault.playing import Datagram, Doors, cleared, raised
from evals.fault.scene import Scene, scene_of_cut
from evals.fault.told import Form, Told, noise, told_of_cut
from evals.world.plan import world

USER: Final = SnmpUser("bedrock", "sha256", "a phrase for tests", "aes128", "another phrase")
DOORS: Final = Doors(("127.0.0.1", 162), ("127.0.0.1", 514), USER)
STARTS: Final = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.fixture
async def scene(harbour: Atlas) -> Scene:
    async with harbour.transaction(executor("tests")) as conn:
        return await scene_of_cut(conn, world().zone.backhaul)


@pytest.fixture
def told(scene: Scene) -> list[Told]:
    return told_of_cut(scene)


def heard(datagrams: list[Datagram]) -> list[AlarmEvent]:
    traps = Traps(users=UserSecurity([USER]))
    lines = Lines()
    readings = [reading(datagram, traps, lines) for datagram in datagrams]
    assert not [reading.quarantined for reading in readings if reading.quarantined]
    return [event for each in readings for event in each.events]


def reading(datagram: Datagram, traps: Traps, lines: Lines) -> Reading:
    if datagram.to == DOORS.snmp:
        return parse_trap(datagram.octets, "127.0.0.1", STARTS, traps)
    return parse_line(datagram.octets, "127.0.0.1", STARTS, lines)


def test_the_cut_raises_230_different_alarms(told: list[Told]) -> None:
    assert len({one.key for one in told}) == len(told) == 230


def test_nothing_behind_the_cut_speaks_of_its_own_ports_but_the_end_of_the_cut(scene: Scene, told: list[Told]) -> None:
    dark = {gear.device_id for gear in scene.dark} - {scene.far.device_id}

    assert not [one for one in told if one.device.device_id in dark and one.form is Form.LINK_TRAP]


def test_every_raise_is_heard_as_the_alarm_it_was_meant_to_be(told: list[Told]) -> None:
    events = heard(raised(told, DOORS, 1.5, np.random.default_rng(1), STARTS))

    names = {one.device.name: one.device.address for one in told}
    keys = {(names.get(event.device, event.device), event.managed_object, event.probable_cause) for event in events}
    assert keys == {one.key for one in told}
    assert not [event for event in events if event.is_clear]


def test_every_clear_is_of_an_alarm_that_was_raised(told: list[Told]) -> None:
    events = heard(cleared(told, DOORS, STARTS))

    names = {one.device.name: one.device.address for one in told}
    keys = {(names.get(event.device, event.device), event.managed_object, event.probable_cause) for event in events}
    assert keys == {one.key for one in told}
    assert all(event.is_clear for event in events)


def test_most_are_snmp_v2c_some_are_v3_and_some_are_syslog(told: list[Told]) -> None:
    forms = [one.form for one in told]

    assert forms.count(Form.SECURE_TRAP) >= 10
    assert forms.count(Form.SYSLOG) >= 4
    assert forms.count(Form.ALARM_TRAP) + forms.count(Form.LINK_TRAP) > 200


def test_the_ends_of_the_cut_are_not_the_first_to_be_heard(told: list[Told]) -> None:
    first = raised(told, DOORS, 1.5, np.random.default_rng(1), STARTS)[0]

    assert "cause" not in str(first.octets)
    assert first.after_s < 0.2


def test_the_same_seed_plays_the_same_burst(told: list[Told]) -> None:
    plain = Doors(DOORS.snmp, DOORS.syslog)

    one, other = (raised(told, plain, 1.5, np.random.default_rng(7), STARTS) for _ in range(2))

    assert [datagram.after_s for datagram in one] == [datagram.after_s for datagram in other]


def test_the_far_end_is_repaired_before_what_hangs_from_it(scene: Scene, told: list[Told]) -> None:
    last_of_the_link = max(one.clears_after_s for one in told if one.form is Form.LINK_TRAP)

    first_of_the_rest = min(one.clears_after_s for one in told if one.device.device_id not in (scene.near.device_id, scene.far.device_id))
    assert last_of_the_link < first_of_the_rest


def test_noise_is_of_other_devices_and_other_causes(scene: Scene, told: list[Told]) -> None:
    stray = noise(scene, 12, np.random.default_rng(1))

    assert len(stray) == 12
    assert not {one.device.device_id for one in stray} & {one.device.device_id for one in told}
    assert not {one.cause for one in stray} & {one.cause for one in told}


async def test_the_cut_is_one_finding_sure_enough_to_tell_people_without_asking(harbour: Atlas, scene: Scene, told: list[Told]) -> None:
    async with harbour.transaction(executor("tests")) as conn:
        topology = Topology.build(await cmdb.network(conn), await cmdb.lines(conn))
    ports = {(scene.link.from_device_id, scene.link.from_port), (scene.link.to_device_id, scene.link.to_port)}
    alarms = [
        OpenAlarm(
            AlarmId(number),
            DeviceId(one.device.device_id),
            LinkId(scene.link.link_id) if (one.device.device_id, one.managed_object) in ports else None,
            None,
            one.cause,
            one.severity,
            STARTS,
            1,
            one.managed_object,
        )
        for number, one in enumerate([*told, *noise(scene, 12, np.random.default_rng(1))])
    ]

    (finding,) = correlate(topology, alarms, now=STARTS)

    assert (finding.best and finding.best.element) == Element("link", scene.link.link_id)
    assert finding.confidence > 0.8
    assert len(finding.alarms) == len(told)
