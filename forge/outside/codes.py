"""The six digits of a one-time code, put into the words on their way out: they are in no notice, no log and no trace."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from atlas.connection import Atlas
from atlas.errors import NotFound
from atlas.helpdesk.rules import DIGITS, code_key, code_of
from atlas.principal import executor
from atlas.statements import Statements
from forge.outside.ports import Message, Messenger

SQL = Statements(__file__)

OUTBOX: Final = executor("outbox")
KEY: Final = "code:"


@dataclass(frozen=True)
class WithCodes:
    """A Messenger that hands on what it is given to `carrier`, a code's notice with its digits."""

    carrier: Messenger
    atlas: Atlas

    async def send(self, message: Message) -> str:
        return await self.carrier.send(await self._filled(message))

    async def find(self, message: Message) -> str | None:
        return await self.carrier.find(await self._filled(message))

    async def _filled(self, message: Message) -> Message:
        if not message.key.startswith(KEY):
            return message
        async with self.atlas.transaction(OUTBOX) as conn:
            seed = await SQL.value(conn, "seed_of_code", code_id=int(message.key.removeprefix(KEY)))
        if not isinstance(seed, UUID):
            raise NotFound("code", message.key)
        return replace(message, words=message.words.replace(DIGITS, code_of(code_key(self.atlas.secret), seed)))
