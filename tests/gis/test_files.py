"""Premises and coverage as files: what goes out comes in again to the same bytes, and a row that cannot be true is told, alone."""

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.commands.gis import placed
from api.inbound.places import Refused, Taken, import_places
from api.places.columns import Layer
from api.places.reading import RowRead, rows_read
from api.places.writing import as_csv, as_geojson
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CorrelationId, StaffId
from atlas.principal import Principal, executor, in_session, staff
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import given
from tests.billing.arranged import customer_with_line, one
from tests.gis import arranged
from tests.given import NOW, Owner

HEAD = "external_id,number,unit,street,town,postcode,area,building,kind,is_provisional,latitude,longitude\n"
QUAY = "uprn:1,1,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,50.7001,-3.5\n"
SQUARE = "POLYGON ((-3.6 50.6, -3.4 50.6, -3.4 50.8, -3.6 50.8, -3.6 50.6))"
DRAWN = "name,technology,down_kbps,up_kbps,ready_on,geometry\n"
WRITERS = {".geojson": as_geojson, ".csv": as_csv}


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    await given.area(owner)
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def colleague(owner: Owner) -> Principal:
    member = await given.member(owner, f"Anna {uuid.uuid4()}", "noc_engineer")
    return in_session(staff(StaffId(member), "Anna Bell", frozenset()), await given.session(owner, member))


def read(file: Path, layer: Layer, text: str) -> list[RowRead]:
    if text:
        file.write_text(text, encoding="utf-8")
    return rows_read(file, layer)


async def taken(forge: Forge, owner: Owner, file: Path, layer: Layer, text: str = "", *, is_dry: bool = False) -> Taken:
    rows = read(file, layer, text)
    return await import_places(forge, await colleague(owner), layer, rows, CorrelationId(uuid.uuid4()), is_dry=is_dry)


async def written(atlas: Atlas, layer: Layer, suffix: str) -> str:
    async with atlas.transaction(executor("test")) as conn:
        return WRITERS[suffix](layer, await placed(conn, layer))


def fields(refused: Sequence[Refused]) -> list[tuple[int, str]]:
    return [(one.row, one.field) for one in refused]


@pytest.mark.parametrize("suffix", [".geojson", ".csv"])
async def test_premises_that_went_out_come_in_again_and_go_out_as_the_same_bytes(
    forge: Forge, owner: Owner, atlas: Atlas, tmp_path: Path, suffix: str
) -> None:
    await arranged.premise(owner, "1", external_id="uprn:100012345")
    await arranged.premise(owner, "15A", unit='Flat "B", 2', is_provisional=True, longitude=-3.500000000000001, street="Élan Road")
    before = await written(atlas, Layer.PREMISES, suffix)

    found = await taken(forge, owner, tmp_path / f"premises{suffix}", Layer.PREMISES, before)
    await owner.execute("DELETE FROM gis.premise")
    anew = await taken(forge, owner, tmp_path / f"premises{suffix}", Layer.PREMISES)

    assert (found.new, found.changed, found.same, found.refused) == (0, 0, 2, ())
    assert (anew.new, anew.is_whole) == (2, True)
    assert await written(atlas, Layer.PREMISES, suffix) == before


@pytest.mark.parametrize("suffix", [".geojson", ".csv"])
async def test_coverage_that_went_out_comes_in_again_and_goes_out_as_the_same_bytes(
    forge: Forge, owner: Owner, atlas: Atlas, tmp_path: Path, suffix: str
) -> None:
    clockwise = "POLYGON ((-3.6 50.6, -3.6 50.8, -3.4 50.8, -3.4 50.6, -3.6 50.6), (-3.51 50.69, -3.49 50.69, -3.49 50.71, -3.51 50.69))"
    two = "MULTIPOLYGON (((-3.6 50.6, -3.5 50.6, -3.5 50.7, -3.6 50.6)), ((-3.3 50.6, -3.2 50.6, -3.2 50.7, -3.3 50.6)))"
    rows = f'Harbour,fibre,1000000,1000000,,"{clockwise}"\nHills,fixed_wireless,100000,20000,2027-03-31,"{two}"\n'
    await taken(forge, owner, tmp_path / "drawn.csv", Layer.COVERAGE, DRAWN + rows)
    before = await written(atlas, Layer.COVERAGE, suffix)

    found = await taken(forge, owner, tmp_path / f"coverage{suffix}", Layer.COVERAGE, before)
    await owner.execute("DELETE FROM gis.coverage")
    anew = await taken(forge, owner, tmp_path / f"coverage{suffix}", Layer.COVERAGE)

    assert (found.new, found.changed, found.same, found.refused) == (0, 0, 2, ())
    assert (anew.new, anew.is_whole) == (2, True)
    assert await written(atlas, Layer.COVERAGE, suffix) == before


