"""LangChain and LangGraph tell their maker's service every step where the environment says so. Here nothing says so."""

from collections.abc import Callable
from contextvars import Context
from typing import Any

import langsmith


def keep_to_ourselves() -> None:
    """From now on no run of a graph or a model is told to anybody, whatever the environment says: subscribers' words would go unveiled."""
    langsmith.configure(enabled=False)
    # What prepares and ends a trace that is never sent would take two threads for each wrapped call, some twenty of them in a turn.
    langsmith.set_runtime_overrides(aio_to_thread=_at_once)


async def _at_once(_default: Callable[..., Any], context: Context, call: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
    return context.run(call, *args, **named)
