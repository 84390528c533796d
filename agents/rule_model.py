"""The deterministic chat model that works with no provider: picks a tool by example, fills its arguments, words its answer by template."""

import json
from collections.abc import Sequence
from typing import Any, Final

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool

from agents.briefs import Example
from agents.conversation import Asked, TurnContext
from agents.in_house import InHouseModel
from agents.replies import HAND_OVER, Reader, phrases, worded
from agents.router import SEPARATE_NEARNESS, Router, clauses
from agents.slots import address_in, identifier, value_of

# Measured on held-out sentences: what lies farther than this from every example of its module was as often wrong as right.
LEAST_TOOL_NEARNESS: Final = 0.3


def reader_of(context: TurnContext) -> Reader:
    return Reader(context.language, context.audience, context.now, context.timezone, context.currency)


def filled(tool: str, module: str, schema: dict[str, Any], words: str, earlier: Sequence[str], turn: Reader) -> dict[str, Any] | Asked:
    """A tool's arguments as far as the words give them; what to ask, where a required one is missing."""
    arguments: dict[str, Any] = {}
    for name, about in schema.get("properties", {}).items():
        value = value_of(name, about, words, turn.today, is_answer=False)
        if value is None and name.endswith("_id"):
            value = next((found for said in reversed(earlier) if (found := identifier(said, name.removesuffix("_id")))), None)
        if value is None and name == "address":
            value = next(filter(None, map(address_in, reversed(earlier))), None)
        if value is not None:
            arguments[name] = value
    missing = [name for name in schema.get("required", []) if name not in arguments]
    return Asked(module=module, tool=tool, arguments=arguments, missing=missing[0], options=[], words=words) if missing else arguments


class RuleModel(InHouseModel):
    """One module's rules. Says less rather than guess: what no example is near to goes to a person."""

    module: str
    router: Router

    @property
    def _llm_type(self) -> str:
        return "rules"

    def bind_tools(self, tools: Sequence[Any], *, tool_choice: Any = None, **kwargs: Any) -> Runnable[Any, AIMessage]:
        """Keeps each tool's name and the schema of its arguments."""
        del tool_choice
        known = {tool.name: tool.args_schema for tool in tools if isinstance(tool, BaseTool)}
        return self.bind(tools=known, **kwargs)

    async def next_message(self, messages: Sequence[BaseMessage], **bound: Any) -> AIMessage:
        turn: Reader = bound["reader"]
        if isinstance(messages[-1], ToolMessage):
            return self._in_words(messages, turn)
        return await self._next_step(messages, bound.get("tools", {}), turn)

    def _in_words(self, messages: Sequence[BaseMessage], turn: Reader) -> AIMessage:
        """What the tools of this turn answered, worded; and what that asks of the reader."""
        answers: list[ToolMessage] = []
        for message in reversed(messages):
            if not isinstance(message, ToolMessage):
                break
            answers.insert(0, message)
        said = [worded(answer.name or "", json_text(answer), turn) for answer in answers]
        asks = next((one for one in said if one.then), None)
        asked = Asked(module=self.module, tool=asks.then, arguments={}, missing="", options=list(asks.options), words="") if asks else None
        return AIMessage("\n\n".join(one.words for one in said), additional_kwargs={"asked": asked})

    async def _next_step(self, messages: Sequence[BaseMessage], tools: dict[str, dict[str, Any]], turn: Reader) -> AIMessage:
        words = str(messages[-1].text)
        earlier = [str(message.text) for message in messages[:-1] if isinstance(message, HumanMessage | AIMessage)]
        wanted = await self._wanted(words, tools, turn)
        if not wanted:
            return self._for_a_person(words, tools, turn)
        calls: list[ToolCall] = []
        for tool, part in wanted:
            arguments = filled(tool, self.module, tools[tool], part, [*earlier, words], turn)
            if "missing" in arguments:
                questions = phrases(turn.language)["ask"]
                return AIMessage(questions.get(arguments["missing"], questions["default"]), additional_kwargs={"asked": arguments})
            calls.append(ToolCall(name=tool, args=dict(arguments), id=f"call_{len(messages)}_{len(calls)}"))
        return AIMessage("", tool_calls=calls)

    async def _wanted(self, words: str, tools: dict[str, Any], turn: Reader) -> list[tuple[str, str]]:
        """The tools that the words want, each with its part of them: several where clauses clearly want different ones."""
        parts = clauses(words)
        found = [(*await self._tool_for(part, tools, turn), part) for part in parts] if len(parts) > 1 else []
        clear = {tool: part for tool, nearness, part in reversed(found) if tool and nearness >= SEPARATE_NEARNESS}
        if len(clear) > 1:
            return list(reversed(clear.items()))
        tool, nearness = await self._tool_for(words, tools, turn)
        if not tool or nearness < LEAST_TOOL_NEARNESS:
            return list(clear.items())
        return [(tool, words)]

    async def _tool_for(self, words: str, tools: dict[str, Any], turn: Reader) -> tuple[str, float]:
        return await self.router.tool_for(words, self.module, turn.language, lambda example: self._is_open(example, tools))

    def _is_open(self, example: Example, tools: dict[str, Any]) -> bool:
        return not example.tool or example.tool in tools

    def _for_a_person(self, words: str, tools: dict[str, dict[str, Any]], turn: Reader) -> AIMessage:
        if HAND_OVER not in tools:
            return AIMessage(phrases(turn.language)["cannot"][turn.audience])
        properties = tools[HAND_OVER].get("properties", {})
        given = {name: value_of(name, about, words, turn.today, is_answer=True) for name, about in properties.items()}
        arguments = {name: value for name, value in given.items() if value is not None}
        return AIMessage("", tool_calls=[{"name": HAND_OVER, "args": arguments, "id": "call_person"}])


def json_text(answer: ToolMessage) -> str:
    """A tool message's JSON; what LangChain itself put there instead (a limit reached) counts as out of order."""
    text = str(answer.text)
    try:
        json.loads(text)
    except ValueError:
        return json.dumps({"error": "out_of_order", "because": ""})
    return text