async def test_plant_goes_out_as_points_with_longitude_first(forge: Forge, owner: Owner, atlas: Atlas) -> None:
    await arranged.splitter(owner, "spl-7", ports=32)

    found = json.loads(await written(atlas, Layer.PLANT, ".geojson"))

    assert found["features"][0]["geometry"] == {"type": "Point", "coordinates": [-3.5, 50.7]}
    assert found["features"][0]["properties"]["name"] == "spl-7"
    assert forge


async def test_a_wrong_row_is_told_with_its_number_field_and_reason_and_the_right_ones_are_kept(
    forge: Forge, owner: Owner, tmp_path: Path
) -> None:
    rows = (
        QUAY
        + "uprn:2,2,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,-3.5,50.7\n"
        + "uprn:3,3,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,0,0\n"
        + "uprn:4,4,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,277450.2,81234.5\n"
        + "uprn:5,,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,50.7,-3.5\n"
        + "uprn:6,6,,Quay Street,Harbour,HB1 1AA,Nowhere,,residential,false,50.7,-3.5\n"
        + "uprn:7,7,,Quay Street,Harbour,HB1 1AA,Harbour,,castle,false,50.7,-3.5\n"
        + "uprn:8,8,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,perhaps,50.7,-3.5\n"
        + "uprn:9,9,,Quay Street,Harbour,HB1 1AA,Harbour,,residential,false,north,-3.5\n"
        + "uprn:10,1,,QUAY  street,Harbour,hb1 1aa,Harbour,,residential,false,50.7,-3.5\n"
    )

    found = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + rows)

    assert fields(found.refused) == [
        (3, "position"),
        (4, "position"),
        (5, "position"),
        (6, "number"),
        (7, "area"),
        (8, "kind"),
        (9, "is_provisional"),
        (10, "latitude"),
        (11, "address"),
    ]
    reasons = [one.reason for one in found.refused]
    assert "swapped" in reasons[0]
    assert "no position was given" in reasons[1]
    assert "projected" in reasons[2]
    assert (found.new, found.is_whole) == (1, False)
    assert await one(owner, "SELECT count(*) FROM gis.premise") == 1


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (f'A,fibre,1,1,,"SRID=27700;{SQUARE}"', "geometry", "must be WGS 84"),
        ('A,fibre,1,1,,"POLYGON ((-3.6 50.6, -3.4 50.8, -3.4 50.6, -3.6 50.8, -3.6 50.6))"', "geometry", "Self-intersection"),
        ('A,fibre,1,1,,"POLYGON ((-3.6 50.6, -3.4 50.6, -3.4 50.8, -3.6 50.8))"', "geometry", "closed"),
        ('A,fibre,1,1,,"POLYGON ((50.6 -3.6, 50.6 -3.4, 50.8 -3.4, 50.6 -3.6))"', "geometry", "swapped"),
        ('A,fibre,1,1,,"POLYGON ((-1 -1, 1 -1, 1 1, -1 1, -1 -1))"', "geometry", "latitude 0 and longitude 0"),
        ('A,fibre,1,1,,"POINT (-3.6 50.6)"', "geometry", "a polygon is needed, not Point"),
        ('A,fibre,1,1,,"elsewhere"', "geometry", "no well-known text"),
        (f'A,copper wire,1,1,,"{SQUARE}"', "technology", "none of fibre"),
        (f'A,fibre,0,1,,"{SQUARE}"', "down_kbps", "above nothing"),
        (f'A,fibre,1.5,1,,"{SQUARE}"', "down_kbps", "no whole number"),
        (f'A,fibre,1,,,"{SQUARE}"', "up_kbps", "missing"),
        (f'A,fibre,1,1,31/03/2027,"{SQUARE}"', "ready_on", "no day"),
        (f',fibre,1,1,,"{SQUARE}"', "name", "missing"),
        ("A,fibre,1,1,,", "geometry", "missing"),
    ],
)
async def test_a_polygon_that_cannot_be_true_is_refused_with_its_reason_and_the_next_is_drawn(
    forge: Forge, owner: Owner, tmp_path: Path, row: str, field: str, reason: str
) -> None:
    found = await taken(forge, owner, tmp_path / "coverage.csv", Layer.COVERAGE, f'{DRAWN}{row}\nB,fibre,1,1,,"{SQUARE}"\n')

    assert fields(found.refused) == [(2, field)]
    assert reason in found.refused[0].reason
    assert await one(owner, "SELECT string_agg(name, ',') FROM gis.coverage") == "B"


def collection(*features: Any, **more: Any) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features), **more})


