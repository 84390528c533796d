"""What an agent may ask of the plant: the customer's own line and equipment; for staff, any device."""

from dataclasses import dataclass

from atlas.cmdb import reads
from atlas.cmdb.records.fibre import FibreWay, LineLit, Strand
from atlas.cmdb.records.numbers import Asset, Drift, Number, PlaceEvent, PoolForecast, Sighting
from atlas.cmdb.records.plant import Changed, ConfigKept, Device, Line
from atlas.cmdb.records.sessions import SessionSeen
from atlas.cmdb.rules import config_diff, level_of, mac_key, mac_verdict, serial_key, strands_meant
from atlas.errors import InvalidField, NotFound
from atlas.gis.reads import areas
from atlas.identity import ConfigId, CustomerId, SubscriberId
from atlas.money import Money
from atlas.principal import Assurance
from cortex.blast_radius import blast_radius
from cortex.findings import Element
from cortex.pictures import WarmTopology
from forge.actions.cmdb.configs import MarkConfigGood, RestoreConfig
from forge.actions.cmdb.fibre import RecordSplice, RemoveSplice
from forge.actions.cmdb.plant import MarkDeviceState, RestartDevice
from forge.actions.cmdb.sessions import DisconnectSession
from forge.actions.cmdb.stock import ReplaceBox, ReserveNumbers, RuleOnDrift
from forge.propose import Proposed
from governance.facts import DeviceTier
from tools.turn import Turn, needs


@dataclass(frozen=True)
class ConfigChange:
    """What changed of a device from one of its configurations to another, line by line; secrets are hidden."""

    device: str
    older: ConfigId
    newer: ConfigId
    lines: tuple[str, ...]


@dataclass(frozen=True)
class AreaLosing:
    """An area, and how many lines in it would be lost."""

    area: str
    lines: int


@dataclass(frozen=True)
class Impact:
    """What hangs on one device: who would be without service if it failed, by the ways that there are."""

    device: str
    kind: str
    devices: int
    lines: int
    customers: int
    vulnerable: int
    businesses: int
    monthly: Money
    areas: tuple[AreaLosing, ...]


@dataclass(frozen=True)
class BoxPlaces:
    """Where a hardware address was seen; `verdict`: one_place, moved, swapped (a box was exchanged) or cloned (at two places at once)."""

    mac: str
    verdict: str
    places: tuple[Sighting, ...]


@dataclass(frozen=True)
class Cut:
    """Who goes dark when strands of a cable are cut; `lit` are the first fifty of the lines, with the strand that each hangs on."""

    cable: str
    strands: int
    lines: int
    customers: int
    vulnerable: int
    emergency_lines: int
    businesses: int
    lit: tuple[LineLit, ...]


@needs(Assurance.VERIFIED)
async def show_line(turn: Turn) -> list[Line]:
    """The customer's lines: plan, technology, the box at home (model and serial), the last light reading in dBm, and the last session.

    A session without an end is online now. Lines that are over are left out.
    """
    return await reads.lines_of(turn.conn, turn.customer_id)


async def show_line_of(turn: Turn, customer_id: CustomerId) -> list[Line]:
    """This customer's lines: plan, technology, the box at home, the last light reading in dBm, and the last session. For staff."""
    turn.for_staff_only()
    return await reads.lines_of(turn.conn, customer_id)


@needs(Assurance.VERIFIED)
async def restart_my_box(turn: Turn, line: SubscriberId | None = None) -> Proposed:
    """Restarts the ONT or modem at the customer's home; they are offline for some minutes. Answers whether it was done or waits.

    `line` is needed only by somebody with several lines: a `subscriber_id` that show_line answered with.
    """
    lines = [known.subscriber_id for known in await reads.lines_of(turn.conn, turn.customer_id)]
    if not lines or (line is not None and line not in lines):
        raise NotFound("line", line or "of this customer")
    if line is None and len(lines) > 1:
        raise InvalidField("line", f"say which of the {len(lines)} lines: {', '.join(map(str, lines))}")
    action = await RestartDevice.of_line(turn.conn, line or lines[0], turn.now)
    return await turn.propose(action, "the customer asked for a restart of their own equipment")


