"""How much a caller may send, how slowly, and how long it is kept waiting."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.plain import Refusal, answer

# Twice the largest form of ours, an escalation matrix.
LONGEST_FORM: Final = 128 * 1024
# A phone on a train sends a form within this; a body that drips in for longer holds a place for nothing.
BODY_S: Final = 15.0
# Until an answer begins. A stream begins at once and may go on.
ANSWER_S: Final = 15.0


class TooLarge(Exception):
    """More was sent than any honest caller sends."""


class TooSlow(Exception):
    """What was announced did not arrive in time."""


class Patience:
    """Refuses a body above `longest` octets before it is in memory (413), one that drips (408), and an answer that never begins (503)."""

    def __init__(self, app: ASGIApp, *, longest: int = LONGEST_FORM, body_s: float = BODY_S, answer_s: float = ANSWER_S) -> None:
        self.app = app
        self.longest = longest
        self.body_s = body_s
        self.answer_s = answer_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if announced(scope) > self.longest:
            await answer(send, Refusal(413, "too much was sent", f"a body here has {self.longest} octets at most"))
            return
        await self._within(scope, receive, send)

    async def _within(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = Body(receive, self.longest, asyncio.get_running_loop().time() + self.body_s)
        has_begun = False
        try:
            async with asyncio.timeout(self.answer_s) as deadline:

                async def begun(message: Message) -> None:
                    nonlocal has_begun
                    # Whoever reads the body words a failure of its own; what was wrong with the body is said instead.
                    if body.failure is not None and not has_begun:
                        raise body.failure
                    has_begun = True
                    deadline.reschedule(None)
                    await send(message)

                await self.app(scope, body.next, begun)
        except (TooLarge, TooSlow, TimeoutError) as error:
            if has_begun:
                raise
            await answer(send, refusal_of(error, self.longest))


class Body:
    """A request's body as it comes, until it is too much or too late."""

    def __init__(self, receive: Receive, longest: int, until: float) -> None:
        self.receive = receive
        self.longest = longest
        self.until = until
        self.taken = 0
        self.is_whole = False
        self.failure: TooLarge | TooSlow | None = None

    async def next(self) -> Message:
        """Raises TooLarge and TooSlow."""
        if self.is_whole:
            return await self.receive()
        try:
            async with asyncio.timeout_at(self.until):
                message = await self.receive()
        except TimeoutError:
            self.failure = TooSlow()
            raise self.failure from None
        self.taken += len(message.get("body", b""))
        self.is_whole = not message.get("more_body", False)
        if self.taken > self.longest:
            self.failure = TooLarge()
            raise self.failure
        return message


def refusal_of(error: Exception, longest: int) -> Refusal:
    if isinstance(error, TooLarge):
        return Refusal(413, "too much was sent", f"a body here has {longest} octets at most")
    if isinstance(error, TooSlow):
        return Refusal(408, "what was announced did not arrive in time", "send it again")
    return Refusal(503, "no answer in time", "try again; what was asked may have been done")


def announced(scope: Scope) -> int:
    """The length that the caller says it will send; an odd one counts as none, and is counted as it comes."""
    lengths = [value for name, value in scope["headers"] if name == b"content-length"]
    return int(lengths[0]) if len(lengths) == 1 and lengths[0].isdigit() else 0