def feature(coordinates: Any, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    known = {"name": "A", "technology": "fibre", "down_kbps": 1000, "up_kbps": 1000, **properties}
    return {"type": "Feature", "properties": known, "geometry": {"type": kind, "coordinates": coordinates}}


RING = [[-3.6, 50.6], [-3.4, 50.6], [-3.4, 50.8], [-3.6, 50.6]]


@pytest.mark.parametrize(
    ("wrong", "field", "reason"),
    [
        (feature([RING[:-1]]), "geometry", "a ring is not closed"),
        (feature([]), "geometry", "encloses nothing"),
        (feature("here"), "geometry", "no polygon can be made of it"),
        (feature([RING], technology=None), "technology", "missing"),
        (feature([RING], down_kbps="fast"), "down_kbps", "no whole number"),
        (feature([RING], down_kbps=True), "down_kbps", "no whole number"),
        ({"type": "Feature", "properties": {"name": "A"}, "geometry": None}, "geometry", "missing"),
        ("a feature", "type", "a Feature"),
    ],
)
async def test_a_feature_that_cannot_be_true_is_refused_with_its_reason_and_the_next_is_drawn(
    forge: Forge, owner: Owner, tmp_path: Path, wrong: Any, field: str, reason: str
) -> None:
    found = await taken(forge, owner, tmp_path / "c.geojson", Layer.COVERAGE, collection(wrong, feature([RING], name="B")))

    assert fields(found.refused) == [(1, field)]
    assert reason in found.refused[0].reason
    assert await one(owner, "SELECT string_agg(name, ',') FROM gis.coverage") == "B"


@pytest.mark.parametrize(
    ("name", "text", "field"),
    [
        ("c.geojson", collection(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}), "crs"),
        ("c.geojson", "{", "file"),
        ("c.geojson", '{"type": "Feature"}', "file"),
        ("c.csv", "name,technology\n", "down_kbps"),
        ("c.xlsx", "", "file"),
    ],
)
def test_a_file_of_another_system_or_kind_is_refused_as_a_whole(tmp_path: Path, name: str, text: str, field: str) -> None:
    (tmp_path / name).write_text(text)

    with pytest.raises(InvalidField) as refused:
        rows_read(tmp_path / name, Layer.COVERAGE)

    assert refused.value.field == field


async def test_the_same_file_again_changes_nothing_and_asks_for_nothing(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + QUAY)

    again = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES)

    assert (again.new, again.changed, again.same, again.asked) == (0, 0, 1, ())
    assert await one(owner, "SELECT count(*) FROM gis.premise") == 1


async def test_a_dry_run_says_what_would_become_of_each_row_and_writes_nothing(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    found = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + QUAY, is_dry=True)

    assert (found.new, found.asked) == (1, ())
    assert await one(owner, "SELECT count(*) FROM gis.premise") == 0


async def test_what_the_register_says_otherwise_is_changed_and_its_key_is_not_taken_away(
    forge: Forge, owner: Owner, tmp_path: Path
) -> None:
    await arranged.premise(owner, "1", external_id="uprn:1")

    found = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + QUAY.replace("uprn:1,", ","))

    assert (found.new, found.changed) == (0, 1)
    assert await one(owner, "SELECT latitude || ' ' || external_id FROM gis.premise") == "50.7001 uprn:1"


async def test_a_register_that_moves_the_homes_of_many_waits_for_somebody_who_knows_the_area(
    forge: Forge, owner: Owner, tmp_path: Path
) -> None:
    await customer_with_line(owner)
    await customer_with_line(owner)
    moved = "".join(
        f",{number},{unit},{street},{town},{postcode},{area},,residential,false,50.7001,-3.5\n"
        for number, unit, street, town, postcode, area in await (
            await owner.execute(
                "SELECT number, unit, street, town, postcode, area.name FROM gis.premise JOIN gis.area ON area.id = premise.area_id"
            )
        ).fetchall()
    )

    found = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + moved)

    assert [asked.state for asked in found.asked] == ["waiting"]
    assert await one(owner, "SELECT count(*) FROM gis.premise WHERE latitude = 50.7001") == 0


async def test_a_position_that_somebody_corrected_on_site_is_not_moved_back_by_a_file(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    await arranged.premise(owner, "1", corrected_by_action_id=await given.action(owner, "correct_premise_position"))

    found = await taken(forge, owner, tmp_path / "premises.csv", Layer.PREMISES, HEAD + QUAY)

    assert fields(found.refused) == [(2, "position")]
    assert "corrected" in found.refused[0].reason


async def test_a_building_that_nobody_named_before_needs_its_landlords_consent(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    await taken(
        forge,
        owner,
        tmp_path / "premises.csv",
        Layer.PREMISES,
        HEAD + QUAY.replace("Harbour,,residential", "Harbour,Anchor House,residential"),
    )

    assert await one(owner, "SELECT name || ' ' || consent FROM gis.building JOIN gis.premise ON premise.building_id = building.id") == (
        "Anchor House missing"
    )
