"""What is said of a cut, by whom: everybody but the silent. Each raise has its clear, and says how late in the repair it comes.

A device behind the cut does not speak. Its alarms come from those who miss it: the poller, the BNG that counts its sessions, its
element manager, the customers' service probes. The two ends of the cut speak for themselves, the far one out of band.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np

from atlas.nms.records import ProbableCause, Severity
from evals.fault.scene import Gear, Scene

# Lines that a business pays to have probed end to end.
PROBES: Final = {"business_switch"}
MANAGERS: Final = {
    "olt": "access-ems", "tower": "radio-ems", "sector": "radio-ems", "cmts": "cable-ems", "docsis_node": "cable-ems",
}  # fmt: skip
HEADS: Final = frozenset({"aggregation", "olt", "tower", "cmts"})
# A repair brings the two ends back first, then one device after another.
STEP_S: Final = 0.1

NOISE: Final = (
    (ProbableCause.TEMPERATURE, Severity.WARNING, "chassis", "inlet temperature 47 C"),
    (ProbableCause.CPU_LIMIT, Severity.MINOR, "cpu 0", "five minute load 91 %"),
    (ProbableCause.THRESHOLD_CROSSED, Severity.WARNING, "output queue 3", "queue drops above threshold"),
    (ProbableCause.STORAGE_LIMIT, Severity.WARNING, "/var/log", "file system 92 % full"),
    (ProbableCause.SECURITY, Severity.WARNING, "vty 2", "login failed for user admin"),
    (ProbableCause.CONFIGURATION, Severity.WARNING, "startup", "running configuration not saved"),
)


class Form(StrEnum):
    """How it is said on the wire."""

    LINK_TRAP = "link_trap"  # IF-MIB linkDown and linkUp, SNMPv2c
    ALARM_TRAP = "alarm_trap"  # BEDROCK-ALARM-MIB, SNMPv2c
    SECURE_TRAP = "secure_trap"  # the same, SNMPv3
    SYSLOG = "syslog"  # RFC 5424


@dataclass(frozen=True)
class Told:
    """One alarm of `device`: what raises it and what clears it. `clears_after_s` counts from the repair."""

    device: Gear
    managed_object: str
    cause: ProbableCause
    severity: Severity
    form: Form
    words: str
    clear_words: str
    clears_after_s: float

    @property
    def key(self) -> tuple[str, str, ProbableCause]:
        return (self.device.address, self.managed_object, self.cause)


def told_of_cut(scene: Scene) -> list[Told]:
    """Everything that is said of the cut, each alarm once, in no particular order."""
    after = {gear.device_id: STEP_S * (place + 1) for place, gear in enumerate(scene.dark)}
    return [*_ends(scene), *_adjacencies(scene, after), *_polled(scene, after), *_sessions(scene, after), *_managed(scene, after)]


def _ends(scene: Scene) -> Iterator[Told]:
    link = scene.link
    ports = {link.from_device_id: link.from_port, link.to_device_id: link.to_port}
    for gear in (scene.near, scene.far):
        port = ports[gear.device_id]
        yield Told(gear, port, ProbableCause.LINK_DOWN, Severity.MAJOR, Form.LINK_TRAP, "", "", 0.0)
        yield Told(gear, port, ProbableCause.LOSS_OF_SIGNAL, Severity.CRITICAL, Form.ALARM_TRAP, "no light", "light is back", 0.0)
    yield _missed(scene.far, "management", "in-band management lost, out of band only", 0.0)


def _adjacencies(scene: Scene, after: dict[int, float]) -> Iterator[Told]:
    """Routers behind the cut are also reached out of band, so both sides tell of the neighbour they lost."""
    routers = [gear for gear in scene.dark if gear.kind == "aggregation"]
    for gear in routers:
        for protocol in ("ldp", "bgp", "bfd"):
            yield Told(
                scene.near, f"{protocol} {gear.address}", ProbableCause.ADJACENCY_LOST, Severity.MAJOR, Form.ALARM_TRAP,
                f"{protocol} session to {gear.name} down", f"{protocol} session to {gear.name} up", after[gear.device_id],
            )  # fmt: skip
        yield _neighbour(gear, scene.near.address, after[gear.device_id])
    yield Told(
        scene.near, f"isis {scene.far.name}", ProbableCause.ADJACENCY_LOST, Severity.MAJOR, Form.ALARM_TRAP,
        f"adjacency to {scene.far.name} lost", f"adjacency to {scene.far.name} up", 0.0,
    )  # fmt: skip
    yield _circuit(scene.far, scene.near.name, 0.0)


def _neighbour(gear: Gear, address: str, after_s: float) -> Told:
    line = f"%BGP-5-ADJCHANGE: neighbor {address}"
    down, up = f"{line} Down BGP Notification sent, hold time expired", f"{line} Up"
    return Told(gear, address, ProbableCause.ADJACENCY_LOST, Severity.MAJOR, Form.SYSLOG, down, up, after_s)


def _circuit(gear: Gear, neighbour: str, after_s: float) -> Told:
    line = f"%ROUTING-ISIS-4-ADJCHANGE: Adjacency to {neighbour} (L2)"
    return Told(
        gear, neighbour, ProbableCause.ADJACENCY_LOST, Severity.MAJOR, Form.SYSLOG,
        f"{line} Down, hold time expired", f"{line} Up, new adjacency", after_s,
    )  # fmt: skip


def _missed(gear: Gear, by: str, words: str, after_s: float, form: Form = Form.ALARM_TRAP) -> Told:
    return Told(gear, by, ProbableCause.UNREACHABLE, Severity.MAJOR, form, words, f"{gear.name} answers again", after_s)


def _polled(scene: Scene, after: dict[int, float]) -> Iterator[Told]:
    for gear in scene.dark:
        yield _missed(gear, "icmp", "no answer to three echo requests", after[gear.device_id])
        yield _missed(gear, "snmp", "agent does not answer", after[gear.device_id] + STEP_S / 2)


def _sessions(scene: Scene, after: dict[int, float]) -> Iterator[Told]:
    """The BNG counts sessions by line group and by head; where a business line is probed, its probe fails too."""
    by_id = {gear.device_id: gear for gear in scene.dark}
    for gear in scene.dark:
        if gear.kind in HEADS:
            yield _dropped(gear, "sessions", "all sessions lost", after[gear.device_id], Form.ALARM_TRAP)
    for place, group in enumerate(scene.groups):
        gear = by_id[group.device_id]
        # Ports of one OLT come back one after another.
        late = after[gear.device_id] + STEP_S * (place % 16) / 20
        form = Form.SECURE_TRAP if place % 5 == 0 else Form.ALARM_TRAP
        yield _dropped(gear, f"sessions {group.hangs_from}", f"{group.lines} sessions lost", late, form)
        if gear.kind in PROBES:
            for line in range(group.lines):
                yield _missed(gear, f"probe {line + 1}", "service probe lost every packet", late + STEP_S / 2)


def _dropped(gear: Gear, what: str, words: str, after_s: float, form: Form) -> Told:
    return Told(gear, what, ProbableCause.SESSIONS_LOST, Severity.MAJOR, form, words, "sessions are back", after_s)


def _managed(scene: Scene, after: dict[int, float]) -> Iterator[Told]:
    for gear in scene.dark:
        if gear.kind in MANAGERS:
            yield _missed(gear, MANAGERS[gear.kind], "element manager lost contact", after[gear.device_id] + STEP_S / 2)


def noise(scene: Scene, how_many: int, rng: np.random.Generator) -> list[Told]:
    """Unrelated trouble elsewhere, none of it service-affecting, that a correlation must leave out."""
    places: Sequence[int] = rng.permutation(len(scene.elsewhere))[:how_many].tolist()
    return [_stray(scene.elsewhere[place], number) for number, place in enumerate(places)]


def _stray(gear: Gear, number: int) -> Told:
    cause, severity, what, words = NOISE[number % len(NOISE)]
    return Told(gear, what, cause, severity, Form.ALARM_TRAP, words, f"{what} is well", 0.0)


def in_clear_text(told: Sequence[Told]) -> list[Told]:
    """The same with SNMPv2c in place of SNMPv3, for a door that has no users."""
    return [replace(one, form=Form.ALARM_TRAP) if one.form is Form.SECURE_TRAP else one for one in told]
