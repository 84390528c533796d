"""What one agent may do in one turn: so many answers of a model, so many calls of tools.

LangChain's own limits count in nodes of their own, six steps of the graph in an ordinary turn, which is a fifth of its work. Here they are
read off what was said in this turn.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agents.conversation import TurnContext
from agents.replies import phrases
from atlas.errors import AtlasError

# Of one turn. A person who needs more than this needs a person.
MOST_TOOL_CALLS: Final = 8
MOST_MODEL_CALLS: Final = 6


class CallsUsedUp(AtlasError):
    """A tool was called once more than a turn may."""

    def __init__(self, tool: str) -> None:
        super().__init__(f"{tool} is not called any more: {MOST_TOOL_CALLS} calls of tools are all there are in one turn")


class Bounded(AgentMiddleware[Any, TurnContext]):
    """Outermost: whichever model answers, it answers so often and no more; the turn then ends with what it has and a plain sentence."""

    async def awrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if len(answers_of_turn(request.messages)) < MOST_MODEL_CALLS:
            return await handler(request)
        context = request.runtime.context
        return ModelResponse(result=[AIMessage(phrases(context.language)["out_of_order"][context.audience])])


def checked_call(tool: str, call_id: str | None, messages: Sequence[BaseMessage]) -> None:
    """Raises CallsUsedUp for the call that is one too many of its turn, and for every later one."""
    calls = [call["id"] for answer in answers_of_turn(messages) for call in answer.tool_calls]
    if call_id in calls[MOST_TOOL_CALLS:]:
        raise CallsUsedUp(tool)


def answers_of_turn(messages: Sequence[BaseMessage]) -> list[AIMessage]:
    """What models said since a person last spoke, oldest first."""
    said: list[AIMessage] = []
    for message in reversed(messages):
        if isinstance(message, HumanMessage):
            break
        if isinstance(message, AIMessage):
            said.append(message)
    return said[::-1]
