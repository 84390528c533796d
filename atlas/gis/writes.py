"""Changes to where things are."""

from collections.abc import Mapping

from atlas.gis.records import Position
from atlas.identity import PremiseId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


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
