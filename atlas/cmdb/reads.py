"""Questions about the plant. The whole network and all its lines come as columns, for arithmetic over all of it at once."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import numpy as np

from atlas.cmdb.records.fibre import Cable, CableInUse, FibreWay, LineEnd, LineLit, Met, Splice, SpliceEnd, Strand, StrandEnds
from atlas.cmdb.records.numbers import (
    Asset,
    AssetEvent,
    Astray,
    Drift,
    Number,
    PlaceEvent,
    PoolForecast,
    PoolOption,
    PoolUse,
    Sighting,
    StationSeen,
)
from atlas.cmdb.records.plant import (
    KINDS,
    Changed,
    ConfigKept,
    Device,
    Diagnosis,
    Equipment,
    Line,
    LineCheck,
    LineOwner,
    Lines,
    Network,
    PlantKnown,
    ProbeTarget,
    Profiles,
    Reach,
    Span,
    Stop,
    flags_of,
    ids_of,
)
from atlas.cmdb.records.sessions import Credential, DayOfUse, Nas, OpenSession, SessionSeen, SpeedNotKept
from atlas.cmdb.rules import astray, checked_port, end_meant, fibre_way, forecast, strand_meant, strands_of
from atlas.errors import NotFound
from atlas.identity import ConfigId, CustomerId, DeviceId, IncidentId, OfferingVersionId, OrderId, SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def network(conn: Connection) -> Network:
    """All devices and links, each in order of id."""
    version = await topology_version(conn)
    ids, kinds, areas, sites, gateways, monitored = await _columns(conn, "network_devices", kinds=[kind.value for kind in KINDS])
    link_ids, link_from, link_to, conduits = await _columns(conn, "network_links")
    return Network(
        version=version,
        device_id=ids_of(ids),
        device_kind=np.frombuffer(kinds, dtype=">i4").astype(np.uint8),
        device_area=ids_of(areas),
        device_site=ids_of(sites),
        device_is_gateway=flags_of(gateways),
        device_is_monitored=flags_of(monitored),
        link_id=ids_of(link_ids),
        link_from=ids_of(link_from),
        link_to=ids_of(link_to),
        link_conduit=ids_of(conduits),
    )


async def lines(conn: Connection) -> Lines:
    """Every active subscriber with a known access, in no order. A month's charge is the recurring prices of what was bought."""
    subscribers, customers, devices, areas, monthly, vulnerable, businesses = await _columns(conn, "live_lines")
    return Lines(
        subscriber_id=ids_of(subscribers),
        customer_id=ids_of(customers),
        device_id=ids_of(devices),
        area_id=ids_of(areas),
        monthly_minor=ids_of(monthly),
        is_vulnerable=flags_of(vulnerable),
        is_business=flags_of(businesses),
    )


async def topology_version(conn: Connection) -> int:
    """Grows with every change to the plant or to whose line is live."""
    return int(await SQL.value(conn, "topology_version"))


async def device_named(conn: Connection, name: str) -> Device | None:
    return await SQL.first(conn, Device, "device_named", name=name)


async def lines_of(conn: Connection, customer_id: CustomerId) -> list[Line]:
    """The customer's lines that are active or suspended, oldest first."""
    return await SQL.all(conn, Line, "lines_of", customer_id=customer_id)


async def reach_of(conn: Connection, device_id: DeviceId) -> Reach | None:
    """Whom a restart of this device would touch: lines that hang from it or that it speaks for; none behind other devices."""
    return await SQL.first(conn, Reach, "reach_of", device_id=device_id)


async def equipment_of(conn: Connection, subscriber_id: SubscriberId) -> Equipment | None:
    return await SQL.first(conn, Equipment, "equipment_of", subscriber_id=subscriber_id)


async def diagnoses_of_incident(conn: Connection, incident_id: IncidentId, most: int = 100) -> list[Diagnosis]:
    """What probes behind the incident found, newest first."""
    return await SQL.all(conn, Diagnosis, "diagnoses_of_incident", incident_id=incident_id, most=most)


async def _columns(conn: Connection, name: str, **parameters: object) -> tuple[bytes, ...]:
    async with conn.cursor(binary=True) as cursor:
        await cursor.execute(SQL.text(name), parameters)
        row = await cursor.fetchone()
    return row or ()


async def stops_of_incident(conn: Connection, incident_id: IncidentId) -> list[Stop]:
    """Every active device the incident ever held, and the healthy ones next to them; lines of passive plant count to what feeds it."""
    return await SQL.all(conn, Stop, "stops_of_incident", incident_id=incident_id)


async def spans_of_incident(conn: Connection, incident_id: IncidentId) -> list[Span]:
    """Every link that touches a device the incident ever held, passive plant left out."""
    return await SQL.all(conn, Span, "spans_of_incident", incident_id=incident_id)


