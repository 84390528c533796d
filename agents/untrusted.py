"""Pure: text that others wrote (messages, names, tickets, device text), made harmless to read before any model or rule sees it."""

import re
import unicodedata
from typing import Any, Final

# Ten thousand characters pasted are read as their beginning; nobody's question is longer.
MOST_WORDS: Final = 2000
MOST_QUOTED: Final = 600
MOST_ROWS: Final = 60
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


def shortened(answer: Any, rows: int) -> Any:
    """The same answer with at most `rows` rows in each list."""
    if isinstance(answer, dict):
        return {key: shortened(value, rows) for key, value in answer.items()}
    return [shortened(value, rows) for value in answer[:rows]] if isinstance(answer, list) else answer
