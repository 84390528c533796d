"""The few answers given before, or after, anything of ours can be asked: RFC 9457 problems, without a word of what is inside."""

import json
from dataclasses import dataclass

from starlette.types import Send


@dataclass(frozen=True)
class Refusal:
    """`headers` are extra ones, such as retry-after."""

    status: int
    title: str
    detail: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()


async def answer(send: Send, refusal: Refusal) -> None:
    body = json.dumps({"title": refusal.title, "detail": refusal.detail, "status": refusal.status}).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode()), *refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
