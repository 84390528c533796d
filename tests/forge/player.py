"""A worker of its own, to be killed: plays one incident and sends what is queued, over and over. Arguments: database URL, incident."""

import asyncio
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from atlas.connection import Atlas
from atlas.identity import IncidentId
from atlas.principal import Zone
from forge.graph import open_bookmarks
from forge.outbox import drain
from forge.outside.recorded import RecordedMessenger
from forge.playbooks.outage import play
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests.conftest import SECRET


async def main(url: str, incident: IncidentId) -> None:
    async with Atlas.open(url, SECRET, (Zone.EXECUTOR,), most=4) as atlas, open_bookmarks(atlas) as bookmarks:
        forge = Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: datetime.now(UTC), ZoneInfo("Europe/London"))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            await play(forge, bookmarks, incident)
            await drain(atlas, RecordedMessenger(atlas))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], IncidentId(int(sys.argv[2]))))
