"""Changes to what is known of the plant."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

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
