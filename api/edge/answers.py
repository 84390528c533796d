"""What every answer carries, whatever answered: where it may load from, who may frame it, and what it never says."""

import secrets
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Scripts run only with this answer's nonce, everything else is loaded from here, and nobody frames it. Nothing is inline.
POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'"
)
RESOURCES: Final = b"cross-origin-resource-policy"
ALWAYS: Final[tuple[tuple[bytes, bytes], ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (RESOURCES, b"same-origin"),
    (
        b"permissions-policy",
        b"accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), "
        b"payment=(), usb=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
    ),
)
# Two years and every subdomain: what browsers' own lists ask for.
ONLY_TLS: Final = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
STATIC: Final = "/static/"
# Another site's page may load this one script, and, where the operator lists it, hold this one page.
WIDGET: Final = "/widget/widget.js"
FRAME: Final = "/widget/frame"
TELLING: Final = frozenset({b"server", b"x-powered-by"})


class Answers:
    """Puts the headers on every answer, and the nonce where templates find it (`request.state.nonce`)."""

    def __init__(self, app: ASGIApp, *, is_https: bool = False, framed_by: Iterable[str] = ()) -> None:
        self.app = app
        self.is_https = is_https
        self.framed_by = " ".join(framed_by)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(18)
        scope.setdefault("state", {})["nonce"] = nonce
        path = scope["path"]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": list(self._headers(message["headers"], nonce, path))}
            await send(message)

        await self.app(scope, receive, with_headers)

    def _headers(self, given: Iterable[tuple[bytes, bytes]], nonce: str, path: str) -> Iterable[tuple[bytes, bytes]]:
        named = set()
        for name, value in given:
            if name.lower() not in TELLING:
                named.add(name.lower())
                yield name, with_charset(value) if name.lower() == b"content-type" else value
        yield from ((name, b"cross-origin" if name == RESOURCES and path == WIDGET else value) for name, value in ALWAYS)
        yield b"content-security-policy", self._policy(nonce, path).encode()
        if b"cache-control" not in named:
            yield b"cache-control", b"public, max-age=300" if path.startswith(STATIC) else b"no-store"
        if self.is_https:
            yield ONLY_TLS

    def _policy(self, nonce: str, path: str) -> str:
        policy = POLICY.format(nonce=nonce)
        if path != FRAME or not self.framed_by:
            return policy
        return policy.replace("frame-ancestors 'none'", f"frame-ancestors 'self' {self.framed_by}")


def with_charset(content_type: bytes) -> bytes:
    """XML is read in whatever its sender did not say."""
    return content_type + b"; charset=utf-8" if content_type.endswith(b"xml") else content_type
