"""Pure: words written for an eye made into sentences for an ear."""

import re
from collections.abc import Mapping
from typing import Final

# By which the providers of speech know our languages.
SPOKEN_AS: Final[Mapping[str, str]] = {"en": "en-GB", "es": "es-ES", "de": "de-DE", "fr": "fr-FR", "hi": "hi-IN"}

_BULLET: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+", re.MULTILINE)
_MARKUP: Final = re.compile(r"[*_`#|]+")
_ADDRESS: Final = re.compile(r"\s*https?://\S+")
# An eye sees where a line of a list ends; an ear is told.
_LINE_ENDS: Final = re.compile(r"(?<=[^\s.!?:;,।])[ \t]*\n")
_SENTENCE: Final = re.compile(r"(?<=[.!?।])\s+|\n+")
# A sentence without an end is cut here: Twilio begins to speak with the first frame.
LONGEST: Final = 400
# Nobody keeps a fourth thing in mind while a fifth is read to them.
MOST_AT_ONCE: Final = 3


def sentences(words: str, said_as: Mapping[str, str]) -> tuple[str, ...]:
    """`words` without what only an eye can use, sentence by sentence. `said_as`: what is written one way and spoken another."""
    plain = _LINE_ENDS.sub(".\n", _ADDRESS.sub(".", _MARKUP.sub("", _BULLET.sub("", words))))
    for written, spoken in said_as.items():
        plain = plain.replace(written, spoken)
    parts = (part.strip() for part in _SENTENCE.split(plain))
    return tuple(piece for part in parts if part for piece in _cut(part))


def page(words: str) -> tuple[str, str]:
    """What is said at once of a list, and the rest, for whoever wishes to hear it; no rest where all of it is said."""
    lines = words.split("\n")
    items = [at for at, line in enumerate(lines) if _BULLET.match(line)]
    if len(items) <= MOST_AT_ONCE:
        return words, ""
    at = items[MOST_AT_ONCE]
    return "\n".join(lines[:at]), "\n".join(lines[at:])


def _cut(sentence: str) -> list[str]:
    pieces = []
    while len(sentence) > LONGEST:
        at = sentence.rfind(" ", 0, LONGEST)
        at = LONGEST if at <= 0 else at
        pieces.append(sentence[:at])
        sentence = sentence[at:].strip()
    return [*pieces, sentence]


def language_heard(spoken_as: str, known: str) -> str:
    """Our name of the language that was heard, like `es` of `es-ES`; `known` where it is none of ours."""
    code = spoken_as.partition("-")[0].lower()
    return code if code in SPOKEN_AS else known
