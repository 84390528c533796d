"""The plant: devices, the links between them, and who hangs from them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from atlas.identity import ConfigId, CustomerId, DeviceId, IncidentId, LinkId, SubscriberId

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


def ids_of(column: bytes) -> Ids:
    """Of a column of bigint, as PostgreSQL sends it."""
    return np.frombuffer(column, dtype=">i8").astype(np.int64)


def flags_of(column: bytes) -> Flags:
    """Of a column of boolean, as PostgreSQL sends it."""
    flags: Flags = np.frombuffer(column, dtype=np.bool_)
    return flags


class DeviceKind(StrEnum):
    """What a device is. The passive ones are plant: they fail, but never speak, and are not counted as devices."""

    GATEWAY = "gateway"  # where the internet is: transit and peering routers
    CORE = "core"
    METRO = "metro"
    BNG = "bng"
    AGGREGATION = "aggregation"
    OLT = "olt"
    PON_PORT = "pon_port"
    SPLITTER = "splitter"
    TOWER = "tower"
    SECTOR = "sector"
    CMTS = "cmts"
    DOCSIS_NODE = "docsis_node"
    BUSINESS_SWITCH = "business_switch"


PASSIVE_KINDS: Final = frozenset({DeviceKind.PON_PORT, DeviceKind.SPLITTER})
KINDS: Final = tuple(DeviceKind)


@dataclass(frozen=True)
class Network:
    """The whole plant as columns, for arithmetic over all of it at once; row i of each group belongs together.

    `device_kind` indexes `KINDS`. `device_site` is the cabinet or building whose power it shares (0: none known). Links have no
    direction; `link_conduit` is the duct or cable that a digger would cut (0: its own). `version` grows with every change.
    """

    version: int
    device_id: Ids
    device_kind: NDArray[np.uint8]
    device_area: Ids
    device_site: Ids
    device_is_gateway: Flags
    device_is_monitored: Flags
    link_id: Ids
    link_from: Ids
    link_to: Ids
    link_conduit: Ids


@dataclass(frozen=True)
class Lines:
    """Every live subscriber as columns: where it hangs and what is at stake. `monthly_minor` is minor units a month."""

    subscriber_id: Ids
    customer_id: Ids
    device_id: Ids
    area_id: Ids
    monthly_minor: Ids
    is_vulnerable: Flags
    is_business: Flags


@dataclass(frozen=True)
class Device:
    """One device of the plant as people look it up. `lines` counts the live lines that hang directly from it."""

    device_id: DeviceId
    name: str
    kind: DeviceKind
    area: str
    site: str | None
    management_address: str | None
    vendor: str
    model: str
    operational_state: str
    state_changed_at: datetime
    is_monitored: bool
    lines: int


@dataclass(frozen=True)
class Changed:
    """One field of a device, of its links or of what hangs from it, that changed: by whom and why, as far as an action did it.

    `by` empty: it came with a plan of the network.
    """

    at: datetime
    ci: str
    field: str
    was: str | None
    became: str | None
    by: str
    reason: str


@dataclass(frozen=True)
class ConfigKept:
    """A configuration that a device had from `taken_at` on, without its words; `is_good`: somebody said that the device works with it."""

    id: ConfigId
    taken_at: datetime
    is_good: bool
    lines: int
    sha256: str


@dataclass(frozen=True)
class Line:
    """One subscriber's line: what was bought, what the ONT or modem last measured, and the last session.

    `received_power_dbm` is None where nothing was measured; `session_ended_at` None means online, unless there never was a session
    (then `session_started_at` is None too).
    """

    subscriber_id: SubscriberId
    customer_id: CustomerId
    state: str
    suspended_for: str | None
    offering: str
    technology: str
    area: str
    cpe_serial: str
    cpe_model: str
    received_power_dbm: float | None
    measured_at: datetime | None
    session_started_at: datetime | None
    session_ended_at: datetime | None
    session_end_cause: str | None


@dataclass(frozen=True)
class Reach:
    """What acting on a device touches: live lines that hang from it directly, and who among them must not be cut lightly."""

    kind: DeviceKind
    name: str
    management_address: str | None
    customers: int
    touches_vulnerable: bool
    touches_emergency_line: bool


@dataclass(frozen=True)
class Equipment:
    """A customer's own ONT or modem, and what the network calls it."""

    customer_id: CustomerId
    cpe_serial: str
    managed_object: str
    reported_by: str
    management_address: str | None
    touches_vulnerable: bool
    touches_emergency_line: bool


