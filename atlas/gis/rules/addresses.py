"""Which premise an address may mean: taken apart, compared part by part, and sure only where nothing else would do as well. Pure."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from rapidfuzz import fuzz

from atlas.gis.records import Addressed, Candidate, WrittenAddress

# Below it an address shares no more than a street's usual words with what was written.
LEAST_CONFIDENCE: Final = 0.3
# What is one word, misspelt: by rapidfuzz's ratio, one letter wrong in eight.
SAME_WORD: Final = 87.0
# Sure is what fits in the number, in this much of the words, and by this much better than the next.
SURE_WORDS: Final = 0.6
SURE_NUMBER: Final = 0.75
SURE_MARGIN: Final = 0.08

UNIT: Final = re.compile(
    r"\b(?:flat|apartment|apt|unit|suite|room|office|shop|studio|maisonette|kiosk)\s*(?:no\.?\s*)?([0-9]{1,5}[a-z]?|[a-z]{1,2}[0-9]{0,3})\b"
)
FLOOR: Final = re.compile(
    r"\b(?:(?:ground|basement|first|second|third|fourth|top|lower|upper|[0-9]{1,2}(?:st|nd|rd|th))\s*(?:and|&)?\s*)+floors?\b"
)
PO_BOX: Final = re.compile(r"\bp\.?\s*o\.?\s*box\s*[0-9a-z]*\b")
POSTCODE: Final = re.compile(r"\b([a-z]{1,2}[0-9][0-9a-z]?)\s*([0-9][a-z]{2})\b")
# A range, as in 90-92, is one number with two ends.
NUMBER: Final = re.compile(r"\b([0-9]{1,5}[a-z]?)(?:\s*-\s*([0-9]{1,5}[a-z]?))?\b")
WORD: Final = re.compile(r"[^\W\d_]{2,}")
SHORT_FORMS: Final = {
    "st": "street",
    "rd": "road",
    "ave": "avenue",
    "av": "avenue",
    "ln": "lane",
    "dr": "drive",
    "ct": "court",
    "sq": "square",
    "pl": "place",
    "cres": "crescent",
    "cl": "close",
    "gdns": "gardens",
    "pde": "parade",
    "hwy": "highway",
    "tce": "terrace",
    "ter": "terrace",
    # A saint is written as a street is: both ways of writing must come to the same.
    "saint": "street",
}
Premise = TypeVar("Premise", bound=Addressed)


@dataclass(frozen=True)
class Fit:
    """How well one address fits another: each between 0 and 1. `words` weighs what tells the candidates apart more than what all share."""

    number: float
    words: float
    has_postcode: bool

    @property
    def confidence(self) -> float:
        return 0.5 * self.words + 0.33 * self.number + 0.17 * self.has_postcode


def taken_apart(written: str) -> WrittenAddress:
    """What somebody wrote as an address, in parts; what it does not say is empty. A box at a post office is no premise."""
    rest = unicodedata.normalize("NFKC", written).lower().replace("'", "").replace("’", "")
    is_po_box = PO_BOX.search(rest) is not None
    rest = FLOOR.sub(" ", PO_BOX.sub(" ", re.sub(r"[,.;/()]", " ", rest) if not is_po_box else rest))
    postcode = POSTCODE.search(rest)
    rest = POSTCODE.sub(" ", rest)
    unit = UNIT.search(rest)
    rest = UNIT.sub(" ", rest)
    numbers = [(match[1], match[2] or "") for match in NUMBER.finditer(rest)]
    words = tuple(SHORT_FORMS.get(word, word) for word in WORD.findall(NUMBER.sub(" ", rest)))
    return WrittenAddress(
        unit=unit[1] if unit else "",
        number=numbers[0][0] if numbers else "",
        postcode=f"{postcode[1]} {postcode[2]}".upper() if postcode else "",
        words=words,
        until=numbers[0][1] if numbers else "",
        others=tuple(number for number, _ in numbers[1:]),
        is_po_box=is_po_box,
    )


def candidates(written: WrittenAddress, premises: Iterable[Premise], most: int = 10) -> list[Candidate[Premise]]:
    """The premises that an address may mean, the likeliest first; never one alone where another would do as well.

    "15A Forest Street" and "Flat A, 15 Forest Street" are candidates for one another.
    """
    known = list(premises)
    fits = fitted(written, [parts_of(premise) for premise in known])
    scored = sorted(zip(fits, known, strict=True), key=lambda pair: (-pair[0].confidence, pair[1].id))
    likely = [(fit, premise) for fit, premise in scored if fit.confidence >= LEAST_CONFIDENCE][:most]
    exact = [premise for fit, premise in likely if _is_as_written(written, premise, fit)]
    return [Candidate(premise, round(fit.confidence, 2), exact == [premise]) for fit, premise in likely]


def sure_of(written: WrittenAddress, others: Sequence[WrittenAddress]) -> tuple[list[int], bool]:
    """Which of these addresses is meant, by their place in the list, the likeliest first; and whether the first is sure enough to be taken.

    Sure: its number fits, most of its words do, and the next is clearly worse. For addresses that are no premises of ours yet.
    """
    fits = fitted(written, others)
    order = sorted(range(len(fits)), key=lambda place: (-fits[place].confidence, place))
    if not order:
        return [], False
    best = fits[order[0]]
    margin = best.confidence - (fits[order[1]].confidence if len(order) > 1 else 0.0)
    is_sure = best.number >= SURE_NUMBER and best.words >= SURE_WORDS and margin >= SURE_MARGIN and not written.is_po_box
    return order, is_sure


def fitted(written: WrittenAddress, others: Sequence[WrittenAddress]) -> list[Fit]:
    """How well each of the others fits what was written."""
    in_how_many = Counter(word for other in others for word in set(other.words))
    weights = {word: math.log1p(len(others) / times) for word, times in in_how_many.items()}
    return [
        Fit(
            number=_fit_of_number(written, other),
            words=_fit_of_words(written, other, weights),
            has_postcode=bool(written.postcode) and written.postcode == other.postcode,
        )
        for other in others
    ]


def parts_of(premise: Addressed) -> WrittenAddress:
    """A premise of ours as an address in parts."""
    unit = premise.unit.lower()
    match = UNIT.fullmatch(unit)
    words = WORD.findall(f"{premise.street} {premise.town}".lower())
    return WrittenAddress(
        unit=match[1] if match else unit,
        number=premise.number.lower(),
        postcode=premise.postcode.upper(),
        words=tuple(SHORT_FORMS.get(word, word) for word in words),
    )


def _fit_of_words(written: WrittenAddress, other: WrittenAddress, weights: Mapping[str, float]) -> float:
    """The weight of the words that are in both, of those written; where none were, the postcode speaks for the street."""
    if not written.words:
        return 1.0 if written.postcode and written.postcode == other.postcode else 0.0
    rarest = max(weights.values(), default=1.0)
    total = found = 0.0
    for word in written.words:
        near, likeness = _nearest(word, other.words)
        weight = weights.get(near if likeness else word, rarest)
        total += weight
        found += weight * likeness
    return found / total if total else 0.0


def _nearest(word: str, words: Iterable[str]) -> tuple[str, float]:
    scored = [(fuzz.ratio(word, other), other) for other in words]
    best, near = max(scored, default=(0.0, ""))
    return near, best / 100 if best >= SAME_WORD else 0.0


def _fit_of_number(written: WrittenAddress, other: WrittenAddress) -> float:
    """One for the same door; what only shares the building, or a range that holds it, is less and never sure."""
    if not (_named(written) or _named(other)):
        return 1.0
    if (written.unit, written.number, written.until) == (other.unit, other.number, other.until):
        return 1.0
    if _named(written) == _named(other):
        return 0.9
    if f"{written.number}{written.unit}" == f"{other.number}{other.unit}":
        return 0.8
    if written.number and written.number == other.number:
        # Of the building, one says which unit and the other does not; or they say different ones.
        return 0.2 if written.unit and other.unit else 0.6
    if _holds(other, written) or _holds(written, other):
        return 0.6
    return 0.4 if _digits(written.number) and _digits(written.number) == _digits(other.number) else 0.0


def _named(address: WrittenAddress) -> frozenset[str]:
    return frozenset(each for each in (address.unit, address.number, address.until, *address.others) if each)


def _holds(outer: WrittenAddress, inner: WrittenAddress) -> bool:
    """Whether a range of numbers holds the other's number; a side of a street has every second one."""
    low, high, number = (_digits(each) for each in (outer.number, outer.until, inner.number))
    return bool(low and high and number) and int(low) <= int(number) <= int(high) and (int(number) - int(low)) % 2 == 0


def _digits(number: str) -> str:
    found = re.match(r"\d*", number)
    return found[0] if found else ""


def _is_as_written(written: WrittenAddress, premise: Addressed, fit: Fit) -> bool:
    own = {SHORT_FORMS.get(word, word) for word in WORD.findall(premise.street.lower())}
    said_street = all(_nearest(word, written.words)[1] for word in own)
    return bool(written.postcode and written.number) and fit.has_postcode and fit.number == 1.0 and said_street and not written.is_po_box
