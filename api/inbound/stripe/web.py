"""Stripe's webhook: `POST /webhooks/stripe/events`. Answered 200 once what it says is committed, never before."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec
import psycopg
import structlog
from fastapi import APIRouter, Depends, Request, Response

from api.inbound.stripe.parsing import money_event
from api.inbound.stripe.signature import is_genuine
from api.settings import Settings, value_of
from atlas.billing.records.money_in import Heard, MoneyEvent
from atlas.billing.writes.money_in import hear
from atlas.connection import Atlas
from atlas.jobs import defer
from atlas.principal import intake
from console.guards import BY_SIGNATURE

log = structlog.get_logger()

DOOR: Final = intake("stripe")
# Stripe's largest events are some tens of kilobytes.
MOST_BODY: Final = 256 * 1024


class TooLarge(Exception):
    """More than any event of Stripe's holds: the rest is not even read."""


def router(atlas: Atlas, settings: Settings, now: Callable[[], datetime]) -> APIRouter:
    """Without a secret nothing is genuine."""
    routes = APIRouter(prefix="/webhooks/stripe", include_in_schema=False, dependencies=[Depends(BY_SIGNATURE)])
    held = (value_of(settings.stripe_webhook_secret), value_of(settings.stripe_previous_webhook_secret))
    known = tuple(secret for secret in held if secret)

    @routes.post("/events")
    @routes.post("/events/")
    async def events(request: Request) -> Response:
        try:
            body = await _body_of(request)
        except TooLarge:
            return Response(status_code=413)
        shown = request.headers.getlist("stripe-signature")
        if len(shown) != 1 or not is_genuine(shown[0], body, known, now()):
            log.warning("webhook_refused", path="/webhooks/stripe/events", signatures=len(shown), octets=len(body))
            return Response(status_code=403)
        return await _answered(atlas, body)

    return routes


async def _answered(atlas: Atlas, body: bytes) -> Response:
    try:
        event = money_event(body)
        if event is not None:
            await keep_event(atlas, event)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Response(f"this is no event of Stripe's: {error}"[:300], 400, media_type="text/plain")
    except (psycopg.OperationalError, TimeoutError) as error:
        log.warning("webhook_not_kept", error=type(error).__name__)
        return Response(status_code=503, headers={"Retry-After": "5"})
    return Response(status_code=200)


async def keep_event(atlas: Atlas, event: MoneyEvent) -> Heard:
    """The event in the books, and where money came in, the job that looks whether somebody's lines are to be restored for it."""
    async with atlas.transaction(DOOR) as conn:
        heard = await hear(conn, event)
        if heard.is_new and heard.state == "applied" and heard.customer_id is not None:
            lock = f"restore:{heard.customer_id}"
            await defer(conn, "billing.restore", lock=lock, queueing_lock=lock, customer_id=heard.customer_id)
    if heard.is_new:
        log.info("money_heard", kind=event.kind.value, state=heard.state)
    return heard


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BODY:
            raise TooLarge
    return bytes(body)
