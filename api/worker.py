"""The clock that starts each leg: takes jobs from the queue, and looks again now and then in case a wake was lost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any, Final

import psycopg
import structlog
from procrastinate import App, RetryStrategy
from procrastinate.exceptions import ConnectorException
from structlog.contextvars import bound_contextvars

from api.bootstrap import House, house, outside_world
from api.operations.measures import SWEEPS, SWEEPS_FAILED
from api.operations.tracing import Teller, exporter_to
from api.oversight import Witness
from api.settings import Settings, value_of
from atlas.backup.erased import ErasureList
from atlas.errors import AtlasError
from atlas.identity import ActionId, CustomerId, IncidentId
from atlas.itsm.reads import unclosed_incidents
from atlas.jobs import HEARTBEAT_S, MOST_ATTEMPTS, STALLED_AFTER_S, defer, queue, recover, take_jobs
from atlas.principal import Zone, executor
from cortex.bursts import burst_paused
from cortex.watch import look_at_burst
from forge.bill_run import bill_the_day
from forge.books import check_books, check_payments
from forge.carry_out import expire_overdue, nudge_playbook, settle_abandoned
from forge.clock_watch import watch_clocks
from forge.dunning import chase, make_good, restore
from forge.errands import Outside, run_errands
from forge.graph import Bookmarks, advance, open_bookmarks
from forge.leaks import look_at_all, look_for_leaks
from forge.leavers import settle_with_leavers
from forge.may_send import Limit
from forge.outbox import drain
from forge.outside.ports import Messenger, Statement
from forge.playbooks.activation import attend_orders, tell_late_orders
from forge.playbooks.outage import play
from forge.privacy import apply_rules, erasures_listed, finish_erasures
from forge.problems import look_for_problems
from forge.rehearsal import rehearse
from forge.respond import respond_to_all
from forge.rulings import tell_rulings
from forge.sequences.advance import advance_due
from forge.sequences.kinds import KINDS
from forge.sessions import sweep_sessions
from forge.spool import count_as_delivered
from forge.telling_bills import go_on_and_tell

log = structlog.get_logger()

AT_ONCE: Final = 8
# Tickets, notices and crews can wait for the picture to settle; a second is what they have until somebody would notice.
PLAY_PAUSE_S: Final = 0.2
PLAY_LATEST_S: Final = 1.0
# Every wake is a committed job or a notification; these are for the ones that a crash swallowed.
LOOK_EVERY_S: Final = 5.0
WITNESS_EVERY_S: Final = 10.0
SWEEP_EVERY_S: Final = 2.0
PLAY_EVERY_S: Final = 10.0
RECOVER_EVERY_S: Final = 3.0
# What is asked every night, at an hour that the clocks never skip or repeat and when the fewest wait for an answer.
NIGHTLY: Final = (
    "billing.invariants",
    "billing.payments",
    "billing.day",
    "billing.leavers",
    "billing.run",
    "billing.leaks",
    "billing.dunning",
    "billing.failings",
    "forge.retention",
)
NIGHT: Final = time(3, 30)
SESSIONS_EVERY_S: Final = 60.0
PLAN_EVERY_S: Final = 600.0
POLL_S: Final = 0.5
# With growing pauses, beside the first; what still fails then is parked, with its reason in the log, and the sweeps look at its rows.
RETRIES: Final = RetryStrategy(max_attempts=MOST_ATTEMPTS - 1, exponential_wait=2)
DRAIN_S: Final = 15


@dataclass(frozen=True)
class Works:
    """What the jobs work with."""

    house: House
    bookmarks: Bookmarks
    messenger: Messenger
    outside: Outside
    # The job's own lock keeps other processes from looking meanwhile, this one keeps the clock of this process.
    looking: asyncio.Lock = field(default_factory=asyncio.Lock)
    # Set when this process is to end: nothing new is taken, what is under way is finished.
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def run_worker(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """Works off the queue while the block runs; lets what is under way finish at the end."""
    url = value_of(settings.database_url) or ""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(house(settings, (Zone.EXECUTOR, Zone.STAFF, Zone.CUSTOMER), most=12))
        bookmarks = await stack.enter_async_context(open_bookmarks(one.atlas))
        messenger, outside = await stack.enter_async_context(outside_world(one))
        works = Works(one, bookmarks, messenger, outside)
        jobs = queue(url, settings.secret)
        register(jobs, works)
        await stack.enter_async_context(jobs.open_async())
        rehearsing = attempted("rehearsal", lambda: rehearse(one.forge, one.warm))
        await stack.enter_async_context(running(works.stopping, taking(jobs, works.stopping), rehearsing, *ticking(jobs, works)))
        yield {"worker": "taking jobs"}


@asynccontextmanager
async def running(stopping: asyncio.Event, taking: Coroutine[Any, Any, None], *work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """All of it beside the block. At its end nothing new is taken, and what is under way gets its time to finish."""
    jobs, *others = tasks = [asyncio.create_task(one) for one in (taking, *work)]
    try:
        yield
    finally:
        stopping.set()
        # The queue's own worker takes a cancellation as a wish to stop, and drains by itself.
        jobs.cancel()
        _, late = await asyncio.wait(others, timeout=DRAIN_S)
        for task in late:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def taking(jobs: App, stopping: asyncio.Event) -> None:
    """Takes jobs of the queues that a task is registered for, and leaves the others to whoever knows them."""
    await take_jobs(
        jobs,
        stopping,
        DRAIN_S,
        queues=sorted({name.partition(".")[0] for name in jobs.tasks}),
        concurrency=AT_ONCE,
        fetch_job_polling_interval=POLL_S,
        install_signal_handlers=False,
        delete_jobs="successful",
        update_heartbeat_interval=HEARTBEAT_S,
        stalled_worker_timeout=STALLED_AFTER_S,
    )


def register(jobs: App, works: Works) -> None:
    """Every job there is, by the name that whoever defers it uses."""
    one = works.house

    async def look_job() -> None:
        # Not tried again by the queue: alarms leave a new job, and the clock looks soon anyway.
        await attempted("look", lambda: look_and_respond(works))

    async def carry_out_job(action_id: int) -> None:
        with bound_contextvars(action_id=action_id):
            await advance(one.forge, works.bookmarks, ActionId(action_id))

    async def playbook_job(incident_id: int) -> None:
        # Not tried again by the queue either: every incident that is not closed is played by the clock too.
        with bound_contextvars(incident_id=incident_id):
            await attempted("playbook", lambda: played(works, IncidentId(incident_id)))

    async def outbox_job() -> None:
        await sent_out(works)

    async def errands_job() -> None:
        await ran_out(works)

    async def sequences_job() -> None:
        await moved_on(works)

    jobs.task(name="cortex.look")(look_job)
    jobs.task(name="forge.carry_out", retry=RETRIES)(carry_out_job)
    jobs.task(name="forge.playbook")(playbook_job)
    jobs.task(name="forge.outbox", retry=RETRIES)(outbox_job)
    jobs.task(name="forge.errands", retry=RETRIES)(errands_job)
    jobs.task(name="forge.sequences", retry=RETRIES)(sequences_job)
    register_nightly(jobs, one)
    register_reconciling(jobs, works)


def register_nightly(jobs: App, one: House) -> None:
    async def invariants_job() -> None:
        await check_books(one.atlas, one.forge.now())

    async def retention_job() -> None:
        await apply_rules(one.atlas, one.forge.now())
        await finish_erasures(one.forge)

    async def dunning_job() -> None:
        # A letter that arrived by now is a word that was heard.
        await count_as_delivered(one.atlas, one.forge.now().astimezone(one.forge.timezone).date())
        await chase(one.forge, one.ladder)

    async def restore_job(customer_id: int) -> None:
        await restore(one.forge, CustomerId(customer_id))

    async def leaks_job() -> None:
        await look_at_all(one.atlas)

    async def failings_job() -> None:
        await make_good(one.forge)

    jobs.task(name="billing.invariants", retry=RETRIES)(invariants_job)
    jobs.task(name="billing.dunning", retry=RETRIES)(dunning_job)
    jobs.task(name="billing.restore", retry=RETRIES)(restore_job)
    jobs.task(name="billing.leaks", retry=RETRIES)(leaks_job)
    jobs.task(name="billing.failings", retry=RETRIES)(failings_job)
    jobs.task(name="forge.retention", retry=RETRIES)(retention_job)
    register_billing(jobs, one)


def register_reconciling(jobs: App, works: Works) -> None:
    async def payments_job() -> None:
        # A house with no provider has nobody else's list to look at.
        if isinstance(works.outside.payments, Statement):
            await check_payments(works.house.atlas, works.outside.payments, works.house.forge.now())

    jobs.task(name="billing.payments", retry=RETRIES)(payments_job)


def register_billing(jobs: App, one: House) -> None:
    async def day_job() -> None:
        await bill_the_day(one.forge, one.forge.now().astimezone(one.forge.timezone).date())

    async def run_job() -> None:
        await go_on_and_tell(one.forge)

    async def leavers_job() -> None:
        await settle_with_leavers(one.forge)

    jobs.task(name="billing.day", retry=RETRIES)(day_job)
    jobs.task(name="billing.run", retry=RETRIES)(run_job)
    jobs.task(name="billing.leavers", retry=RETRIES)(leavers_job)


async def look_and_respond(works: Works) -> None:
    """Waits for the burst to pause, looks, and lets Forge answer each change."""
    one = works.house
    clock = asyncio.get_running_loop().time
    async with works.looking:
        began = clock()
        changes = await look_at_burst(one.atlas, one.warm)
        looked = clock()
        await respond_to_all(one.forge, changes)
        if changes:
            spent = {"looked_ms": looked - began, "answered_ms": clock() - looked}
            log.info("looked", changes=len(changes), **{name: round(seconds * 1000) for name, seconds in spent.items()})


async def played(works: Works, incident_id: IncidentId) -> None:
    """What an incident calls for is better known when its alarms are in, and nothing else should slow the looks meanwhile."""
    await burst_paused(works.house.atlas, PLAY_PAUSE_S, PLAY_LATEST_S)
    async with works.looking:
        pass
    await play(works.house.forge, works.bookmarks, incident_id)


def ticking(jobs: App, works: Works) -> list[Coroutine[Any, Any, None]]:
    """What runs by the clock, whatever the queue says."""
    one, stopping = works.house, works.stopping
    return [
        every(stopping, LOOK_EVERY_S, "look", lambda: look_and_respond(works)),
        every(stopping, SWEEP_EVERY_S, "outbox", lambda: sent_out(works)),
        every(stopping, SWEEP_EVERY_S, "errands", lambda: ran_out(works)),
        every(stopping, SWEEP_EVERY_S, "orders", lambda: orders_attended(works)),
        every(stopping, SWEEP_EVERY_S, "sequences", lambda: moved_on(works)),
        every(stopping, SESSIONS_EVERY_S, "sessions", lambda: sweep_sessions(one.atlas)),
        every(stopping, SWEEP_EVERY_S, "expiry", lambda: expire_overdue(one.forge)),
        # What only time, an import or a restore made a leak is seen at once, not in the night after.
        attempted("all-leaks", lambda: look_at_all(one.atlas)),
        every(stopping, SWEEP_EVERY_S, "leaks", lambda: look_for_leaks(one.atlas, stopping.is_set)),
        every(stopping, SWEEP_EVERY_S, "rulings", lambda: tell_rulings(one.forge)),
        every(stopping, LOOK_EVERY_S, "abandoned", lambda: settle_abandoned(one.forge)),
        every(stopping, PLAY_EVERY_S, "playbooks", lambda: nudge_playbooks(one)),
        every(stopping, RECOVER_EVERY_S, "recovery", lambda: recovered(jobs)),
        every(stopping, PLAN_EVERY_S, "late-orders", lambda: tell_late_orders(one.forge)),
        every(stopping, PLAN_EVERY_S, "problems", lambda: look_for_problems(one.forge)),
        every(stopping, PLAY_EVERY_S, "clocks", lambda: watch_clocks(one.forge)),
        every(stopping, PLAN_EVERY_S, "night", lambda: plan_night(one)),
        reacting(works),
        *telling(one, stopping),
        *witnessing(one, stopping),
    ]


def telling(one: House, stopping: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    """What is over goes to whoever collects traces, where somebody does."""
    if one.settings.otlp_endpoint is None:
        return []
    teller = Teller(one.atlas, exporter_to(one.settings.otlp_endpoint))
    return [every(stopping, SWEEP_EVERY_S, "traces", teller.tell)]


def witnessing(one: House, stopping: asyncio.Event) -> list[Coroutine[Any, Any, None]]:
    """Where the audit trail ends, and who was erased, is carried out of the database's reach, where the operator named a place for it."""
    heads, erasures = one.settings.audit_heads, one.settings.erasures
    looks: dict[str, Callable[[], Awaitable[int]]] = {"witness": Witness(one.atlas, heads).look} if heads else {}
    if erasures:
        looks["erasures"] = partial(erasures_listed, one.atlas, ErasureList(erasures))
    return [every(stopping, WITNESS_EVERY_S, name, look) for name, look in looks.items()]