async def show_device(turn: Turn, name: str) -> Device:
    """A device by its exact name: kind, place, address, model, operational state, and how many live lines hang from it. For staff."""
    turn.for_staff_only()
    return await _device(turn, name)


async def restart_device(turn: Turn, name: str, reason: str) -> Proposed:
    """Asks for the restart of the device of this exact name; everybody behind it goes dark for a while, so it usually waits. For staff."""
    turn.for_staff_only()
    device = await _device(turn, name)
    return await turn.propose(await RestartDevice.of_device(turn.conn, device.device_id, turn.now), reason)


async def mark_device_state(turn: Turn, name: str, operational_state: str, reason: str) -> Proposed:
    """Writes down that the device of this exact name is `enabled`, `disabled` or `unknown` (X.731). For staff."""
    turn.for_staff_only()
    device = await _device(turn, name)
    return await turn.propose(await MarkDeviceState.of(turn.conn, device.device_id, operational_state, turn.now), reason)


async def history_of_device(turn: Turn, name: str) -> list[Changed]:
    """Every field that changed of the device of this exact name, of its links and of what hangs from it: was, became, who, why, when.

    The latest first, at most 100. Where nobody is named, it came with a plan of the network. For staff.
    """
    turn.for_staff_only()
    return await reads.changes_of(turn.conn, (await _device(turn, name)).device_id)


async def configs_of_device(turn: Turn, name: str) -> list[ConfigKept]:
    """The configurations that this device had, the latest first, and with which of them it is known to work. For staff."""
    turn.for_staff_only()
    return await reads.configs_of(turn.conn, (await _device(turn, name)).device_id)


async def compare_configs(turn: Turn, name: str, older: ConfigId | None = None, newer: ConfigId | None = None) -> ConfigChange:
    """What changed from one configuration of this device to another; the last change, where none is named. No secrets. For staff."""
    turn.for_staff_only()
    device = (await _device(turn, name)).device_id
    known = [one.id for one in await reads.configs_of(turn.conn, device)]
    later = newer or (known[0] if known else None)
    before = older or next((one for one in known if later is not None and one < later), None)
    if later is None or before is None:
        raise InvalidField("name", f"{name} has {len(known)} configurations: there is nothing to compare")
    was, became = await reads.config_words(turn.conn, device, before), await reads.config_words(turn.conn, device, later)
    return ConfigChange(name, before, later, config_diff(was, became))


async def mark_config_good(turn: Turn, name: str, config: ConfigId, reason: str) -> Proposed:
    """Writes down that this device works with this configuration: it is what is restored when a later one does harm. For staff."""
    turn.for_staff_only()
    device = await _device(turn, name)
    await reads.config_kept(turn.conn, device.device_id, config)
    return await turn.propose(MarkConfigGood(device.device_id, config, DeviceTier(level_of(device.kind))), reason)


async def restore_config(turn: Turn, name: str, reason: str, config: ConfigId | None = None) -> Proposed:
    """Asks to put this device back to a configuration that it had; to the last that is known to work, where none is named. For staff.

    Everybody behind it may be offline meanwhile, so it waits for a person.
    """
    turn.for_staff_only()
    device = await _device(turn, name)
    known = await reads.configs_of(turn.conn, device.device_id)
    wanted = config or next((one.id for one in known if one.is_good), None)
    if wanted is None or not known:
        raise InvalidField("config", f"no configuration of {name} is known to work: say which one")
    return await turn.propose(await RestoreConfig.of(turn.conn, device.device_id, wanted, known[0].taken_at), reason)


