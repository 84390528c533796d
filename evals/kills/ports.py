"""Forge's ports to the peer on loopback: one set that gives a key with each effect, and one that cannot."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from atlas.connection import Atlas
from atlas.money import Money
from evals.kills.peer import ACCOUNT
from forge.errands import Outside
from forge.outside.ports import Message, Messenger, Never, NoAnswer, PaymentLink, PaymentWanted, Receipt
from forge.outside.recorded import RecordedProber
from forge.outside.twilio import TwilioMessenger, TwilioSenders

ANSWERS_WITHIN_S = 8.0
CONFLICT = 409


@dataclass(frozen=True)
class Line:
    """The way to the peer. `has_keys`: what became of an effect is asked by its key, else by what it says."""

    client: httpx.AsyncClient
    has_keys: bool

    async def do(self, key: str, content: str) -> str:
        try:
            answer = await self.client.post("/effects", json={"key": key if self.has_keys else "", "content": content})
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        if answer.status_code == CONFLICT:
            raise Never(answer.json()["why"])
        if answer.is_error:
            raise NoAnswer(str(answer.status_code))
        return str(answer.json()["reference"])

    async def known(self, key: str, content: str) -> str | None:
        try:
            answer = await self.client.get("/effects", params={"key": key} if self.has_keys else {"content": content})
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        if answer.is_error:
            raise NoAnswer(str(answer.status_code))
        return next(iter(answer.json()["references"]), None)


@dataclass(frozen=True)
class PeerMessenger:
    line: Line

    async def send(self, message: Message) -> str:
        return await self.line.do(message.key, said(message.address, message.words))

    async def find(self, message: Message) -> str | None:
        return await self.line.known(message.key, said(message.address, message.words))


@dataclass(frozen=True)
class PeerProvisioner:
    line: Line

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        return _answered(await self.line.do(key, ordered(operation, arguments)), operation)

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        reference = await self.line.known(key, ordered(operation, arguments))
        return None if reference is None else _answered(reference, operation)


def _answered(reference: str, operation: str) -> dict[str, Any]:
    """A network in which every box that is set up ranges at once."""
    return {"reference": reference, "online": operation == "activate"}


@dataclass(frozen=True)
class PeerPayments:
    """A payment is never without a key: whoever moves money without one cannot be asked what became of it."""

    line: Line

    async def refund(self, key: str, reference: str, amount: Money) -> Receipt:
        return Receipt(await self.line.do(key, f"refund {reference} {amount}"), amount, datetime.now(UTC))

    async def find(self, key: str) -> Sequence[Receipt]:
        reference = await self.line.known(key, "")
        return [] if reference is None else [Receipt(reference, Money(0), datetime.now(UTC))]

    async def ask(self, key: str, wanted: PaymentWanted) -> PaymentLink:
        reference = await self.line.do(key, f"ask {wanted.customer_id} {wanted.amount}")
        return PaymentLink(reference, f"https://pay.invalid/{reference}")

    async def asked(self, key: str) -> PaymentLink | None:
        reference = await self.line.known(key, "")
        return None if reference is None else PaymentLink(reference, f"https://pay.invalid/{reference}")


def said(address: str, words: str) -> str:
    """How the peer writes a message down; the same by either way."""
    return f"{address} {words}"


def ordered(operation: str, arguments: dict[str, Any]) -> str:
    """How the peer writes an order down: what is to be done, where, and how much of it."""
    parts = [operation, *(str(arguments[name]) for name in ("serial", "order", "down_kbps", "up_kbps") if name in arguments)]
    return " ".join(parts)


@asynccontextmanager
async def ports(atlas: Atlas, port: int, *, has_keys: bool) -> AsyncIterator[tuple[Messenger, Outside]]:
    """Without keys, messages go by the real adapter for Twilio, which has none to give."""
    address = f"http://127.0.0.1:{port}"
    # Loopback speaks no TLS; reading the world's certificates would take longer than most of what is killed.
    async with httpx.AsyncClient(base_url=address, timeout=ANSWERS_WITHIN_S, verify=False) as client:  # noqa: S501
        line = Line(client, has_keys)
        outside = Outside(RecordedProber(atlas), PeerProvisioner(line), PeerPayments(Line(client, has_keys=True)))
        if has_keys:
            yield PeerMessenger(line), outside
            return
        async with TwilioMessenger.open(ACCOUNT, "secret", TwilioSenders("+447700900100", "+447700900200"), address) as twilio:
            yield twilio, outside
