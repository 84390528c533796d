"""Makes a supervisor of what an installation has: once per process, by whoever opens Atlas."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from agents.checkpoints import Checkpoints
from agents.consultation import consultants
from agents.conversation import Proposer
from agents.embeddings import Encoder, WordCounts
from agents.model import CircuitBreaker, Provider
from agents.model_router import ModelRouter
from agents.roster import Member, examples, roster
from agents.router import Router
from agents.summary import Summariser
from agents.supervisor import Supervisor, conversation_graph
from atlas.connection import Atlas
from atlas.money import DEFAULT_CURRENCY


@dataclass(frozen=True)
class Installation:
    """What differs by installation: the sentence encoder, the model provider if any, the operator's time zone and currency."""

    encoder: Encoder
    timezone: ZoneInfo
    provider: Provider | None = None
    currency: str = DEFAULT_CURRENCY
    clock: Callable[[], float] = time.monotonic


async def supervisor(
    installation: Installation,
    atlas: Atlas,
    propose: Proposer,
    checkpoints: Checkpoints,
    members: dict[str, Member] | None = None,
) -> Supervisor:
    """The supervisor with its ten agents, or with `members`. Embeds the example sentences: some seconds of CPU, off the event loop."""
    members = members or roster()
    router = await Router.of(examples(members), installation.encoder, WordCounts())
    breaker = CircuitBreaker(installation.clock)
    consulted = consultants(members, router, installation.provider, breaker)
    by_model = ModelRouter.of(members, installation.provider, breaker) if installation.provider else None
    summariser = Summariser.of(installation.provider, breaker) if installation.provider else None
    graph = conversation_graph(router, consulted, by_model, summariser)
    return Supervisor(atlas, propose, router, consulted, checkpoints, installation.timezone, graph, installation.currency)


def unplugged(one: Supervisor) -> Supervisor:
    """The same supervisor with no provider behind it: what answers while one is slow or gone. It shares everything that is costly."""
    consulted = consultants(one.consultants.members, one.router, None, CircuitBreaker(time.monotonic))
    return replace(one, consultants=consulted, graph=conversation_graph(one.router, consulted))