async def impact_of_device(turn: Turn, name: str) -> Impact:
    """Who would lose service if the device of this exact name failed, by the plant as it is: ways around it are taken. For staff.

    `vulnerable` are customers who must not be without, `businesses` those with a business line; `monthly` is what all of them pay a month.
    """
    turn.for_staff_only()
    device = await _device(turn, name)
    topology = await WarmTopology().at(turn.conn)
    lost = blast_radius(topology, [Element("device", device.device_id)])
    names = {area.id: area.name for area in await areas(turn.conn)}
    where = tuple(AreaLosing(names.get(one.area_id, ""), one.subscribers) for one in lost.areas if one.subscribers)
    people = (len(lost.subscribers), lost.customers, lost.vulnerable, lost.businesses)
    return Impact(device.name, device.kind.value, len(lost.devices), *people, lost.revenue_at_risk, where)


async def _device(turn: Turn, name: str) -> Device:
    found = await reads.device_named(turn.conn, name)
    if found is None:
        raise NotFound("device", name)
    return found


async def pool_forecasts(turn: Turn) -> list[PoolForecast]:
    """Every pool of addresses, prefixes and VLANs: how many are free, and how many the order book and churn leave in 30 days. For staff.

    `short_by` is what will be missing; 0 where there are enough.
    """
    turn.for_staff_only()
    return await reads.pool_forecasts(turn.conn)


async def numbers_of_line(turn: Turn, line: SubscriberId) -> list[Number]:
    """What this line holds of addresses, prefixes and VLANs, reserved or assigned. For staff."""
    turn.for_staff_only()
    return await reads.numbers_of(turn.conn, line)


async def reserve_numbers(turn: Turn, customer_id: CustomerId, line: SubscriberId) -> Proposed:
    """Reserves the next free address (and prefix, where there are pools of them) for this line, for an hour. For staff.

    What the line holds already is kept. Fails where a pool is exhausted.
    """
    turn.for_staff_only()
    return await turn.propose(ReserveNumbers(customer_id, line, str(turn.correlation_id)), "reserved by somebody who works here")


async def drifts(turn: Turn) -> list[Drift]:
    """Lines of which the network does something else than is billed: both speeds, since when, what it costs us a month. For staff."""
    turn.for_staff_only()
    return await reads.drifts(turn.conn, most=50)


async def rule_on_drift(turn: Turn, line: SubscriberId, accept: bool, reason: str) -> Proposed:
    """Accepts what the network does for this line as it is, or (`accept` false) has it put back to what is billed. For staff."""
    turn.for_staff_only()
    found = next(iter(await reads.drifts(turn.conn, line)), None)
    if found is None:
        raise NotFound("drift at line", line)
    return await turn.propose(RuleOnDrift.of(found, reason, is_accepted=accept), reason)


async def sessions_of(turn: Turn, customer_id: CustomerId, line: SubscriberId | None = None) -> list[SessionSeen]:
    """The latest RADIUS sessions of this customer's lines, or of one of them: what is open first. Traffic in megabytes. For staff."""
    turn.for_staff_only()
    return await reads.sessions_of(turn.conn, customer_id, line)


async def sessions_of_nas(turn: Turn, name: str) -> list[SessionSeen]:
    """What is signed in just now at the BNG of this exact name, the newest twenty. For staff."""
    turn.for_staff_only()
    return await reads.sessions_at(turn.conn, (await _device(turn, name)).device_id)


async def show_session(turn: Turn, session_id: int) -> SessionSeen:
    """One RADIUS session by its number: where, since when, its address, speed and traffic, and what the BNG answered to our last order.

    For staff.
    """
    turn.for_staff_only()
    return await reads.session_seen(turn.conn, session_id)


async def disconnect_session(turn: Turn, session_id: int, reason: str) -> Proposed:
    """Has the BNG end this session, as when it is stuck; the line signs in again by itself. For staff.

    Answers with a reference; show_session has the BNG's ACK or NAK once it came. Fails for a session that is over.
    """
    turn.for_staff_only()
    return await turn.propose(await DisconnectSession.of(turn.conn, session_id, reason, turn.now), reason)


