"""Changes to what is known of the plant."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from atlas.cmdb.records import PlannedDevice, PlannedLink, PlannedPlant, PlantRecorded
from atlas.identity import DeviceId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


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
