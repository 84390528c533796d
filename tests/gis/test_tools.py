from typing import Any

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.gis.records import Position
from atlas.gis.rules.positions import PositionUnset
from atlas.identity import CustomerId, PremiseId, StaffId
from atlas.principal import NotPermittedHere
from forge.actions.gis import CorrectPremisePosition
from tests import given
from tests.asking import asking
from tests.billing.arranged import customer_with_line
from tests.gis import arranged
from tests.given import Owner, member, row
from tools import gis


async def staff(owner: Owner) -> principal.Principal:
    return principal.staff(StaffId(await member(owner, "Finn Field", "field_lead")), "Finn Field", frozenset())


async def premise(owner: Owner, number: str, unit: str = "", street: str = "Forest Street", postcode: str = "EX1 1AA") -> int:
    area = await given.area(owner)
    place = {"unit": unit, "number": number, "street": street, "town": "Exeter", "postcode": postcode, "latitude": 50.7, "longitude": -3.5}
    return await row(owner, "gis.premise", area_id=area, **place)


async def test_a_customer_is_told_the_area_of_their_own_line_only(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await customer_with_line(owner)
    await customer_with_line(owner, "Omar Haddad")

    async with asking(atlas, principal.customer(maya)) as (turn, _):
        found = await gis.area_of_my_line(turn)

    assert [(line.area, line.street) for line in found] == [("Harbour", "Quay Street")]


async def test_areas_are_public(atlas: Atlas, owner: Owner) -> None:
    await given.area(owner, "Hillside")

    async with asking(atlas, principal.stranger()) as (turn, _):
        assert [area.name for area in await gis.list_areas(turn)] == ["Hillside"]


async def test_an_address_that_two_premises_may_mean_brings_both(atlas: Atlas, owner: Owner) -> None:
    with_letter, flat = await premise(owner, "15A"), await premise(owner, "15", "Flat 1")
    await premise(owner, "99")

    async with asking(atlas, await staff(owner)) as (turn, _):
        found = await gis.find_premise(turn, "15A Forest St")

    assert [(candidate.premise.id, candidate.is_exact) for candidate in found] == [(with_letter, False), (flat, False)]


async def test_a_full_address_brings_the_one_premise_as_exact(atlas: Atlas, owner: Owner) -> None:
    await premise(owner, "15")
    meant = await premise(owner, "17")

    async with asking(atlas, await staff(owner)) as (turn, _):
        found = await gis.find_premise(turn, "17 forest street ex1 1aa")

    assert [candidate.premise.id for candidate in found if candidate.is_exact] == [meant]


async def test_an_address_we_do_not_know_brings_nothing(atlas: Atlas, owner: Owner) -> None:
    await premise(owner, "15")

    async with asking(atlas, await staff(owner)) as (turn, _):
        assert await gis.find_premise(turn, "7 Castle Lane") == []


async def test_a_house_number_alone_is_no_address(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, await staff(owner)) as (turn, _):
        with pytest.raises(InvalidField, match="address"):
            await gis.find_premise(turn, "15")


async def test_where_other_people_live_is_for_staff_only(atlas: Atlas) -> None:
    async with asking(atlas, principal.customer(CustomerId(1))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await gis.find_premise(turn, "15 Forest Street")


async def test_a_correction_is_proposed_from_where_the_premise_stands(atlas: Atlas, owner: Owner) -> None:
    meant = PremiseId(await premise(owner, "15"))

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        await gis.correct_premise_position(turn, meant, 50.701, -3.5)

    assert proposed == [CorrectPremisePosition(meant, Position(50.7, -3.5), Position(50.701, -3.5), 0)]


async def test_an_empty_position_is_refused_before_it_is_proposed(atlas: Atlas, owner: Owner) -> None:
    meant = PremiseId(await premise(owner, "15"))

    async with asking(atlas, await staff(owner)) as (turn, proposed):
        with pytest.raises(PositionUnset):
            await gis.correct_premise_position(turn, meant, 0.0, 0.0)

    assert proposed == []


async def test_a_premise_nobody_knows_cannot_be_corrected(atlas: Atlas, owner: Owner) -> None:
    async with asking(atlas, await staff(owner)) as (turn, _):
        with pytest.raises(NotFound):
            await gis.correct_premise_position(turn, PremiseId(9), 50.7, -3.5)


async def test_anybody_may_ask_what_can_be_had_at_an_address_written_in_full(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    await arranged.premise(owner, "12")
    await given.offering(owner, "fibre-100")
    await given.offering(owner, "office", segment="business")

    async with asking(atlas, principal.stranger()) as (turn, _):
        found = await gis.what_can_i_get(turn, "12 Quay St, HB1 1AA")

    assert (found.answer, found.technologies, found.down_kbps) == ("yes", ("fibre",), 1_000_000)
    assert ([plan.code for plan in found.plans], found.which) == (["fibre-100"], ())


async def test_where_an_address_may_mean_two_nothing_is_said_but_which(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    for number in ("1", "2"):
        await arranged.premise(owner, "15", unit=f"Flat {number}")

    async with asking(atlas, principal.stranger()) as (turn, _):
        found = await gis.what_can_i_get(turn, "15 Quay Street HB1 1AA")

    assert (found.answer, found.plans) == ("unclear", ())
    assert found.which == ("Flat 1, 15 Quay Street, Harbour HB1 1AA", "Flat 2, 15 Quay Street, Harbour HB1 1AA")


async def test_staff_see_ports_and_light_and_what_feeds_a_premise(atlas: Atlas, owner: Owner) -> None:
    device = await arranged.splitter(owner)
    premise = await arranged.premise(owner, "12")
    await row(owner, "gis.drop", premise_id=premise, device_id=device, length_m=40)

    async with asking(atlas, await staff(owner)) as (turn, _):
        checked = await gis.check_premise(turn, "12 Quay Street HB1 1AA")
        ways = await gis.trace_premise(turn, "12 Quay Street HB1 1AA")

    best = checked.qualification.best
    assert best is not None
    assert (best.device, best.free_ports, best.loss_db) == ("spl-1", 32, 20.6)
    assert [[hop.device for hop in way] for way in ways] == [["spl-1", "pon-of-spl-1", "olt-of-spl-1"]]


@pytest.mark.parametrize("tool", [gis.check_premise, gis.trace_premise])
async def test_plant_is_for_staff_only(atlas: Atlas, owner: Owner, tool: Any) -> None:
    await arranged.premise(owner, "12")

    async with asking(atlas, principal.stranger()) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await tool(turn, "12 Quay Street HB1 1AA")