async def probe_targets(conn: Connection, incident_id: IncidentId) -> list[ProbeTarget]:
    """Devices still lost in the incident that can answer and were not asked in it yet."""
    return await SQL.all(conn, ProbeTarget, "probe_targets", incident_id=incident_id)


async def devices_by_id(conn: Connection, devices: Sequence[DeviceId]) -> list[ProbeTarget]:
    return await SQL.all(conn, ProbeTarget, "devices_by_id", devices=list(devices))


async def line_checks(conn: Connection, customer_id: CustomerId) -> list[LineCheck]:
    """What is known of each of the customer's lines that bears on whether it works, oldest line first."""
    return await SQL.all(conn, LineCheck, "line_checks", customer_id=customer_id)


async def line_owner(conn: Connection, subscriber_id: SubscriberId) -> LineOwner | None:
    return await SQL.first(conn, LineOwner, "line_owner", subscriber_id=subscriber_id)


async def pools_for(conn: Connection, subscriber_id: SubscriberId, device_id: DeviceId | None) -> list[PoolOption]:
    """The pools from which the line could be served, the nearest of each kind first; `device_id`: the OLT it will hang from."""
    return await SQL.all(conn, PoolOption, "pools_for", subscriber_id=subscriber_id, device_id=device_id)


async def numbers_of(conn: Connection, subscriber_id: SubscriberId) -> list[Number]:
    """What the line holds of addresses, prefixes and VLANs, reserved or assigned."""
    return await SQL.all(conn, Number, "numbers_of", subscriber_id=subscriber_id)


async def pools_for_add_on(conn: Connection, line: SubscriberId, version: OfferingVersionId) -> list[PoolOption]:
    """Where the address of an add-on of this version may come from, the nearest first."""
    return await SQL.all(conn, PoolOption, "pools_for_add_on", subscriber_id=line, version=version)


async def profiles_for(conn: Connection, line: SubscriberId, order: OrderId, down_kbps: int, up_kbps: int) -> Profiles:
    """What the catalogue says of the plan that an order sets a line up for; all empty where it says nothing."""
    asked = {"subscriber_id": line, "order_id": order, "down_kbps": down_kbps, "up_kbps": up_kbps}
    return await SQL.first(conn, Profiles, "profiles_for", **asked) or Profiles()


async def changes_of(conn: Connection, device_id: DeviceId, most: int = 100) -> list[Changed]:
    """What changed of a device, of its links and of what hangs from it, the latest first."""
    return await SQL.all(conn, Changed, "changes_of", device_id=device_id, most=most)


async def configs_of(conn: Connection, device_id: DeviceId, most: int = 50) -> list[ConfigKept]:
    """The configurations that a device had, the latest first."""
    return await SQL.all(conn, ConfigKept, "configs_of", device_id=device_id, config_id=None, most=most)


async def config_kept(conn: Connection, device_id: DeviceId, config_id: ConfigId) -> ConfigKept:
    """One of them. Raises NotFound where it is none of this device's."""
    found = await SQL.first(conn, ConfigKept, "configs_of", device_id=device_id, config_id=config_id, most=1)
    if found is None:
        raise NotFound("configuration of this device", config_id)
    return found


async def config_words(conn: Connection, device_id: DeviceId, config_id: ConfigId) -> str:
    """What stands in it, secrets too: for a comparison, never to be shown. Raises NotFound."""
    await config_kept(conn, device_id, config_id)
    return str(await SQL.value(conn, "config_words", config_id=config_id))


async def pool_forecasts(conn: Connection, horizon: timedelta = timedelta(days=30)) -> list[PoolForecast]:
    """Every pool, with what the order book and the churn of late make of it within `horizon`."""
    return [forecast(use, horizon) for use in await SQL.all(conn, PoolUse, "pool_uses", horizon=horizon)]


async def asset_of_serial(conn: Connection, serial: str) -> Asset | None:
    """`serial` as `rules.serial_key` writes it."""
    return await SQL.first(conn, Asset, "assets", serial=serial, subscriber_id=None, kind=None, most=1)


async def assets_of_line(conn: Connection, subscriber_id: SubscriberId) -> list[Asset]:
    return await SQL.all(conn, Asset, "assets", serial=None, subscriber_id=subscriber_id, kind=None, most=20)


async def stock_of(conn: Connection, kind: str, most: int = 20) -> list[Asset]:
    """Boxes of a kind that may be given out: those in the warehouse first, then those in vans."""
    return await SQL.all(conn, Asset, "assets", serial=None, subscriber_id=None, kind=kind, most=most)


