"""ModuleAgent, and the one function that builds it: tool functions become a LangChain agent with limits, fallback and plain errors."""

import functools
import inspect
import json
import operator
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NewType, get_args, get_origin, get_type_hints

import structlog
from langchain.agents import create_agent
from langchain.agents.middleware import AgentMiddleware, ModelFallbackMiddleware, ToolErrorMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse, ToolCallRequest
from langchain.tools import ToolRuntime
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import SystemMessage
from langchain_core.tools import BaseTool, StructuredTool
from langgraph.graph.state import CompiledStateGraph
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError, WithJsonSchema, create_model

from agents.bounds import Bounded, checked_call
from agents.budgets import BudgetedCalls, Prices
from agents.conversation import TurnContext
from agents.untrusted import MOST_ROWS, harmless, shortened
from atlas.errors import AtlasError, NotPermitted
from atlas.money import Money
from atlas.principal import Assurance
from atlas.tracing import root_of, spanned
from forge.propose import Proposed
from tools.turn import NotSureEnough, Turn

log = structlog.get_logger()

Tool = Callable[..., Awaitable[Any]]

RECURSION_LIMIT: Final = 32
MOST_ANSWER: Final = 24_000

NOT_PERMITTED: Final = "not_permitted"
VERIFY_FIRST: Final = "verify_first"
COULD_NOT: Final = "could_not"
OUT_OF_ORDER: Final = "out_of_order"


class ArgumentsRefused(AtlasError):
    """A model gave a tool arguments that it does not take; the fields are named, nothing of it was done."""

    def __init__(self, tool: str, error: ValidationError) -> None:
        wrong = sorted({str(one["loc"][0]) if one["loc"] else "arguments" for one in error.errors()})
        super().__init__(f"{tool} cannot take this: {', '.join(wrong)}")


@dataclass(frozen=True)
class ModuleAgent:
    """What a module's agent handles and which tools it offers to whom."""

    handles: str
    for_customers: tuple[Tool, ...]
    for_staff: tuple[Tool, ...]

    def tools(self, audience: str) -> tuple[Tool, ...]:
        return self.for_staff if audience == "staff" else self.for_customers


