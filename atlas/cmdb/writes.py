"""Changes to what is known of the plant."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from psycopg.errors import CheckViolation, DataError, ExclusionViolation, ForeignKeyViolation, UniqueViolation

from atlas.cmdb.records.fibre import PlannedCable, SpliceEnd
from atlas.cmdb.records.numbers import Box, PlannedPool, Port
from atlas.cmdb.records.plant import PlannedDevice, PlannedLink, PlannedPlant, PlantRecorded
from atlas.cmdb.rules import SerialTaken, places_of
from atlas.errors import Conflict, InvalidField
from atlas.identity import ConfigId, CustomerId, DeviceId, StaffId, SubscriberId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)
MOST_VLANS: Final = 4094


async def change_operational_state(conn: Connection, device_id: DeviceId, operational_state: str, at: datetime) -> bool:
    """Writes the X.731 state down; False where the device had it already. Needs a claimed action."""
    return bool(await SQL.run(conn, "change_operational_state", device_id=device_id, operational_state=operational_state, at=at))


async def record_diagnosis(
    conn: Connection,
    errand_id: int,
    device_id: DeviceId,
    *,
    at: datetime,
    is_reachable: bool,
    round_trip: timedelta | None,
    detail: Mapping[str, Any],
) -> None:
    """What a probe found, kept with the errand that asked; a second answer to the same errand is dropped."""
    await SQL.run(
        conn,
        "record_diagnosis",
        errand_id=errand_id,
        device_id=device_id,
        at=at,
        is_reachable=is_reachable,
        round_trip=round_trip,
        detail=json.dumps(detail),
    )


async def record_plant(conn: Connection, plant: PlannedPlant) -> PlantRecorded:
    """Takes in what is not known yet of a plan of the network; what is known by its name stays as it is. Its areas must be there."""
    devices, links = plant.devices, plant.links
    conduits = sorted({link.conduit for link in links if link.conduit})
    await SQL.run(conn, "record_conduits", names=conduits)
    named = {field: [getattr(device, field) for device in devices] for field in PlannedDevice.__dataclass_fields__}
    named["kind"] = [device.kind.value for device in devices]
    named["site"] = [device.site or (device.name if device.latitude is not None else None) for device in devices]
    await SQL.run(conn, "record_sites", **{field: named[field] for field in ("site", "area", "latitude", "longitude")})
    new_devices = await SQL.run(conn, "record_devices", **named)
    spans = {field: [getattr(link, field) for link in links] for field in PlannedLink.__dataclass_fields__}
    new_links = await SQL.run(conn, "record_links", **spans)
    return PlantRecorded(new_devices, new_links)


async def keep_config(conn: Connection, device: str, words: str, at: datetime) -> bool | None:
    """Keeps what a device is configured as, by its name; False where that is as it was, None where there is no such device."""
    if not await SQL.value(conn, "device_locked", device=device):
        return None
    return await SQL.run(conn, "keep_config", device=device, words=words, at=at) == 1


async def mark_config_good(conn: Connection, device_id: DeviceId, config_id: ConfigId) -> bool:
    """False where it is none of this device's."""
    return await SQL.run(conn, "mark_config_good", device_id=device_id, config_id=config_id) == 1


async def define_pool(conn: Connection, pool: PlannedPool) -> int:
    """The new pool's id. Raises InvalidField, or Conflict where it would overlap another pool of its VRF or has its name."""
    first, last = _places(pool)
    try:
        async with conn.transaction():
            if pool.network:
                await SQL.run(conn, "define_vrf", vrf=pool.vrf)
            made = await SQL.value(conn, "define_pool", **{**vars(pool), "first_place": first, "last_place": last})
    except (UniqueViolation, ExclusionViolation):
        raise Conflict(f"pool {pool.name} overlaps another of its VRF, or there is one of this name") from None
    except (CheckViolation, DataError) as error:
        raise InvalidField("pool", error.diag.message_primary or "it cannot be") from None
    return int(made)


def _places(pool: PlannedPool) -> tuple[int, int]:
    if pool.kind != "vlan":
        if pool.network is None or pool.block_length is None:
            raise InvalidField("network", "a pool of addresses or prefixes has a network and the length of a block")
        return places_of(pool.network, pool.block_length)
    if pool.first_place is None or pool.last_place is None or not 2 <= pool.first_place <= pool.last_place <= MOST_VLANS:
        raise InvalidField("first_place", f"VLANs from 2 to {MOST_VLANS}")
    return pool.first_place, pool.last_place


async def reserve_number(conn: Connection, pool_id: int, subscriber_id: SubscriberId, keep: timedelta) -> bool:
    """Reserves the next free number of the pool for the line, or finds the one it holds; False where the pool is exhausted."""
    return await SQL.value(conn, "next_free", pool_id=pool_id, subscriber_id=subscriber_id, keep=keep) is not None


