"""Who holds which role now, by which right; lending a role, giving it back, and taking one in an emergency.

The database's gate decides each (`actions.delegate`, `actions.break_the_glass`); here its words become sentences.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import psycopg
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue, ObjectNotInPrerequisiteState

from atlas.connection import Atlas
from atlas.errors import AtlasError, NotFound, NotPermitted
from atlas.identity import StaffId
from atlas.principal import Principal
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# As the gate has it; said here so that a form can say it before it is sent.
LONGEST_LOAN: Final = timedelta(days=14)
LONGEST_EMERGENCY: Final = timedelta(hours=1)
SHORTEST_REASON: Final = 10


class AccessRefused(NotPermitted):
    """A role that may not be lent, taken or given back in this way; the sentence says why."""


class AccessImpossible(AtlasError):
    """What was asked cannot be: nobody of that number, a time that is over, a reason that says nothing."""


@dataclass(frozen=True)
class Holder:
    """Somebody with a role at this moment. `by`: own, lent or emergency; `number` of the loan or the emergency."""

    role: str
    staff_id: StaffId
    name: str
    by: str
    lent_by: str
    lender_id: StaffId | None
    until: datetime | None
    number: int | None
    reason: str


async def holders(conn: Connection) -> list[Holder]:
    """Every role that somebody may use now: their own, one lent to them, one taken in an emergency."""
    return await SQL.all(conn, Holder, "holders")


async def lend(atlas: Atlas, me: Principal, to: StaffId, role: str, lasts: timedelta, reason: str) -> int:
    """Lends a role of one's own from now on; the loan's number. `me` names a fresh sign-in. Raises AccessRefused and AccessImpossible."""
    async with _asked(atlas, me) as conn:
        return int(await SQL.value(conn, "lend", to=to, role=role, lasts=lasts, reason=reason))


async def give_back(atlas: Atlas, me: Principal, loan: int) -> None:
    """Ends a loan: whoever lent it, whoever has it, or a director. Raises NotFound where it is over, or not theirs to end."""
    async with _asked(atlas, me) as conn:
        if not await SQL.value(conn, "give_back", loan=loan):
            raise NotFound("loan that you may end,", loan)


async def break_the_glass(atlas: Atlas, me: Principal, role: str, lasts: timedelta, reason: str) -> int:
    """Takes a role in an emergency; those who hold it are alarmed in the same transaction. Raises AccessRefused and AccessImpossible."""
    async with _asked(atlas, me) as conn:
        return int(await SQL.value(conn, "break_the_glass", role=role, lasts=lasts, reason=reason))


async def mend_the_glass(atlas: Atlas, me: Principal, number: int) -> None:
    """Ends an emergency before its hour. Raises NotFound where it is over, or not theirs to end."""
    async with _asked(atlas, me) as conn:
        if not await SQL.value(conn, "mend_the_glass", number=number):
            raise NotFound("emergency that you may end,", number)


@asynccontextmanager
async def _asked(atlas: Atlas, me: Principal) -> AsyncIterator[Connection]:
    try:
        async with atlas.transaction(me) as conn:
            yield conn
    except InsufficientPrivilege as error:
        raise AccessRefused(_said(error)) from error
    except (InvalidParameterValue, ObjectNotInPrerequisiteState, psycopg.errors.CheckViolation) as error:
        raise AccessImpossible(_said(error)) from error


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or "this may not be"