@functools.cache
def asked_of_model(tool: Tool) -> type[BaseModel]:
    """The arguments a model may give `tool`: its signature without the turn, strict, nothing unknown, everything bounded."""
    hints = get_type_hints(tool, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in list(inspect.signature(tool).parameters.items())[1:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[name] = (_bounded(hints[name]), default)
    return create_model(f"{tool.__name__}_arguments", __config__=ConfigDict(extra="forbid", strict=True), **fields)


def arguments_schema(tool: Tool) -> dict[str, Any]:
    """The JSON schema of what a model may give `tool`, whole: nothing in it refers elsewhere."""
    schema = asked_of_model(tool).model_json_schema()
    definitions = schema.pop("$defs", {})

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            found = definitions[value["$ref"].rsplit("/", 1)[-1]] if "$ref" in value else {}
            return {key: whole(inner) for key, inner in {**found, **value}.items() if key != "$ref"}
        return [whole(inner) for inner in value] if isinstance(value, list) else value

    return dict(whole(schema))


def _bounded(hint: Any) -> Any:
    """A type with the bounds that a model's arguments always have: short text, ids that fit, few rows, money as exact text."""
    hint = hint.__supertype__ if isinstance(hint, NewType) else hint
    plain: dict[Any, Any] = {
        str: Annotated[str, StringConstraints(max_length=500, strip_whitespace=True)],
        int: Annotated[int, Field(ge=0, le=2**53)],
        Money: Annotated[Money, WithJsonSchema({"type": "string", "description": "an exact amount, such as 5.00"})],
    }
    if hint in plain:
        return plain[hint]
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (tuple, list):
        return Annotated[origin[tuple(_bounded(part) if part is not ... else part for part in inner)], Field(max_length=50)]
    if inner and origin is not Annotated and origin is not Literal:
        return functools.reduce(operator.or_, (_bounded(part) for part in inner))
    return hint


@dataclass(frozen=True)
class Answered:
    """A tool's answer: JSON text for the model, and the reference of the action it proposed, if any."""

    answer: str
    proposal: str = ""


@spanned("tool", lambda context, tool, arguments: (root_of(context.correlation_id), {"bedrock.tool": tool.__name__}))  # noqa: ARG005
async def call_tool(context: TurnContext, tool: Tool, arguments: dict[str, Any]) -> Answered:
    """Calls `tool` as the turn's principal, in its own transaction. Raises AtlasError: ArgumentsRefused for what it cannot take."""
    try:
        given = asked_of_model(tool).model_validate_json(json.dumps(arguments))
    except ValidationError as error:
        raise ArgumentsRefused(tool.__name__, error) from error
    values = {name: getattr(given, name) for name in type(given).model_fields}

    async def propose(action: Any, reason: str) -> Proposed:
        return await context.propose(context.principal, action, reason, context.correlation_id)

    await context.purse.for_tool(tool.__name__)
    await context.step(f"{tool.__module__.split('.')[1]}.{tool.__name__}")
    async with context.tool_calls, context.atlas.transaction(context.principal) as conn:
        found = await tool(Turn(context.principal, context.now, conn, context.correlation_id, propose, context.meaning), **values)
    return Answered(as_json(tool, found), found.reference if isinstance(found, Proposed) else "")


def as_json(tool: Tool, found: Any) -> str:
    """The records that `tool` says it answers with, as JSON, ids and all; text in them made harmless."""
    plain = harmless(json.loads(_answer_type(tool).dump_json(found)))
    rows = MOST_ROWS
    while len(text := json.dumps(plain, ensure_ascii=False)) > MOST_ANSWER and rows:
        rows //= 2
        plain = shortened(plain, rows)
    return text


@functools.cache
def _answer_type(tool: Tool) -> TypeAdapter[Any]:
    return TypeAdapter(get_type_hints(tool)["return"])


def offered(tool: Tool) -> BaseTool:
    """A tool function as LangChain offers it to a model. Its arguments are checked by `call_tool` itself, strictly."""

    async def run(runtime: ToolRuntime[TurnContext], **arguments: Any) -> tuple[str, str]:
        checked_call(tool.__name__, runtime.tool_call_id, runtime.state["messages"])
        answered = await call_tool(runtime.context, tool, arguments)
        log.info("tool_answered", tool=tool.__name__, correlation_id=str(runtime.context.correlation_id), characters=len(answered.answer))
        return answered.answer, answered.proposal

    return StructuredTool(
        name=tool.__name__,
        description=inspect.getdoc(tool) or "",
        args_schema=arguments_schema(tool),
        coroutine=run,
        response_format="content_and_artifact",
    )


def plain_error(error: Exception, tool: str) -> str:
    """What a model and a customer may learn of an error: an AtlasError's own sentence; of anything else only that it failed."""
    if isinstance(error, NotPermitted):
        log.warning("tool_refused", tool=tool, kind=type(error).__name__)
    if isinstance(error, NotSureEnough):
        return json.dumps({"error": VERIFY_FIRST if error.needed <= Assurance.VERIFIED else NOT_PERMITTED, "because": str(error)})
    if isinstance(error, NotPermitted):
        return json.dumps({"error": NOT_PERMITTED, "because": str(error)})
    if isinstance(error, AtlasError):
        return json.dumps({"error": COULD_NOT, "kind": type(error).__name__, "because": str(error)}, ensure_ascii=False)
    log.error("tool_failed", tool=tool, kind=type(error).__name__, at=raised_at(error))
    return json.dumps({"error": OUT_OF_ORDER, "because": "this cannot be looked up just now"})


def raised_at(error: Exception) -> str:
    """Where an error came from, as file:line. A traceback with values would put customers' words into the log."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _on_error(error: Exception, request: ToolCallRequest) -> str:
    return plain_error(error, request.tool_call["name"])


Brief = Callable[[TurnContext], str]


class Briefing(AgentMiddleware[Any, TurnContext]):
    """Innermost: gives whichever model is asked its brief for this turn, and the rule model what it needs to know besides."""

    def __init__(self, brief: Brief, rule_settings: Callable[[TurnContext], dict[str, Any]], rule_model: BaseChatModel) -> None:
        super().__init__()
        self._brief = brief
        self._rule_settings = rule_settings
        self._rule_model = rule_model

    async def awrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        context = request.runtime.context
        settings = self._rule_settings(context) if request.model is self._rule_model else {}
        return await handler(
            request.override(system_message=SystemMessage(self._brief(context)), model_settings={**request.model_settings, **settings})
        )


def build(
    name: str,
    tools: Sequence[Tool],
    model: BaseChatModel,
    rule_model: BaseChatModel,
    around: AgentMiddleware[Any, TurnContext],
    brief: Brief,
    rule_settings: Callable[[TurnContext], dict[str, Any]],
    prices: Prices,
    innermost: AgentMiddleware[Any, TurnContext],
) -> CompiledStateGraph[Any, TurnContext, Any, Any]:
    """The agent of one module for one audience. `around` guards each call; the rule model answers the same turn where `model` cannot.

    `innermost` stands next to the model: what it lets through leaves the house.
    """
    briefing = Briefing(brief, rule_settings, rule_model)
    around_provider: list[AgentMiddleware[Any, Any]] = [
        ModelFallbackMiddleware(rule_model),
        BudgetedCalls(rule_model, prices),
        around,
        briefing,
        innermost,
    ]
    # The rules cost nothing, fail nowhere and tell nobody: nothing need stand around them.
    middleware = [Bounded(), ToolErrorMiddleware(_on_error), *([briefing] if model is rule_model else around_provider)]
    return create_agent(
        model, [offered(tool) for tool in tools], middleware=middleware, context_schema=TurnContext, checkpointer=False, name=name
    )
