"""What one browser is shown for as long as it is open: each message as it is committed, and of an answer what may be read already.

The same way as the staff chat's. Whoever comes again says what they have last; what is so new that it may have been overtaken is said
once more, and a browser knows it by its number.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from sse_starlette import ServerSentEvent

from api.bootstrap import House
from api.inbound.widget.keeping import Heard, Visitor, heard_by
from atlas.helpdesk.records import Message
from console.live import Changes

# A proxy ends a stream it hears nothing on; and a browser that went away is noticed by it.
HEARTBEAT_S: Final = 15
# Looked again this often although nothing was announced: until then a sign-in that ended elsewhere is shown.
LOOK_EVERY_S: Final = 10.0
# Then the browser comes again: no place is held by a page that was forgotten in a tab.
LONGEST_S: Final = 30 * 60.0
# A page, its copy in another tab, and what is left of the ones before after a network was lost.
MOST_OF_ONE: Final = 4
# Well below the connections that the web takes (listening.py): visitors do not crowd out the control room, they ask for messages instead.
MOST_OF_ALL: Final = 400
TOPICS: Final = frozenset({"helpdesk.message", "helpdesk.inbox", "everything"})


@dataclass
class Places:
    """How many streams each browser has open here."""

    taken: Counter[str] = field(default_factory=Counter)

    def has_one_for(self, visitor: Visitor) -> bool:
        return self.taken[visitor.name] < MOST_OF_ONE and self.taken.total() < MOST_OF_ALL

    @contextmanager
    def taken_by(self, visitor: Visitor) -> Iterator[None]:
        self.taken[visitor.name] += 1
        try:
            yield
        finally:
            self.taken[visitor.name] -= 1
            if not self.taken[visitor.name]:
                del self.taken[visitor.name]


async def said_on(house: House, changes: Changes, places: Places, visitor: Visitor, after: int) -> AsyncIterator[ServerSentEvent]:
    """`said` carries one message, under its number; `now` whether one is being made, what of it may be read, and who the browser is."""
    loop = asyncio.get_running_loop()
    until = loop.time() + LONGEST_S
    said: set[int] = set()
    stood: dict[str, Any] = {}
    with places.taken_by(visitor):
        async for topics in changes.stream(LOOK_EVERY_S, looks_first=True):
            if loop.time() > until:
                return
            if topics and not topics & TOPICS:
                continue
            heard = await heard_by(house, visitor, after)
            for one in heard.messages:
                if one.message_id not in said:
                    said.add(one.message_id)
                    after = max(after, one.message_id)
                    yield ServerSentEvent(event="said", data=_written(message_shown(one)), id=str(after))
            stands = standing_shown(heard)
            if stands != stood:
                stood = stands
                yield ServerSentEvent(event="now", data=_written(stands))


def message_shown(message: Message) -> dict[str, Any]:
    return {"id": message.message_id, "is_ours": message.is_from_us, "words": message.words}


def standing_shown(heard: Heard) -> dict[str, Any]:
    return {"is_signed_in": heard.is_signed_in, "waits": heard.waits, "so_far": heard.so_far}


def _written(shown: dict[str, Any]) -> str:
    return json.dumps(shown, ensure_ascii=False)
