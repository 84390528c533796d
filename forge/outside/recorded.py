"""The world outside, recorded: with no provider configured, the exact words and times are kept in Atlas and nothing leaves the house."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from atlas.connection import Atlas
from atlas.principal import executor
from atlas.statements import Statements
from forge.outside.ports import Message, Probe

SQL = Statements(__file__)

OUTSIDE: Final = executor("outside")


@dataclass(frozen=True)
class RecordedMessenger:
    """A twin of a message carrier, in transactions of its own: it keeps what it was handed even if whoever handed it over dies."""

    atlas: Atlas

    async def send(self, message: Message) -> str:
        async with self.atlas.transaction(OUTSIDE) as conn:
            parameters = {"key": message.key, "channel": message.channel, "address": message.address, "words": message.words}
            return str(await SQL.value(conn, "record_message", **parameters))

    async def find(self, message: Message) -> str | None:
        async with self.atlas.transaction(OUTSIDE) as conn:
            reference: str | None = await SQL.value(conn, "recorded_reference", key=message.key)
            return reference


@dataclass(frozen=True)
class RecordedProber:
    """Answers from what Atlas knows of the device: one with a grave alarm open does not answer. For plants that are not really there."""

    atlas: Atlas

    async def probe(self, key: str, device: str, address: str | None) -> Probe:  # noqa: ARG002
        async with self.atlas.transaction(OUTSIDE) as conn:
            state = await SQL.value(conn, "device_state", device=device)
            is_silent = state != "enabled" or await SQL.value(conn, "has_open_alarm", device=device)
        detail: dict[str, Any] = {"asked": "recorded", "address": address or "", "state": state or "not in the inventory"}
        return Probe(not is_silent, None if is_silent else timedelta(milliseconds=2), detail)


@dataclass(frozen=True)
class RecordedProvisioner:
    """Says that it was done, and what was asked: the errand's own row is the record."""

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"recorded": True, "key": key, "operation": operation, "arguments": arguments}
