"""Changes to where things are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, Final

from atlas.errors import AtlasError, InvalidField, NotFound
from atlas.gis.records import DrawnCoverage, PlacedPremise, PortsLeft, Position, Reservation
from atlas.gis.rules.geometry import Box
from atlas.gis.rules.registers import Changed
from atlas.identity import CustomerId, DeviceId, PremiseId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)
LONGEST_ADDRESS: Final = 300


class NoPortLeft(AtlasError):
    """Every port of the device is taken by a live line or held for somebody; `alternatives` is for whoever asks further to fill in."""

    def __init__(self, left: PortsLeft, alternatives: tuple[str, ...] = ()) -> None:
        instead = f"; instead: {', '.join(alternatives)}" if alternatives else ""
        super().__init__(f"{left.device} has no free port: {left.lines} of {left.ports} in use, {left.reserved} reserved{instead}")
        self.left = left
        self.alternatives = alternatives


async def move_premise(conn: Connection, premise_id: PremiseId, was: Position, now: Position) -> bool:
    """Puts the premise at its new position; False where it is no longer at `was`."""
    moved = await SQL.run(
        conn,
        "move_premise",
        premise_id=premise_id,
        latitude=now.latitude,
        longitude=now.longitude,
        was_latitude=was.latitude,
        was_longitude=was.longitude,
    )
    return moved == 1


async def record_areas(conn: Connection, middles: Mapping[str, Position]) -> int:
    """Takes in areas that are not known yet, each by the position of its middle; how many were new."""
    return await SQL.run(
        conn,
        "record_areas",
        names=list(middles),
        latitudes=[position.latitude for position in middles.values()],
        longitudes=[position.longitude for position in middles.values()],
    )


async def record_premises(conn: Connection, new: Sequence[PlacedPremise], changed: Sequence[Changed[PlacedPremise]]) -> int:
    """Takes in premises of a register, and what it has otherwise of ours; how many rows it wrote. Fewer than given: one came in meanwhile.

    A building that nobody named before needs its landlord's consent, until somebody says otherwise.
    """
    every = _columns([*new, *(one.after for one in changed)])
    await SQL.run(conn, "record_buildings", areas=every["areas"], buildings=every["buildings"])
    written = await SQL.run(conn, "record_premises", **_columns(new)) if new else 0
    if changed:
        written += await SQL.run(conn, "change_premises", ids=[one.id for one in changed], **_columns([one.after for one in changed]))
    return written


def _columns(premises: Sequence[PlacedPremise]) -> dict[str, list[Any]]:
    """By column, each in the plural: what unnest takes."""
    return {f"{field.name}s": [getattr(one, field.name) for one in premises] for field in fields(PlacedPremise)}


async def record_coverage(conn: Connection, drawn: DrawnCoverage, box: Box) -> bool:
    """Draws a polygon of coverage, in place of the one of its name where there is one."""
    row = {**vars(drawn), **vars(box), "geometry": json.dumps(drawn.geometry)}
    return await SQL.run(conn, "record_coverage", **row) == 1


async def record_consent(conn: Connection, building_id: int, was: str, consent: str, at: datetime) -> bool:
    """What a landlord said; False where somebody else wrote down an answer first."""
    return await SQL.run(conn, "record_consent", building_id=building_id, was=was, consent=consent, at=at) == 1


async def lay_drop(conn: Connection, premise_id: PremiseId, device_id: DeviceId, length_m: int, at: datetime) -> bool:
    """Keeps that the last metres from the device to the premise are laid; False where that was known."""
    return await SQL.run(conn, "lay_drop", premise_id=premise_id, device_id=device_id, length_m=length_m, at=at) == 1


async def reserve_port(conn: Connection, premise_id: PremiseId, device_id: DeviceId, key: str, ttl: timedelta) -> Reservation:
    """Holds the device's lowest free port for `key`, for so long by the database's clock; asked again it answers with the same port.

    One after the other by the row of the device: of two who want the last port one gets it. Raises NoPortLeft, NotFound.
    """
    left = await SQL.first(conn, PortsLeft, "device_held", device_id=device_id)
    if left is None:
        raise NotFound("serving point", device_id)
    held = await SQL.first(conn, Reservation, "reservation_held", key=key)
    if held is not None:
        return held
    await SQL.run(conn, "end_expired", device_id=device_id, key=key)
    # Counted anew: the first count was made before the wait for the row.
    left = await SQL.one(conn, PortsLeft, "ports_left", device_id=device_id)
    if left.lines + left.reserved >= left.ports:
        raise NoPortLeft(left)
    return await SQL.one(conn, Reservation, "reserve_port", device_id=device_id, premise_id=premise_id, key=key, ttl=ttl)


async def extend_reservation(conn: Connection, key: str, ttl: timedelta) -> bool:
    """Holds the port for so long from now; False where nothing is held any more."""
    return await SQL.run(conn, "extend_reservation", key=key, ttl=ttl) == 1


async def end_reservation(conn: Connection, key: str, ended_as: str) -> bool:
    """Ends it as taken_up (its line is in cmdb.access now) or released; False where nothing is held, so it may be said twice."""
    return await SQL.run(conn, "end_reservation", key=key, ended_as=ended_as) == 1


async def record_lead(
    conn: Connection,
    *,
    key: str,
    written: str,
    postcode: str,
    premise_id: PremiseId | None,
    customer_id: CustomerId | None,
    wanted_kbps: int | None,
    reason: str,
) -> bool:
    """Keeps that somebody would have bought; False where it was kept already. Raises InvalidField."""
    if not 0 < len(written) <= LONGEST_ADDRESS:
        raise InvalidField("written", f"an address of 1 to {LONGEST_ADDRESS} letters")
    row = {"key": key, "written": written, "postcode": postcode, "premise_id": premise_id, "customer_id": customer_id}
    return await SQL.run(conn, "record_lead", **row, wanted_kbps=wanted_kbps, reason=reason) == 1
