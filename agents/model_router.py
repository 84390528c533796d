"""Who should answer, by the provider's model: it fills one form, and what it writes there is checked. Whatever goes wrong, the nearest
example sentences decide in the same turn.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from pydantic import BaseModel, ConfigDict, ValidationError

from agents.briefs import Brief, brief_of
from agents.budgets import CHARACTERS_A_TOKEN, BudgetExhausted, Prices
from agents.conversation import Said, TurnContext
from agents.model import CircuitBreaker, CutOff, Provider, asked_to_wait_s
from agents.roster import Member
from agents.router import MOST_MODULES, Errands
from agents.slots import spoken

log = structlog.get_logger()

# Of the five seconds that the provider has for a turn; the module that is chosen needs the rest.
HAS_S: Final = 2.0
FORM: Final = "route"
LONGEST_READ: Final = 2000
OPEN: Final = "\n\n## Our last question\n{asker} asked it: an answer goes to {asker} whole, and to others only what they are asked besides."
# "And the month before?" is only understood by what went before it.
EARLIER: Final = 4


class Part(BaseModel):
    """One module, and its own part of what was written."""

    model_config = ConfigDict(extra="forbid", strict=True)
    module: str
    words: str


class Picked(BaseModel):
    """The form. `unsure`: two modules of which one question will settle which it is."""

    model_config = ConfigDict(extra="forbid", strict=True)
    parts: list[Part]
    unsure: list[str]


class NoSuchModule(Exception):
    """The model named a module that there is not, or left the form empty in a way that means nothing."""


@dataclass(frozen=True)
class ModelRouter:
    """The provider's model as the one who routes. `modules`: what each answers, as the model is told."""

    model: BaseChatModel
    breaker: CircuitBreaker
    prices: Prices
    modules: Mapping[str, str]
    brief: Brief
    is_veiled: bool = True

    @classmethod
    def of(cls, members: Mapping[str, Member], provider: Provider, breaker: CircuitBreaker) -> "ModelRouter":
        modules = {name: member.agent.handles for name, member in members.items()}
        model = provider.chat_model(provider.router_model)
        return cls(model, breaker, provider.prices, modules, brief_of("supervisor"), provider.is_veiled)

    async def errands(self, words: str, before: Sequence[Said], context: TurnContext, asker: str = "") -> Errands | None:
        """Who is asked what; None where the model did not say, in time and in the form.

        `before`: what was said earlier, oldest first. `asker`: the module whose question is open.
        """
        if self.breaker.is_open:
            return None
        told = [(AIMessage if one["by_us"] else HumanMessage)(self._told(one["words"], context) or "…") for one in before[-EARLIER:]]
        try:
            async with asyncio.timeout(HAS_S):
                picked = await self._picked([*told, HumanMessage(self._told(words, context))], asker, context)
            return self._checked(picked, words, context)
        # The model, the wire to it, its budget and its handwriting behind one door: somebody is routed whatever breaks there.
        except Exception as error:
            if not isinstance(error, NoSuchModule | ValidationError | BudgetExhausted):
                self.breaker.failed(asked_to_wait_s(error))
            log.warning("not_routed_by_model", kind=type(error).__name__)
            return None

    def _told(self, words: str, context: TurnContext) -> str:
        return context.veil.text(words[:LONGEST_READ]) if self.is_veiled else words[:LONGEST_READ]

    async def _picked(self, told: Sequence[AIMessage | HumanMessage], asker: str, context: TurnContext) -> Picked:
        offered = "\n".join(f"- {name}: {handles}" for name, handles in self.modules.items())
        brief = f"{self.brief.instructions}\n\n## The modules\n{offered}{OPEN.format(asker=asker) if asker else ''}"
        read = (len(brief) + sum(len(str(one.text)) for one in told)) // CHARACTERS_A_TOKEN
        await context.purse.for_model(read, self.prices)
        filled = self.model.bind_tools([self._form()], tool_choice=FORM, strict=True)
        answer = await filled.ainvoke([SystemMessage(brief), *told])
        if not isinstance(answer, AIMessage) or answer.response_metadata.get("finish_reason") not in ("stop", "tool_calls"):
            raise CutOff("the form was not finished")
        await context.purse.was_dearer(read, [answer], self.prices)
        self.breaker.succeeded()
        if len(answer.tool_calls) != 1 or answer.tool_calls[0]["name"] != FORM:
            raise NoSuchModule("the form was not filled in")
        return Picked.model_validate(answer.tool_calls[0]["args"])

    def _checked(self, picked: Picked, words: str, context: TurnContext) -> Errands:
        """Only modules that there are, each once; and only words that were written, for a model's own are nobody's request."""
        named = [*(one.module for one in picked.parts), *picked.unsure]
        if not set(named) <= self.modules.keys() or len(picked.unsure) not in (0, 2) or len(set(picked.unsure)) != len(picked.unsure):
            raise NoSuchModule("not one of ours")
        written = set(spoken(words))
        parts: dict[str, str] = {}
        for one in picked.parts[:MOST_MODULES]:
            own = context.veil.unveiled(one.words) if self.is_veiled else one.words
            parts[one.module] = own if spoken(own) and set(spoken(own)) <= written else words
        if len(parts) == 1:
            parts = dict.fromkeys(parts, words)
        return Errands(tuple(parts.items()), () if parts else tuple(picked.unsure))

    def _form(self) -> dict[str, Any]:
        module = {"type": "string", "enum": list(self.modules)}
        words = {"type": "string", "description": "that module's part of the message, as it was written"}
        parts = "who is asked what; none where it concerns nobody, or is a person's to answer"
        unsure = "two modules to choose from, only where parts is empty; else none"
        schema = _object(
            parts={"type": "array", "items": _object(module=module, words=words), "description": parts},
            unsure={"type": "array", "items": module, "description": unsure},
        )
        return {"type": "function", "function": {"name": FORM, "description": "Says who answers.", "strict": True, "parameters": schema}}


def _object(**properties: Any) -> dict[str, Any]:
    """As strict structured output wants it: everything required, nothing else."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