async def history_of_place(conn: Connection, subscriber_id: SubscriberId) -> list[AssetEvent]:
    """What happened to every box that ever stood where this line is, oldest first."""
    return await SQL.all(conn, AssetEvent, "history_of_place", subscriber_id=subscriber_id)


async def story_of_place(conn: Connection, subscriber_id: SubscriberId) -> list[PlaceEvent]:
    """Boxes, visits, lines and addresses of the place where this line is, of whoever lived there too, oldest first."""
    return await SQL.all(conn, PlaceEvent, "story_of_place", subscriber_id=subscriber_id)


async def behind_baseline(conn: Connection, most: int = 100) -> list[Asset]:
    """Boxes in use whose firmware is not what it should be."""
    return await SQL.all(conn, Asset, "behind_baseline", most=most)


async def drifts(conn: Connection, subscriber_id: SubscriberId | None = None, most: int = 100) -> list[Drift]:
    """Lines of which the network does something else than is billed, what was accepted last; all of them, or one's."""
    return await SQL.all(conn, Drift, "drifts", subscriber_id=subscriber_id, most=most)


async def sightings(conn: Connection, mac: str) -> list[Sighting]:
    """`mac` as `rules.mac_key` writes it."""
    return await SQL.all(conn, Sighting, "sightings", mac=mac)


async def boxes_cloned(conn: Connection) -> list[Astray]:
    """Boxes whose hardware address is signed in at two places at this moment, and no box moved from one to the other."""
    return astray(await SQL.all(conn, StationSeen, "stations_seen_twice"), "cloned")


async def boxes_moved(conn: Connection) -> list[Astray]:
    """Boxes that came to another place within a day, and nobody exchanged them."""
    return astray(await SQL.all(conn, StationSeen, "stations_seen_elsewhere"), "moved")


async def depends_on(conn: Connection, from_device: DeviceId, to_device: DeviceId) -> bool:
    return bool(await SQL.value(conn, "depends_on", from_device=from_device, to_device=to_device))


async def hanging_from(conn: Connection, device_id: DeviceId) -> str | None:
    """What still hangs from a device, in words; None where nothing does."""
    found: str | None = await SQL.value(conn, "hanging_from", device_id=device_id)
    return found


async def first_seen(conn: Connection, subscriber_id: SubscriberId) -> datetime | None:
    """When a BNG first reported a session of this line: the evidence that it works. None where none ever did."""
    seen: datetime | None = await SQL.value(conn, "first_seen", subscriber_id=subscriber_id)
    return seen


async def credential_of(conn: Connection, subscriber_id: SubscriberId) -> Credential | None:
    """What the line signs in with at a BNG, without the secret; None where it has nothing, or no more."""
    return await SQL.first(conn, Credential, "credential_of", subscriber_id=subscriber_id)


async def secret_for_equipment(conn: Connection, subscriber_id: SubscriberId) -> str | None:
    """The secret of the line's credential, for whoever sets its equipment up; only as the executor, and only where it is kept as it is."""
    secret: str | None = await SQL.value(conn, "secret_for_equipment", subscriber_id=subscriber_id)
    return secret


async def nases(conn: Connection) -> list[Nas]:
    """Every BNG that we share a secret with, in order of id; as the executor only."""
    return await SQL.all(conn, Nas, "nases", device_id=None)


async def nas_of(conn: Connection, device_id: DeviceId) -> Nas | None:
    return await SQL.first(conn, Nas, "nases", device_id=device_id)


async def open_sessions(conn: Connection, lines: Sequence[SubscriberId]) -> list[OpenSession]:
    """Sessions of these lines that have not ended, at BNGs we share a secret with; oldest first."""
    return await SQL.all(conn, OpenSession, "open_sessions", lines=list(lines), device_id=None, most=None)


async def sessions_of_nas(conn: Connection, device_id: DeviceId, most: int = 100) -> list[OpenSession]:
    """What one BNG holds, oldest first."""
    return await SQL.all(conn, OpenSession, "open_sessions", lines=None, device_id=device_id, most=most)


async def sessions_of(conn: Connection, customer_id: CustomerId, line: SubscriberId | None = None, most: int = 10) -> list[SessionSeen]:
    """The latest sessions of a customer's lines, or of one of them: what is open first, then what ended last."""
    return await SQL.all(conn, SessionSeen, "sessions_seen", session=None, customer_id=customer_id, line=line, device_id=None, most=most)


async def sessions_at(conn: Connection, device_id: DeviceId, most: int = 20) -> list[SessionSeen]:
    """What is open at one BNG, the newest first."""
    return await SQL.all(conn, SessionSeen, "sessions_seen", session=None, customer_id=None, line=None, device_id=device_id, most=most)


