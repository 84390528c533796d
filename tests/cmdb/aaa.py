"""What a BNG tells and asks, as FreeRADIUS hands it to Atlas: through its own login, by the functions of schema radius."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from atlas.connection import Atlas, zone_url
from atlas.principal import Zone
from tests import given
from tests.conftest import SECRET
from tests.given import Owner

REPORT = (
    "SELECT radius.accounting(%(status)s, %(unique)s, %(session)s, %(username)s, %(nas)s, %(port)s, %(calling)s, %(address)s, '', '',"
    " %(up)s, %(up_gigawords)s, %(down)s, %(down_gigawords)s, %(seconds)s, %(delay)s, %(cause)s, %(rate)s)"
)
CREDENTIAL = "correct horse battery"
SILENT = dict.fromkeys(
    (
        "unique",
        "session",
        "username",
        "port",
        "calling",
        "address",
        "up",
        "up_gigawords",
        "down",
        "down_gigawords",
        "seconds",
        "delay",
        "cause",
        "rate",
    ),
    "",
)


@dataclass(frozen=True)
class Radius:
    """FreeRADIUS' own connection, with a BNG and one line that signs in there."""

    conn: AsyncConnection[tuple[Any, ...]]
    nas: int
    customer: int
    line: int
    username: str

    async def tell(self, status: str, session: str = "S1", **said: Any) -> str:
        """One report; `session` names it for the BNG and for us."""
        words = {"unique": f"u-{session}", "session": session, "username": self.username, "nas": str(self.nas), **said}
        report = {**SILENT, **{name: str(value) for name, value in words.items()}, "status": status}
        row = await (await self.conn.execute(REPORT, report)).fetchone()
        assert row is not None
        return str(row[0])

    async def standing(self, username: str | None = None, port: str = "", calling: str = "") -> str:
        asked = (username or self.username, str(self.nas), port, calling)
        row = await (await self.conn.execute("SELECT radius.standing(%s, %s, %s, %s)", asked)).fetchone()
        assert row is not None
        return str(row[0])

    async def replies(self) -> dict[str, str]:
        found = await self.conn.execute("SELECT attribute, value FROM radius.radreply(%s, %s)", (self.username, str(self.nas)))
        return dict(await found.fetchall())


async def nas(owner: Owner, name: str = "bng-1", address: str = "127.0.0.1", sealed: bytes = b"sealed", **columns: Any) -> int:
    device = await given.device(owner, name, "bng")
    return await given.row(owner, "cmdb.nas", device_id=device, address=address, sealed_secret=sealed, **columns)


async def credential(owner: Owner, line: int, username: str, secret: str = CREDENTIAL, **columns: Any) -> int:
    made = {"subscriber_id": line, "username": username, "secret": secret, "action_id": await given.action(owner), **columns}
    return await given.row(owner, "cmdb.credential", **made)


@asynccontextmanager
async def radius_of(atlas: Atlas, owner: Owner) -> AsyncIterator[Radius]:
    bng, olt = await nas(owner), await given.device(owner, "olt-1")
    customer = await given.customer(owner)
    line = await given.subscriber(owner, customer, olt)
    await credential(owner, line, "maya@harbour.example")
    async with await AsyncConnection.connect(zone_url(atlas.url, Zone.RADIUS, SECRET), autocommit=True) as conn:
        yield Radius(conn, bng, customer, line, "maya@harbour.example")
