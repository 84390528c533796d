"""Innermost around each call of a provider's model: what leaves is veiled, what comes back unveiled. The rule model passes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool

from agents.conversation import TurnContext
from agents.veil import Known, Veil
from tools.known import known_here


class Veiled(AgentMiddleware[Any, TurnContext]):
    """Of one module's agent. `is_veiled` False: a model that may see everything (the suite's attacker, one of our own)."""

    def __init__(self, module: str, rule_model: BaseChatModel, *, is_veiled: bool) -> None:
        super().__init__()
        self._module = module
        self._rule_model = rule_model
        self._is_veiled = is_veiled

    async def awrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if request.model is self._rule_model or not self._is_veiled:
            return await handler(request)
        context = request.runtime.context
        await take_in_known(context, [str(one.text) for one in request.messages])
        tools = [one for one in request.tools if isinstance(one, BaseTool)]
        named = {one.name: frozenset[str]() if context.is_staff else numbered(one) for one in tools}
        by_handle = not context.is_staff
        told = [outward(context.veil, self._module, one, named, by_handle=by_handle) for one in request.messages]
        answer = await handler(request.override(messages=told, tools=[with_handles(one, named[one.name]) for one in tools]))
        return ModelResponse(
            result=[inward(context.veil, one, named) for one in answer.result], structured_response=answer.structured_response
        )


async def take_in_known(context: TurnContext, said: Sequence[str]) -> None:
    """Once a turn: who is spoken of, as Atlas knows them. Of a customer themselves; of staff, whoever is named in what was said."""
    if context.veil.has_known:
        return
    context.veil.take_in(Known(one.kind, one.value) for one in await known_here(context.atlas, context.principal, said))
    context.veil.has_known = True


def numbered(tool: BaseTool) -> frozenset[str]:
    """The arguments of a tool that name something by its number."""
    properties = tool.args_schema.get("properties", {}) if isinstance(tool.args_schema, dict) else {}
    return frozenset(name for name, schema in properties.items() if "integer" in _types(schema))


def _types(schema: dict[str, Any]) -> set[str]:
    return {str(schema.get("type", "")), *(str(one.get("type", "")) for one in schema.get("anyOf", ()))}


def with_handles(tool: BaseTool, named: frozenset[str]) -> BaseTool:
    """The same tool as a provider is told of it: what is named by a number in here is named by a handle out there."""
    if not named or not isinstance(tool, StructuredTool) or not isinstance(tool.args_schema, dict):
        return tool
    schema = dict(tool.args_schema)
    handle = {"type": "string", "description": "a handle from an earlier answer, as in [[order_id-1]]"}
    schema["properties"] = {
        name: ({**handle, "title": name} if name in named else about) for name, about in tool.args_schema["properties"].items()
    }
    return tool.model_copy(update={"args_schema": schema})


def outward(veil: Veil, module: str, message: BaseMessage, named: dict[str, frozenset[str]], *, by_handle: bool) -> AnyMessage:
    """A message as it leaves the house, made anew: nothing that only we keep with it goes along."""
    said = str(message.text)
    if isinstance(message, ToolMessage):
        veiled = veil.answer(module, said, by_handle=by_handle)
        return ToolMessage(veiled, tool_call_id=message.tool_call_id, name=message.name, status=message.status)
    if isinstance(message, AIMessage):
        calls = [{**one, "args": veil.given(one["args"], named.get(one["name"], frozenset()))} for one in message.tool_calls]
        return AIMessage(veil.text(said), tool_calls=calls)
    return SystemMessage(said) if isinstance(message, SystemMessage) else HumanMessage(veil.text(said))


def inward(veil: Veil, message: BaseMessage, named: dict[str, frozenset[str]]) -> BaseMessage:
    if not isinstance(message, AIMessage):
        return message
    calls = [{**one, "args": veil.arguments(one["args"], named.get(one["name"], frozenset()))} for one in message.tool_calls]
    return message.model_copy(update={"content": veil.unveiled(str(message.text)), "tool_calls": calls})
