"""What a colleague is shown beside an answer: not what a tool said at the time, but which rows of Atlas it spoke of. Pure."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypedDict

from agents.conversation import ToolUse

# Which row a field of a tool's answer, or of its arguments, names.
NAMED_BY: Final = {
    "incident_id": "incident",
    "incident": "incident",
    "customer_id": "customer",
    "customer": "customer",
    "invoice_id": "invoice",
    "action_id": "action",
}
REFERENCE: Final = re.compile(r"A-([1-9][0-9]{0,17})")
# A list of fifty is read in the answer itself.
MOST_OF_A_KIND: Final = 6


class Shown(TypedDict):
    """One row to be shown; `kind` is incident, customer, invoice or action."""

    kind: str
    number: int


def cards_of(uses: Sequence[ToolUse]) -> list[Shown]:
    """Rows that the tools of a turn named, what was asked for first, each once; a few of a kind, and of what failed nothing."""
    asked = [("action", int(found[1])) for use in uses if (found := REFERENCE.fullmatch(use["proposal"]))]
    answered = [named for use in uses if not use["is_error"] for named in (*_named(use["arguments"]), *_named(_read(use["answer"])))]
    shown: list[Shown] = []
    for kind, number in dict.fromkeys([*asked, *answered]):
        if sum(one["kind"] == kind for one in shown) < MOST_OF_A_KIND:
            shown.append(Shown(kind=kind, number=number))
    return shown


def _read(answer: str) -> Any:
    try:
        return json.loads(answer)
    except ValueError:
        return None


def _named(value: Any) -> Iterator[tuple[str, int]]:
    """What an answer is about: of what names a row, only what lies nearest to its surface; not the tickets of an incident's customers."""
    level = [value]
    while level:
        found = [(NAMED_BY[key], inner) for one in level if isinstance(one, dict) for key, inner in one.items() if _names(key, inner)]
        if found:
            yield from found
            return
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())]


def _names(key: str, value: Any) -> bool:
    return key in NAMED_BY and isinstance(value, int) and not isinstance(value, bool)
