"""Where a fault is played: the link that is cut, and everything that will be heard of."""

from dataclasses import dataclass

from atlas.cmdb import reads as cmdb
from atlas.errors import NotFound
from atlas.statements import Connection, Statements
from cortex.blast_radius import blast_radius
from cortex.findings import Element
from cortex.topology import Topology

SQL = Statements(__file__)


@dataclass(frozen=True)
class Gear:
    """A device that speaks, or is spoken for, at its management address."""

    device_id: int
    name: str
    kind: str
    address: str


@dataclass(frozen=True)
class CutLink:
    link_id: int
    name: str
    from_device_id: int
    from_port: str
    to_device_id: int
    to_port: str


@dataclass(frozen=True)
class LineGroup:
    """Lines that hang from one splitter, sector, node or switch; the BNG counts their sessions together."""

    device_id: int
    address: str
    device: str
    hangs_from: str
    lines: int


@dataclass(frozen=True)
class Scene:
    """`near` is the end that stays fed. `dark` are the devices that nothing reaches any more, the far end first; `elsewhere` others."""

    link: CutLink
    near: Gear
    far: Gear
    dark: tuple[Gear, ...]
    groups: tuple[LineGroup, ...]
    elsewhere: tuple[Gear, ...]


async def scene_of_cut(conn: Connection, link_name: str) -> Scene:
    """The scene of a cut of this link. Raises NotFound where there is no such link."""
    link = await SQL.first(conn, CutLink, "cut_link", name=link_name)
    if link is None:
        raise NotFound("link", link_name)
    topology = Topology.build(await cmdb.network(conn), await cmdb.lines(conn))
    behind = [int(device) for device in blast_radius(topology, [Element("link", link.link_id)]).devices]
    ends = {gear.device_id: gear for gear in await SQL.all(conn, Gear, "gear", device_ids=[link.from_device_id, link.to_device_id])}
    far_id = link.to_device_id if link.to_device_id in behind else link.from_device_id
    near_id = link.from_device_id if far_id == link.to_device_id else link.to_device_id
    return Scene(
        link=link,
        near=ends[near_id],
        far=ends[far_id],
        dark=tuple(await SQL.all(conn, Gear, "gear", device_ids=behind)),
        groups=tuple(await SQL.all(conn, LineGroup, "line_groups", device_ids=behind)),
        elsewhere=tuple(await SQL.all(conn, Gear, "gear_elsewhere", device_ids=[*behind, near_id])),
    )
