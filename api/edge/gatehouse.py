"""Which names this house answers to, how fast one address may ask, and what is said when something of ours breaks."""

import time
from collections.abc import Collection
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge.plain import Refusal, answer

log = structlog.get_logger()

# By which a browser reaches the machine it runs on.
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "[::1]"})
# Callers there prove themselves by a signature, through whatever proxy they come, and all from a few addresses: neither the name they call
# nor their pace says anything of them.
PROVES_ITSELF: Final = "/webhooks/"
# A wall of twenty pages in a storm asks a few hundred times a second; a program that reads everything out asks more.
PER_SECOND: Final = 200.0
AT_ONCE: Final = 1000.0
MOST_ADDRESSES: Final = 10_000


class Names:
    """Answers only to the names of this house: another site's name that was made to point here (DNS rebinding) gets nothing."""

    def __init__(self, app: ASGIApp, *, names: Collection[str]) -> None:
        self.app = app
        self.names = frozenset(names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or proves_itself(scope) or self._is_ours(scope):
            await self.app(scope, receive, send)
            return
        await answer(send, Refusal(421, "this is not the house you asked for"))

    def _is_ours(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1").lower() for name, value in scope["headers"] if name == b"host"]
        return len(hosts) == 1 and without_port(hosts[0]) in self.names


def proves_itself(scope: Scope) -> bool:
    return bool(scope["path"].startswith(PROVES_ITSELF))


def without_port(host: str) -> str:
    return host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]


class Pace:
    """Each address may ask so often a second, and so much at once after a rest (a leaky bucket in this process); beyond it, 429."""

    def __init__(self, app: ASGIApp, *, per_second: float = PER_SECOND, at_once: float = AT_ONCE) -> None:
        self.app = app
        self.per_second = per_second
        self.at_once = at_once
        self._levels: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or proves_itself(scope)
            or self._may(scope["client"][0] if scope.get("client") else "", time.monotonic())
        ):
            await self.app(scope, receive, send)
            return
        await answer(send, Refusal(429, "too many requests", "slow down", ((b"retry-after", b"1"),)))

    def _may(self, address: str, now: float) -> bool:
        if len(self._levels) > MOST_ADDRESSES:
            self._levels.clear()
        level, at = self._levels.get(address, (0.0, now))
        level = max(0.0, level - (now - at) * self.per_second) + 1
        self._levels[address] = (min(level, self.at_once + 1), now)
        return level <= self.at_once


class LastResort:
    """Whatever of ours breaks is logged with its reason, and the caller learns that it broke."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        has_begun = False

        async def begun(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            await self.app(scope, receive, begun)
        # The process's boundary: an error that nobody foresaw must end neither the server nor in the caller's hands.
        except Exception as error:
            log.exception("request_failed", path=scope["path"], method=scope["method"], error=type(error).__name__)
            if not has_begun:
                await answer(send, Refusal(500, "something of ours broke", "it is in our log"))
