"""Leaks looked for as things change, and whole every night; and what would put each right, as an order that governance judges."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from atlas.billing.reads.leaks import line_as_charged
from atlas.billing.records.leaks import Leak, LeakKind, LineAsCharged, Looked
from atlas.billing.writes.leaks import record_leaks, take_leak_looks
from atlas.connection import Atlas
from atlas.identity import OrderId
from atlas.principal import executor
from atlas.statements import Connection
from forge.action import Action
from forge.actions.billing.charges import StartCharging
from forge.actions.cmdb.lines import DisconnectLine
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.helpdesk.saying import RecordPromise

log = structlog.get_logger()

LOOKER: Final = executor("leaks")
# Entries of one look; a burst beyond it is a few looks.
AT_ONCE: Final = 5_000
# A correction is no order of a customer's: none is numbered so.
NO_ORDER: Final = OrderId(0)
CALL_WITHIN: Final = timedelta(days=3)


async def look_for_leaks(atlas: Atlas, is_stopping: Callable[[], bool] = lambda: False) -> Looked:
    """Looks at every line of which something changed, until none is left; what was found and what is gone."""
    lines = found = gone = 0
    while not is_stopping():
        async with atlas.transaction(LOOKER) as conn:
            changed = await take_leak_looks(conn, AT_ONCE)
            if not changed:
                break
            looked = await record_leaks(conn, changed)
        lines, found, gone = lines + looked.lines, found + looked.found, gone + looked.gone
    if found or gone:
        log.info("leaks_looked_for", lines=lines, found=found, gone=gone)
    return Looked(lines, found, gone)


async def look_at_all(atlas: Atlas) -> Looked:
    """Every line there is: what only time made a leak is found by it."""
    async with atlas.transaction(LOOKER) as conn:
        looked = await record_leaks(conn, None)
    log.info("leaks_looked_for", found=looked.found, gone=looked.gone)
    return looked


async def correction(conn: Connection, leak: Leak, now: datetime) -> Action:
    """The order that would put this leak right. Raises NotFound where its line is not there."""
    return corrected(leak, await line_as_charged(conn, leak.subscriber_id), now)


def corrected(leak: Leak, line: LineAsCharged, now: datetime) -> Action:
    """Pure: a line in use is charged from now on, one that is not is taken off the network; what is paid for is delivered; and so on."""
    customer, subscriber = leak.customer_id, leak.subscriber_id
    if leak.kind is LeakKind.SESSION_WITHOUT_CHARGE and line.state == "active":
        return StartCharging(customer, subscriber, line.offering_version_id, now, f"leak:{leak.id}", None)
    if leak.kind is LeakKind.CHARGE_WITHOUT_SESSION:
        return RecordPromise(
            customer, f"Ask whether line {subscriber} is still wanted: {leak.detail}, and nobody is online", now + CALL_WITHIN
        )
    if leak.kind is LeakKind.HELD_BY_NO_LINE:
        return DisconnectLine(customer, subscriber, f"leak-{leak.id}")
    # The session is begun anew: whoever is suspended, or no customer any more, is then refused by RADIUS itself.
    operation = "set_speed" if leak.kind is LeakKind.SPEED_DIFFERS else "refresh_session"
    return ConfigureLine(customer, subscriber, operation, line.down_kbps, line.up_kbps, NO_ORDER, attempt=leak.id)
