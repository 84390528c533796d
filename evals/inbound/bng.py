"""The BNG of one line, as FreeRADIUS hands what it reports to Atlas: by its own login and the functions of schema radius."""

import secrets
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from psycopg import AsyncConnection

from api.bootstrap import House
from atlas.connection import zone_url
from atlas.identity import DeviceId
from atlas.principal import Zone, executor
from atlas.statements import Statements
from forge.sessions import share_secret

SQL: Final = Statements(__file__)
ME: Final = executor("demo")
INTERIM_S: Final = 300
# The BNG ended it itself: the line is well, and the box at home does not sign in again by itself.
GIVEN_UP: Final = "NAS-Request"


@dataclass(frozen=True)
class Signed:
    """How a line signs in, and at which BNG."""

    username: str
    nas_device_id: DeviceId


@dataclass(frozen=True)
class Bng:
    house: House
    line: Signed

    @classmethod
    async def of(cls, house: House, address: str) -> "Bng":
        """The BNG of whoever has this address; what it shares with us is agreed upon, as on the command line."""
        async with house.atlas.transaction(ME) as conn:
            line = await SQL.one(conn, Signed, "signed_in_as", address=address)
            await share_secret(conn, house.settings.secret, line.nas_device_id, "127.0.0.1", 3799, secrets.token_urlsafe(24), INTERIM_S)
        return cls(house, line)

    async def session_begins(self) -> str:
        """What the new session is called."""
        session = uuid4().hex
        await self._reports("Start", session)
        return session

    async def session_ends(self, session: str) -> None:
        await self._reports("Stop", session, cause=GIVEN_UP)

    async def _reports(self, status: str, session: str, cause: str = "") -> None:
        url = zone_url(self.house.atlas.url, Zone.RADIUS, self.house.settings.secret)
        told = {"status": status, "session": session, "username": self.line.username, "nas": str(self.line.nas_device_id), "cause": cause}
        async with await AsyncConnection.connect(url, autocommit=True) as radius:
            await SQL.value(radius, "report", **told)
