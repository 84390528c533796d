"""Who calls: nobody, somebody who works here, and a machine with every scope; each call from a session of its own."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from atlas.connection import Atlas
from atlas.principal import Role, executor
from atlas.staff.reads import members_holding
from atlas.staff.records import Member
from console.room import Room
from forge import api_tokens
from forge.api_tokens import Scope
from forge.sign_in.sessions import begun, signed_in

HOST: Final = "http://localhost"

Headers = Callable[[], Awaitable[dict[str, str]]]


@dataclass(frozen=True)
class Caller:
    """`headers` are made anew for each call: signing out is among the calls."""

    name: str
    headers: Headers


async def callers(atlas: Atlas, room: Room) -> list[Caller]:
    """Needs somebody who works there and holds a role."""
    owner = await somebody(atlas)
    key = await api_tokens.create(atlas, "bedrock eval api", owner.email, list(Scope), timedelta(days=1))

    async def nobodys() -> dict[str, str]:
        return {}

    async def staffs() -> dict[str, str]:
        token = await begun(atlas, owner.staff_id)
        known = await signed_in(atlas, token)
        assert known is not None, "a session that has just begun"
        return {"cookie": f"bedrock={token.secret}", "x-form-token": room.token_of(known.session_id), "origin": HOST}

    async def machines() -> dict[str, str]:
        return {"authorization": f"Bearer {key.secret}"}

    return [Caller("nobody", nobodys), Caller("staff", staffs), Caller("machine", machines)]


async def somebody(atlas: Atlas) -> Member:
    """Whoever may enter most rooms."""
    async with atlas.transaction(executor("eval")) as conn:
        found = [one for role in (Role.OPERATIONS_DIRECTOR, *Role) for one in await members_holding(conn, role.value)]
    return found[0]
