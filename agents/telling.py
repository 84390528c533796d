"""What may be read of one answer while the rest of it is being made: whole sentences, of which every claim so far is a tool's."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolMessage

from agents.grounding import facts_of, ungrounded
from agents.rule_model import json_text

# Where a sentence has surely ended: a point alone may be an abbreviation's, or stand in a date.
ENDS: Final = re.compile(r"(?:[.!?…][\"'”»)]*(?=\s+[^\s\d])|\n)")


@dataclass
class Telling:
    """Hears a run's messages as they come, and says `tell` how much may be read: nothing that the check of the whole would refuse.

    `unveiled` puts people's names back where the provider was told handles. What a model says before it calls a tool is no answer:
    it is taken back. So is what one said before it failed.
    """

    tell: Callable[[str], Awaitable[None]]
    unveiled: Callable[[str], str]
    now: datetime
    timezone: ZoneInfo
    answers: list[str] = field(default_factory=list)
    _message: str | None = field(default=None, init=False)
    _words: str = field(default="", init=False)
    _told: str = field(default="", init=False)
    _is_over: bool = field(default=False, init=False)

    async def hear(self, message: BaseMessage) -> None:
        if isinstance(message, ToolMessage):
            self.answers.append(json_text(message))
        elif isinstance(message, AIMessageChunk):
            await self._hear_part(message)
        elif isinstance(message, AIMessage) and message.id != self._message:
            await self._begin(message.id)

    async def _hear_part(self, part: AIMessageChunk) -> None:
        if part.id != self._message:
            await self._begin(part.id)
        if part.tool_call_chunks:
            self._is_over = True
            await self._say("")
        if not self._is_over:
            self._words += str(part.text)
            await self._say(self._sound())

    async def _begin(self, message: str | None) -> None:
        self._message, self._words, self._is_over = message, "", False
        await self._say("")

    def _sound(self) -> str:
        """The whole sentences from the beginning on, up to the first with a claim that is nobody's: after that no more of this is told."""
        sound = self._told
        for found in ENDS.finditer(self._words):
            said = self.unveiled(self._words[: found.end()]).strip()
            if len(said) <= len(sound):
                continue
            if ungrounded(said, facts_of(self.answers, self.now, self.timezone)):
                self._is_over = True
                break
            sound = said
        return sound

    async def _say(self, words: str) -> None:
        if words != self._told:
            self._told = words
            await self.tell(words)
