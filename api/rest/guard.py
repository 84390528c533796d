"""Machines at the public API: a key with the right scope, as whoever it belongs to, holding none of their roles."""

from dataclasses import dataclass
from typing import ClassVar

import structlog
from fastapi import HTTPException, Request

from atlas.identity import StaffId
from atlas.principal import Principal, staff
from console.guards import Guard
from forge.api_tokens import Keyring, Scope

log = structlog.get_logger()


@dataclass(frozen=True, eq=False)
class TokenOnly(Guard):
    """401 without a key that opens anything, 403 where it does not open this."""

    who: ClassVar[str] = "machine"
    # A key is put on by its program; no browser adds it to another page's request.
    withstands_foreign_pages: ClassVar[bool] = True
    keys: Keyring
    scope: Scope

    async def __call__(self, request: Request) -> Principal:
        holder = await self.keys.holder(request.headers.get("authorization"))
        if holder is None:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
        if self.scope.value not in holder.scopes:
            log.warning("refused", path=request.url.path, token_id=holder.token_id, scope=self.scope.value)
            raise HTTPException(403)
        return staff(StaffId(holder.staff_id), f"token:{holder.token_id}", frozenset())
