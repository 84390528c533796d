from datetime import date

import pytest

from atlas.catalogue.records import Price, PricedVersion, Version
from atlas.catalogue.rules.offers import (
    NothingOnSale,
    NotOnSale,
    VersionsOverlap,
    checked_on_sale,
    normalised_speed,
    price_on,
    speed_in_words,
    version_on,
)
from atlas.errors import InvalidField
from atlas.identity import OfferingVersionId
from atlas.money import Money


def version(number: int, valid_from: date, valid_to: date | None, *monthly: str) -> PricedVersion:
    prices = tuple(Price("recurring", f"part {n}", Money(amount), "standard") for n, amount in enumerate(monthly))
    setup = Price("one_off", "setup", Money("40.00"), "standard")
    return PricedVersion(Version(OfferingVersionId(number), valid_from, valid_to, 100_000, 20_000, 12, None, 0), (*prices, setup))


OLD = version(1, date(2025, 1, 1), date(2026, 3, 1), "25.00", "3.00")
NEW = version(2, date(2026, 3, 1), None, "31.00")


@pytest.mark.parametrize(("day", "price"), [(date(2026, 2, 28), "28.00"), (date(2026, 3, 1), "31.00")])
def test_each_day_has_the_price_of_the_one_version_valid_on_it(day: date, price: str) -> None:
    assert price_on([NEW, OLD], day) == Money(price)


def test_one_off_charges_are_no_part_of_the_monthly_price() -> None:
    assert price_on([OLD], date(2025, 6, 1), kind="one_off") == Money("40.00")


def test_a_day_before_the_first_version_has_no_price() -> None:
    with pytest.raises(NothingOnSale, match="2024-12-31"):
        price_on([OLD, NEW], date(2024, 12, 31))


@pytest.mark.parametrize("ends", [None, date(2026, 3, 2)])
def test_two_versions_valid_on_one_day_are_refused(ends: date | None) -> None:
    with pytest.raises(VersionsOverlap):
        version_on([version(1, date(2025, 1, 1), ends, "25.00"), NEW], date(2026, 3, 1))


@pytest.mark.parametrize(
    ("written", "kbps"),
    [("1000", 1_000_000), ("1 Gbps", 1_000_000), ("1000.5", 1_000_500), ("100 Mbit/s", 100_000), ("512 kbps", 512), ("2.5G", 2_500_000)],
)
def test_a_speed_however_it_is_written_is_whole_kilobits(written: str, kbps: int) -> None:
    assert normalised_speed(written) == kbps


@pytest.mark.parametrize("written", ["fast", "", "-100", "0", "0.0001 kbps", "1e9", "100 MB"])
def test_what_is_no_speed_is_refused_by_the_name_of_its_field(written: str) -> None:
    with pytest.raises(InvalidField, match="speed"):
        normalised_speed(written)


@pytest.mark.parametrize(("kbps", "words"), [(1_000_000, "1 Gbps"), (2_500_000, "2.5 Gbps"), (100_000, "100 Mbps"), (512, "512 kbps")])
def test_a_speed_is_said_as_on_an_advertisement(kbps: int, words: str) -> None:
    assert speed_in_words(kbps) == words


def test_a_retired_offering_takes_no_new_orders() -> None:
    with pytest.raises(NotOnSale, match="fibre-100 is retired"):
        checked_on_sale("fibre-100", "retired")
