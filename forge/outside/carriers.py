"""One Messenger out of several: each channel goes by its own carrier."""

from collections.abc import Mapping
from dataclasses import dataclass

from forge.outside.ports import Message, Messenger, Never


@dataclass(frozen=True)
class ByChannel:
    """A Messenger that hands each message to its channel's carrier, or to who takes all the others.

    It refuses what nobody carries: the customer's next way is tried then.
    """

    carriers: Mapping[str, Messenger]
    otherwise: Messenger | None = None

    async def send(self, message: Message) -> str:
        return await self._carrier(message).send(message)

    async def find(self, message: Message) -> str | None:
        return await self._carrier(message).find(message)

    def _carrier(self, message: Message) -> Messenger:
        carrier = self.carriers.get(message.channel, self.otherwise)
        if carrier is None:
            raise Never(f"nobody carries {message.channel} for us")
        return carrier
