"""What a vector must be to be kept and compared, and which articles cannot both be true. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Final

from atlas.errors import AtlasError, Conflict, InvalidField
from atlas.knowledge.records import Alike, Article, ShelvedArticle
from atlas.modules import MODULES

DIMENSIONS: Final = 384
# Of each of two lists; what neither ranks among its first is no answer.
MOST_RANKED: Final = 20
# Of reciprocal rank fusion (Cormack et al. 2009): the first of one list does not outweigh being good in both.
RANK_OFFSET: Final = 60
# Measured on the shipped articles: what asks for none of them lies below 0.2 of all, what asks for one above 0.3 of it.
LEAST_NEARNESS: Final = 0.3
# An article that nobody looked at for so long may have become wrong.
STALE_AFTER: Final = timedelta(days=365)
# Of two articles that are about the same; measured on the shipped ones, of which the nearest two lie at 0.6.
ALIKE: Final = 0.7
_COUNTED: Final = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
)
NUMBER_WORDS: Final = {word: str(number) for number, word in enumerate(_COUNTED, 1)} | {
    "twenty": "20",
    "thirty": "30",
    "sixty": "60",
    "ninety": "90",
}
_FIGURE: Final = re.compile(rf"(?<![\w.,-])(-?\d+(?:[.,]\d+)*|{'|'.join(NUMBER_WORDS)})[ -]?(%|[a-z]+)", re.IGNORECASE)


def is_stale(reviewed_on: date | None, today: date) -> bool:
    return reviewed_on is None or today - reviewed_on > STALE_AFTER


def figures(words: str) -> dict[str, frozenset[str]]:
    """The figures that a text gives, by what they count: "two weeks", "14 days" and "-27 dBm" are {week: {2}, day: {14}, dbm: {-27}}."""
    found: dict[str, set[str]] = {}
    for number, counted in _FIGURE.findall(words):
        one = counted.casefold()
        unit = one[:-1] if len(one) > 3 and one.endswith("s") else one
        found.setdefault(unit, set()).add(NUMBER_WORDS.get(number.casefold(), number.replace(",", "")))
    return {unit: frozenset(numbers) for unit, numbers in found.items()}


def contradict(words: str, others: str) -> bool:
    """Whether two texts about the same count the same thing and have no figure for it in common."""
    ours, theirs = figures(words), figures(others)
    return any(not ours[unit] & theirs[unit] for unit in ours.keys() & theirs.keys())


def shelf(articles: Sequence[Article], alike: Iterable[Alike], today: date) -> list[ShelvedArticle]:
    """The articles with what is wrong with them: those that contradict another first, then the stale, the longest unseen first."""
    known = {one.passage_id: one for one in articles}
    against: dict[int, list[str]] = {one.passage_id: [] for one in articles}
    for pair in alike:
        if contradict(known[pair.passage_id].words, known[pair.other_id].words):
            against[pair.passage_id].append(known[pair.other_id].title)
            against[pair.other_id].append(known[pair.passage_id].title)
    found = [ShelvedArticle(one, is_stale(one.reviewed_on, today), tuple(sorted(against[one.passage_id]))) for one in articles]
    return sorted(found, key=lambda one: (not one.contradicts, not one.is_stale, one.article.reviewed_on or date.min, one.article.title))


LONGEST_TITLE: Final = 120
# Longer than this is two articles; what the files hold obeys the same.
LONGEST_ARTICLE: Final = 1_200


class ArticleMoved(Conflict):
    """Somebody wrote in it meanwhile, or took it away: whoever wrote reads that first."""


class ArticleTwice(Conflict):
    """Another article has this title, or says these words: which of the two would be true?"""


def checked_article(module: str, title: str, words: str) -> tuple[str, str]:
    """Title and words as they are kept. Raises InvalidField."""
    kept_title = " ".join("".join(mark if mark.isprintable() else " " for mark in title).split())
    lines = words.replace("\r\n", "\n").replace("\r", "\n")
    kept_words = "".join(mark for mark in lines if mark == "\n" or mark.isprintable()).strip()
    if module not in MODULES:
        raise InvalidField("module", f"one of {', '.join(MODULES)}")
    if not 0 < len(kept_title) <= LONGEST_TITLE:
        raise InvalidField("title", f"what it is about, in {LONGEST_TITLE} characters at most")
    if not 0 < len(kept_words) <= LONGEST_ARTICLE:
        raise InvalidField("words", f"what it says, in {LONGEST_ARTICLE:,} characters at most: what is longer is two articles")
    return kept_title, kept_words


class VectorUnusable(AtlasError):
    """A vector that cannot be compared with ours: of another length, not finite, or nothing at all."""


def vector_text(vector: Sequence[float]) -> str:
    """The vector as pgvector reads it. Raises VectorUnusable: a vector of zeros has no direction, and is near to nothing."""
    if len(vector) != DIMENSIONS:
        raise VectorUnusable(f"a vector of {len(vector)} numbers where {DIMENSIONS} are kept")
    if not all(isfinite(part) for part in vector) or not any(vector):
        raise VectorUnusable("a vector with a number that is not finite, or with none that is not zero")
    return "[" + ",".join(f"{part:.7g}" for part in vector) + "]"
