"""Moves money through Stripe, by its published HTTP protocol: a hosted page to pay on, and refunds.

Every call carries our key, as Idempotency-Key (the same answer again for at least a day) and in the object's metadata, where it is
looked for before anything is tried again: https://docs.stripe.com/api/idempotent_requests.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from typing import Any, Final

import httpx

from atlas.errors import AtlasError
from atlas.money import Money
from forge.outside.ports import Never, NoAnswer, NotNow, PaymentLink, PaymentWanted, Receipt

BASE_URL: Final = "https://api.stripe.com"
# Pinned: another version may name its fields differently.
VERSION: Final = "2024-06-20"
ANSWERS_WITHIN_S: Final = 10.0
PAGE: Final = 100
# So many pages back a refund or a session is looked for: a thousand of them in the minutes between two attempts.
PAGES: Final = 10
# And for a day's list of payments: beyond it we would take what we did not read for what is not there.
PAGES_OF_A_STATEMENT: Final = 500
UNTIL_SEEN_TO: Final = timedelta(minutes=10)
AGAIN_AFTER: Final = timedelta(seconds=10)
# A refund in one of these states gave nothing back.
NOT_GIVEN: Final = frozenset({"failed", "canceled"})


@cache
def _trusted() -> Any:
    """Whom we trust, read once: the list is long."""
    return httpx.create_ssl_context()


@dataclass(frozen=True)
class StripePayments:
    """Payments over one Stripe account. `back_to` is where a payer lands afterwards."""

    client: httpx.AsyncClient
    back_to: str

    @classmethod
    @asynccontextmanager
    async def open(cls, api_key: str, back_to: str, base_url: str | None = None) -> AsyncGenerator["StripePayments", None]:
        """One session of connections, closed at the end. `base_url`: a proxy, or a peer that speaks its protocol."""
        headers = {"Authorization": f"Bearer {api_key}", "Stripe-Version": VERSION}
        there = base_url or BASE_URL
        verify = _trusted() if there.startswith("https") else False
        async with httpx.AsyncClient(base_url=there, headers=headers, timeout=ANSWERS_WITHIN_S, verify=verify) as client:
            yield cls(client, back_to)

    async def refund(self, key: str, reference: str, amount: Money) -> Receipt:
        """Raises NotNow, Never or NoAnswer."""
        fields = {"payment_intent": reference, "amount": str(amount.minor), "metadata[key]": key}
        return _receipt(await self._call("POST", "/v1/refunds", fields, key))

    async def find(self, key: str) -> Sequence[Receipt]:
        """What was given back under this key; empty where it surely never was."""
        return [_receipt(one) async for one in self._listed("/v1/refunds") if _key_of(one) == key and one.get("status") not in NOT_GIVEN]

    async def receipts(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Every payment that came in then, in the whole; what a bank is taking back is left out. Raises NotNow, Never or NoAnswer."""
        then = {"created[gte]": str(int(since.timestamp())), "created[lt]": str(int(until.timestamp()))}
        listed = [one async for one in self._listed("/v1/charges", then, PAGES_OF_A_STATEMENT)]
        if len(listed) >= PAGE * PAGES_OF_A_STATEMENT:
            raise NoAnswer("Stripe lists more payments than are read at a time")
        return [_received(one) for one in listed if one.get("status") == "succeeded" and one.get("captured") and not one.get("disputed")]

    async def refunds(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Every refund of that time that was made, or is under way to the bank. Raises NotNow, Never or NoAnswer."""
        then = {"created[gte]": str(int(since.timestamp())), "created[lt]": str(int(until.timestamp()))}
        listed = [one async for one in self._listed("/v1/refunds", then, PAGES_OF_A_STATEMENT)]
        if len(listed) >= PAGE * PAGES_OF_A_STATEMENT:
            raise NoAnswer("Stripe lists more refunds than are read at a time")
        return [_receipt(one) for one in listed if one.get("status") not in NOT_GIVEN]

    async def ask(self, key: str, wanted: PaymentWanted) -> PaymentLink:
        """A page of Stripe's on which this very amount can be paid. Raises NotNow, Never or NoAnswer."""
        return _link(await self._call("POST", "/v1/checkout/sessions", self._session(key, wanted), key))

    async def asked(self, key: str) -> PaymentLink | None:
        return next(
            (_link(one) for one in [one async for one in self._listed("/v1/checkout/sessions")] if one.get("client_reference_id") == key),
            None,
        )

    def _session(self, key: str, wanted: PaymentWanted) -> dict[str, str]:
        # The payment's own metadata come back with every event about it: so it finds its customer.
        return {
            "mode": "payment",
            "client_reference_id": key,
            "success_url": self.back_to,
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": wanted.currency.lower(),
            "line_items[0][price_data][unit_amount]": str(wanted.amount.minor),
            "line_items[0][price_data][product_data][name]": wanted.title,
            "payment_intent_data[metadata][customer_id]": str(wanted.customer_id),
            "payment_intent_data[metadata][request_id]": str(wanted.request_id),
            "payment_intent_data[metadata][key]": key,
        }

    async def _listed(self, path: str, only: Mapping[str, str] = {}, pages: int = PAGES) -> AsyncGenerator[dict[str, Any], None]:
        """Newest first, as Stripe lists them."""
        after: dict[str, str] = {}
        for _ in range(pages):
            page = await self._call("GET", path, {"limit": str(PAGE), **only, **after}, None)
            for one in page.get("data", ()):
                yield one
            if not page.get("has_more") or not page.get("data"):
                return
            after = {"starting_after": str(page["data"][-1]["id"])}

    async def _call(self, method: str, path: str, fields: Mapping[str, str], key: str | None) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        sent: dict[str, Any] = {"data": dict(fields)} if method == "POST" else {"params": dict(fields)}
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                answer = await self.client.request(method, path, headers=headers, **sent)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise NotNow("Stripe cannot be reached") from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise NoAnswer(f"Stripe did not answer: {type(error).__name__}") from error
        if answer.status_code != HTTPStatus.OK:
            raise meaning(answer.status_code, _code_of(answer), answer.headers.get("Retry-After"))
        try:
            found: dict[str, Any] = answer.json()
        except ValueError as error:
            raise NoAnswer("Stripe answered what cannot be read") from error
        return found


def meaning(status: int, code: str, after: str | None = None) -> AtlasError:
    """What an HTTP status and Stripe's error code mean for the money: never, later, or nobody knows."""
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return NoAnswer(f"Stripe failed with {status}")
    if status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.CONFLICT):
        # 409: the same key is under way at this very moment.
        return NotNow(f"Stripe asks to wait ({code})", timedelta(seconds=int(after)) if after and after.isdigit() else AGAIN_AFTER)
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return NotNow(f"Stripe refuses our account ({code})", UNTIL_SEEN_TO)
    return Never(f"Stripe refused it ({code})")


def _code_of(answer: httpx.Response) -> str:
    """Stripe's own code for what is wrong; never its sentence, which may repeat what we sent."""
    try:
        error = answer.json().get("error", {})
        return str(error.get("code") or error.get("type") or answer.status_code)
    except (ValueError, AttributeError):
        return str(answer.status_code)


def _key_of(one: Mapping[str, Any]) -> str | None:
    return (one.get("metadata") or {}).get("key")


def _receipt(one: Mapping[str, Any]) -> Receipt:
    if one.get("status") in NOT_GIVEN:
        raise Never(f"Stripe could not give it back ({one.get('failure_reason') or one.get('status')})")
    return Receipt(str(one["id"]), Money.of_minor(int(one["amount"])), datetime.fromtimestamp(int(one["created"]), UTC))


def _received(one: Mapping[str, Any]) -> Receipt:
    reference = str(one.get("payment_intent") or one["id"])
    return Receipt(reference, Money.of_minor(int(one["amount_captured"])), datetime.fromtimestamp(int(one["created"]), UTC))


def _link(one: Mapping[str, Any]) -> PaymentLink:
    return PaymentLink(str(one["id"]), str(one["url"]))
