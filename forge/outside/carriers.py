"""One Messenger out of several: each channel goes by its own carrier."""

from collections.abc import Mapping
from dataclasses import dataclass

from forge.outside.ports import Message, Messenger


@dataclass(frozen=True)
class ByChannel:
    """A Messenger that hands each message to its channel's carrier, and what has none to `otherwise`."""

    carriers: Mapping[str, Messenger]
    otherwise: Messenger

    async def send(self, message: Message) -> str:
        return await self._carrier(message).send(message)

    async def find(self, message: Message) -> str | None:
        return await self._carrier(message).find(message)

    def _carrier(self, message: Message) -> Messenger:
        return self.carriers.get(message.channel, self.otherwise)
