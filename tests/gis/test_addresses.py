"""Addresses matched part by part: two real registers, and the traps that each edge of the field is."""

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.gis.reads import addresses_meant
from atlas.gis.rules.addresses import sure_of, taken_apart
from evals.benchmarks.address_match import DATA, HARD, REGISTERS, cases, judge
from tests.gis import arranged
from tests.given import Owner

needs_registers = pytest.mark.skipif(not DATA.exists(), reason=f"no registers of addresses at {DATA}")


@needs_registers
def test_of_one_registers_addresses_nine_in_ten_are_found_in_the_other_and_none_is_surely_wrong() -> None:
    judged = [judge(case) for case in cases(REGISTERS)]

    assert sum(one.is_right for one in judged) >= 0.9 * len(judged)
    assert [one for one in judged if one.is_sure and not one.is_right] == []
    # Who is never sure is never wrong: most are to be decided without a person.
    assert sum(one.is_sure for one in judged) >= 0.75 * len(judged)


@needs_registers
def test_of_the_hard_flats_none_is_surely_wrong() -> None:
    assert [one for one in map(judge, cases(HARD)) if one.is_sure and not one.is_right] == []


@pytest.mark.parametrize(
    ("wanted", "others"),
    [
        ("16 Forest Street EX1 1AA", ["15 Forest Street EX1 1AA"]),
        ("15A Forest Street EX1 1AA", ["Flat 1, 15 Forest Street EX1 1AA", "15 Forest Street EX1 1AA"]),
        ("Flat 1, 15 Forest Street EX1 1AA", ["Flat 2, 15 Forest Street EX1 1AA"]),
        ("15 Forest Street EX1 1AA", ["Flat 1, 15 Forest Street EX1 1AA", "Flat 2, 15 Forest Street EX1 1AA"]),
        ("13 Forest Street EX1 1AA", ["12-16 Forest Street EX1 1AA"]),
        ("15 Forest Street EX1 1AA", ["15 Castle Lane EX1 1AA"]),
    ],
)
def test_the_neighbour_is_never_surely_the_house(wanted: str, others: list[str]) -> None:
    assert not sure_of(taken_apart(wanted), [taken_apart(other) for other in others])[1]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("14 St. Thomas Road", "14 Saint Thomas Rd"),
        ("Unit 4 Quay House", "Unit 4, Quay House"),
        ("1ST & 2ND FLOOR 72 High St", "72 High Street"),
    ],
)
def test_two_ways_of_writing_come_to_the_same(one: str, other: str) -> None:
    assert sure_of(taken_apart(f"{one} CM1 1AA"), [taken_apart(f"{other} CM1 1AA")]) == ([0], True)


async def meant(atlas: Atlas, written: str) -> list[tuple[str, bool]]:
    async with atlas.transaction(principal.stranger()) as conn:
        found = await addresses_meant(conn, written)
    return [(f"{one.premise.unit} {one.premise.number}".strip(), one.is_exact) for one in found]


async def test_15a_forest_st_against_flat_1_15_forest_st(atlas: Atlas, owner: Owner) -> None:
    await arranged.premise(owner, "15A", street="Forest Street")
    await arranged.premise(owner, "15", unit="Flat 1", street="Forest Street")

    assert await meant(atlas, "15A Forest St") == [("15A", False), ("Flat 1 15", False)]


async def test_same_street_in_two_towns(atlas: Atlas, owner: Owner) -> None:
    await arranged.premise(owner, "15", street="Forest Street", town="Exeter", postcode="EX1 1AA")
    await arranged.premise(owner, "15", street="Forest Street", town="Truro", postcode="TR1 1AA")

    assert await meant(atlas, "15 Forest Street") == [("15", False), ("15", False)]


async def test_postcode_only(atlas: Atlas, owner: Owner) -> None:
    await arranged.premise(owner, "1")
    await arranged.premise(owner, "2")

    assert [is_exact for _, is_exact in await meant(atlas, "HB1 1AA")] == [False, False]


async def test_po_box(atlas: Atlas, owner: Owner) -> None:
    await arranged.premise(owner)

    with pytest.raises(InvalidField, match="a box at a post office"):
        await meant(atlas, "PO Box 12, Harbour HB1 1AA")


async def test_a_misspelt_street_is_found_and_not_taken_without_its_postcode(atlas: Atlas, owner: Owner) -> None:
    await arranged.premise(owner, "7", street="Chandlers Wharf")

    assert await meant(atlas, "7 Chandlers Warf") == [("7", False)]
    assert await meant(atlas, "7 Chandlers Warf HB1 1AA") == [("7", True)]
