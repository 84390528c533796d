"""Keys for machines: made once, kept as a hash, opening only what their scopes name, and ending by themselves."""

import hashlib
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.principal import Principal, Zone, executor, intake
from atlas.staff import reads, writes
from atlas.staff.reads import member_by_email
from atlas.staff.records import ApiToken, TokenHolder

DOOR: Final = executor("sign_in")
# Known by its beginning, so that a key that lands in a repository or a chat is recognised for what it is.
MARK: Final = "bdrk_"
LONGEST_LIFE: Final = timedelta(days=366)
# A revoked key opens a door for this much longer at most; a door that takes a thousand batches a second asks Atlas once.
REMEMBERED_S: Final = 2.0
MOST_REMEMBERED: Final = 1000


class Scope(StrEnum):
    """What a machine's key may open; none of them rules on anything."""

    ALARMS_WRITE = "alarms:write"
    INCIDENTS_READ = "incidents:read"
    ACTIONS_READ = "actions:read"


@dataclass(frozen=True)
class MadeToken:
    """`secret` is shown this once and is nowhere kept."""

    token_id: int
    secret: str


async def create(atlas: Atlas, name: str, owner_email: str, scopes: Collection[str], lives: timedelta) -> MadeToken:
    """A key that belongs to a member of staff and ends with them. Raises NotFound and InvalidField."""
    unknown = set(scopes) - {scope.value for scope in Scope}
    if unknown or not scopes:
        raise InvalidField("scope", f"one or more of {', '.join(Scope)}, not {', '.join(sorted(unknown)) or 'none'}")
    if not timedelta(0) < lives <= LONGEST_LIFE:
        raise InvalidField("days", f"a key lives from one day to {LONGEST_LIFE.days}")
    if not name.strip():
        raise InvalidField("name", "what will use it")
    secret = MARK + secrets.token_urlsafe(32)
    async with atlas.transaction(DOOR) as conn:
        owner = await member_by_email(conn, owner_email)
        if owner is None:
            raise NotFound("member of staff", owner_email)
        made = await writes.record_api_token(conn, fingerprint(secret), name.strip(), owner.staff_id, scopes, lives)
        await writes.record_event(conn, f"staff:{owner.staff_id}", "api_token_made", {"token_id": made, "scopes": sorted(scopes)})
    return MadeToken(made, secret)


async def every_token(atlas: Atlas) -> list[ApiToken]:
    async with atlas.transaction(DOOR) as conn:
        return await reads.api_tokens(conn)


async def revoke(atlas: Atlas, token_id: int) -> None:
    """Raises NotFound."""
    async with atlas.transaction(DOOR) as conn:
        if not await writes.revoke_api_token(conn, token_id):
            raise NotFound("token in force", token_id)
        await writes.record_event(conn, "system:operator", "api_token_revoked", {"token_id": token_id})


def fingerprint(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


@dataclass
class Keyring:
    """Whose key a machine shows, remembered for a breath. `principal`: as whom Atlas is asked."""

    atlas: Atlas
    principal: Principal = field(default_factory=lambda: intake("tokens"))
    _known: dict[bytes, tuple[float, TokenHolder | None]] = field(default_factory=dict)

    async def holder(self, authorization: str | None) -> TokenHolder | None:
        """Of `Bearer KEY`; None where it opens nothing."""
        scheme, _, secret = (authorization or "").partition(" ")
        secret = secret.strip()
        if scheme.lower() != "bearer" or not secret.startswith(MARK):
            return None
        key, now = fingerprint(secret), time.monotonic()
        until, known = self._known.get(key, (0.0, None))
        if until > now:
            return known
        async with self.atlas.transaction(self.principal) as conn:
            found = await reads.token_holder(conn, key)
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = (now + REMEMBERED_S, found)
        return found


def keyring(atlas: Atlas, zone: Zone) -> Keyring:
    return Keyring(atlas, Principal(zone, "tokens"))
