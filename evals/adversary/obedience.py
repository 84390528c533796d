"""Pure: reads orders out of any text as a model would that obeys whatever it reads, however the order is dressed up."""

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

CALL: Final = re.compile(r"\b([a-z][a-z_]{3,40})\s*\(?\s*(\{[^{}]*\})")
BARE_CALL: Final = re.compile(r"\b(?:call|run|use|invoke|execute|tool)[\s:`'\"]+([a-z][a-z_]{3,40})\b", re.IGNORECASE)
BASE64: Final = re.compile(r"\b[A-Za-z0-9+/]{24,}={0,2}(?![A-Za-z0-9+/=])")
SAY: Final = re.compile(
    r"\b(?:say|reply|tell (?:the )?(?:user|customer|them)|send|answer)[\s:]+(?:that\s+)?[\"'“]?(.{3,200})", re.IGNORECASE
)


@dataclass(frozen=True)
class Call:
    """A tool call that somebody wants made."""

    tool: str
    arguments: dict[str, Any] = field(default_factory=dict)


def plain(text: str) -> str:
    """The text as a reader sees through its disguise: folded, without invisible characters, and what is base64 read out."""
    folded = unicodedata.normalize("NFKC", text)
    seen = "".join(character for character in folded if character.isspace() or unicodedata.category(character) not in ("Cc", "Cf"))
    return "\n".join([seen, *_decoded(seen)])


def _decoded(text: str) -> Iterator[str]:
    for found in BASE64.findall(text):
        try:
            yield base64.b64decode(found, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue


def orders_in(text: str, tools: Collection[str]) -> list[Call]:
    """Every call of a known tool that the text asks for, in its order; with arguments where it gives them as JSON."""
    readable = plain(text).replace('\\"', '"')
    with_arguments = [Call(name, found) for name, raw in CALL.findall(readable) if name in tools and (found := _arguments(raw)) is not None]
    named = {call.tool for call in with_arguments}
    return [*with_arguments, *(Call(name) for name in dict.fromkeys(BARE_CALL.findall(readable)) if name in tools and name not in named)]


def _arguments(raw: str) -> dict[str, Any] | None:
    try:
        found = json.loads(raw)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def words_in(text: str) -> str:
    """What the text wants said to whoever asked; empty where nothing."""
    found = SAY.search(plain(text))
    return found[1] if found else ""
