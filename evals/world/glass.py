"""The glass of the demo ISP: from each OLT a feeder of tubes to a joint, from there a cable of one tube to four splitters in a closure."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np

from evals.world.copying import Column
from evals.world.places import KM_EAST, KM_NORTH, middles
from evals.world.plant import Device, Link, Plant

Table = tuple[str, dict[str, Column]]
PER_TUBE: Final = 12
PER_CLOSURE: Final = 4
MADE: Final = timedelta(days=200)


@dataclass(frozen=True, slots=True)
class Cable:
    id: int
    name: str
    kind: str
    from_site_id: int
    to_site_id: int
    conduit_id: int | None
    tubes: int
    length_m: int


def glass_tables(plant: Plant, action_id: int, now: datetime) -> Iterator[Table]:
    """Places, cables and splices. Where plant stands does not hang on them: they come after all of it."""
    devices = {device.id: device for device in plant.devices}
    feeders = {link.from_device_id: link for link in plant.links if link.kind == "feeder"}
    ports: dict[int, list[Link]] = defaultdict(list)
    for link in plant.links:
        if link.to_device_id in feeders:
            ports[link.from_device_id].append(feeders[link.to_device_id])
    sites: list[tuple[int, str, int]] = []
    cables: list[Cable] = []
    ends: list[dict[str, Any]] = []
    for olt, links in ports.items():
        _lay(devices[olt], links, len(plant.sites), sites, cables, ends)
    yield "cmdb.site", _sites(plant, sites)
    columns = ("id", "name", "kind", "from_site_id", "to_site_id", "conduit_id", "tubes", "length_m")
    laid: dict[str, Column] = {column: [getattr(cable, column) for cable in cables] for column in columns}
    yield "cmdb.cable", {**laid, "strands_per_tube": [PER_TUBE] * len(cables), "action_id": [action_id] * len(cables)}
    spliced: dict[str, Column] = {
        column: [end.get(column) for end in ends]
        for column in ("splice_id", "half", "cable_id", "strand", "cable_end", "device_id", "port")
    }
    yield "cmdb.splice_end", {**spliced, "made_at": [now - MADE] * len(ends), "action_id": [action_id] * len(ends)}


def _lay(
    olt: Device, links: list[Link], there: int, sites: list[tuple[int, str, int]], cables: list[Cable], ends: list[dict[str, Any]]
) -> None:
    """One OLT: `links` lead from its PON ports to their splitters, in the order of the ports."""
    stem = olt.name.partition("-")[2]
    shortest = min(link.length_m for link in links)

    def site(name: str) -> int:
        sites.append((there + len(sites) + 1, name, olt.area_id))
        return sites[-1][0]

    def cable(name: str, kind: str, start: int, end: int, conduit: int | None, tubes: int, length_m: int) -> int:
        cables.append(Cable(len(cables) + 1, name, kind, start, end, conduit, tubes, length_m))
        return len(cables)

    def splice(one: dict[str, Any], other: dict[str, Any]) -> None:
        number = len(ends) // 2 + 1
        ends.extend({"splice_id": number, "half": half, **end} for half, end in ((1, one), (2, other)))

    joint = site(f"{olt.name} joint")
    tubes = -(-len(links) // PER_TUBE)
    feeder = cable(f"fdr-{stem}", "feeder", olt.site_id or joint, joint, links[0].conduit_id, tubes, shortest * 3 // 5)
    for number, link in enumerate(links):
        group, place = divmod(number, PER_CLOSURE)
        if place == 0:
            closure = site(f"{olt.name} closure {group + 1}")
            branch = cable(f"dst-{stem}-{group + 1}", "distribution", joint, closure, None, 1, link.length_m - shortest * 3 // 5)
        splice({"device_id": link.from_device_id, "port": "pon"}, {"cable_id": feeder, "strand": number + 1, "cable_end": "from"})
        splice(
            {"cable_id": feeder, "strand": number + 1, "cable_end": "to"}, {"cable_id": branch, "strand": place + 1, "cable_end": "from"}
        )
        splice({"cable_id": branch, "strand": place + 1, "cable_end": "to"}, {"device_id": link.to_device_id, "port": "in"})


def _sites(plant: Plant, sites: list[tuple[int, str, int]]) -> dict[str, Column]:
    away_km = np.random.default_rng(len(sites)).normal(0, 0.6, (len(sites), 2))
    middle = middles(plant.world)[[area_id - 1 for _, _, area_id in sites]]
    return {
        "id": [number for number, _, _ in sites],
        "name": [name for _, name, _ in sites],
        "area_id": [area_id for _, _, area_id in sites],
        "latitude": np.round(middle[:, 0] + away_km[:, 0] * KM_NORTH, 6),
        "longitude": np.round(middle[:, 1] + away_km[:, 1] * KM_EAST, 6),
    }
