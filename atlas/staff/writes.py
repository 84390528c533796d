"""Who signs in and out. A sign-in is a fact that arrived, proven by the console's door."""

from datetime import datetime

from atlas.identity import StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def record_sign_in(conn: Connection, token_hash: bytes, staff_id: StaffId, expires_at: datetime) -> None:
    """A new session; of the token only the hash is kept. Lapsed sessions of the same person go."""
    await SQL.run(conn, "forget_lapsed", staff_id=staff_id)
    await SQL.run(conn, "record_sign_in", token_hash=token_hash, staff_id=staff_id, expires_at=expires_at)


async def record_proof(conn: Connection, token_hash: bytes) -> None:
    """The person gave their password again."""
    await SQL.run(conn, "record_proof", token_hash=token_hash)


async def record_sign_out(conn: Connection, token_hash: bytes) -> None:
    await SQL.run(conn, "record_sign_out", token_hash=token_hash)


async def record_password(conn: Connection, staff_id: StaffId, password_hash: str) -> None:
    """A new hash, after the parameters of the old one were found too weak."""
    await SQL.run(conn, "record_password", staff_id=staff_id, password_hash=password_hash)
