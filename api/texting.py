"""Pure: how many segments a text is charged as, and how much of a long list one text says."""

import re
from dataclasses import dataclass
from typing import Final

from agents.slots import spoken

# GSM 03.38, and what it can only say with an escape before it.
BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
ESCAPED: Final = frozenset("\f^{}\\[~]|€")
# Septets, or units of sixteen bits: alone, and where each segment says which it is of how many.
ALONE: Final = {True: 160, False: 70}
TOGETHER: Final = {True: 153, False: 67}
# Whoever reads a fourth segment scrolls; and each is paid for.
MOST_SEGMENTS: Final = 3
MOST_ITEMS: Final = 3
MORE: Final = frozenset({"more", "más", "mas", "mehr", "suite", "आगे", "aage"})
_ITEM: Final = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s+")


def segments(words: str) -> int:
    """How many segments a carrier makes of a text: none of nothing. No character is cut in two."""
    is_basic = all(letter in BASIC or letter in ESCAPED for letter in words)
    weights = [_weight(letter, is_basic=is_basic) for letter in words]
    if sum(weights) <= ALONE[is_basic]:
        return min(1, len(words))
    count, room = 1, TOGETHER[is_basic]
    for weight in weights:
        if weight > room:
            count, room = count + 1, TOGETHER[is_basic]
        room -= weight
    return count


def _weight(letter: str, *, is_basic: bool) -> int:
    if is_basic:
        return 2 if letter in ESCAPED else 1
    return len(letter.encode("utf-16-le")) // 2


def wants_the_rest(words: str) -> bool:
    """The one word that asks for the rest of a list that a text began."""
    said = spoken(words)
    return len(said) == 1 and said[0] in MORE


@dataclass(frozen=True)
class Part:
    """What one text says of a list, what is left of it, and how many items that is."""

    words: str
    rest: str = ""
    left: int = 0


def first_part(words: str) -> Part:
    """All of it, unless that is a long list of more segments than anybody reads: then its first items, and what stands around them."""
    lines = words.split("\n")
    items = [at for at, line in enumerate(lines) if _ITEM.match(line)]
    if len(items) <= MOST_ITEMS or segments(words) <= MOST_SEGMENTS:
        return Part(words)
    cut, end = items[MOST_ITEMS], items[-1] + 1
    said = "\n".join([*lines[:cut], *lines[end:]]).rstrip()
    return Part(said, "\n".join(lines[cut:]), len(items) - MOST_ITEMS)