async def session_seen(conn: Connection, session: int) -> SessionSeen:
    """One session that a BNG reported on. Raises NotFound."""
    found = await SQL.first(conn, SessionSeen, "sessions_seen", session=session, customer_id=None, line=None, device_id=None, most=1)
    if found is None:
        raise NotFound("session", session)
    return found


async def session_ended(conn: Connection, accounting_id: int) -> bool:
    return bool(await SQL.value(conn, "session_ended", accounting_id=accounting_id))


async def speeds_not_kept(conn: Connection, horizon: timedelta = timedelta(days=1)) -> list[SpeedNotKept]:
    """CoAs of the last `horizon` that a BNG acknowledged and did not follow, by its own later reports."""
    return await SQL.all(conn, SpeedNotKept, "speeds_not_kept", horizon=horizon)


async def use_of(conn: Connection, subscriber_id: SubscriberId, since: date) -> list[DayOfUse]:
    """Day by day, latest first; days without any are left out."""
    return await SQL.all(conn, DayOfUse, "use_of", subscriber_id=subscriber_id, since=since)


async def cable_named(conn: Connection, name: str) -> Cable:
    """Raises NotFound."""
    found = await SQL.first(conn, Cable, "cables", names=[name])
    if found is None:
        raise NotFound("cable", name)
    return found


async def cables_in_use(conn: Connection, find: str, most: int) -> list[CableInUse]:
    """By name, so many at most: those with `find` in the name of the cable, its ends or its conduit; empty for all."""
    return await SQL.all(conn, CableInUse, "cables_in_use", find=find, most=most)


async def splice_end_meant(conn: Connection, written: str) -> SpliceEnd:
    """What people wrote for an end of a splice, as the plant has it. Raises NotFound, and InvalidField for what it has not."""
    name, strand, at = end_meant(written)
    if strand:
        cable = await cable_named(conn, name)
        return SpliceEnd(cable.name, strand_meant(strand, cable), at)
    device = await device_named(conn, name)
    if device is None:
        raise NotFound("device", name)
    legs: int | None = await SQL.value(conn, "legs_of", device_id=device.device_id)
    return SpliceEnd(device=device.name, port=checked_port(device.kind, at, legs))


async def spliced_to(conn: Connection, end: SpliceEnd) -> str | None:
    """What this end is spliced to just now; None where it is free."""
    found: str | None = await SQL.value(conn, "spliced_to", **vars(end))
    return found


async def splice(conn: Connection, splice_id: int) -> Splice:
    """Raises NotFound."""
    found = await SQL.first(conn, Splice, "splices", splice_id=splice_id)
    if found is None:
        raise NotFound("splice", splice_id)
    return found


async def fibre_of_line(conn: Connection, subscriber_id: SubscriberId) -> FibreWay:
    """The strands and splitters that a line's light goes through. Raises NotFound for a line that hangs from no splitter."""
    end = await SQL.first(conn, LineEnd, "line_end", subscriber_id=subscriber_id)
    if end is None:
        raise NotFound("line on glass", subscriber_id)
    up = await light_from(conn, SpliceEnd(device=end.splitter, port="in"))
    down = await light_from(conn, SpliceEnd(device=end.splitter, port=f"leg {end.leg}")) if end.leg else []
    above = next((met.device for met in reversed(up) if met.device), end.splitter)
    return fibre_way(end, up, down, await SQL.value(conn, "olt_port_of", device=above))


async def light_from(conn: Connection, end: SpliceEnd) -> list[Met]:
    """What light meets that leaves by this end, in this order, to where nothing more is spliced or a splitter divides it."""
    return await SQL.all(conn, Met, "light_from", **vars(end))


async def strands_of_cable(conn: Connection, name: str) -> list[Strand]:
    """Every strand of a cable in order, free ones too. Raises NotFound."""
    cable = await cable_named(conn, name)
    ends = {one.strand: one for one in await SQL.all(conn, StrandEnds, "strand_ends", cable=name)}
    lit = await lines_lit(conn, name, sorted(ends))
    return strands_of(cable, ends, Counter(one.strand for one in lit))


async def lines_lit(conn: Connection, cable: str, strands: Sequence[int]) -> list[LineLit]:
    """The live lines that the light of these strands of a cable reaches: who goes dark when they are cut."""
    return await SQL.all(conn, LineLit, "lines_lit", cable=cable, strands=list(strands))


async def plant_known(conn: Connection, names: Sequence[str], addresses: Sequence[str] = ()) -> dict[tuple[str, str], str]:
    """What of a plan is there: by what it is (`site`, `device`, `from_port`, ...) and its name, what has it; of a device its kind."""
    found = await SQL.all(conn, PlantKnown, "plant_known", names=list(names), addresses=list(addresses))
    return {(one.kind, one.name): one.held_by for one in found}