async def assign_numbers(conn: Connection, subscriber_id: SubscriberId) -> int:
    """What was reserved for the line is its own from now on; how many."""
    return await SQL.run(conn, "assign_numbers", subscriber_id=subscriber_id)


async def free_numbers(conn: Connection, subscriber_id: SubscriberId) -> int:
    """Takes back all that the line holds: what it used rests in quarantine first."""
    return await SQL.run(conn, "free_numbers", subscriber_id=subscriber_id)


async def give_number(conn: Connection, pool_id: int, subscriber_id: SubscriberId) -> int | None:
    """The next free number of the pool is the line's own from now on; its id, None where the pool is exhausted."""
    found: int | None = await SQL.value(conn, "next_free", pool_id=pool_id, subscriber_id=subscriber_id, keep=timedelta(minutes=1))
    if found is not None:
        await SQL.run(conn, "assign_number", allotment_id=found, subscriber_id=subscriber_id)
    return found


async def free_number(conn: Connection, subscriber_id: SubscriberId, allotment_ids: Sequence[int]) -> int:
    """Takes back these numbers of the line, which rest in quarantine first; how many."""
    return await SQL.run(conn, "free_number", subscriber_id=subscriber_id, allotment_ids=list(allotment_ids))


async def take_number_again(conn: Connection, subscriber_id: SubscriberId, allotment_ids: Sequence[int]) -> None:
    """These numbers, which were the line's, are its own again. Raises Conflict where another line has one by now."""
    if await SQL.run(conn, "take_number_again", subscriber_id=subscriber_id, allotment_ids=list(allotment_ids)) != len(allotment_ids):
        raise Conflict(f"an address that line {subscriber_id} had is another line's by now")


async def receive_assets(conn: Connection, boxes: Sequence[Box]) -> int:
    """Takes boxes into stock; one whose serial or MAC is known stays as it is. How many were new."""
    columns = {f"{name}s": [getattr(box, name) for box in boxes] for name in Box.__dataclass_fields__}
    return await SQL.run(conn, "receive_assets", **columns)


async def move_asset(
    conn: Connection,
    asset_id: int,
    was: str,
    state: str,
    reason: str,
    at: datetime,
    *,
    line: SubscriberId | None = None,
    engineer_id: StaffId | None = None,
    at_line: SubscriberId | None = None,
    replaced_by: int | None = None,
) -> None:
    """Moves a box on in its life; `at_line`: the line it leaves. Raises Conflict where it is no longer as it `was`."""
    moving = {"asset_id": asset_id, "was": was, "state": state, "reason": reason, "at": at, "replaced_by": replaced_by}
    if not await SQL.run(conn, "move_asset", **moving, subscriber_id=line, engineer_id=engineer_id, at_line=at_line):
        raise Conflict(f"box {asset_id} is no longer {was}")


async def lock_asset(conn: Connection, asset_id: int) -> str:
    """Holds the box until the transaction ends; its state."""
    return str(await SQL.value(conn, "lock_asset", asset_id=asset_id))


async def pick_from_stock(conn: Connection, kind: str) -> int | None:
    """The first box of a kind in the warehouse that nobody else is just taking, held until the transaction ends."""
    found: int | None = await SQL.value(conn, "pick_from_stock", kind=kind)
    return found


async def connect_line(conn: Connection, subscriber_id: SubscriberId, port: Port, serial: str, model: str) -> None:
    """Hangs the line on a port. Raises SerialTaken where the box stands at another line, Conflict where the port is taken."""
    try:
        async with conn.transaction():
            await SQL.run(conn, "connect_line", subscriber_id=subscriber_id, serial=serial, model=model, **vars(port))
    except UniqueViolation as error:
        if "cpe_serial" in (error.diag.constraint_name or ""):
            raise SerialTaken(serial) from None
        raise Conflict(f"port {port.managed_object} is taken") from None


async def change_box(conn: Connection, subscriber_id: SubscriberId, serial: str, model: str) -> None:
    """Another box at the same place. Raises SerialTaken."""
    try:
        async with conn.transaction():
            await SQL.run(conn, "change_box", subscriber_id=subscriber_id, serial=serial, model=model)
    except UniqueViolation:
        raise SerialTaken(serial) from None


async def disconnect_line(conn: Connection, subscriber_id: SubscriberId) -> bool:
    """Takes the line off its port; False where it hung from none."""
    return bool(await SQL.value(conn, "disconnect_line", subscriber_id=subscriber_id))


async def lock_relations(conn: Connection) -> None:
    """Holds the relations until the transaction ends: two that would only together be a cycle come one after the other."""
    await SQL.run(conn, "lock_relations")


async def relate(conn: Connection, from_device: DeviceId, kind: str, to_device: DeviceId) -> bool:
    return bool(await SQL.run(conn, "relate", from_device=from_device, kind=kind, to_device=to_device))


