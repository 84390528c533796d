"""What must be told to a BNG of a line's sessions, as errands in the transaction of the action that caused it."""

from collections.abc import Sequence
from typing import Any, Final

import structlog

from atlas.actions.writes import queue_errands
from atlas.cmdb.reads import open_sessions, speeds_not_kept
from atlas.cmdb.records.sessions import OpenSession, nas_seal
from atlas.cmdb.writes import close_stale_sessions, register_nas
from atlas.connection import Atlas
from atlas.identity import DeviceId, SubscriberId
from atlas.principal import executor
from atlas.statements import Connection
from forge.outside.ports import DISCONNECT
from forge.sign_in.sealing import seal

log = structlog.get_logger()

CLOCK: Final = executor("clock")


async def order_disconnects(conn: Connection, lines: Sequence[SubscriberId], occasion: str) -> int:
    """Leaves a Disconnect for every open session of the lines at a BNG of ours; how many were new.

    `occasion` tells one order from the next. A line that is not signed in needs none: at its next login it is asked again.
    """
    sessions = await open_sessions(conn, lines)
    wanted = {f"disconnect:{one.accounting_id}:{occasion}": {"line": one.subscriber_id, "session": named(one)} for one in sessions}
    return await queue_errands(conn, "provisioner", DISCONNECT, wanted)


async def order_disconnect(conn: Connection, line: SubscriberId, session: int, occasion: str) -> bool:
    """Leaves a Disconnect for one open session of the line; False where it is not open at a BNG of ours."""
    found = next((one for one in await open_sessions(conn, [line]) if one.accounting_id == session), None)
    if found is None:
        return False
    await queue_errands(conn, "provisioner", DISCONNECT, {f"disconnect:{session}:{occasion}": {"line": line, "session": named(found)}})
    return True


async def newest_session(conn: Connection, line: SubscriberId) -> dict[str, Any] | None:
    """How the BNG knows the line's newest open session; None where it is not signed in at one of ours."""
    sessions = await open_sessions(conn, [line])
    return named(sessions[-1]) if sessions else None


def named(session: OpenSession) -> dict[str, Any]:
    """A session as an errand names it: by all that the BNG knows of it, and by our own row."""
    return {
        "accounting": session.accounting_id,
        "nas": session.nas_device_id,
        "session_id": session.session_id,
        "username": session.username,
        "framed_address": session.framed_address,
    }


async def sweep_sessions(atlas: Atlas) -> None:
    """Ends the sessions whose Stop was lost, and says which BNG acknowledged a speed that it does not give."""
    async with atlas.transaction(CLOCK) as conn:
        closed = await close_stale_sessions(conn)
        unkept = await speeds_not_kept(conn)
    if closed:
        log.info("stale_sessions_closed", sessions=closed)
    for one in unkept:
        log.warning("speed_not_kept", subscriber_id=one.subscriber_id, errand_id=one.errand_id, ordered=one.ordered, reported=one.reported)


async def share_secret(
    conn: Connection, installation: bytes, device: DeviceId, address: str, coa_port: int, secret: str, interim_s: int
) -> None:
    """Keeps what we share with a BNG, sealed: an operator's own word on the command line, like a plan of the network."""
    await register_nas(conn, device, address, coa_port, seal(installation, nas_seal(device), secret.encode()), interim_s)
