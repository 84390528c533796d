"""A browser at the whole web app: real routes, real edge, real database; only the network between is left out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from fastapi import FastAPI

from api.app import web_app
from api.bootstrap import House
from api.settings import Settings
from atlas.connection import Atlas
from console.room import Room
from cortex.pictures import WarmTopology
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from forge.sign_in.passwords import HASHER
from governance.matrix import SHIPPED, load
from tests import given

PASSWORD = "correct horse battery staple"
# argon2id is slow on purpose; one hash serves every member of staff that these tests hire.
PASSWORD_HASH = HASHER.hash(PASSWORD)
# Loaded once: reading it judges thousands of cases.
MATRIX = load(SHIPPED)
HERE = "http://localhost"
PUBLIC = "https://console.harbour.test"


@dataclass
class Clock:
    """A clock that a test winds forward."""

    ahead: float = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)


@dataclass(frozen=True)
class Site:
    """The web app of one test, and the clock by which it reads codes."""

    app: FastAPI
    atlas: Atlas
    forge: Forge
    room: Room
    clock: Clock = field(default_factory=Clock)


async def site(atlas: Atlas, home: Path, **settings: Any) -> Site:
    """The whole app as it is served."""
    await put_in_force(atlas, MATRIX)
    clock = Clock()
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(MATRIX), clock.now, ZoneInfo("Europe/London"))
    house = House(Settings(home=home, **settings), atlas, forge, WarmTopology(), {})
    app = web_app(house)
    return Site(app, atlas, forge, app.state.room, clock)


@asynccontextmanager
async def browser(app: FastAPI, at: str = HERE, address: str = "192.0.2.1") -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url=at, headers={"Accept": "text/html"}) as client:
        yield client


async def hired(owner: given.Owner, name: str, *roles: str) -> int:
    """Somebody who works here and has a password."""
    member = await given.member(owner, name, *roles)
    await owner.execute("UPDATE staff.member SET password_hash = %s WHERE id = %s", (PASSWORD_HASH, member))
    return member


def email_of(name: str) -> str:
    return f"{name.lower().replace(' ', '.')}@example.com"


async def enter(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **form: str) -> httpx.Response:
    return await client.post("/sign-in", data={"email": email_of(name), "password": password, **form})


async def signed_in(client: httpx.AsyncClient, owner: given.Owner, name: str, *roles: str) -> int:
    member = await hired(owner, name, *roles)
    answer = await enter(client, name)
    assert answer.status_code == 303, answer.text
    return member


def token_in(page: httpx.Response) -> str:
    """The form token of a page."""
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page.text)
    assert found is not None, page.text[:400]
    return found[1]


async def form_token(client: httpx.AsyncClient) -> str:
    return token_in(await client.get("/account"))


async def posted(client: httpx.AsyncClient, path: str, **form: Any) -> httpx.Response:
    """A form of a page of ours, sent by the browser that is signed in."""
    return await client.post(path, data={"token": await form_token(client), **form}, headers={"Origin": origin_of(client)})


def origin_of(client: httpx.AsyncClient) -> str:
    return str(client.base_url).rstrip("/")


async def grown_stale(owner: given.Owner) -> None:
    """Everybody who is signed in showed who they are a while ago."""
    await owner.execute("UPDATE staff.session SET fresh_at = fresh_at - interval '6 minutes'")