async def remove_device(conn: Connection, device_id: DeviceId) -> None:
    """Takes a device out of the inventory, with its links. Raises Conflict where its history keeps it there."""
    try:
        async with conn.transaction():
            await SQL.run(conn, "remove_device", device_id=device_id)
    except ForeignKeyViolation as error:
        raise Conflict(f"device {device_id} is named in {error.diag.table_name}: mark it disabled instead") from None


async def rule_on_drift(
    conn: Connection, subscriber_id: SubscriberId, down_kbps: int, up_kbps: int, reason: str, at: datetime, *, is_accepted: bool
) -> None:
    """Keeps what was said about one difference; another difference at the same line is another matter."""
    ruling = {"subscriber_id": subscriber_id, "down_kbps": down_kbps, "up_kbps": up_kbps, "is_accepted": is_accepted}
    await SQL.run(conn, "rule_on_drift", reason=reason, at=at, **ruling)


async def record_profile(conn: Connection, subscriber_id: SubscriberId, down_kbps: int, up_kbps: int, at: datetime) -> None:
    """What the network was seen to do for a line; a look that comes late changes nothing."""
    await SQL.run(conn, "record_profile", subscriber_id=subscriber_id, down_kbps=down_kbps, up_kbps=up_kbps, at=at)


async def record_sighting(conn: Connection, mac: str, device_id: DeviceId, managed_object: str, at: datetime) -> None:
    """Where a hardware address was seen; any order of arrival ends the same."""
    await SQL.run(conn, "record_sighting", mac=mac, device_id=device_id, managed_object=managed_object, at=at)


async def create_credential(
    conn: Connection, customer_id: CustomerId, subscriber_id: SubscriberId, username: str, secret: str, simultaneous_use: int
) -> bool:
    """Keeps what a line of the customer's signs in with. Needs a claimed action.

    False where the name is another's, the line has one already, has ended, or is not the customer's.
    """
    line = {"customer_id": customer_id, "subscriber_id": subscriber_id}
    return bool(await SQL.run(conn, "create_credential", **line, username=username, secret=secret, simultaneous_use=simultaneous_use))


async def remove_credential(conn: Connection, subscriber_id: SubscriberId) -> bool:
    """Forgets the secret of a line that is not in service; False where there is none, or it is in service."""
    return bool(await SQL.run(conn, "remove_credential", subscriber_id=subscriber_id))


async def register_nas(conn: Connection, device_id: DeviceId, address: str, coa_port: int, sealed_secret: bytes, interim_s: int) -> None:
    """Keeps where a BNG asks from and what we share with it; what was known of it is replaced."""
    told = {"device_id": device_id, "address": address, "coa_port": coa_port, "sealed_secret": sealed_secret, "interim_s": interim_s}
    await SQL.run(conn, "register_nas", **told)


async def close_stale_sessions(conn: Connection) -> int:
    """Ends what fell silent for three intervals of its BNG; how many sessions. The end is when they were last heard of."""
    return int(await SQL.value(conn, "close_stale_sessions"))


async def record_cables(conn: Connection, cables: Sequence[PlannedCable]) -> int:
    """Takes in cables that are not known by name yet, with new places at their far ends; how many. Other places must be there."""
    named = {field: [getattr(cable, field) for cable in cables] for field in PlannedCable.__dataclass_fields__}
    new = [cable for cable in cables if cable.to_area is not None]
    columns = ("to_site", "to_area", "to_latitude", "to_longitude")
    site, area, latitude, longitude = ([getattr(cable, column) for cable in new] for column in columns)
    await SQL.run(conn, "record_sites", site=site, area=area, latitude=latitude, longitude=longitude)
    await SQL.run(conn, "record_conduits", names=sorted({cable.conduit for cable in cables if cable.conduit}))
    return await SQL.run(conn, "record_cables", **named)


async def record_splices(conn: Connection, splices: Sequence[tuple[SpliceEnd, SpliceEnd]], at: datetime) -> int | None:
    """Joins each two ends; the number of the last splice. Raises Conflict where an end is spliced already, else InvalidField."""
    ends = {
        f"{which}_{field}": [getattr(pair[half], field) for pair in splices]
        for half, which in enumerate(("one", "other"))
        for field in SpliceEnd.__dataclass_fields__
    }
    try:
        async with conn.transaction():
            made = await SQL.column(conn, "record_splices", at=at, **ends)
    except UniqueViolation:
        raise Conflict("one of these ends was spliced by somebody else first") from None
    except CheckViolation as error:
        raise InvalidField("splice", error.diag.message_primary or "it cannot be") from None
    return max(made, default=None)


async def remove_splice(conn: Connection, splice_id: int, at: datetime) -> bool:
    """Writes down that a splice was taken apart; False where it was already."""
    return await SQL.run(conn, "remove_splice", splice_id=splice_id, at=at) > 0
