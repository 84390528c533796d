"""The real adapter on the wire, against a peer on loopback that speaks Stripe's published protocol."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web

from atlas.money import Money
from forge.outside.ports import Never, NoAnswer, NotNow, PaymentWanted
from forge.outside.stripe import StripePayments, meaning
from tests.given import NOW

WANTED = PaymentWanted(7, 3, Money("35.00"), "GBP", "Broadband")


@dataclass
class Peer:
    """Keeps what was made as Stripe would: one thing a key. `trouble` is the next answer instead; `is_deaf` makes it and hangs up."""

    made: dict[str, dict[str, Any]] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)
    trouble: tuple[int, str] | None = None
    is_deaf: bool = False
    seen: list[str] = field(default_factory=list)
    charges: list[dict[str, Any]] = field(default_factory=list)

    async def charged(self, request: web.Request) -> web.Response:
        """What came in between two moments, newest first, one a page."""
        since, until = int(request.query["created[gte]"]), int(request.query["created[lt]"])
        found = sorted((one for one in self.charges if since <= one["created"] < until), key=lambda one: -int(one["created"]))
        after = request.query.get("starting_after")
        at = next((place for place, one in enumerate(found) if one["id"] == after), -1) + 1
        return web.json_response({"object": "list", "data": found[at : at + 1], "has_more": at + 1 < len(found)})

    async def create(self, request: web.Request) -> web.Response:
        self.seen.append(f"{request.headers['Authorization']} {request.headers['Stripe-Version']}")
        if self.trouble is not None:
            status, code = self.trouble
            return web.json_response(
                {"error": {"code": code, "message": "card of Maya Patel"}}, status=status, headers={"Retry-After": "7"}
            )
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append(form)
        key = request.headers["Idempotency-Key"]
        if request.path.endswith("refunds"):
            made = {
                "id": f"re_{len(self.made)}",
                "amount": int(form["amount"]),
                "status": "succeeded",
                "metadata": {"key": form["metadata[key]"]},
            }
        else:
            made = {
                "id": f"cs_{len(self.made)}",
                "url": f"https://checkout.test/{len(self.made)}",
                "client_reference_id": form["client_reference_id"],
            }
        kept = self.made.setdefault(key, {**made, "created": 1772442000, "path": request.path})
        if self.is_deaf and request.transport is not None:
            request.transport.close()
        return web.json_response(kept)

    async def listed(self, request: web.Request) -> web.Response:
        """Newest first, one a page: so that following pages are asked for."""
        since, until = int(request.query.get("created[gte]", 0)), int(request.query.get("created[lt]", 2**40))
        found = [one for one in reversed(self.made.values()) if one["path"] == request.path and since <= one["created"] < until]
        after = request.query.get("starting_after")
        at = next((place for place, one in enumerate(found) if one["id"] == after), -1) + 1
        return web.json_response({"object": "list", "data": found[at : at + 1], "has_more": at + 1 < len(found)})


@pytest.fixture
def peer() -> Peer:
    return Peer()


@pytest.fixture
async def stripe(peer: Peer) -> AsyncIterator[StripePayments]:
    app = web.Application()
    for path in ("/v1/refunds", "/v1/checkout/sessions"):
        app.router.add_post(path, peer.create)
        app.router.add_get(path, peer.listed)
    app.router.add_get("/v1/charges", peer.charged)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with StripePayments.open("sk_test_1", "https://isp.example/thanks", f"http://127.0.0.1:{port}") as payments:
        yield payments
    await runner.cleanup()


async def test_a_refund_names_the_payment_the_amount_and_our_key(stripe: StripePayments, peer: Peer) -> None:
    receipt = await stripe.refund("refund:1", "pi_1", Money("12.50"))

    assert (receipt.reference, receipt.amount) == ("re_0", Money("12.50"))
    assert peer.forms == [{"payment_intent": "pi_1", "amount": "1250", "metadata[key]": "refund:1"}]
    assert peer.seen == ["Bearer sk_test_1 2024-06-20"]


async def test_the_same_key_gives_back_once(stripe: StripePayments, peer: Peer) -> None:
    first, again = [await stripe.refund("refund:1", "pi_1", Money("12.50")) for _ in range(2)]

    assert (first, len(peer.made)) == (again, 1)


async def test_a_refund_whose_answer_was_lost_is_found_by_its_key_on_a_later_page(stripe: StripePayments, peer: Peer) -> None:
    peer.is_deaf = True
    with pytest.raises(NoAnswer):
        await stripe.refund("refund:1", "pi_1", Money("12.50"))
    peer.is_deaf = False
    await stripe.refund("refund:2", "pi_2", Money("1.00"))

    found = [[one.amount for one in await stripe.find(key)] for key in ("refund:1", "refund:3")]

    assert found == [[Money("12.50")], []]


async def test_what_came_in_is_listed_by_the_payments_own_name_and_what_failed_or_is_taken_back_is_not(
    stripe: StripePayments, peer: Peer
) -> None:
    paid = {"amount_captured": 3500, "status": "succeeded", "captured": True, "disputed": False}
    each = ({"id": "ch_1"}, {"id": "ch_2", "status": "failed"}, {"id": "ch_3", "disputed": True}, {"id": "ch_4"}, {"id": "ch_5"})
    peer.charges = [
        {**paid, **one, "payment_intent": f"pi_{place}", "created": int(NOW.timestamp()) + 60 * place} for place, one in enumerate(each)
    ]

    found = await stripe.receipts(NOW, NOW + timedelta(minutes=4))

    assert [(one.reference, one.amount, one.at) for one in found] == [
        ("pi_3", Money("35.00"), NOW + timedelta(minutes=3)),
        ("pi_0", Money("35.00"), NOW),
    ]


async def test_what_went_out_is_listed_by_the_refunds_own_name_and_what_failed_or_was_of_another_day_is_not(
    stripe: StripePayments, peer: Peer
) -> None:
    for number in range(4):
        await stripe.refund(f"refund:{number}", "pi_1", Money("5.00"))
    peer.made["refund:1"]["status"] = "failed"
    peer.made["refund:2"]["created"] -= 86400

    found = await stripe.refunds(NOW, NOW + timedelta(minutes=1))

    assert [(one.reference, one.amount) for one in found] == [("re_3", Money("5.00")), ("re_0", Money("5.00"))]


async def test_a_page_to_pay_on_carries_whose_money_it_will_be(stripe: StripePayments, peer: Peer) -> None:
    link = await stripe.ask("ask:1", WANTED)

    (form,) = peer.forms
    assert link.url == "https://checkout.test/0"
    assert (form["line_items[0][price_data][unit_amount]"], form["line_items[0][price_data][currency]"]) == ("3500", "gbp")
    assert (form["payment_intent_data[metadata][customer_id]"], form["payment_intent_data[metadata][request_id]"]) == ("7", "3")
    assert (await stripe.asked("ask:1"), await stripe.asked("ask:2")) == (link, None)


@pytest.mark.parametrize(
    ("status", "code", "means"),
    [(402, "card_declined", Never), (400, "charge_already_refunded", Never), (429, "rate_limit", NotNow),
     (409, "idempotency_key_in_use", NotNow),
     (401, "api_key_expired", NotNow), (500, "api_error", NoAnswer)],
)  # fmt: skip
async def test_what_stripe_refuses_is_told_apart_and_never_repeats_its_words(
    stripe: StripePayments, peer: Peer, status: int, code: str, means: type[Exception]
) -> None:
    peer.trouble = (status, code)

    with pytest.raises(means) as refused:
        await stripe.refund("refund:1", "pi_1", Money("12.50"))

    assert "Maya" not in str(refused.value)


def test_stripes_own_word_on_when_to_come_back_counts() -> None:
    told = meaning(429, "rate_limit", "7")

    assert isinstance(told, NotNow)
    assert told.after == timedelta(seconds=7)


async def test_nobody_listening_is_not_now_and_surely_nothing_happened() -> None:
    async with StripePayments.open("sk", "https://isp.example", "http://127.0.0.1:9") as payments:
        with pytest.raises(NotNow):
            await asyncio.wait_for(payments.refund("k", "pi", Money("1.00")), 5)
