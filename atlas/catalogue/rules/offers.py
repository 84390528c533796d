"""What a plan costs on a day, and what a speed means. Pure."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from atlas.catalogue.records import Attainable, Decomposition, NewOffering, Price, PricedVersion, ResourceNeed, Terms, Version
from atlas.errors import AtlasError, InvalidField
from atlas.identity import OfferingVersionId
from atlas.money import ZERO, Money

SPEED: Final = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(k|m|g)?(?:bps|bit/s|b/s|bits?)?\s*", re.IGNORECASE)
# A bare number is megabits: that is how people say a plan.
KBPS: Final = {"k": 1, "m": 1_000, "g": 1_000_000}
ON_SALE: Final = frozenset({"active", "launched"})


class NotOnSale(AtlasError):
    """An offering that takes no new orders; whoever has it keeps it."""

    def __init__(self, code: str, lifecycle_status: str) -> None:
        super().__init__(f"{code} is {lifecycle_status}: it takes no new orders, and whoever has it keeps it")
        self.code = code


class NothingOnSale(AtlasError):
    """No version of the offering is valid on the day."""

    def __init__(self, day: date) -> None:
        super().__init__(f"no version is valid on {day}")
        self.day = day


class VersionsOverlap(AtlasError):
    """Two versions of one offering are valid on the same day."""

    def __init__(self, one: Version, other: Version) -> None:
        super().__init__(f"versions {one.id} and {other.id} are both valid on {other.valid_from}")
        self.versions = (one.id, other.id)


class NotDecomposable(AtlasError):
    """A plan that nobody could deliver: it offers nothing, or something that nothing realises on its technology."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code} cannot be delivered: {reason}")
        self.code = code


def checked_versions(versions: Iterable[Version]) -> list[Version]:
    """The versions in order of time. Raises VersionsOverlap where a day has two."""
    ordered = sorted(versions, key=lambda version: version.valid_from)
    for one, after in pairwise(ordered):
        if one.valid_to is None or one.valid_to > after.valid_from:
            raise VersionsOverlap(one, after)
    return ordered


def version_on(versions: Sequence[PricedVersion], day: date) -> PricedVersion:
    """The version that is sold on `day`. Raises NothingOnSale, or VersionsOverlap."""
    checked_versions(priced.version for priced in versions)
    for priced in versions:
        version = priced.version
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return priced
    raise NothingOnSale(day)


def price_on(versions: Sequence[PricedVersion], day: date, kind: str = "recurring") -> Money:
    """What the offering costs on `day`, all components of this kind together; one version, hence one price a day."""
    return priced_at(version_on(versions, day).prices, kind)


def priced_at(prices: Iterable[Price], kind: str = "recurring") -> Money:
    return sum((price.amount for price in prices if price.kind == kind), ZERO)


def checked_on_sale(code: str, lifecycle_status: str) -> None:
    """Raises NotOnSale for what takes no new orders."""
    if lifecycle_status not in ON_SALE:
        raise NotOnSale(code, lifecycle_status)


def normalised_speed(written: str) -> int:
    """A speed as people write it ("1 Gbps", "1000", "1000.5 Mbit/s"), in whole kilobits a second; a bare number is megabits.

    Raises InvalidField for what is no speed, or is finer than a kilobit.
    """
    match = SPEED.fullmatch(written)
    if match is None:
        raise InvalidField("speed", f"{written[:40]!r} is not a speed")
    kbps = Decimal(match[1]) * KBPS[(match[2] or "m").lower()]
    if kbps != kbps.to_integral_value() or kbps <= 0:
        raise InvalidField("speed", f"{written!r} is not a whole number of kilobits a second")
    return int(kbps)


def speed_in_words(kbps: int) -> str:
    """As on an advertisement: 1 Gbps, 100 Mbps, 512 kbps."""
    for unit, size in (("Gbps", 1_000_000), ("Mbps", 1_000)):
        if kbps >= size:
            return f"{(Decimal(kbps) / size).normalize():f} {unit}"
    return f"{kbps} kbps"


CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,39}")
TECHNOLOGIES: Final = ("fibre", "fixed_wireless", "docsis", "any")
SEGMENTS: Final = ("residential", "business")
CATEGORIES: Final = ("base", "add_on", "standalone")


def checked_offering(new: NewOffering) -> NewOffering:
    """Raises InvalidField, naming what of a new offering cannot be; its prices are for `pricing.checked_prices`."""
    if not CODE.fullmatch(new.code):
        raise InvalidField("code", "two to forty small letters, digits and hyphens")
    if not new.name.strip() or len(new.name) > 80:
        raise InvalidField("name", "what it is called, in at most eighty characters")
    for field, said, known in (
        ("technology", new.technology, TECHNOLOGIES),
        ("segment", new.segment, SEGMENTS),
        ("category", new.category, CATEGORIES),
    ):
        if said not in known:
            raise InvalidField(field, f"{said[:40]!r} is none of {', '.join(known)}")
    if not 0 <= new.contract_months <= 60:
        raise InvalidField("contract_months", f"{new.contract_months} is no length of a contract")
    return new


def whole_decomposition(
    version: OfferingVersionId, code: str, technology: str, cfs: Sequence[str], needs: Sequence[ResourceNeed]
) -> Decomposition:
    """The decomposition, if every service it offers is realised. Raises NotDecomposable."""
    if not cfs:
        raise NotDecomposable(code, "it offers no customer-facing service")
    unrealised = sorted(set(cfs) - {need.cfs for need in needs})
    if unrealised:
        raise NotDecomposable(code, f"nothing realises {', '.join(unrealised)} on {technology}")
    return Decomposition(version, technology, tuple(cfs), tuple(dict.fromkeys(need.rfs for need in needs)), tuple(needs))


def eligibility(terms: Terms, segment: str, attainable: Iterable[Attainable], area_id: int, credit_class: str | None) -> tuple[str, ...]:
    """Why the plan may not be had there, each with its numbers; empty where it may."""
    there = [each for each in attainable if terms.technology in (each.technology, "any")]
    fastest = max(there, key=lambda each: each.down_kbps, default=None)
    reasons = []
    if terms.segment != segment:
        reasons.append(f"it is for {terms.segment} customers")
    if fastest is None:
        reasons.append(f"no {terms.technology.replace('_', ' ')} reaches the premise")
    elif terms.down_kbps > fastest.down_kbps or terms.up_kbps > fastest.up_kbps:
        reasons.append(f"it needs {_both_ways(terms)}, and the line gives {_both_ways(fastest)}")
    if terms.areas and area_id not in terms.areas:
        reasons.append("it is not sold in this area")
    if terms.worst_credit_class is not None and credit_class is not None and credit_class > terms.worst_credit_class:
        reasons.append(f"it is sold to credit class {terms.worst_credit_class} and better, not {credit_class}")
    return tuple(reasons)


def _both_ways(speed: Terms | Attainable) -> str:
    return f"{speed_in_words(speed.down_kbps)} down and {speed_in_words(speed.up_kbps)} up"
