"""What a turn may cost, asked of Atlas before each call: a model whose budget is used up is not asked, a tool not called."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from psycopg.errors import ProgramLimitExceeded

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.principal import Principal, executor
from forge.budgets import Expense, book_overrun, spend

log = structlog.get_logger()

# Whoever wants no more messages, or a person, is heard whatever was spent; both are done once however often they are asked for.
ALWAYS_HEARD: Final = frozenset({"stop_messages", "hand_over"})
# A token is about four characters of English; fewer of other scripts, so that the guess errs to the dear side.
CHARACTERS_A_TOKEN: Final = 3
# What an answer is held to cost until the provider says what it did.
TOKENS_OF_AN_ANSWER: Final = 800

KEEPER: Final = executor("budgets")


class BudgetExhausted(AtlasError):
    """A budget is used up, so the call was not made."""

    def __init__(self, which: str) -> None:
        super().__init__(f"no more of this today: {which}")
        self.which = which


@dataclass(frozen=True)
class Prices:
    """A provider's prices in millionths of the operator's currency for a thousand tokens."""

    read: int = 250
    written: int = 2000

    def of(self, read: int, written: int) -> int:
        return (read * self.read + written * self.written) // 1000 + 1


@dataclass
class Purse:
    """One turn's. `clock`: monotonic seconds; the time between two calls is booked with the second."""

    atlas: Atlas
    principal: Principal
    run: UUID
    clock: Callable[[], float]
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()

    @property
    def scope(self) -> str:
        if self.principal.staff_id is not None:
            return "staff_day"
        return "strangers_day" if self.principal.customer_id is None else "customer_day"

    async def for_model(self, read: int, prices: Prices) -> None:
        """Before a model is asked. Raises BudgetExhausted."""
        tokens = read + TOKENS_OF_AN_ANSWER
        await self._spend(Expense(model_calls=1, tokens=tokens, micro_money=prices.of(read, TOKENS_OF_AN_ANSWER)))

    async def was_dearer(self, read: int, answer: Sequence[BaseMessage], prices: Prices) -> None:
        """Books what the provider says beyond what was held ready: the next call, of this turn or another, finds that much less."""
        used = next((message.usage_metadata for message in answer if isinstance(message, AIMessage) and message.usage_metadata), None)
        if used is None:
            return
        money = prices.of(used["input_tokens"], used["output_tokens"]) - prices.of(read, TOKENS_OF_AN_ANSWER)
        tokens = used["total_tokens"] - read - TOKENS_OF_AN_ANSWER
        if tokens > 0 or money > 0:
            async with self.atlas.transaction(KEEPER) as conn:
                await book_overrun(conn, self.run, self.scope, self.principal.reference, max(0, tokens), max(0, money))

    async def for_tool(self, tool: str) -> None:
        """Before a tool is called. Raises BudgetExhausted."""
        if tool not in ALWAYS_HEARD:
            await self._spend(Expense(tool_calls=1))

    async def _spend(self, expense: Expense) -> None:
        now = self.clock()
        booked = Expense(
            expense.model_calls,
            expense.tool_calls,
            expense.tokens,
            expense.micro_money,
            max(0, round((now - self.started) * 1000)),
        )
        self.started = now
        try:
            async with self.atlas.transaction(KEEPER) as conn:
                await spend(conn, self.run, self.scope, self.principal.reference, booked)
        except ProgramLimitExceeded as error:
            which = (error.diag.message_primary or "budget").replace("_", " ")
            log.warning("budget_exhausted", which=which, correlation_id=str(self.run))
            raise BudgetExhausted(which) from error


def tokens_in(request: ModelRequest[Any]) -> int:
    """About how many tokens a model is given: its brief, the conversation, and what it is offered."""
    words = sum(len(str(message.text)) for message in request.messages) + len(
        str(request.system_message.text if request.system_message else "")
    )
    offered = sum(len(json.dumps(getattr(tool, "args_schema", {}), default=str)) for tool in request.tools)
    return (words + offered) // CHARACTERS_A_TOKEN


class BudgetedCalls(AgentMiddleware[Any, Any]):
    """Before each call of a provider's model. The rule model costs nothing and passes: it answers when a budget is used up."""

    def __init__(self, rule_model: BaseChatModel, prices: Prices) -> None:
        super().__init__()
        self._rule_model = rule_model
        self._prices = prices

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if request.model is self._rule_model:
            return await handler(request)
        purse: Purse = request.runtime.context.purse
        read = tokens_in(request)
        await purse.for_model(read, self._prices)
        answer = await handler(request)
        await purse.was_dearer(read, answer.result, self._prices)
        return answer
