"""One Messenger out of several: each channel goes by its own carrier."""

from collections.abc import Mapping
from dataclasses import dataclass

from forge.outside.ports import Message, Messenger, Never


@dataclass(frozen=True)
class ByChannel:
    """A Messenger that hands each message to its channel's carrier, and refuses what has none: the customer's next way is tried then."""

    carriers: Mapping[str, Messenger]

    async def send(self, message: Message) -> str:
        return await self._carrier(message).send(message)

    async def find(self, message: Message) -> str | None:
        return await self._carrier(message).find(message)

    def _carrier(self, message: Message) -> Messenger:
        if message.channel not in self.carriers:
            raise Never(f"nobody carries {message.channel} for us")
        return self.carriers[message.channel]
