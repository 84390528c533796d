"""Pure: reads strands, the ends of splices and hardware addresses out of what people write, for `agents/slots.py`."""

import re
from typing import Final

# F-GPT-01/3@to, F-GPT-01/orange.green@from, SPL-GPT-01#in, spl-gpt-01#leg 7.
END: Final = re.compile(r"[\w-]+/[\w.]+@(?:from|to)\b|[\w-]+#(?:leg \d{1,3}|[\w/.-]+)", re.IGNORECASE)
STRANDS: Final = re.compile(r"\b(?:strands?|fib(?:re|er)s?)\s+(\d{1,4}(?:\s*(?:-|to|,|and)\s*\d{1,4})*)", re.IGNORECASE)
MAC: Final = re.compile(r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b|\b(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}\b|\b[0-9a-f]{12}\b", re.IGNORECASE)
TUBE: Final = re.compile(r"\b(?:the\s+)?(\w+)\s+tube\b", re.IGNORECASE)


def strands(words: str) -> str | None:
    """`1-12` of "strands 1 to 12", a list of single ones, or the colour of a tube; None where none are named."""
    if found := STRANDS.search(words):
        return re.sub(r"\s*and\s*", ",", re.sub(r"\s*to\s*", "-", found[1], flags=re.IGNORECASE), flags=re.IGNORECASE).replace(" ", "")
    tube = TUBE.search(words)
    return tube[1].lower() if tube else None


def first_end(words: str) -> str | None:
    found = END.search(words)
    return found[0] if found else None


def second_end(words: str) -> str | None:
    found = END.findall(words)
    return found[1] if len(found) > 1 else None


def mac(words: str) -> str | None:
    found = MAC.search(words)
    return found[0] if found else None
