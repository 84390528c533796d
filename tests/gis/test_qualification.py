"""What can be had at a premise, and why not: asked of plant as it is today."""

from datetime import date, timedelta
from typing import Any

import pytest

from atlas import principal
from atlas.connection import Atlas
from atlas.gis.reads import premises_behind, qualification, way_up_from
from atlas.gis.records import Qualification
from atlas.gis.rules.geometry import Box, GeometryRefused, checked_polygon, holds
from atlas.gis.rules.optics import loss_db
from atlas.identity import DeviceId, PremiseId
from forge.actions.gis import LetPortGo, ReservePort
from tests import carried, given
from tests.gis import arranged
from tests.given import NOW, Owner, row

TODAY = NOW.date()
BOW_TIE = {"type": "Polygon", "coordinates": [[[-3.5, 50.7], [-3.4, 50.8], [-3.4, 50.7], [-3.5, 50.8], [-3.5, 50.7]]]}
HARBOUR = Box(50.5, -3.7, 50.9, -3.3)


async def asked(atlas: Atlas, premise: PremiseId) -> Qualification:
    async with atlas.transaction(principal.stranger()) as conn:
        return await qualification(conn, premise, TODAY)


def square(south: float = 50.69, west: float = -3.51, size: float = 0.02) -> dict[str, Any]:
    north, east = south + size, west + size
    return {"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]}


async def drawn(owner: Owner, name: str, geometry: dict[str, Any], technology: str = "fibre", **columns: Any) -> None:
    kept, box = checked_polygon(geometry)
    sides = {"south": box.south, "west": box.west, "north": box.north, "east": box.east}
    speed = {"down_kbps": 1_000_000, "up_kbps": 1_000_000}
    await row(owner, "gis.coverage", name=name, technology=technology, geometry=kept, **{**sides, **speed, **columns})


async def test_a_splitter_with_a_free_port_near_by_serves(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    premise = await arranged.premise(owner, north_m=120)

    found = await asked(atlas, premise)

    assert (found.answer, found.technologies, found.confidence) == ("yes", ("fibre",), 0.85)
    best = found.best
    assert best is not None
    assert (best.device, best.free_ports, best.drop_m, best.loss_db, best.budget_db) == ("spl-1", 32, 120, 20.6, 28.0)
    assert (best.down_kbps, best.earliest_on, best.expected_dbm) == (1_000_000, TODAY + timedelta(days=5), -19.1)


async def test_where_the_drop_is_laid_the_line_can_be_had_today_and_from_there(atlas: Atlas, owner: Owner) -> None:
    far = await arranged.splitter(owner, "spl-far", latitude=50.703)
    await arranged.splitter(owner, "spl-near")
    premise = await arranged.premise(owner)
    await row(owner, "gis.drop", premise_id=premise, device_id=far, length_m=340)

    best = (await asked(atlas, premise)).best

    assert best is not None
    assert (best.device, best.drop_m, best.earliest_on) == ("spl-far", 340, TODAY)


async def test_fill_the_splitter_and_the_answer_flips_cancel_an_order_and_it_flips_back(atlas: Atlas, owner: Owner) -> None:
    device = await arranged.splitter(owner, ports=2)
    premise, other = await arranged.premise(owner), await arranged.premise(owner, "2")
    await given.subscriber(owner, await given.customer(owner), device)
    await carried.out(atlas, ReservePort(other, device, "order:1", 24), NOW)

    full = await asked(atlas, premise)
    await carried.out(atlas, LetPortGo("order:1"), NOW)
    free = await asked(atlas, premise)

    assert (full.answer, full.reasons) == ("no", ("spl-1 has no free port: 1 of 2 in use, 1 reserved",))
    assert (free.answer, free.reasons) == ("yes", ())


async def test_a_port_that_is_held_for_the_premise_itself_is_free_to_it(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner, ports=1), await arranged.premise(owner)
    await carried.out(atlas, ReservePort(premise, device, "order:1", 24), NOW)

    assert (await asked(atlas, premise)).answer == "yes"


async def test_drop_longer_than_limit(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    premise = await arranged.premise(owner, north_m=812)

    found = await asked(atlas, premise)

    assert (found.answer, found.reasons) == ("no", ("spl-1 is 812 m away and reaches 500 m",))


async def test_budget_greater_than_class(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner, split=128, reach_m=20000, budget_db=25)
    premise = await arranged.premise(owner, north_m=300)

    found = await asked(atlas, premise)

    assert (found.answer, found.reasons) == ("no", ("the light from spl-1 would lose 27.7 dB of the 25.0 dB that its optics bear",))


def test_each_halving_of_the_light_costs_the_same() -> None:
    assert loss_db(64, 0) - loss_db(32, 0) == pytest.approx(3.5)
    assert loss_db(32, 20_000) == pytest.approx(17.5 + 7 + 2 + 0.4)


async def test_a_splitter_that_nothing_feeds_serves_nobody(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner, is_fed=False)
    premise = await arranged.premise(owner)

    assert (await asked(atlas, premise)).reasons == ("spl-1 is connected to nothing upstream",)


async def test_the_next_connected_splitter_with_a_free_port_is_taken(atlas: Atlas, owner: Owner) -> None:
    full = await arranged.splitter(owner, "spl-full", ports=1)
    await given.subscriber(owner, await given.customer(owner), full)
    await arranged.splitter(owner, "spl-cut", is_fed=False, latitude=50.7001)
    await arranged.splitter(owner, "spl-next", latitude=50.702)
    premise = await arranged.premise(owner)

    best = (await asked(atlas, premise)).best

    assert best is not None
    assert best.device == "spl-next"


async def test_outside_a_sectors_beam_nothing_is_received(atlas: Atlas, owner: Owner) -> None:
    await arranged.sector(owner, azimuth_deg=180, beamwidth_deg=90)
    north, south = await arranged.premise(owner, "1", north_m=500), await arranged.premise(owner, "2", north_m=-500)

    assert (await asked(atlas, north)).reasons == ("the premise is outside the beam of sec-1 (180°, 90° wide)",)
    assert (await asked(atlas, south)).answer == "yes"


async def test_landlord_consent_missing_in_mdu(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    area = await given.area(owner)
    building = await row(owner, "gis.building", area_id=area, name="Quay House", consent="missing")
    flat = await arranged.premise(owner, unit="Flat 1", building_id=building)

    found = await asked(atlas, flat)

    assert (found.answer, found.preconditions) == ("yes", ("the landlord of Quay House has not consented yet",))


async def test_a_landlord_who_refused_is_a_no(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    building = await row(owner, "gis.building", area_id=await given.area(owner), name="Quay House", consent="refused")
    flat = await arranged.premise(owner, building_id=building)

    assert (await asked(atlas, flat)).reasons == ("the landlord refused",)


async def failed_installs(owner: Owner, device: DeviceId, how_many: int, findings: str = "light level too low at the ONT") -> None:
    for number in range(3):
        await owner.execute(
            "INSERT INTO field_service.job (kind, state, device_id, latitude, longitude, skill, window_from, window_until,"
            " findings, action_id)"
            " VALUES ('install', %s, %s, 50.7, -3.5, 'fibre', now() - interval '3 days', now() - interval '2 days', %s, %s)",
            ("failed" if number < how_many else "completed", device, findings if number < how_many else "", await given.action(owner)),
        )


@pytest.mark.parametrize(("failed", "answer", "confidence"), [(0, "yes", 0.85), (1, "yes", 0.7), (2, "survey", 0.4)])
async def test_failed_installations_on_light_level_change_the_class_of_the_answer(
    atlas: Atlas, owner: Owner, failed: int, answer: str, confidence: float
) -> None:
    device, premise = await arranged.splitter(owner), await arranged.premise(owner)
    await failed_installs(owner, device, failed)

    found = await asked(atlas, premise)

    assert (found.answer, found.confidence) == (answer, confidence)
    if failed > 1:
        assert found.reasons == ("2 of the last three installations at spl-1 failed, 2 of them on the level of light",)


async def test_lines_that_receive_far_less_than_planned_ask_for_a_survey(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner), await arranged.premise(owner)
    await given.subscriber(owner, await given.customer(owner), device)
    await owner.execute("UPDATE cmdb.access SET received_power_dbm = -26.5, measured_at = now()")

    assert (await asked(atlas, premise)).answer == "survey"


async def test_an_open_incident_lowers_the_confidence_and_refuses_nothing(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner), await arranged.premise(owner)
    incident = await row(
        owner,
        "itsm.incident",
        cause="feeder",
        is_outage=True,
        confidence=1.0,
        hypotheses={},
        first_alarm_at=NOW,
        correlation_id="00000000-0000-0000-0000-000000000001",
        action_id=await given.action(owner),
    )
    await row(owner, "itsm.incident_device", incident_id=incident, device_id=device, lost_at=NOW, action_id=await given.action(owner))

    found = await asked(atlas, premise)

    assert (found.answer, found.confidence) == ("yes", 0.75)


async def test_a_planned_serving_point_says_from_when(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner, ready_on=date(2026, 6, 1))
    premise = await arranged.premise(owner)

    assert (await asked(atlas, premise)).earliest_on == date(2026, 6, 6)


async def test_point_on_polygon_boundary(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    await drawn(owner, "edge", square(south=50.7))
    on_the_line = await arranged.premise(owner)

    assert (await asked(atlas, on_the_line)).answer == "yes"


async def test_outside_every_polygon_of_a_technology_it_is_not_sold(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    await drawn(owner, "elsewhere", square(south=51.0))
    premise = await arranged.premise(owner)

    assert (await asked(atlas, premise)).reasons == ("fibre is not sold at this place",)


async def test_two_overlapping_polygons_of_different_technology(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner)
    await arranged.sector(owner)
    await drawn(owner, "fibre", square())
    await drawn(owner, "air", square(size=0.05), "fixed_wireless")
    premise = await arranged.premise(owner)

    assert (await asked(atlas, premise)).technologies == ("fibre", "fixed_wireless")


async def test_a_polygon_without_plant_promises_nothing_but_a_date(atlas: Atlas, owner: Owner) -> None:
    await drawn(owner, "planned", square(), ready_on=date(2026, 9, 1))
    premise = await arranged.premise(owner)

    found = await asked(atlas, premise)

    assert (found.answer, found.reasons) == ("no", ("it lies in a polygon of coverage, but no plant of ours is near",))
    assert found.alternatives == ("fibre, planned here for 2026-09-01",)


async def test_where_nothing_can_be_had_the_answer_says_where_and_when_we_come_next(atlas: Atlas, owner: Owner) -> None:
    await drawn(owner, "Hills", square(south=50.8), ready_on=date(2026, 9, 1))
    await drawn(owner, "Moor", square(south=50.75), ready_on=date(2027, 2, 1))
    await drawn(owner, "Far", square(south=52.0), ready_on=date(2026, 4, 1))
    premise = await arranged.premise(owner)

    found = await asked(atlas, premise)

    assert [(one.name, one.technology, one.ready_on) for one in found.planned] == [("Hills", "fibre", date(2026, 9, 1))]
    assert found.alternatives == (f"fibre comes to Hills, {found.planned[0].away_km} km away, on 2026-09-01",)
    assert 9 <= found.planned[0].away_km <= 12


async def test_a_refused_technology_is_answered_with_another_and_the_day_from_which_it_can_be_had(atlas: Atlas, owner: Owner) -> None:
    await arranged.splitter(owner, ports=1, reach_m=1)
    await arranged.sector(owner)
    premise = await arranged.premise(owner, north_m=300)

    found = await asked(atlas, premise)

    assert found.earliest_on is not None
    assert found.alternatives == (f"fixed wireless from sec-1, from {found.earliest_on}",)


@pytest.mark.parametrize(
    ("geometry", "system", "said"),
    [
        ({"type": "Polygon", "coordinates": [[[50.69, -3.51], [50.71, -3.51], [50.71, -3.49], [50.69, -3.51]]]}, "", "swapped"),
        (square(-0.01, -0.01), "", "latitude 0 and longitude 0"),
        (square(), "EPSG:27700", "must be WGS 84"),
        ({"type": "Polygon", "coordinates": [[[290000, 90000], [300000, 90000], [300000, 99000], [290000, 90000]]]}, "", "metres"),
        (
            {"type": "Polygon", "coordinates": [[[-3.5, 50.7], [-3.4, 50.8], [-3.4, 50.7], [-3.5, 50.8], [-3.5, 50.7]]]},
            "",
            "Self-intersection",
        ),
        ({"type": "Polygon", "coordinates": [[[-3.5, 50.7]]]}, "", "no polygon can be made"),
        ({"type": "Point", "coordinates": [-3.5, 50.7]}, "", "a polygon is needed"),
        (None, "", "a polygon is needed"),
    ],
    ids=["lat lon swapped", "zero zero", "SRID mismatch", "projected", "self-intersecting polygon", "too short", "a point", "nothing"],
)
def test_a_polygon_that_cannot_be_true_is_rejected_with_the_reason(geometry: Any, system: str, said: str) -> None:
    with pytest.raises(GeometryRefused, match=said):
        checked_polygon(geometry, HARBOUR, system)


def test_a_polygons_boundary_belongs_to_it() -> None:
    assert holds(square(), 50.69, -3.5)
    assert not holds(square(), 50.6899, -3.5)


async def test_a_premise_is_traced_up_to_the_port_of_its_olt(atlas: Atlas, owner: Owner) -> None:
    device, premise = await arranged.splitter(owner), await arranged.premise(owner)
    await row(owner, "gis.drop", premise_id=premise, device_id=device, length_m=80)

    async with atlas.transaction(principal.executor("test")) as conn:
        (way,) = await way_up_from(conn, premise)

    assert [(hop.device, hop.kind, hop.length_m) for hop in way] == [
        ("spl-1", "splitter", None),
        ("pon-of-spl-1", "pon_port", 2000),
        ("olt-of-spl-1", "olt", None),
    ]


async def test_the_premises_behind_a_device_are_those_that_a_search_by_hand_finds(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt")
    splitters = []
    for number in range(3):
        port = await given.device(owner, f"pon-{number}", "pon_port")
        splitter = await arranged.splitter(owner, f"spl-{number}", is_fed=False)
        await given.link(owner, olt, port, "patch")
        await given.link(owner, port, splitter, "feeder")
        splitters.append((port, splitter))
    customer = await given.customer(owner)
    hanging: dict[int, set[int]] = {}
    for number, (_, splitter) in enumerate(splitters):
        for _ in range(number + 1):
            line = await given.subscriber(owner, customer, splitter)
            found = await (await owner.execute("SELECT premise_id FROM crm.subscriber WHERE id = %s", (line,))).fetchone()
            assert found is not None
            hanging.setdefault(splitter, set()).add(found[0])
    dropped = await arranged.premise(owner)
    await row(owner, "gis.drop", premise_id=dropped, device_id=splitters[0][1], length_m=5)
    hanging[splitters[0][1]].add(dropped)

    async with atlas.transaction(principal.executor("test")) as conn:
        everything = {each.premise_id for each in await premises_behind(conn, DeviceId(olt))}
        of_one = {each.premise_id for each in await premises_behind(conn, DeviceId(splitters[2][0]))}

    assert everything == set.union(*hanging.values())
    assert of_one == hanging[splitters[2][1]]
