"""What a payment provider says: signed, once, in whatever order; what does not fit is parked and shown."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.inbound.stripe.signature import is_genuine, signature
from api.inbound.stripe.web import router
from api.settings import Settings
from atlas.billing.reads.books import broken_invariants
from atlas.billing.reads.money_in import money_parked
from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.principal import executor
from forge.actions.billing.money_in import MatchPayment
from tests import carried, given
from tests.billing.arranged import bill, customer_with_line, one, owed
from tests.given import NOW, Owner, row

SECRET = "whsec_new"
OLD = "whsec_old"
AT = int(NOW.timestamp())


def event(kind: str, number: int = 1, created: int = 0, **thing: Any) -> bytes:
    contents = {"id": "pi_1", "currency": "gbp", "metadata": {}, **thing}
    return json.dumps({"id": f"evt_{number}", "type": kind, "created": AT + created, "data": {"object": contents}}).encode()


def succeeded(customer: int, amount: int = 3000, number: int = 1, **thing: Any) -> bytes:
    said = {"amount_received": amount, "metadata": {"customer_id": str(customer)}, **thing}
    return event("payment_intent.succeeded", number, **said)


def refunded(amount: int, number: int = 2) -> bytes:
    return event("charge.refunded", number, 60, id="ch_1", payment_intent="pi_1", amount_refunded=amount)


def disputed(amount: int, number: int = 3, status: str = "needs_response") -> bytes:
    kind = "charge.dispute.created" if status == "needs_response" else "charge.dispute.closed"
    return event(kind, number, 120, id="dp_1", payment_intent="pi_1", amount=amount, status=status)


async def told(atlas: Atlas, body: bytes, *, secret: str = SECRET, at: int = AT, header: str | None = None) -> int:
    app = FastAPI()
    settings = Settings(stripe_webhook_secret=SecretStr(SECRET), stripe_previous_webhook_secret=SecretStr(OLD))
    app.include_router(router(atlas, settings, lambda: NOW))
    shown = f"t={at},v1={signature(secret, at, body).decode()}" if header is None else header
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bedrock") as client:
        answer = await client.post("/webhooks/stripe/events", content=body, headers={"Stripe-Signature": shown} if shown else {})
    return answer.status_code


async def maya(owner: Owner) -> CustomerId:
    customer, _ = await customer_with_line(owner)
    await owner.execute("INSERT INTO billing.currency (code) VALUES ('GBP')")
    await bill(owner, customer, NOW.date().replace(day=1), {"Fibre 100": 3000})
    return customer


async def states(owner: Owner) -> list[str]:
    return [row[0] for row in await (await owner.execute("SELECT state FROM billing.provider_event ORDER BY id")).fetchall()]


async def books_hold(atlas: Atlas) -> bool:
    async with atlas.transaction(executor("test")) as conn:
        return await broken_invariants(conn) == []


async def test_a_payment_settles_the_bill_and_leaves_a_job_that_restores(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    assert await told(atlas, succeeded(customer)) == 200

    assert (await owed(owner, customer), await states(owner), await books_hold(atlas)) == (0, ["applied"], True)
    assert await one(owner, "SELECT task_name FROM jobs.procrastinate_jobs") == "billing.restore"


@pytest.mark.parametrize(("secret", "status"), [(SECRET, 200), (OLD, 200), ("whsec_guessed", 403)], ids=["new", "old", "guessed"])
async def test_two_secrets_are_good_while_one_is_rolled_and_no_third(atlas: Atlas, owner: Owner, secret: str, status: int) -> None:
    assert await told(atlas, succeeded(await maya(owner)), secret=secret) == status


@pytest.mark.parametrize("header", ["", "t=1", "v1=00", "t=x,v1=00", f"t={AT},v1=zz", "t=1,t=2,v1=00", "," * 3000])
async def test_an_odd_signature_is_refused_and_never_an_error(atlas: Atlas, owner: Owner, header: str) -> None:
    assert await told(atlas, succeeded(await maya(owner)), header=header) == 403

    assert await states(owner) == []


def test_a_call_that_is_older_or_younger_than_five_minutes_is_a_replay() -> None:
    times = [AT - 301, AT - 299, AT + 299, AT + 301]

    assert [is_genuine(f"t={at},v1={signature(SECRET, at, b'{}').decode()}", b"{}", (SECRET,), NOW) for at in times] == [
        False,
        True,
        True,
        False,
    ]


def test_one_octet_of_the_body_changed_is_not_genuine() -> None:
    header = f"t={AT},v1={signature(SECRET, AT, b'{}').decode()}"

    assert not is_genuine(header, b"{ }", (SECRET,), datetime.fromtimestamp(AT, UTC) + timedelta(seconds=1))


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": "evt_1"}', b"\xff", b'{"id":"","type":"x","created":1,"data":{"object":{}}}'])
async def test_what_is_no_event_is_refused_by_its_field_and_leaves_nothing(atlas: Atlas, owner: Owner, body: bytes) -> None:
    assert await told(atlas, body) == 400

    assert await states(owner) == []


async def test_webhook_delivered_twice(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    statuses = [
        await told(atlas, succeeded(customer)),
        await told(atlas, succeeded(customer)),
        await told(atlas, succeeded(customer, number=9)),
    ]

    assert (statuses, await states(owner)) == ([200, 200, 200], ["applied", "nothing_to_do"])
    assert (await one(owner, "SELECT count(*) FROM billing.payment"), await owed(owner, customer)) == (1, 0)


async def test_webhook_delivered_out_of_order(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    for body in (disputed(3000, status="won", number=4), disputed(3000), succeeded(customer)):
        await told(atlas, body)

    assert (await states(owner), await owed(owner, customer)) == (["applied", "applied", "applied"], 0)
    assert await books_hold(atlas)


async def test_webhook_for_a_wrong_amount(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    request = await row(
        owner, "billing.payment_request", customer_id=customer, amount_minor=3000, key="k", action_id=await given.action(owner)
    )

    await told(atlas, succeeded(customer, 2000, metadata={"customer_id": str(customer), "request_id": str(request)}))

    async with atlas.transaction(executor("test")) as conn:
        (parked,) = await money_parked(conn)
    assert (parked.is_in_suspense, "2000 came where 3000 was asked for" in parked.why) == (True, True)
    assert (await owed(owner, customer), await books_hold(atlas)) == (3000, True)


async def test_webhook_for_a_wrong_currency(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    await told(atlas, succeeded(customer, currency="usd"))

    assert (await states(owner), await one(owner, "SELECT count(*) FROM billing.payment"), await owed(owner, customer)) == (
        ["parked"],
        0,
        3000,
    )


async def test_money_that_names_nobody_waits_in_suspense_until_somebody_says_whose_it_is(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await told(atlas, succeeded(customer, metadata={}))
    assert (await states(owner), await owed(owner, customer)) == (["parked"], 3000)

    async with atlas.transaction(executor("test")) as conn:
        (parked,) = await money_parked(conn)
    await carried.out(atlas, MatchPayment(customer, parked.reference, parked.amount, "their bank says so"), NOW)

    assert (await states(owner), await owed(owner, customer), await books_hold(atlas)) == (["settled"], 0, True)


async def test_a_chargeback_opens_the_debt_again_and_a_won_one_settles_it(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await told(atlas, succeeded(customer))

    await told(atlas, disputed(3000))
    reopened = await owed(owner, customer)
    await told(atlas, disputed(3000, number=4, status="won"))

    assert (reopened, await owed(owner, customer), await books_hold(atlas)) == (3000, 0, True)


async def test_a_refund_that_somebody_made_at_the_providers_desk_is_shown(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)
    await told(atlas, succeeded(customer))

    await told(atlas, refunded(1000))

    assert await states(owner) == ["applied", "parked"]


async def test_an_over_payment_is_kept_as_unused_credit(atlas: Atlas, owner: Owner) -> None:
    customer = await maya(owner)

    await told(atlas, succeeded(customer, 5000))

    assert (await owed(owner, customer), await books_hold(atlas)) == (-2000, True)