async def sent_out(works: Works) -> None:
    limit = Limit(works.house.settings.notices_a_day)
    await drain(works.house.atlas, works.messenger, is_stopping=works.stopping.is_set, limit=limit)


async def ran_out(works: Works) -> None:
    """Runs errands, and then whatever waited for them."""
    await run_errands(works.house.atlas, works.outside, works.house.forge.now, is_stopping=works.stopping.is_set)
    await moved_on(works)


async def orders_attended(works: Works) -> None:
    """What was ordered begins, and what was begun goes on at once."""
    if await attend_orders(works.house.forge, is_stopping=works.stopping.is_set):
        await moved_on(works)


async def moved_on(works: Works) -> None:
    await advance_due(works.house.forge, KINDS, works.stopping.is_set)


async def reacting(works: Works) -> None:
    """What was queued for the world outside goes out as soon as it is committed; the sweeps catch what this misses while it is deaf."""
    wakes = {topic: asyncio.Event() for topic in ("helpdesk.notice", "actions.errand", "oms.product_order")}
    listening = asyncio.create_task(_heard(works, wakes))
    async with asyncio.TaskGroup() as group:
        group.create_task(woken(works.stopping, wakes["helpdesk.notice"], lambda: sent_out(works)))
        group.create_task(woken(works.stopping, wakes["actions.errand"], lambda: ran_out(works)))
        group.create_task(woken(works.stopping, wakes["oms.product_order"], lambda: orders_attended(works)))
        await works.stopping.wait()
        listening.cancel()
        for wake in wakes.values():
            wake.set()


