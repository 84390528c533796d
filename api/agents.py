"""The agents part: answers what waits in the inbox, in a process of its own: no sentence is embedded while an alarm is looked at."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from api.answering import answer_conversation
from api.bootstrap import house
from api.chat import desk
from api.inbound.inbox import nudge
from api.inbound.knowledge import learn_from_articles, learn_from_jobs
from api.settings import Settings, value_of
from api.worker import RECOVER_EVERY_S, SWEEP_EVERY_S, every, running, taking
from atlas.identity import ConversationId
from atlas.jobs import queue, recover
from atlas.principal import Zone

MOST_CONNECTIONS: Final = 12
LEARN_EVERY_S: Final = 60.0
# Whoever wrote an article asks for it in other words soon after.
READ_EVERY_S: Final = 10.0


@asynccontextmanager
async def answer_messages(settings: Settings) -> AsyncIterator[dict[str, str]]:
    """Answers while the block runs; what is under way is finished at the end."""
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(house(settings, (Zone.EXECUTOR, Zone.STAFF, Zone.CUSTOMER), MOST_CONNECTIONS))
        here = await stack.enter_async_context(desk(one))
        jobs = queue(value_of(settings.database_url) or "", settings.secret)

        async def answer_job(conversation_id: int) -> None:
            # Not tried again by the queue: the sweep finds whatever still waits, in whatever process it died.
            await answer_conversation(here, ConversationId(conversation_id))

        jobs.task(name="agents.answer")(answer_job)
        await stack.enter_async_context(jobs.open_async())
        stopping = asyncio.Event()
        sweep = every(stopping, SWEEP_EVERY_S, "inbox", lambda: nudge(one.atlas))
        recovery = every(stopping, RECOVER_EVERY_S, "recovery", lambda: recover(jobs))
        meant = here.supervisor.router
        learning = every(stopping, LEARN_EVERY_S, "knowledge", lambda: learn_from_jobs(one.atlas, meant))
        reading = every(stopping, READ_EVERY_S, "articles", lambda: learn_from_articles(one.atlas, meant))
        await stack.enter_async_context(running(stopping, taking(jobs, stopping), sweep, recovery, learning, reading))
        yield {"agents": "answering"}