@dataclass(frozen=True)
class Diagnosis:
    """What a probe of one device found."""

    device_id: DeviceId
    device: str
    at: datetime
    is_reachable: bool
    round_trip: timedelta | None


@dataclass(frozen=True)
class Stop:
    """A device in the picture of an incident: `is_lost` while it is without service, `was_lost` if it ever was; `lines` hang from it."""

    device_id: DeviceId
    name: str
    kind: str
    was_lost: bool
    is_lost: bool
    lines: int


@dataclass(frozen=True)
class Span:
    """A link in the picture of an incident."""

    link_id: LinkId
    one: DeviceId
    other: DeviceId
    conduit_id: int | None


@dataclass(frozen=True)
class PlannedDevice:
    """A device as somebody's plan of the network names it. Without a site it gets one of its own where its position is known."""

    name: str
    kind: DeviceKind
    area: str
    latitude: float | None = None
    longitude: float | None = None
    site: str | None = None
    management_address: str | None = None
    vendor: str = ""
    model: str = ""
    serial: str | None = None
    firmware: str = ""
    is_monitored: bool = True


@dataclass(frozen=True)
class PlannedLink:
    name: str
    kind: str
    from_device: str
    from_port: str
    to_device: str
    to_port: str
    conduit: str | None = None
    length_m: int | None = None


@dataclass(frozen=True)
class PlannedPlant:
    """A network from outside, by names: what an import takes in."""

    devices: tuple[PlannedDevice, ...]
    links: tuple[PlannedLink, ...]


@dataclass(frozen=True)
class PlantKnown:
    """Something that a plan names and Atlas has: `kind` says what it is, `held_by` what has it."""

    kind: str
    name: str
    held_by: str


@dataclass(frozen=True)
class PlantRecorded:
    """How much of a plan was new."""

    devices: int
    links: int


@dataclass(frozen=True)
class ProbeTarget:
    """A device that could be looked at, and where it answers."""

    device_id: DeviceId
    name: str
    kind: DeviceKind
    management_address: str | None


@dataclass(frozen=True)
class LineCheck:
    """All that is looked at when somebody's internet does not work, in one row: the contract, the fault that holds the line, the light,
    the session. `incident_id` is the open incident that holds the line, None where there is none."""

    subscriber_id: SubscriberId
    offering: str
    technology: str
    state: str
    suspended_for: str | None
    incident_id: IncidentId | None
    incident_cause: str | None
    incident_is_outage: bool | None
    lost_at: datetime | None
    received_power_dbm: float | None
    measured_at: datetime | None
    session_started_at: datetime | None
    session_ended_at: datetime | None
    session_end_cause: str | None


@dataclass(frozen=True)
class LineVerdict:
    """The first thing found wrong with a line, looked for in the field's order; nothing after it was looked at.

    `cause`: suspended_for_non_payment, suspended_at_own_wish, suspended_for_abuse, area_fault, own_line_fault, light_too_weak,
    light_too_strong, light_marginal, equipment_without_power, no_session, never_connected, or home_network where all of ours is well.
    `next_step`: pay, speak_to_us, wait, book_visit, check_power, restart or check_wifi. `since` is when the trouble began, where known.
    """

    subscriber_id: SubscriberId
    offering: str
    technology: str
    cause: str
    next_step: str
    since: datetime | None
    incident_id: IncidentId | None
    received_power_dbm: float | None


@dataclass(frozen=True)
class LineOwner:
    """Whose line it is, and what must be borne in mind before it is interrupted."""

    customer_id: CustomerId
    touches_vulnerable: bool
    touches_emergency_line: bool


@dataclass(frozen=True)
class Profiles:
    """What an OLT, a CMTS, a sector or a DHCP server is told of a plan besides its speed; empty is the device's own default."""

    line_profile: str = ""
    service_profile: str = ""
    dhcp_class: str = ""
