"""The web: the console, the public API, health, and errors said once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx2
from fastapi import FastAPI

from api.bootstrap import House
from api.edge.front import fronted
from api.edge.gatehouse import LOOPBACK
from api.errors import translate_errors
from api.inbound.colleague import keep_typed
from api.inbound.stripe.web import router as stripe
from api.inbound.twilio.web import router as twilio
from api.inbound.unsubscribe.web import router as unsubscribe
from api.inbound.voice.web import router as voice
from api.inbound.widget.web import router as widget
from api.rest import actions, itsm
from api.rest.document import add_document
from api.rest.health import router as health
from api.settings import Settings, value_of
from atlas.principal import Principal, executor
from console.app import add_console
from console.live import Changes
from console.room import Installation, Room
from forge.api_tokens import Keyring
from forge.sign_in.oidc import House as OtherHouse
from forge.sign_in.relying_party import RelyingParty, relying_party


def web_app(house: House, to_other_house: httpx2.AsyncBaseTransport | None = None) -> FastAPI:
    """The console and what stands beside it, on an open house, behind the edge.

    `to_other_house`: another way to the house that says who signs in than the network.
    """
    changes = Changes(house.atlas)

    @asynccontextmanager
    async def listening(_: FastAPI) -> AsyncIterator[None]:
        async with changes.listening():
            yield

    app = FastAPI(title="Bedrock", version="0.1.0", lifespan=listening, docs_url=None, redoc_url=None, openapi_url=None)
    settings = house.settings

    async def hear(principal: Principal, key: UUID, words: str) -> bool:
        return await keep_typed(house.atlas, principal, key, words, house.forge.now())

    room = Room(house.forge, changes, installation(settings, to_other_house), hear)
    translate_errors(app, room)
    keys = Keyring(house.atlas, executor("tokens"))
    app.include_router(health(house))
    for part in (itsm, actions):
        app.include_router(part.router(house.atlas, keys))
    app.include_router(twilio(house.atlas, settings, house.forge.now))
    app.include_router(voice(house.atlas, settings, house.forge.now, changes))
    app.include_router(stripe(house.atlas, settings, house.forge.now))
    app.include_router(widget(house, room))
    app.include_router(unsubscribe(house))
    add_console(app, room)
    app.state.room = room
    add_document(app, keys)
    site = public_site(settings)
    names = LOOPBACK if site is None else LOOPBACK | {site.host}
    return fronted(app, names, is_https=site is not None and site.is_https, framed_by=settings.chat_origins)


def public_site(settings: Settings) -> RelyingParty | None:
    """The one public address, if there is one. Raises InvalidField where it is not that of a site."""
    return relying_party(settings.public_url, settings.operator) if settings.public_url else None


def installation(settings: Settings, to_other_house: httpx2.AsyncBaseTransport | None = None) -> Installation:
    elsewhere = None
    if settings.oidc_issuer is not None:
        secret = value_of(settings.oidc_client_secret) or ""
        elsewhere = OtherHouse(settings.oidc_issuer, settings.oidc_client_id, secret, settings.oidc_name, to_other_house)
    site = public_site(settings)
    asks_two = settings.second_factor == "always" or (settings.second_factor == "when_public" and site is not None)
    return Installation(settings.operator, settings.currency, site.origin if site else "", asks_two, elsewhere)
