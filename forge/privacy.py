"""What is kept of people, and for how long."""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import structlog

from atlas.actions.records import ActionState
from atlas.backup.erased import ErasureList
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId
from atlas.migrate import PERSONAL_MAP
from atlas.principal import executor
from atlas.privacy.reads import collected, erasures_to_finish, kept
from atlas.privacy.rules import copy_of, parsed_map
from atlas.privacy.writes import apply_retention, prove_retention
from atlas.statements import Statements
from forge.actions.crm.customers import EraseCustomer
from forge.propose import Forge, propose

SQL = Statements(__file__)
log = structlog.get_logger()

KEEPER: Final = executor("privacy")
# A conversation is taken up again within a day, and no request in the matrix waits for a fortnight; both go on from Atlas.
CHECKPOINTS_LIVE: Final = timedelta(days=14)
# Threads at a time: no transaction of ours holds its locks for long.
BATCH: Final = 500


async def expire_checkpoints(atlas: Atlas, now: datetime, live: timedelta = CHECKPOINTS_LIVE) -> int:
    """Forgets every thread that nothing was written to for as long as `live`; how many. What they were about stays in Atlas."""
    gone = 0
    while True:
        async with atlas.transaction(KEEPER) as conn:
            batch = int(await SQL.value(conn, "expire_checkpoints", before=now - live, most=BATCH))
        gone += batch
        if batch < BATCH:
            log.info("checkpoints_expired", threads=gone)
            return gone


async def apply_rules(atlas: Atlas, now: datetime) -> dict[str, int]:
    """Takes away whatever is older than its rule lets it be, and writes a row of proof for each rule; how many rows went, by rule."""
    async with atlas.transaction(KEEPER) as conn:
        rules = await kept(conn)
    gone: dict[str, int] = {}
    for rule in rules:
        if rule.how == "elsewhere":
            gone[rule.rule] = await expire_checkpoints(atlas, now, rule.keep)
        else:
            gone[rule.rule] = 0 if rule.how == "kept" else await _applied(atlas, rule.rule)
        async with atlas.transaction(KEEPER) as conn:
            await prove_retention(conn, rule.rule, gone[rule.rule])
    log.info("retention_applied", rules=len(gone), rows=sum(gone.values()))
    return gone


async def _applied(atlas: Atlas, rule: str) -> int:
    gone = 0
    while True:
        async with atlas.transaction(KEEPER) as conn:
            batch = await apply_retention(conn, rule, BATCH)
        gone += batch
        if batch < BATCH:
            return gone


async def finish_erasures(forge: Forge) -> list[CustomerId]:
    """Erases the rest of whoever wished it before, now that the debt, the contract or the hold is over; whose erasure was finished."""
    async with forge.atlas.transaction(KEEPER) as conn:
        due = await erasures_to_finish(conn)
    finished = []
    for customer_id in due:
        rest = EraseCustomer(customer_id, f"finishing:{forge.now():%Y-%m-%d}")
        reason = "what a part of their erasure waited for is over"
        made = await propose(forge, KEEPER, rest, reason=reason, correlation_id=CorrelationId(uuid4()))
        if made.state is ActionState.DONE:
            finished.append(customer_id)
    return finished


async def erasures_listed(atlas: Atlas, erasures: ErasureList) -> int:
    """Who was erased since the last look is written down outside the database; how many. Raises OSError where that cannot be."""
    async with atlas.transaction(KEEPER) as conn:
        return await erasures.look(conn)


async def copy_for(atlas: Atlas, customer_id: CustomerId, asked_by: str) -> dict[str, Any]:
    """Everything that we have of one customer, as they may have it; that it was taken is in the audit trail. Raises NotFound."""
    async with atlas.transaction(KEEPER) as conn:
        rows = await collected(conn, customer_id)
        await SQL.value(conn, "note_copy", actor=asked_by, customer_id=customer_id, rows=len(rows))
    return copy_of(customer_id, rows, parsed_map(PERSONAL_MAP.read_text()))
