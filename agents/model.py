"""Which chat model answers: an OpenAI-compatible provider where configured, with one retry layer and a circuit breaker of our own."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import structlog
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from agents.budgets import Prices
from agents.conversation import TurnContext

log = structlog.get_logger()

# A person waits: one more try, soon; after that the rule model answers in the same turn.
ATTEMPTS: Final = 2
# Failures in a row that open the circuit, and how long it stays open.
FAILURES: Final = 3
OPEN_FOR_S: Final = 30.0
LONGEST_PAUSE_S: Final = 1.0
# A provider that asks for more patience is left alone as long as it asks, up to this: longer may be a slip of its pen.
LONGEST_REST_S: Final = 600.0
FINISHED: Final = frozenset({"stop", "tool_calls"})
WORTH_ANOTHER_TRY: Final = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)


class CutOff(Exception):
    """The provider's answer ended before it was finished: half a sentence is no answer."""


class ProviderResting(Exception):
    """The provider failed several times in a row and is left alone for a while."""


@dataclass(frozen=True)
class Provider:
    """An OpenAI-compatible endpoint, and the model for each role."""

    key: str
    base_url: str | None = None
    agent_model: str = "gpt-5-mini"
    router_model: str = "gpt-5-mini"
    summariser_model: str = "gpt-5-mini"
    timeout_s: float = 8.0
    prices: Prices = field(default_factory=Prices)
    # False only where the model sees nothing that leaves the house: one of our own, or the attacker of the suite, who is to see everything.
    is_veiled: bool = True

    def chat_model(self, model: str) -> BaseChatModel:
        return ChatOpenAI(
            model=model,
            api_key=SecretStr(self.key),
            base_url=self.base_url,
            timeout=self.timeout_s,
            max_retries=0,
            streaming=True,
            stream_usage=True,
        )


@dataclass
class CircuitBreaker:
    """Opens after FAILURES in a row and stays open OPEN_FOR_S by `clock`; then one call may try. Open, too, as long as a provider asked."""

    clock: Callable[[], float]
    failures: int = field(default=0, init=False)
    opened_at: float = field(default=0.0, init=False)
    rests_until: float = field(default=0.0, init=False)

    @property
    def is_open(self) -> bool:
        now = self.clock()
        return now < self.rests_until or (self.failures >= FAILURES and now - self.opened_at < OPEN_FOR_S)

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self, asked_to_wait_s: float = 0.0) -> None:
        self.failures += 1
        self.opened_at = self.clock()
        if asked_to_wait_s > LONGEST_PAUSE_S:
            self.rests_until = self.opened_at + min(asked_to_wait_s, LONGEST_REST_S)


class ProviderCalls(AgentMiddleware[Any, TurnContext]):
    """Around each call of a provider's model: the retry layer, the breaker, and a log line for what failed. The rule model passes."""

    def __init__(self, breaker: CircuitBreaker, rule_model: BaseChatModel) -> None:
        super().__init__()
        self._breaker = breaker
        self._rule_model = rule_model

    async def awrap_model_call(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        if request.model is self._rule_model:
            return await handler(request)
        if self._breaker.is_open:
            raise ProviderResting
        try:
            answer = await self._tried(request, handler)
        except Exception as error:
            self._breaker.failed(asked_to_wait_s(error))
            log.warning("provider_failed", kind=type(error).__name__, failures=self._breaker.failures)
            raise
        self._breaker.succeeded()
        return answer

    async def _tried(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=pause_before_another_try,
            retry=retry_if_exception(is_worth_another_try),
            reraise=True,
        ):
            with attempt:
                return whole(await handler(request))
        raise ProviderResting


def whole(answer: ModelResponse[Any]) -> ModelResponse[Any]:
    """Raises CutOff where the provider did not say that it had finished."""
    last = answer.result[-1] if answer.result else None
    if isinstance(last, AIMessage) and last.response_metadata.get("finish_reason") not in FINISHED:
        raise CutOff(str(last.response_metadata.get("finish_reason")))
    return answer


def is_worth_another_try(error: BaseException) -> bool:
    """Whether the same again may help, and soon enough for somebody who waits."""
    return isinstance(error, WORTH_ANOTHER_TRY) and asked_to_wait_s(error) <= LONGEST_PAUSE_S


def pause_before_another_try(state: RetryCallState) -> float:
    failed = state.outcome.exception() if state.outcome else None
    return max(random.uniform(0.02, 0.1), asked_to_wait_s(failed))  # noqa: S311 - spreads retries, guards nothing


def asked_to_wait_s(error: BaseException | None) -> float:
    """What the provider's Retry-After asks for; 0 where it asks for nothing that can be read."""
    asked = error.response.headers.get("retry-after", "") if isinstance(error, openai.APIStatusError) else ""
    return float(asked) if asked.replace(".", "", 1).isdecimal() else 0.0
