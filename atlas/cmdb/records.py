"""The plant: devices, the links between them, and who hangs from them."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Flags = NDArray[np.bool_]


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
