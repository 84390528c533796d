"""What nobody can say became of it, and the person who settles it: it happened, or it did not and is tried again."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atlas.errors import InvalidField, NotFound
from atlas.identity import ActionId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)

# How people name what is in doubt, as in N-12: a notice, an errand, a step of a sequence.
LETTERS: Final = {"N": "notice", "E": "errand", "S": "step"}


@dataclass(frozen=True)
class Doubt:
    """One effect outside whose fate is unknown. `key` is what the other side may know it by; `to` says where, addresses shortened."""

    reference: str
    what: str
    to: str
    key: str
    action_id: ActionId | None
    since: datetime
    attempts: int
    why: str


async def in_doubt(conn: Connection) -> list[Doubt]:
    """All that waits for a person's word, longest waiting first."""
    return await SQL.all(conn, Doubt, "in_doubt")


async def settle(conn: Connection, reference: str, *, happened: bool, note: str) -> None:
    """Settles one, in the name of the member of staff whose transaction this is. What did not happen is done from the beginning, as if new.

    Raises InvalidField where the reference is none, NotFound where it is not (or no longer) in doubt; the database refuses whoever may not.
    """
    letter, _, number = reference.strip().upper().partition("-")
    if letter not in LETTERS or not number.isdigit():
        raise InvalidField("reference", f"{reference!r} is not of the form N-12, E-7 or S-3")
    parameters = {"kind": LETTERS[letter], "id": int(number), "happened": happened, "note": note}
    if not await SQL.value(conn, "settle", **parameters):
        raise NotFound("doubt", reference)
