"""Consults one module: runs its agent for one errand, or one of its tools for what is certain, and brings back an answer of plain types."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from agents.briefs import Brief, Example, house_style, values_of
from agents.budgets import Prices
from agents.commands import Certain
from agents.conversation import Answer, Asked, Errand, ToolUse, TurnContext, spoken
from agents.model import CircuitBreaker, Provider, ProviderCalls
from agents.module_agent import RECURSION_LIMIT, Answered, Tool, arguments_schema, build, call_tool, plain_error, raised_at
from agents.replies import phrases, worded
from agents.roster import AUDIENCES, Member
from agents.router import Router
from agents.rule_model import RuleModel, json_text, reader_of
from agents.telling import Telling
from agents.untrusted import keepable
from agents.veiled import Veiled
from forge.untraced import keep_to_ourselves

log = structlog.get_logger()

RULES: Final = "rules"


@dataclass(frozen=True)
class Consultants:
    """Every module's agent for every audience, with the tools behind them."""

    members: dict[str, Member]
    agents: dict[tuple[str, str], CompiledStateGraph[Any, TurnContext, Any, Any]]
    schemas: dict[str, dict[str, dict[str, Any]]]
    # Whether what is said here leaves for a provider, and is veiled before.
    is_veiled: bool = False

    def is_offered(self, example: Example, audience: str) -> bool:
        """Whether whoever asks may use the tool that an example wants; an example of no tool is everybody's."""
        return not example.tool or example.tool in self.schemas[audience]

    def tool(self, module: str, name: str, audience: str) -> Tool | None:
        """A tool of this module, else of any, that is offered to the audience."""
        members = [self.members[module], *self.members.values()] if module in self.members else list(self.members.values())
        return next((tool for member in members for tool in member.tools(audience) if tool.__name__ == name), None)

    async def consult(self, errand: Errand, context: TurnContext) -> Answer:
        """What the module's agent says. Whatever goes wrong inside it becomes a plain sentence here."""
        context = replace(context, language=errand["language"])
        agent = self.agents[errand["module"], context.audience]
        messages = [*spoken(errand), *_correction(errand)]
        for use in (use for said in errand["said"] for use in said["tools"]):
            context.veil.remember(use["answer"])
        try:
            state = await _ran(agent, errand, messages, context)
        except Exception as error:  # the door between the model's world and the conversation: nobody is left without an answer
            log.warning("agent_failed", module=errand["module"], kind=type(error).__name__, at=raised_at(error))
            words = phrases(errand["language"])["out_of_order"][context.audience]
            return answer_of(self.members[errand["module"]].brief, words, [], None, RULES, errand)
        said = state["messages"][len(messages) :]
        last = said[-1] if said and isinstance(said[-1], AIMessage) else AIMessage("")
        model = str(last.response_metadata.get("model_name", RULES))
        asked = last.additional_kwargs.get("asked")
        return answer_of(self.members[errand["module"]].brief, str(last.text), tool_uses(said), asked, model, errand)

    async def carry_out(self, certain: Certain, context: TurnContext) -> Answer:
        """Calls the one tool that is certainly meant and words its answer by template: no model is asked."""
        tool = self.tool(certain.module, certain.tool, context.audience)
        if tool is None:
            return self.say("cannot", context)
        known = self.schemas[context.audience][certain.tool].get("properties", {})
        arguments = {name: value for name, value in certain.arguments.items() if name in known}
        try:
            answered = await call_tool(context, tool, arguments)
            is_error = False
        except Exception as error:  # the same door as above, for a tool called without a model
            answered, is_error = Answered(plain_error(error, certain.tool)), True
        reply = worded(certain.tool, answered.answer, reader_of(context))
        use = ToolUse(name=certain.tool, arguments=arguments, answer=answered.answer, is_error=is_error, proposal=answered.proposal)
        asked = Asked(module=certain.module, tool=reply.then, arguments={}, missing="", options=list(reply.options), words="")
        return Answer(
            module=certain.module,
            words=reply.words,
            tools=[use],
            asked=asked if reply.then else None,
            model=RULES,
            prompt_version="",
            is_retry=True,
        )

    def say(self, phrase: str, context: TurnContext, asked: Asked | None = None, **values: str) -> Answer:
        """A fixed phrase in the conversation's language."""
        found = phrases(context.language)[phrase]
        if phrase == "ask":
            words = found.get(asked["missing"] if asked else "", found["default"])
        elif phrase == "not_yours":
            words = found[values["tool"]]
        else:
            words = found[context.audience] if isinstance(found, dict) else found
        return Answer(
            module="supervisor", words=words.format(**values), tools=[], asked=asked, model=RULES, prompt_version="", is_retry=True
        )


