import pytest

from atlas.gis.records import Position, Premise
from atlas.gis.rules.addresses import candidates, taken_apart
from atlas.gis.rules.positions import PositionImpossible, PositionSwapped, PositionTooFar, PositionUnset, checked_position, distance_m
from atlas.identity import PremiseId

EXETER = Position(50.7184, -3.5339)


def premise(
    number: int, street_number: str, unit: str = "", street: str = "Forest Street", town: str = "Exeter", postcode: str = "EX1 1AA"
) -> Premise:
    return Premise(PremiseId(number), unit, street_number, street, town, postcode, "Harbour", 50.7, -3.5, 1, 1)


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        (Position(0, 0), Position(0, 90), 10_007_557),
        (Position(90, 0), Position(-90, 0), 20_015_115),
        (Position(51.5007, -0.1246), Position(48.8584, 2.2945), 340_560),
        (Position(0, 179.9), Position(0, -179.9), 22_239),
    ],
)
def test_distances_agree_with_known_ones_to_a_thousandth(one: Position, other: Position, metres: float) -> None:
    assert distance_m(one, other) == pytest.approx(metres, rel=1e-3)


def test_a_distance_of_one_metre_is_not_lost() -> None:
    assert distance_m(EXETER, Position(EXETER.latitude + 1 / 111_195, EXETER.longitude)) == pytest.approx(1.0, rel=1e-3)


def test_a_position_near_what_is_known_is_taken() -> None:
    found = Position(50.7190, -3.5301)

    assert checked_position(found, near=EXETER) == found


def test_swapped_latitude_and_longitude_are_told_as_such() -> None:
    with pytest.raises(PositionSwapped):
        checked_position(Position(-3.5339, 50.7184), near=EXETER)


def test_a_swap_that_leaves_the_globe_is_told_as_a_swap() -> None:
    sydney = Position(-33.87, 151.21)

    with pytest.raises(PositionSwapped):
        checked_position(Position(151.21, -33.87), near=sydney)


def test_zero_and_zero_mean_that_nobody_filled_it_in() -> None:
    with pytest.raises(PositionUnset):
        checked_position(Position(0, 0), near=EXETER)


@pytest.mark.parametrize("impossible", [Position(90.1, 0), Position(-91, 20), Position(50, 181), Position(float("nan"), 0)])
def test_what_is_no_place_on_earth_is_refused(impossible: Position) -> None:
    with pytest.raises(PositionImpossible):
        checked_position(impossible, near=EXETER)


def test_another_part_of_the_country_is_no_correction() -> None:
    with pytest.raises(PositionTooFar):
        checked_position(Position(55.95, -3.19), near=EXETER)


def test_an_address_is_taken_apart_into_unit_number_street_and_postcode() -> None:
    written = taken_apart("Flat 1, 15 Forest St, Exeter EX11AA")

    assert (written.unit, written.number, written.postcode, written.words) == ("1", "15", "EX1 1AA", ("forest", "street", "exeter"))


def test_a_number_with_a_letter_and_a_flat_of_the_same_building_are_both_offered() -> None:
    known = [premise(1, "15A"), premise(2, "15", unit="Flat 1"), premise(3, "99")]

    found = candidates(taken_apart("15A Forest St"), known)

    assert [(candidate.premise.id, candidate.is_exact) for candidate in found][:2] == [(1, False), (2, False)]


def test_an_address_written_in_full_is_exact() -> None:
    known = [premise(1, "15A"), premise(2, "15", unit="Flat 1")]

    found = candidates(taken_apart("Flat 1, 15 Forest Street, EX1 1AA"), known)

    assert [(candidate.premise.id, candidate.is_exact) for candidate in found] == [(2, True), (1, False)]


def test_one_street_in_two_towns_is_never_decided_without_a_postcode() -> None:
    known = [premise(1, "15", town="Exeter"), premise(2, "15", town="Truro", postcode="TR1 1AA")]

    found = candidates(taken_apart("15 Forest Street"), known)

    assert [candidate.is_exact for candidate in found] == [False, False]


def test_a_postcode_alone_decides_nothing() -> None:
    found = candidates(taken_apart("EX1 1AA"), [premise(1, "15"), premise(2, "17")])

    assert [candidate.is_exact for candidate in found] == [False, False]


def test_the_neighbour_is_never_taken_for_the_house() -> None:
    found = candidates(taken_apart("16 Forest Street, EX1 1AA"), [premise(1, "15")])

    assert not any(candidate.is_exact for candidate in found)


def test_an_address_with_nothing_in_common_is_no_candidate() -> None:
    assert candidates(taken_apart("7 Castle Lane"), [premise(1, "15")]) == []
