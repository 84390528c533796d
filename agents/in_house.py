"""A chat model that is code of ours: LangChain's forms around one question, what is said or called next."""

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict


class InHouseModel(BaseChatModel):
    """Nothing of it leaves the house, and it says the same to the same."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    @abstractmethod
    async def next_message(self, messages: Sequence[BaseMessage], **bound: Any) -> AIMessage:
        """What is said, or which tools are called. `bound`: what was bound to the model, its tools among it."""

    def _generate(
        self, messages: list[BaseMessage], stop: list[str] | None = None, run_manager: CallbackManagerForLLMRun | None = None, **kwargs: Any
    ) -> ChatResult:
        """LangChain asks for a blocking form; ours is only for it."""
        del run_manager
        return asyncio.run(self._agenerate(messages, stop, None, **kwargs))

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        del stop, run_manager
        return ChatResult(generations=[ChatGeneration(message=await self.next_message(messages, **kwargs))])
