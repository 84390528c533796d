"""What whoever waits is shown while an answer is made: a colleague each step, a browser at our site what is grounded of the words."""

from dataclasses import dataclass, field
from typing import Final

from api.inbound.inbox import readable_so_far, stepped
from atlas.connection import Atlas
from atlas.helpdesk.records import Unanswered

# Where an answer is read as it is made; everywhere else it is one message, or is spoken.
READ_AS_MADE: Final = "chat"


@dataclass
class Watching:
    """Told by the agents. Called with a step, as module or module.tool; `so_far` with all that is grounded of the answer until now.

    `preface` is what we say before the answer, whatever it will be. What was shown and is not said in the end is replaced by what is.
    """

    atlas: Atlas
    message: Unanswered
    agent: str
    preface: str = ""
    _shown: str = field(default="", init=False)

    async def __call__(self, step: str) -> None:
        if self.message.staff_id is not None:
            await stepped(self.atlas, self.message, step)

    async def so_far(self, words: str) -> None:
        if self.message.channel != READ_AS_MADE or self.message.staff_id is not None:
            return
        shown = "\n\n".join(part for part in (self.preface, words.strip()) if part)
        if shown != self._shown:
            self._shown = shown
            await readable_so_far(self.atlas, self.message, shown, self.agent)