async def find_box(turn: Turn, serial: str) -> Asset:
    """A box of ours by its serial, however it is written: kind, model, state, at which line or in whose van. For staff."""
    turn.for_staff_only()
    found = await reads.asset_of_serial(turn.conn, serial_key(serial))
    if found is None:
        raise NotFound("box", serial_key(serial))
    return found


async def history_of_place(turn: Turn, line: SubscriberId) -> list[PlaceEvent]:
    """What was ever where this line is, whoever lived there: boxes, visits, lines and their addresses, oldest first. For staff."""
    turn.for_staff_only()
    return await reads.story_of_place(turn.conn, line)


async def replace_box(turn: Turn, customer_id: CustomerId, line: SubscriberId, serial: str, reason: str) -> Proposed:
    """Puts the box of this serial, out of stock, where another one stands at this line; the old one goes to its maker. For staff."""
    turn.for_staff_only()
    action = ReplaceBox(customer_id, line, str(turn.correlation_id), serial_key(serial), reason)
    return await turn.propose(action, reason)


async def fibre_of_line(turn: Turn, line: SubscriberId) -> FibreWay:
    """The way of this line from the port of its OLT to its ONT: every cable with tube, strand and colours, every splitter with its leg.

    `is_whole` false: a splice is not on record, and the way begins at the last strand that is known. For staff.
    """
    turn.for_staff_only()
    return await reads.fibre_of_line(turn.conn, line)


async def strands_of_cable(turn: Turn, cable: str) -> list[Strand]:
    """Every strand of the cable of this exact name: tube, colours, what each end is spliced to (empty: free), how many lines it reaches.

    For staff.
    """
    turn.for_staff_only()
    return await reads.strands_of_cable(turn.conn, cable)


async def cut_of_cable(turn: Turn, cable: str, strands: str = "") -> Cut:
    """Who goes dark when this cable is cut: at these strands (`1-12`, `15`, or the colour of a tube), or all of it. For staff."""
    turn.for_staff_only()
    meant = strands_meant(strands, await reads.cable_named(turn.conn, cable))
    lit = list({one.subscriber_id: one for one in await reads.lines_lit(turn.conn, cable, meant)}.values())
    whose = {one.customer_id: one for one in lit}.values()
    flags = (sum(one.is_vulnerable for one in whose), sum(one.has_emergency_line for one in whose), sum(one.is_business for one in whose))
    return Cut(cable, len(meant), len(lit), len(whose), *flags, tuple(lit[:50]))


async def record_splice(turn: Turn, one: str, other: str) -> Proposed:
    """Writes down, as built, that two ends are spliced: CABLE/STRAND@from, CABLE/STRAND@to or DEVICE#PORT, as F-01/2.green@to. For staff.

    STRAND is a number, or tube and colour. Fails where an end is spliced already, and says to what.
    """
    turn.for_staff_only()
    return await turn.propose(await RecordSplice.of(turn.conn, one, other, turn.now), "as built, by somebody who works here")


async def remove_splice(turn: Turn, splice_id: int, reason: str) -> Proposed:
    """Writes down that this splice was taken apart; fibre_of_line names the splices of a line. For staff."""
    turn.for_staff_only()
    return await turn.propose(await RemoveSplice.of(turn.conn, splice_id, reason), reason)


async def where_box_was_seen(turn: Turn, mac: str) -> BoxPlaces:
    """Where the box of this hardware address was seen by RADIUS, however it is written: places, lines, from when to when. For staff."""
    turn.for_staff_only()
    key = mac_key(mac)
    seen = await reads.sightings(turn.conn, key)
    if not seen:
        raise NotFound("sighting of", key)
    return BoxPlaces(key, mac_verdict(seen), tuple(seen))
