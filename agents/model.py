"""Which chat model answers: an OpenAI-compatible provider where configured, with one retry layer and a circuit breaker of our own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import openai
import structlog
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.middleware.types import ModelRequest, ModelResponse
from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from agents.budgets import Prices
from agents.conversation import TurnContext

log = structlog.get_logger()

# A person waits: one more try, soon; after that the rule model answers in the same turn.
ATTEMPTS: Final = 2
# Failures in a row that open the circuit, and how long it stays open.
FAILURES: Final = 3
OPEN_FOR_S: Final = 30.0
WORTH_ANOTHER_TRY: Final = (openai.APIConnectionError, openai.RateLimitError, openai.InternalServerError)


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

    def chat_model(self, model: str) -> BaseChatModel:
        return ChatOpenAI(
            model=model,
            api_key=SecretStr(self.key),
            base_url=self.base_url,
            timeout=self.timeout_s,
            max_retries=0,
            stream_usage=True,
        )


@dataclass
class CircuitBreaker:
    """Opens after FAILURES in a row and stays open OPEN_FOR_S by `clock`; then one call may try."""

    clock: Callable[[], float]
    failures: int = field(default=0, init=False)
    opened_at: float = field(default=0.0, init=False)

    @property
    def is_open(self) -> bool:
        return self.failures >= FAILURES and self.clock() - self.opened_at < OPEN_FOR_S

    def succeeded(self) -> None:
        self.failures = 0

    def failed(self) -> None:
        self.failures += 1
        self.opened_at = self.clock()


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
            self._breaker.failed()
            log.warning("provider_failed", kind=type(error).__name__, failures=self._breaker.failures)
            raise
        self._breaker.succeeded()
        return answer

    async def _tried(
        self, request: ModelRequest[TurnContext], handler: Callable[[ModelRequest[TurnContext]], Awaitable[ModelResponse[Any]]]
    ) -> ModelResponse[Any]:
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_random(0.02, 0.1),
            retry=retry_if_exception_type(WORTH_ANOTHER_TRY),
            reraise=True,
        ):
            with attempt:
                return await handler(request)
        raise ProviderResting