async def _ran(
    agent: CompiledStateGraph[Any, TurnContext, Any, Any], errand: Errand, messages: list[AnyMessage], context: TurnContext
) -> dict[str, Any]:
    """The agent's messages in the end; where somebody watches and nobody else is consulted, they read what is sound of it meanwhile."""
    begun: dict[str, Any] = {"messages": messages}
    if context.watcher is None or not errand.get("is_alone"):
        found: dict[str, Any] = await agent.ainvoke(begun, {"recursion_limit": RECURSION_LIMIT}, context=context)
        return found
    earlier = [use["answer"] for said in errand["said"] for use in said["tools"]]
    telling = Telling(context.watcher.so_far, context.veil.unveiled, context.now, context.timezone, earlier)
    config: RunnableConfig = {"recursion_limit": RECURSION_LIMIT}
    heard: AsyncIterator[Any] = agent.astream(begun, config, context=context, stream_mode=["messages", "values"])
    async for kind, part in heard:
        if kind == "values":
            begun = part
        else:
            await telling.hear(part[0])
    return begun


def answer_of(brief: Brief, words: str, tools: list[ToolUse], asked: Asked | None, model: str, errand: Errand) -> Answer:
    return Answer(
        module=errand["module"],
        words=words,
        tools=tools,
        asked=asked,
        model=model,
        prompt_version=brief.version,
        is_retry=bool(errand["ungrounded"]),
    )


def tool_uses(messages: list[BaseMessage]) -> list[ToolUse]:
    """The tool calls of a run with what came back, in order."""
    calls = {call["id"]: call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    return [
        ToolUse(
            name=str(answer.name),
            arguments=keepable(calls[answer.tool_call_id]["args"]),
            answer=json_text(answer),
            is_error=answer.status == "error",
            proposal=str(answer.artifact or ""),
        )
        for answer in messages
        if isinstance(answer, ToolMessage) and answer.tool_call_id in calls
    ]


def _correction(errand: Errand) -> list[AnyMessage]:
    if not errand["ungrounded"]:
        return []
    return [HumanMessage(phrases("en")["correction"].format(claims=", ".join(errand["ungrounded"])))]


def consultants(members: dict[str, Member], router: Router, provider: Provider | None, breaker: CircuitBreaker) -> Consultants:
    """Builds every module's agent for every audience: the provider's model where there is one, and always the rules to fall back on."""
    # Here, where agents are made: whoever makes some, the evaluation too, tells nobody what is said to them.
    keep_to_ourselves()
    style = house_style()
    chat = provider.chat_model(provider.agent_model) if provider else None
    prices, is_veiled = (provider.prices, provider.is_veiled) if provider else (Prices(), True)
    agents = {
        (member.name, audience): _agent(member, audience, style, router, chat, breaker, prices, is_veiled=is_veiled)
        for member in members.values()
        for audience in AUDIENCES
    }
    schemas = {
        audience: {tool.__name__: arguments_schema(tool) for member in members.values() for tool in member.tools(audience)}
        for audience in AUDIENCES
    }
    return Consultants(members, agents, schemas, is_veiled=provider is not None and is_veiled)


def _agent(
    member: Member,
    audience: str,
    style: Brief,
    router: Router,
    chat: BaseChatModel | None,
    breaker: CircuitBreaker,
    prices: Prices,
    *,
    is_veiled: bool,
) -> CompiledStateGraph[Any, TurnContext, Any, Any]:
    rules = RuleModel(module=member.name, router=router)

    def brief(context: TurnContext) -> str:
        values = values_of(context)
        return f"{style.told(values)}\n\n{member.brief.told(values)}"

    return build(
        f"{member.name}_for_{audience}",
        member.tools(audience),
        model=chat or rules,
        rule_model=rules,
        around=ProviderCalls(breaker, rules),
        brief=brief,
        rule_settings=lambda context: {"reader": reader_of(context)},
        prices=prices,
        innermost=Veiled(member.name, rules, is_veiled=is_veiled),
    )
