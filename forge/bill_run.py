"""A bill run from its opening to the last number: drafted and issued in batches, taken up where it stopped, by whoever looks next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from uuid import uuid4

import structlog

from atlas.actions.records import ActionState
from atlas.billing.reads.runs import (
    batches_to_draft,
    batches_to_issue,
    held_bills,
    last_billed_on,
    open_run,
    run_of,
    run_totals,
    suspended_in_run,
)
from atlas.billing.records.runs import BillRun, HeldBill, RunTotals, SuspendedDays
from atlas.billing.writes.runs import draft_batch
from atlas.errors import AtlasError
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import Principal, executor
from forge.actions.billing.runs import IssueBillBatch, IssueBillRun, PrepareBillRun
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

BILLER: Final = executor("billing")
# The database works one batch on each core; more would only wait for one another.
AT_ONCE: Final = 2
TRIES: Final = 3

Told = Callable[[str, int, int], None]


class BatchFailed(AtlasError):
    """A batch could not be issued; nothing of it was kept, and the run stays where it is."""


@dataclass(frozen=True)
class Preview:
    """What a run would issue, and what a person should look at first."""

    run: BillRun
    totals: RunTotals
    held: tuple[HeldBill, ...]
    suspended: tuple[SuspendedDays, ...] = ()


def untold(step: str, done: int, of: int) -> None:
    """Nobody watches."""


async def prepared(forge: Forge, by: Principal, billed_on: date, customers: Sequence[CustomerId] | None = None) -> int:
    """The run that is not done yet, else a new one until `billed_on`; its id. Raises AtlasError where it was not allowed."""
    async with forge.atlas.transaction(BILLER) as conn:
        there, since = await open_run(conn), await last_billed_on(conn)
    if there is not None:
        return there
    yesterday = billed_on - timedelta(days=1)
    begins = yesterday if customers is not None else min(since or yesterday, yesterday)
    asked = PrepareBillRun(begins, billed_on, None if customers is None else tuple(customers))
    # Customers billed off cycle may be billed again the same day; the run of a day is one.
    key = None if customers is None else f"{asked.operation_key}:{uuid4()}"
    proposed = await propose(
        forge, by, asked, reason=f"bills until {billed_on}", correlation_id=CorrelationId(uuid4()), tries=TRIES, operation_key=key
    )
    if proposed.outcome is None or proposed.state is not ActionState.DONE:
        raise AtlasError(f"the run was not opened: {proposed.failure or proposed.verdict_reason}")
    return int(proposed.outcome["run"])


async def drafted(forge: Forge, run_id: int, told: Told = untold) -> Preview:
    """Drafts what of the run is not drafted yet; what it would issue."""

    async def one(number: int) -> None:
        async with forge.atlas.transaction(BILLER) as conn:
            await draft_batch(conn, run_id, number)

    async with forge.atlas.transaction(BILLER) as conn:
        waiting = await batches_to_draft(conn, run_id)
    await _each(waiting, one, lambda done: told("drafted", done, len(waiting)))
    return await preview(forge, run_id)


async def preview(forge: Forge, run_id: int) -> Preview:
    async with forge.atlas.transaction(BILLER) as conn:
        suspended = tuple(await suspended_in_run(conn, run_id))
        return Preview(await run_of(conn, run_id), await run_totals(conn, run_id), tuple(await held_bills(conn, run_id)), suspended)


async def let_go(forge: Forge, by: Principal, run_id: int) -> Proposed:
    """Asks that the run be issued: allowed at once, or waiting for whoever the matrix names."""
    async with forge.atlas.transaction(BILLER) as conn:
        action = await IssueBillRun.of(conn, run_id)
        run = await run_of(conn, run_id)
    return await propose(forge, by, action, reason=f"bills until {run.billed_on}", correlation_id=CorrelationId(uuid4()), tries=TRIES)


async def issued(forge: Forge, run_id: int, told: Told = untold) -> BillRun:
    """Issues what of a run that was let go is not issued yet. Raises BatchFailed."""

    async def one(number: int) -> None:
        async with forge.atlas.transaction(BILLER) as conn:
            action = await IssueBillBatch.of(conn, run_id, number)
        proposed = await propose(
            forge, BILLER, action, reason=f"batch {number} of bill run {run_id}", correlation_id=CorrelationId(uuid4()), tries=TRIES
        )
        if proposed.state is not ActionState.DONE:
            raise BatchFailed(f"batch {number} of run {run_id}: {proposed.failure or proposed.verdict_reason}")

    async with forge.atlas.transaction(BILLER) as conn:
        waiting = await batches_to_issue(conn, run_id)
    await _each(waiting, one, lambda done: told("issued", done, len(waiting)))
    async with forge.atlas.transaction(BILLER) as conn:
        return await run_of(conn, run_id)


async def bill_the_day(forge: Forge, today: date, told: Told = untold) -> BillRun:
    """Everybody whose billing day came since the last run, as far as it may go alone; what waits goes on when it was ruled on."""
    run_id = await prepared(forge, BILLER, today)
    await drafted(forge, run_id, told)
    asked = await let_go(forge, BILLER, run_id)
    log.info("bill_run_drafted", run_id=run_id, state=asked.state.value)
    return await go_on(forge, told) or (await preview(forge, run_id)).run


async def go_on(forge: Forge, told: Told = untold) -> BillRun | None:
    """Takes up the open run where it stopped, if it was let go; None where there is none to go on with."""
    async with forge.atlas.transaction(BILLER) as conn:
        run_id = await open_run(conn)
        run = None if run_id is None else await run_of(conn, run_id)
    if run is None or run.state != "issuing":
        return None
    done = await issued(forge, run.id, told)
    log.info("bill_run_issued", run_id=run.id, batches=done.issued, accounts=done.accounts)
    return done


async def _each(numbers: Iterable[int], work: Callable[[int], Awaitable[None]], told: Callable[[int], None]) -> None:
    """A few at a time, in their order; the first that fails stops those that have not begun."""
    waiting, done = iter(numbers), 0

    async def take() -> None:
        nonlocal done
        for number in waiting:
            await work(number)
            done += 1
            told(done)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(take())
