"""How a device ranks, and what an optical reading means. Pure."""

from enum import StrEnum
from typing import Final

from atlas.cmdb.records import DeviceKind

_CORE: Final = frozenset({DeviceKind.GATEWAY, DeviceKind.CORE})
_METRO: Final = frozenset({DeviceKind.METRO, DeviceKind.BNG})

# ITU-T G.984.2 class B+: below the receiver's sensitivity bits are lost, above its overload they are too. The margin is the
# difference between a clean line and one that a bent patch cord will silence.
WEAKEST_DBM: Final = -27.0
STRONGEST_DBM: Final = -8.0
MARGIN_DB: Final = 2.0


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
