"""Places out of a shapefile, as planners' own programs write them: the same rows, the same reasons."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapefile

from api.places.columns import Layer
from api.places.reading import rows_read
from api.places.shapes import NAME
from atlas.errors import InvalidField
from atlas.gis.records import DrawnCoverage, PlacedPremise

WGS_84 = 'GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["Degree",0.017]]'
RING = [[-3.6, 50.6], [-3.6, 50.8], [-3.4, 50.8], [-3.4, 50.6], [-3.6, 50.6]]
HOME = {
    "number": "1",
    "street": "Élan Road",
    "town": "Harbour",
    "postcode": "HB1 1AA",
    "area": "Harbour",
    "external_id": "fabric:1000000121",
}
AREA = {"name": "Quay", "technology": "fibre", "down_kbps": 1_000_000, "up_kbps": 100_000, "ready_on": None}


def shaped(folder: Path, kind: int, draw: Callable[[Any], None], *records: dict[str, Any], crs: str | None = WGS_84) -> Path:
    """A shapefile whose columns are named as dBase cuts them."""
    file = folder / "places.shp"
    with shapefile.Writer(str(file), shapeType=kind) as writer:
        for name, value in records[0].items():
            whole = isinstance(value, int) and not isinstance(value, bool)
            writer.field(name[:NAME].upper(), *(("N", 12, 0) if whole else ("D",) if name == "ready_on" else ("C", 60)))
        for record in records:
            draw(writer)
            writer.record(*record.values())
    if crs is not None:
        file.with_suffix(".prj").write_text(crs)
    return file


def at_home(writer: Any) -> None:
    writer.point(-3.5, 50.7)


def around(writer: Any) -> None:
    writer.poly([RING])


def test_premises_of_a_shapefile_are_read_with_their_columns_by_the_first_ten_letters(tmp_path: Path) -> None:
    (row,) = rows_read(shaped(tmp_path, shapefile.POINT, at_home, HOME), Layer.PREMISES)

    home = row.place
    assert isinstance(home, PlacedPremise)
    assert (home.street, home.external_id, home.latitude, home.longitude) == ("Élan Road", "fabric:1000000121", 50.7, -3.5)


def test_coverage_of_a_shapefile_is_read_with_its_polygon(tmp_path: Path) -> None:
    (row,) = rows_read(shaped(tmp_path, shapefile.POLYGON, around, AREA), Layer.COVERAGE)

    drawn = row.place
    assert isinstance(drawn, DrawnCoverage)
    assert (drawn.name, drawn.down_kbps, drawn.ready_on, drawn.geometry["type"]) == ("Quay", 1_000_000, None, "Polygon")
    assert drawn.geometry["coordinates"][0] == RING


def test_a_feature_of_a_shapefile_that_is_wrong_is_told_and_holds_up_no_other(tmp_path: Path) -> None:
    rows = rows_read(shaped(tmp_path, shapefile.POINT, at_home, {**HOME, "street": ""}, HOME), Layer.PREMISES)

    assert [(row.row, row.field, row.place is None) for row in rows] == [(1, "street", True), (2, "", False)]


@pytest.mark.parametrize(
    ("crs", "reason"),
    [(None, "places.prj is missing"), ('PROJCS["OSGB36 / British National Grid",GEOGCS["OSGB36"]]', "not PROJCS")],
    ids=["none", "another"],
)
def test_a_shapefile_of_another_system_or_of_none_is_refused_as_a_whole(tmp_path: Path, crs: str | None, reason: str) -> None:
    file = shaped(tmp_path, shapefile.POINT, at_home, HOME, crs=crs)

    with pytest.raises(InvalidField, match=reason) as refused:
        rows_read(file, Layer.PREMISES)

    assert refused.value.field == "crs"


@pytest.mark.parametrize("lost", [".dbf", ".shp"])
def test_a_shapefile_of_which_a_part_is_cut_off_is_refused_as_a_whole(tmp_path: Path, lost: str) -> None:
    file = shaped(tmp_path, shapefile.POLYGON, around, AREA)
    part = file.with_suffix(lost)
    part.write_bytes(part.read_bytes()[:70])

    with pytest.raises(InvalidField, match="cannot be read"):
        rows_read(file, Layer.COVERAGE)


def test_a_shape_without_a_place_is_told(tmp_path: Path) -> None:
    (row,) = rows_read(shaped(tmp_path, shapefile.POINT, lambda writer: writer.null(), HOME), Layer.PREMISES)

    assert (row.place, row.field) == (None, "geometry")
