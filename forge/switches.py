"""Kill switches: what is stopped at once, whatever was allowed or approved. Anybody who works here may stop; few may let it run again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import psycopg

from atlas.connection import Atlas
from atlas.errors import InvalidField, NotPermitted
from atlas.principal import Principal, Role
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

SCOPES: Final = ("action", "agent", "channel")
# Who may let run again what was stopped; the gate asks the same.
MAY_RELEASE: Final = frozenset({Role.NOC_LEAD, Role.OPERATIONS_DIRECTOR})
LONGEST_REASON: Final = 500


class SwitchRefused(NotPermitted):
    """This person may not switch this."""


@dataclass(frozen=True)
class Switch:
    """One switch as it stands. `is_on`: stopped."""

    scope: str
    name: str
    is_on: bool
    reason: str
    by: str
    at: datetime


async def switches(conn: Connection) -> list[Switch]:
    """Every switch that was ever moved, what is stopped first."""
    return await SQL.all(conn, Switch, "switches")


async def stop(atlas: Atlas, principal: Principal, scope: str, name: str, reason: str) -> None:
    """Stops an action, an agent or a channel (`*`: all of them) within a second, everywhere. Raises SwitchRefused and InvalidField."""
    await _switch(atlas, principal, scope, name, reason, is_on=True)


async def release(atlas: Atlas, principal: Principal, scope: str, name: str, reason: str) -> None:
    """Lets it run again. Raises SwitchRefused and InvalidField."""
    await _switch(atlas, principal, scope, name, reason, is_on=False)


async def _switch(atlas: Atlas, principal: Principal, scope: str, name: str, reason: str, *, is_on: bool) -> None:
    if scope not in SCOPES:
        raise InvalidField("scope", f"one of {', '.join(SCOPES)}, not {scope}")
    if not reason.strip():
        raise InvalidField("reason", "why, for whoever finds it stopped")
    try:
        async with atlas.transaction(principal) as conn:
            await SQL.run(conn, "switch", scope=scope, name=name, is_on=is_on, reason=reason.strip()[:LONGEST_REASON])
    except psycopg.errors.InsufficientPrivilege as error:
        raise SwitchRefused(error.diag.message_primary or "this is not yours to switch") from None
