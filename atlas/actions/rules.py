"""How an action is referred to, when it is over, and what an attempt outside means for the next one."""

import re
from typing import Final

from atlas.actions.records import ActionState
from atlas.errors import InvalidField
from atlas.identity import ActionId

REFERENCE: Final = re.compile(r"\s*A-([1-9][0-9]{0,17})\s*", re.IGNORECASE | re.ASCII)

OPEN: Final = frozenset({ActionState.PROPOSED, ActionState.ALLOWED, ActionState.WAITING, ActionState.APPROVED, ActionState.EXECUTING})

# Three silences in a row are no accident: a person looks before anything is tried again.
MOST_UNKNOWNS: Final = 3


def reference(action_id: ActionId) -> str:
    """How people name an action, as in `A-123`."""
    return f"A-{action_id}"


def action_named(text: str) -> ActionId:
    """The action that a reference names. Raises InvalidField where it is none."""
    found = REFERENCE.fullmatch(text)
    if found is None:
        raise InvalidField("reference", f"{text!r} is not a reference such as A-123")
    return ActionId(int(found.group(1)))


def is_over(state: ActionState) -> bool:
    return state not in OPEN


def is_in_doubt(attempts: int) -> bool:
    """Whether so many attempts without an answer leave it to a person."""
    return attempts >= MOST_UNKNOWNS
