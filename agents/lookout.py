"""What of a turn one of us should look at: where words gave our agents orders, in the message itself or in what a tool read out of Atlas.

Nothing is refused for it: what may not be done is not done whoever asks (`tools.turn.needs`, Forge). It is only seen, and told.
"""

import json
from collections.abc import Iterable
from typing import Final, TypedDict

import structlog

from agents.conversation import ToolUse
from agents.grounding import leaves
from agents.router import Router
from agents.tampering import orders_in

log = structlog.get_logger()

IN_MESSAGE: Final = "message"
# A name, a number or a moment gives nobody an order; most of an answer is those.
SHORTEST_ORDER: Final = 12
LIKE_OTHERS: Final = "is like other attempts to turn the agents"


class Flag(TypedDict):
    """`where`: the message, or the tool that read it out. `sign`: what it was known by, as a colleague reads it."""

    where: str
    sign: str


async def flags_of(router: Router, words: str, language: str, uses: Iterable[ToolUse], *, is_compared: bool) -> list[Flag]:
    """Each sign once for each place. `is_compared`: the words were compared with our examples already, so that it costs nothing to ask."""
    signs = orders_in(words)
    if not signs and is_compared and await router.gives_orders(words, language):
        signs = (LIKE_OTHERS,)
    flags = [Flag(where=IN_MESSAGE, sign=sign) for sign in signs]
    flags += [Flag(where=use["name"], sign=sign) for use in uses for sign in orders_in(_prose(use["answer"]))]
    found = [flag for at, flag in enumerate(flags) if flag not in flags[:at]]
    if found:
        log.warning("orders_to_agents", where=[flag["where"] for flag in found], signs=[flag["sign"] for flag in found])
    return found


def _prose(answer: str) -> str:
    """What of a tool's answer somebody may have written, each once."""
    return "\n".join(dict.fromkeys(one for one in leaves(json.loads(answer)) if len(one) >= SHORTEST_ORDER and " " in one))
