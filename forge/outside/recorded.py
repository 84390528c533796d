"""The world outside, recorded: with no provider configured, the exact words and times are kept in Atlas and nothing leaves the house."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor
from atlas.statements import Statements
from forge.outside.ports import Message, PaymentLink, PaymentWanted, Probe, Receipt

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
    """Says that it was done and keeps what was asked, in transactions of its own, as the real one's log would."""

    atlas: Atlas

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        await _record_call(self.atlas, key, "provisioner", operation, arguments)
        return _provisioned(key, operation, arguments)

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        return _provisioned(key, operation, arguments) if await _called(self.atlas, key) else None


@dataclass(frozen=True)
class RecordedPayments:
    """Moves no money, says that it did, and keeps what was asked."""

    atlas: Atlas

    async def refund(self, key: str, reference: str, amount: Money) -> Receipt:
        at = await _record_call(self.atlas, key, "payments", "refund", {"reference": reference, "amount_minor": amount.minor})
        return Receipt(f"RP-{key}", amount, at)

    async def find(self, key: str) -> Sequence[Receipt]:
        async with self.atlas.transaction(OUTSIDE) as conn:
            return [Receipt(f"RP-{key}", one.amount, one.at) for one in await SQL.all(conn, Refunded, "recorded_refunds", key=key)]

    async def ask(self, key: str, wanted: PaymentWanted) -> PaymentLink:
        asked = {"customer_id": wanted.customer_id, "request_id": wanted.request_id, "amount_minor": wanted.amount.minor}
        await _record_call(self.atlas, key, "payments", "ask", asked)
        return _recorded_link(key)

    async def asked(self, key: str) -> PaymentLink | None:
        return _recorded_link(key) if await _called(self.atlas, key) else None


@dataclass(frozen=True)
class Refunded:
    amount: Money
    at: datetime


def _recorded_link(key: str) -> PaymentLink:
    # .invalid is nobody's (RFC 2606): a page that was only recorded must not lead anywhere.
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    return PaymentLink(f"RL-{name}", f"https://pay.invalid/{name}")


def _provisioned(key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    # The twin of a network in which every box that is set up ranges at once.
    return {"recorded": True, "key": key, "operation": operation, "arguments": arguments, "online": operation == "activate"}


async def _record_call(atlas: Atlas, key: str, port: str, operation: str, arguments: dict[str, Any]) -> datetime:
    async with atlas.transaction(OUTSIDE) as conn:
        asked = {"key": key, "port": port, "operation": operation, "arguments": json.dumps(arguments, default=str)}
        at: datetime = await SQL.value(conn, "record_call", **asked)
    return at


async def _called(atlas: Atlas, key: str) -> bool:
    async with atlas.transaction(OUTSIDE) as conn:
        return bool(await SQL.value(conn, "was_called", key=key))
