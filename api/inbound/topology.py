"""An operator's plan of the network arrives: each row is judged by itself, and what is new asked for as one order."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from api.inbound.plans import PlanTaken, asked_for
from api.plan_rows import Judging
from api.topology_files import TopologyRead, read_topology
from atlas.cmdb.reads import plant_known
from atlas.cmdb.records.plant import PlannedDevice, PlannedLink, PlannedPlant
from atlas.errors import InvalidField
from atlas.identity import CorrelationId
from atlas.principal import Principal, executor
from forge.actions.cmdb.topology import ImportTopology
from forge.propose import Forge

READER: Final = executor("import")
Known = dict[tuple[str, str], str]


async def import_topology(forge: Forge, principal: Principal, path: Path, correlation: CorrelationId, *, is_dry: bool) -> PlanTaken:
    """Takes what is new of the network that `path` describes, all of it as one order; what is known by its name stays as it is.

    A row that cannot be taken holds up no other. Dry, nothing is asked for. Raises TopologyUnreadable where the file is no network.
    """
    read = await asyncio.to_thread(read_topology, path)
    known = await _known(forge, read)
    devices, links = Judging(read.devices_file), Judging(read.links_file)
    new = _devices(read, known, devices)
    spans = _links(read, known, links, {device.name for device in new})
    plan = ImportTopology(str(correlation), PlannedPlant(tuple(new), tuple(spans)))
    is_asked = not is_dry and bool(new or spans)
    asked = (await asked_for(forge, principal, plan, len(new) + len(spans), correlation),) if is_asked else ()
    counted = {"devices": len(new), "links": len(spans)}
    return PlanTaken(counted, devices.same + links.same, (*read.wrong, *devices.wrong, *links.wrong), asked)


async def _known(forge: Forge, read: TopologyRead) -> Known:
    devices, links = read.plant.devices, read.plant.links
    ends = {end for link in links for end in (link.from_device, link.to_device)}
    names = {*ends, *(device.name for device in devices), *(link.name for link in links), *(one.serial for one in devices if one.serial)}
    addresses = sorted({device.management_address for device in devices if device.management_address})
    async with forge.atlas.transaction(READER) as conn:
        return await plant_known(conn, sorted(names), addresses)


def _devices(read: TopologyRead, known: Mapping[tuple[str, str], str], judging: Judging) -> list[PlannedDevice]:
    taken: set[tuple[str, str]] = set()
    new = []
    for row, device in read.devices:
        kind = known.get(("device", device.name))
        if kind == device.kind.value:
            judging.same += 1
            continue
        try:
            _stand(device, kind, known, taken)
        except InvalidField as wrong:
            judging.refuse(row, wrong.field, wrong.reason)
            continue
        new.append(device)
    return new


def _stand(device: PlannedDevice, kind: str | None, known: Mapping[tuple[str, str], str], taken: set[tuple[str, str]]) -> None:
    """Notes what is a device's alone. Raises InvalidField where it is another's; `kind`: as what it is there already."""
    if kind is not None:
        raise InvalidField("kind", f"{device.name} is there already, as a {kind}")
    for column, what in (("management_address", "address"), ("serial", "serial")):
        one = (what, getattr(device, column) or "")
        if one[1] and (one in known or one in taken):
            raise InvalidField(column, f"{one[1]} is {known.get(one, 'another device of this file')}'s")
        taken.add(one)


def _links(read: TopologyRead, known: Known, judging: Judging, new_devices: set[str]) -> list[PlannedLink]:
    taken: Known = {}
    new = []
    for row, link in read.links:
        if ("link", link.name) in known:
            judging.same += 1
            continue
        try:
            _place(link, known, taken, new_devices)
        except InvalidField as wrong:
            judging.refuse(row, wrong.field, wrong.reason)
            continue
        new.append(link)
    return new


def _place(link: PlannedLink, known: Known, taken: Known, new_devices: set[str]) -> None:
    """Notes the two ports of a link as taken. Raises InvalidField where it leads nowhere, or to a port or by a name that is taken."""
    ends = (("from", link.from_device, link.from_port), ("to", link.to_device, link.to_port))
    for side, device, port in ends:
        if device not in new_devices and ("device", device) not in known:
            raise InvalidField(f"{side}_device", f"{link.name} leads to {device}, which is not there or was refused")
        at = (f"{side}_port", f"{device} {port}")
        if held := known.get(at) or taken.get(at):
            raise InvalidField(f"{side}_port", f"port {port} of {device} is taken by {held}")
    if ("link", link.name) in taken:
        raise InvalidField("name", f"{link.name} is there twice")
    taken[("link", link.name)] = link.name
    taken.update({(f"{side}_port", f"{device} {port}"): link.name for side, device, port in ends})
