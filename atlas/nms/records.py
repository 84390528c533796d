"""What the network says of itself: alarms in the terms of X.733 and TMF642."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from atlas.identity import AlarmId, DeviceId, IncidentId, LinkId, SubscriberId


class Severity(StrEnum):
    """TMF642 `perceivedSeverity`."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"
    WARNING = "warning"
    INDETERMINATE = "indeterminate"
    CLEARED = "cleared"


class AlarmType(StrEnum):
    """The eleven event types of X.733 and X.736."""

    COMMUNICATIONS = "communicationsAlarm"
    PROCESSING_ERROR = "processingErrorAlarm"
    ENVIRONMENTAL = "environmentalAlarm"
    QUALITY_OF_SERVICE = "qualityOfServiceAlarm"
    EQUIPMENT = "equipmentAlarm"
    INTEGRITY_VIOLATION = "integrityViolation"
    OPERATIONAL_VIOLATION = "operationalViolation"
    PHYSICAL_VIOLATION = "physicalViolation"
    SECURITY_SERVICE_VIOLATION = "securityService"
    MECHANISM_VIOLATION = "mechanismViolation"
    TIME_DOMAIN_VIOLATION = "timeDomainViolation"


class ProbableCause(StrEnum):
    """X.733 and M.3100 names where they have one, the field's own word where they do not."""

    # A line or a port lost its peer
    LOSS_OF_SIGNAL = "lossOfSignal"
    LOSS_OF_FRAME = "lossOfFrame"
    LINK_DOWN = "linkDown"
    DEGRADED_SIGNAL = "degradedSignal"
    ADJACENCY_LOST = "routingAdjacencyLost"
    # Somebody else could not reach the device
    UNREACHABLE = "unreachable"
    SESSIONS_LOST = "sessionsLost"
    # The device or its surroundings
    DYING_GASP = "dyingGasp"
    POWER_PROBLEM = "powerProblem"
    ON_BATTERY = "onBattery"
    EQUIPMENT_MALFUNCTION = "equipmentMalfunction"
    LINE_CARD_PROBLEM = "lineCardProblem"
    RESTARTED = "restarted"
    TEMPERATURE = "temperatureUnacceptable"
    CPU_LIMIT = "cpuCyclesLimitExceeded"
    STORAGE_LIMIT = "storageCapacityProblem"
    SOFTWARE_ERROR = "softwareError"
    CONFIGURATION = "configurationOrCustomizationError"
    THRESHOLD_CROSSED = "thresholdCrossed"
    SECURITY = "unauthorizedAccessAttempt"
    INDETERMINATE = "indeterminate"


class Door(StrEnum):
    """Where a fact came in."""

    SNMP = "snmp"
    SYSLOG = "syslog"
    TMF642 = "tmf642"
    ALERTMANAGER = "alertmanager"


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One raise or one clear as a door heard it, normalised; not yet matched to a device.

    `device` is the name or address by which the sender is known; `managed_object` the instance inside it (`''` is the device as
    a whole). Device, object and probable cause together name the alarm; the event only moves its state. `event_at` is the sender's
    own time where it is believable (see `believable_event_time` in rules), else None.
    """

    device: str
    managed_object: str
    probable_cause: ProbableCause
    severity: Severity
    alarm_type: AlarmType
    text: str
    received_at: datetime
    door: Door
    event_at: datetime | None = None
    specific_problem: str = ""
    sender_reference: str = ""

    @property
    def is_clear(self) -> bool:
        return self.severity is Severity.CLEARED


@dataclass(frozen=True, slots=True)
class Quarantined:
    """What could not be taken, kept whole with the reason, so that nothing a sender said is lost."""

    door: Door
    received_at: datetime
    source_address: str
    reason: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class OpenAlarm:
    """An alarm that stands, matched to the plant.

    `link_id` is set where the managed object is a port with a known link; `subscriber_id` where it is one customer's ONT or modem
    (then `device_id` is the splitter, sector or node that it hangs from). `times` counts repeats.
    """

    alarm_id: AlarmId
    device_id: DeviceId
    link_id: LinkId | None
    subscriber_id: SubscriberId | None
    probable_cause: ProbableCause
    severity: Severity
    raised_at: datetime
    times: int
    managed_object: str = ""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch did: alarms touched, how many of them opened, closed or changed severity, events set aside for want of a device."""

    alarms: int
    changed: int
    unknown: int


@dataclass(frozen=True, slots=True)
class AlarmPulse:
    """The network's alarms in two numbers, for a board."""

    open_alarms: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class NewestAlarm:
    """The last alarm of those that stand: when it was heard (None where none stands), how long ago by the database's clock.

    `standing` counts them; `more_to_come` says that a door is storing others at this moment.
    """

    heard_at: datetime | None
    age: timedelta
    standing: int
    more_to_come: bool


@dataclass(frozen=True, slots=True)
class MaintenanceWindow:
    """Planned work on one device, from `starts_at` until just before `ends_at`."""

    device_id: DeviceId
    starts_at: datetime
    ends_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class StandingAlarm:
    """One alarm as staff read it: on which device, what it says, how often, and which incident holds it.

    `is_in_maintenance`: raised while the device was worked on. It is kept, and thought about again when the window ends.
    `is_flapping`: came and went so often that it counts as standing until it has been quiet for the hold-down, whatever it says last.
    """

    alarm_id: AlarmId
    device: str
    managed_object: str
    probable_cause: ProbableCause
    severity: Severity
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    is_open: bool
    is_flapping: bool
    times: int
    is_acknowledged: bool
    incident_id: IncidentId | None
    is_in_maintenance: bool


@dataclass(frozen=True)
class PortDoubt:
    """A port at which a box asked for an address, as its access node named it, and what does not fit; all but `other_box` were refused.

    `reason`: unknown_port, no_line, no_number (its line has none that is told by port) or other_box (the box there is another line's).
    """

    device_id: DeviceId
    bng: str
    circuit_id: str
    remote_id: str
    station: str
    reason: str
    first_seen_at: datetime
    last_seen_at: datetime
    times: int
