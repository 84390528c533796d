"""Changes to what is sold. A version, once sold, never changes."""

from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def retire_offering(conn: Connection, offering_id: int) -> bool:
    """Takes the offering off sale; whether it was on sale. Whoever has it, or has ordered it, is untouched."""
    return await SQL.run(conn, "retire_offering", offering_id=offering_id) == 1
