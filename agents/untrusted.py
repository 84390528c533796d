"""Pure: text that others wrote (messages, names, tickets, device text), made harmless to read before any model or rule sees it."""

import math
import re
import unicodedata
from typing import Any, Final

# Ten thousand characters pasted are read as their beginning; nobody's question is longer.
MOST_WORDS: Final = 2000
MOST_QUOTED: Final = 600
MOST_ROWS: Final = 60
MOST_NAME: Final = 80
MOST_NUMBER: Final = 2**53
# Joins letters of Indic scripts and emoji; all other format characters hide or reorder text.
ZERO_WIDTH_JOINER: Final = "\u200d"
CODE: Final = re.compile(r"\b(code|otp|pin|código|kode|कोड)\b(\D{0,12})\d{4,8}\b", re.IGNORECASE)


def readable(text: str, most: int = MOST_WORDS) -> str:
    """NFKC, without control, bidirectional and other invisible characters, one space between words, at most `most` characters."""
    folded = unicodedata.normalize("NFKC", text[: most * 4])
    seen = "".join(" " if character.isspace() else character for character in folded if _is_visible(character))
    return re.sub(r" {2,}", " ", seen).strip()[:most]


def _is_visible(character: str) -> bool:
    return character.isspace() or character == ZERO_WIDTH_JOINER or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def without_codes(text: str) -> str:
    """One-time codes are taken out before text reaches any model, prompt, trace or log."""
    return CODE.sub(r"\1\2······", text)


def harmless(answer: Any) -> Any:
    """A tool's JSON answer with every string in it readable and capped, and only the first rows of a long list."""
    if isinstance(answer, str):
        return readable(answer, MOST_QUOTED)
    if isinstance(answer, dict):
        return {key: harmless(value) for key, value in answer.items()}
    if isinstance(answer, list):
        return [harmless(value) for value in answer[:MOST_ROWS]]
    return answer


def keepable(arguments: Any) -> Any:
    """What a model gave a tool, as it may be kept in a trace: readable, capped, and no number that a JSON reader or msgpack cannot hold."""
    if isinstance(arguments, int) and not isinstance(arguments, bool) and abs(arguments) > MOST_NUMBER:
        return f"a number of {len(str(abs(arguments)))} digits" if abs(arguments) < 10**4000 else "a number beyond all bounds"
    if isinstance(arguments, float) and not math.isfinite(arguments):
        return str(arguments)
    if isinstance(arguments, str):
        return readable(arguments, MOST_QUOTED)
    if isinstance(arguments, dict):
        return {readable(str(key), MOST_NAME): keepable(value) for key, value in list(arguments.items())[:MOST_ROWS]}
    return [keepable(value) for value in arguments[:MOST_ROWS]] if isinstance(arguments, list) else arguments


def shortened(answer: Any, rows: int) -> Any:
    """The same answer with at most `rows` rows in each list."""
    if isinstance(answer, dict):
        return {key: shortened(value, rows) for key, value in answer.items()}
    return [shortened(value, rows) for value in answer[:rows]] if isinstance(answer, list) else answer