async def _heard(works: Works, wakes: dict[str, asyncio.Event]) -> None:
    while True:
        with contextlib.suppress(psycopg.Error):
            async for topic in works.house.atlas.changes():
                if topic in wakes:
                    wakes[topic].set()
        await asyncio.sleep(POLL_S)


async def woken(stopping: asyncio.Event, wake: asyncio.Event, work: Callable[[], Awaitable[Any]]) -> None:
    while not stopping.is_set():
        await wake.wait()
        wake.clear()
        await attempted("woken", work)


async def every(stopping: asyncio.Event, seconds: float, name: str, work: Callable[[], Awaitable[Any]]) -> None:
    """Runs `work` now and then until this process is to end; what fails is logged and tried again at the next tick."""
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await stopping.wait()
                return
        await attempted(name, work)


async def attempted(name: str, work: Callable[[], Awaitable[Any]]) -> None:
    try:
        with SWEEPS.labels(name).time():
            await work()
    except (AtlasError, psycopg.Error, ConnectorException, TimeoutError, OSError) as error:
        SWEEPS_FAILED.labels(name).inc()
        log.warning("sweep_failed", sweep=name, error=type(error).__name__)


async def nudge_playbooks(one: House) -> None:
    """Every incident that is not closed is looked at again by its playbook."""
    async with one.atlas.transaction(executor("clock")) as conn:
        for incident_id in await unclosed_incidents(conn):
            await nudge_playbook(conn, incident_id)


async def plan_night(one: House) -> None:
    """Each nightly job waits once, for the coming night; one that waits already is left as it is."""
    now = one.forge.now().astimezone(one.forge.timezone)
    at = datetime.combine(now.date() + timedelta(days=now.time() >= NIGHT), NIGHT, one.forge.timezone)
    async with one.atlas.transaction(executor("clock")) as conn:
        for name in NIGHTLY:
            await defer(conn, name, queueing_lock=name, at=at)


async def recovered(jobs: App) -> None:
    again, parked = await recover(jobs)
    if again or parked:
        log.warning("jobs_recovered", again=again, parked=parked)
