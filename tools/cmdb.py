"""What an agent may ask of the plant: the customer's own line and equipment; for staff, any device."""

from atlas.cmdb import reads
from atlas.cmdb.records.numbers import Asset, AssetEvent, Drift, Number, PoolForecast
from atlas.cmdb.records.plant import Device, Line
from atlas.cmdb.rules import serial_key
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import Assurance
from forge.actions.cmdb.plant import MarkDeviceState, RestartDevice
from forge.actions.cmdb.stock import ReplaceBox, ReserveNumbers, RuleOnDrift
from forge.propose import Proposed
from tools.turn import Turn, needs


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


async def find_box(turn: Turn, serial: str) -> Asset:
    """A box of ours by its serial, however it is written: kind, model, state, at which line or in whose van. For staff."""
    turn.for_staff_only()
    found = await reads.asset_of_serial(turn.conn, serial_key(serial))
    if found is None:
        raise NotFound("box", serial_key(serial))
    return found


async def history_of_place(turn: Turn, line: SubscriberId) -> list[AssetEvent]:
    """What happened to every box that ever stood where this line is, oldest first. For staff."""
    turn.for_staff_only()
    return await reads.history_of_place(turn.conn, line)


async def replace_box(turn: Turn, customer_id: CustomerId, line: SubscriberId, serial: str, reason: str) -> Proposed:
    """Puts the box of this serial, out of stock, where another one stands at this line; the old one goes to its maker. For staff."""
    turn.for_staff_only()
    action = ReplaceBox(customer_id, line, str(turn.correlation_id), serial_key(serial), reason)
    return await turn.propose(action, reason)
