"""What a colleague reads, or hears whispered, who takes a conversation over: by the provider's model, in time and grounded, or not at all.

Without it the colleague has what the rules say: their last words, what was looked at and why it was handed over. So nothing waits on this.
"""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from agents.briefs import PROMPTS, Brief, parsed_brief
from agents.budgets import CHARACTERS_A_TOKEN, BudgetExhausted, Prices
from agents.conversation import Said, ToolUse, TurnContext
from agents.grounding import facts_of, ungrounded
from agents.model import CircuitBreaker, CutOff, Provider

log = structlog.get_logger()

# The customer waits for the word that somebody comes.
HAS_S: Final = 1.5
LONGEST: Final = 600
LONGEST_READ: Final = 6000


@dataclass(frozen=True)
class Summariser:
    """The provider's model for summaries."""

    model: BaseChatModel
    breaker: CircuitBreaker
    prices: Prices
    brief: Brief
    is_veiled: bool = True

    @classmethod
    def of(cls, provider: Provider, breaker: CircuitBreaker) -> "Summariser":
        brief = parsed_brief("summary", (PROMPTS / "summary.md").read_text(), headings=())
        return cls(provider.chat_model(provider.summariser_model), breaker, provider.prices, brief, provider.is_veiled)

    async def summary(self, said: Sequence[Said], words: str, uses: Sequence[ToolUse], context: TurnContext) -> str:
        """At most three sentences; empty where the model did not say them in time, or said what nobody did."""
        if self.breaker.is_open:
            return ""
        try:
            async with asyncio.timeout(HAS_S):
                found = await self._asked(_told(said, words, uses, context, is_veiled=self.is_veiled), context)
        # The model, the wire to it and its budget behind one door: somebody is handed over whatever breaks there.
        except Exception as error:
            if not isinstance(error, BudgetExhausted):
                self.breaker.failed()
            log.warning("not_summed_up_by_model", kind=type(error).__name__)
            return ""
        answers = [use["answer"] for one in said for use in one["tools"]] + [use["answer"] for use in uses]
        facts = facts_of([*answers, *(json.dumps(one["words"]) for one in said), json.dumps(words)], context.now, context.timezone)
        wrong = ungrounded(found, facts)
        if wrong:
            log.warning("summary_ungrounded", claims=len(wrong))
        return "" if wrong else found

    async def _asked(self, told: str, context: TurnContext) -> str:
        read = (len(self.brief.instructions) + len(told)) // CHARACTERS_A_TOKEN
        await context.purse.for_model(read, self.prices)
        answer = await self.model.ainvoke([SystemMessage(self.brief.instructions), HumanMessage(told)])
        if not isinstance(answer, AIMessage) or answer.response_metadata.get("finish_reason") != "stop":
            raise CutOff("the summary was not finished")
        await context.purse.was_dearer(read, [answer], self.prices)
        self.breaker.succeeded()
        words = str(answer.text)
        return (context.veil.unveiled(words) if self.is_veiled else words).strip()[:LONGEST]


def _told(said: Sequence[Said], words: str, uses: Sequence[ToolUse], context: TurnContext, *, is_veiled: bool) -> str:
    """The conversation as the model reads it, its end rather than its beginning: who said what, and which tool was asked for it."""
    lines: list[str] = []
    for one in said:
        lines += [f"(tool {use['name']} was asked{' in vain' if use['is_error'] else ''})" for use in one["tools"]]
        lines.append(f"{'we' if one['by_us'] else 'customer'}: {one['words']}")
    lines.append(f"customer: {words}")
    lines += [f"(tool {use['name']} was asked{' in vain' if use['is_error'] else ''})" for use in uses]
    text = "\n".join(lines)[-LONGEST_READ:]
    return context.veil.text(text) if is_veiled else text
