"""What is filed with the FCC of where a line can be had, and what cannot be: DOMAIN.md 2.2, feature 11, and the edges of 2.1 and 2.2."""

from datetime import date, timedelta

import pytest

from api.places.availability import as_list, filing
from atlas.catalogue.rules.offers import normalised_speed
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.gis.rules.availability import Filed, Location, Sold, checked_location, filed, latest_routine_day, speeds_filed
from atlas.identity import PremiseId
from atlas.principal import executor
from tests import given
from tests.gis import arranged
from tests.given import NOW, Owner

TODAY = NOW.date()
FABRIC = "fabric:1000000121"


def place(external_id: str = FABRIC, *, is_provisional: bool = False) -> Location:
    return Location(PremiseId(1), "1 Quay Street", external_id, is_provisional)


def sold(down_kbps: int = 1_000_000, up_kbps: int = 100_000, days: int = 0, *segments: str) -> Sold:
    return Sold("fibre", down_kbps, up_kbps, TODAY + timedelta(days=days), frozenset(segments or ("residential",)))


async def found(atlas: Atlas) -> tuple[list[Filed], list[tuple[str, str]]]:
    async with atlas.transaction(executor("test")) as conn:
        made = await filing(conn, TODAY, 71)
    return [*made.lines], [(one.field, one.reason) for one in made.unfiled]


async def test_each_location_is_filed_with_each_technology_that_can_be_had_there(atlas: Atlas, owner: Owner) -> None:
    device = await arranged.splitter(owner)
    await arranged.sector(owner)
    home = await arranged.premise(owner, external_id=FABRIC)
    await given.row(owner, "gis.drop", premise_id=home, device_id=device, length_m=40, action_id=await given.action(owner))
    await given.offering(owner, "fibre-500", down_kbps=500_000, up_kbps=100_000)
    await given.offering(owner, "office-900", 9000, "business", down_kbps=900_000, up_kbps=100_000)
    await given.offering(owner, "air-50", technology="fixed_wireless", down_kbps=50_000, up_kbps=10_000)

    lines, unfiled = await found(atlas)

    assert Filed(1000000121, 50, 900, 100, "X") in lines
    assert (as_list(lines, 131425, "Acme").splitlines()[1], unfiled) == ("131425,Acme,1000000121,50,900,100,1,X", [])


async def test_a_new_build_without_a_fabric_id_is_a_provisional_premise_flagged_and_cannot_be_exported_to_bdc(
    atlas: Atlas, owner: Owner
) -> None:
    device = await arranged.splitter(owner)
    await given.offering(owner)
    for number, columns in (("1", {"external_id": FABRIC, "is_provisional": True}), ("2", {}), ("3", {"external_id": "uprn:100012345"})):
        home = await arranged.premise(owner, number, **columns)
        await given.row(owner, "gis.drop", premise_id=home, device_id=device, length_m=40, action_id=await given.action(owner))

    lines, unfiled = await found(atlas)

    assert (lines, [field for field, _ in unfiled]) == ([], ["is_provisional", "external_id", "external_id"])


@pytest.mark.parametrize("wrong", ["", "999999999", "9000000001", "10000001211", "uprn:1000000121", "fabric:"])
def test_what_is_no_number_of_the_fabric_is_named(wrong: str) -> None:
    with pytest.raises(InvalidField, match="external_id"):
        checked_location(place(wrong))


def test_a_speed_of_1000_5_megabits_is_normalised_to_kilobits_and_rejected_by_the_bdc_export() -> None:
    with pytest.raises(InvalidField, match="1000500 kbit/s is not a whole number"):
        filed(place(), [sold(normalised_speed("1000.5"))], TODAY, 70)


@pytest.mark.parametrize(
    ("down", "up", "mbps"),
    [
        ("1 Gbps", "100", (1000, 100)),
        ("25", "3", (25, 3)),
        ("25", "2.5", (10, 1)),
        ("24.9", "5", (10, 1)),
        ("10", "1", (10, 1)),
        ("9.9", "1", (0, 0)),
    ],
)
def test_below_25_3_a_speed_is_filed_by_its_tier(down: str, up: str, mbps: tuple[int, int]) -> None:
    assert speeds_filed(normalised_speed(down), normalised_speed(up)) == mbps


def test_what_takes_longer_than_a_routine_installation_is_not_available() -> None:
    late = (latest_routine_day(TODAY) - TODAY).days + 1

    assert (filed(place(), [sold(days=late - 1)], TODAY, 70) != [], filed(place(), [sold(days=late)], TODAY, 70)) == (True, [])


def test_ten_days_of_work_are_two_weeks() -> None:
    assert latest_routine_day(date(2026, 3, 2)) == date(2026, 3, 16)


@pytest.mark.parametrize(("segments", "serves"), [(("residential",), "R"), (("business",), "B"), (("business", "residential"), "X")])
def test_whom_it_serves_is_who_it_is_sold_to(segments: tuple[str, ...], serves: str) -> None:
    (line,) = filed(place(), [sold(1_000_000, 100_000, 0, *segments)], TODAY, 70)

    assert line.serves == serves
