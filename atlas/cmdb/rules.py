"""How a device ranks, and what an optical reading means. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from atlas.cmdb.records import DeviceKind, LineCheck, LineVerdict

_CORE: Final = frozenset({DeviceKind.GATEWAY, DeviceKind.CORE})
_METRO: Final = frozenset({DeviceKind.METRO, DeviceKind.BNG})

# ITU-T G.984.2 class B+: below the receiver's sensitivity bits are lost, above its overload they are too. The margin is the
# difference between a clean line and one that a bent patch cord will silence.
WEAKEST_DBM: Final = -27.0
STRONGEST_DBM: Final = -8.0
MARGIN_DB: Final = 2.0

# An older reading says how the line was, and not how it is.
FRESH: Final = timedelta(hours=24)
# What a BNG writes when the far end fell silent: usually the box at home lost its power.
WENT_SILENT: Final = frozenset({"Lost-Carrier", "Lost-Service", "Idle-Timeout", "Port-Error"})

SUSPENDED: Final = {
    "non_payment": ("suspended_for_non_payment", "pay"),
    "voluntary": ("suspended_at_own_wish", "speak_to_us"),
    "abuse": ("suspended_for_abuse", "speak_to_us"),
}


class OpticalVerdict(StrEnum):
    GOOD = "good"
    MARGINAL = "marginal"
    TOO_WEAK = "too_weak"
    TOO_STRONG = "too_strong"


def level_of(kind: DeviceKind) -> int:
    """How far up the network a device stands: 2 access, 3 aggregation, 4 metro, 5 core. (1 is a customer's own equipment.)"""
    if kind in _CORE:
        return 5
    if kind in _METRO:
        return 4
    return 3 if kind is DeviceKind.AGGREGATION else 2


def optical_verdict(received_power_dbm: float) -> OpticalVerdict:
    """What light at an ONT means for its line."""
    if received_power_dbm < WEAKEST_DBM:
        return OpticalVerdict.TOO_WEAK
    if received_power_dbm > STRONGEST_DBM:
        return OpticalVerdict.TOO_STRONG
    if received_power_dbm < WEAKEST_DBM + MARGIN_DB:
        return OpticalVerdict.MARGINAL
    return OpticalVerdict.GOOD


def first_cause(check: LineCheck, now: datetime) -> LineVerdict:
    """Looks in the field's order (suspended, a fault that holds the line, the light, the session, then the home) and stops at the first."""
    for look in (_suspension, _fault, _light, _session):
        if found := look(check, now):
            return found
    if _light_is(check, now) is OpticalVerdict.MARGINAL:
        return _verdict(check, "light_marginal", "book_visit", check.measured_at)
    return _verdict(check, "home_network", "check_wifi", None)


def _verdict(check: LineCheck, cause: str, next_step: str, since: datetime | None) -> LineVerdict:
    return LineVerdict(
        check.subscriber_id, check.offering, check.technology, cause, next_step, since, check.incident_id, check.received_power_dbm
    )


def _suspension(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.suspended_for is None:
        return None
    return _verdict(check, *SUSPENDED[check.suspended_for], None)


def _fault(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.incident_id is None or not check.incident_is_outage:
        return None
    if check.incident_cause == "drop":
        return _verdict(check, "own_line_fault", "book_visit", check.lost_at)
    return _verdict(check, "area_fault", "wait", check.lost_at)


def _light_is(check: LineCheck, now: datetime) -> OpticalVerdict | None:
    if check.technology != "fibre" or check.received_power_dbm is None or check.measured_at is None or now - check.measured_at > FRESH:
        return None
    return optical_verdict(check.received_power_dbm)


def _light(check: LineCheck, now: datetime) -> LineVerdict | None:
    found = _light_is(check, now)
    if found in (OpticalVerdict.TOO_WEAK, OpticalVerdict.TOO_STRONG):
        return _verdict(check, f"light_{found}", "book_visit", check.measured_at)
    return None


def _session(check: LineCheck, now: datetime) -> LineVerdict | None:  # noqa: ARG001
    if check.session_started_at is None:
        return _verdict(check, "never_connected", "speak_to_us", None)
    if check.session_ended_at is None:
        return None
    if check.session_end_cause in WENT_SILENT:
        return _verdict(check, "equipment_without_power", "check_power", check.session_ended_at)
    return _verdict(check, "no_session", "restart", check.session_ended_at)
