"""Plays the opening of an incident on every warm connection, takes it back, and looks: the first real one finds functions and plans ready.

PostgreSQL compiles its functions and fills its caches for each connection anew, and the driver prepares what it has seen a few times.
"""

from contextlib import AsyncExitStack
from datetime import datetime
from typing import Final
from uuid import uuid4

from atlas.actions import writes
from atlas.actions.records import ActionState
from atlas.connection import WARM
from atlas.identity import CorrelationId
from atlas.itsm.writes import open_incident
from atlas.nms.reads import newest_alarm
from atlas.principal import executor
from atlas.statements import Connection
from cortex.pictures import WarmTopology, picture_of
from forge.actions.itsm.incidents import OpenIncident
from forge.carry_out import nudge_playbook
from forge.propose import Asking, Forge, facts_of

REHEARSING: Final = executor("rehearsal")
# The driver prepares at the sixth time, and forgets what it prepared with everything that is taken back.
TIMES: Final = 6


async def rehearse(forge: Forge, warm: WarmTopology) -> None:
    """On as many connections as a pool keeps; they are held together, so that they are different ones, and play one after the other."""
    async with AsyncExitStack() as stack:
        held = [await stack.enter_async_context(forge.atlas.transaction(REHEARSING)) for _ in range(WARM)]
        for conn in held:
            # What it locks in the audit trail is locked for no longer than by a real one.
            async with conn.transaction(force_rollback=True):
                await _opened(forge, conn, forge.now())
            for _ in range(TIMES):
                await picture_of(conn, warm)
                await newest_alarm(conn)


async def _opened(forge: Forge, conn: Connection, now: datetime) -> None:
    nobody = OpenIncident("unknown", False, None, 0.0, (), (), (), (), now)
    facts = facts_of(forge, nobody, REHEARSING.reference)
    asking = Asking(nobody, facts, "a rehearsal, taken back", (), CorrelationId(uuid4()), f"rehearsal:{uuid4()}")
    asked = await writes.ask(conn, asking.request, forge.matrix.current.digest)
    if asked.state is ActionState.ALLOWED:
        opened = await open_incident(conn, **vars(nobody), at=now)
        if opened is not None:
            await writes.finish(conn, ActionState.DONE, vars(opened))
            await nudge_playbook(conn, opened.incident_id)
