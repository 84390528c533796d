"""Cables and splices out of files: what cannot be true is told by file, row and field, and holds up no other row."""

from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from api.inbound.fibre import import_fibre
from api.inbound.plans import PlanTaken
from atlas.cmdb.reads import fibre_of_line
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CorrelationId, StaffId, SubscriberId
from atlas.principal import executor, in_session, staff
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import given
from tests.cmdb.glass import laid
from tests.given import NOW, Owner

CABLES = "name,kind,from_site,to_site,tubes,strands_per_tube,conduit,length_m,to_area,to_latitude,to_longitude\n"
NEW = "B-2,distribution,Closure 1,Cabinet 2,1,12,D-2,300,Harbour,50.71,-3.51\n"
SPLICES = "one,other\n"
JOINED = "F-1/orange.brown@to,B-2/blue.blue@from\nB-2/1@to,spl-2#in\n"


@pytest.fixture
async def forge(atlas: Atlas) -> Forge:
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def taken(forge: Forge, owner: Owner, folder: Path, cables: str, splices: str = "", *, is_dry: bool = False) -> PlanTaken:
    (folder / "quay-cables.csv").write_text(CABLES + cables)
    if splices:
        (folder / "quay-splices.csv").write_text(SPLICES + splices)
    await write_in_force(owner, load(SHIPPED))
    member = await given.member(owner, f"Anna {uuid4()}", "field_engineer")
    me = in_session(staff(StaffId(member), "Anna Bell", frozenset()), await given.session(owner, member))
    return await import_fibre(forge, me, folder / "quay-cables.csv", CorrelationId(uuid4()), is_dry=is_dry)


async def test_cables_and_splices_come_in_and_the_way_of_a_line_leads_through_them(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    there = await laid(forge.atlas, owner)
    second = await given.device(owner, "spl-2", "splitter")
    customer = await given.customer(owner, "Tom Reed", phone=None)
    line = await given.subscriber(owner, customer, second)

    found = await taken(forge, owner, tmp_path, NEW, f"{JOINED}F-1/16@from,olt-1#gpon 0/1/4\n")
    again = await taken(forge, owner, tmp_path, NEW)

    async with forge.atlas.transaction(executor("test")) as conn:
        way = await fibre_of_line(conn, SubscriberId(line))
    assert there.lines
    assert (found.new, found.refused, found.is_whole) == ({"cables": 1, "splices": 3}, (), True)
    assert [(one.name, one.strand) for one in way.way if one.kind == "strand"] == [("F-1", 16), ("B-2", 1)]
    assert (again.new, again.same) == ({"cables": 0, "splices": 0}, 4)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("B/2,distribution,Closure 1,Cabinet 1,1,12,,,,,\n", "name"),
        ("B-2,string,Closure 1,Cabinet 1,1,12,,,,,\n", "kind"),
        ("B-2,distribution,Nowhere,Cabinet 1,1,12,,,,,\n", "from_site"),
        ("B-2,distribution,Closure 1,Nowhere,1,12,,,,,\n", "to_site"),
        ("B-2,distribution,Closure 1,Nowhere,1,12,,,Atlantis,50,-3\n", "to_area"),
        ("B-2,distribution,Closure 1,Nowhere,1,12,,,Harbour,91,-3\n", "to_latitude"),
        ("B-2,distribution,Closure 1,Closure 1,1,12,,,,,\n", "to_site"),
        ("B-2,distribution,Closure 1,Cabinet 1,0,12,,,,,\n", "tubes"),
        ("B-2,distribution,Closure 1,Cabinet 1,1,x,,,,,\n", "strands_per_tube"),
        ("B-2,distribution,Closure 1,Cabinet 1,1,12,,far,,,\n", "length_m"),
        ("B-2,,Closure 1,Cabinet 1,1,12,,,,,\n", "kind"),
        ("F-1,feeder,Exchange,Closure 1,4,12,D-1,1900,,,\n", "tubes"),
    ],
)
async def test_a_cable_that_cannot_be_is_told_by_row_and_field_and_the_rest_is_taken(
    forge: Forge, owner: Owner, tmp_path: Path, row: str, field: str
) -> None:
    await laid(forge.atlas, owner)

    found = await taken(forge, owner, tmp_path, row + NEW.replace("B-2", "B-3"))

    assert [(one.file, one.row, one.field) for one in found.refused] == [("quay-cables.csv", 2, field)]
    assert found.new["cables"] == 1


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("F-1/15@to,B-1/5@from\n", "one"),
        ("B-1/5@from,F-1/15@to\n", "other"),
        ("F-9/1@to,B-1/5@from\n", "one"),
        ("F-1/orange.puce@to,B-1/5@from\n", "one"),
        ("F-1/3@to,spl-9#in\n", "other"),
        ("F-1/3@to,spl-1#leg 99\n", "other"),
        ("F-1/4@to,B-1/7@from\n", "one"),
        ("F-1,B-1\n", "one"),
    ],
)
async def test_a_splice_that_cannot_be_is_told_by_row_and_field(forge: Forge, owner: Owner, tmp_path: Path, row: str, field: str) -> None:
    await laid(forge.atlas, owner)

    found = await taken(forge, owner, tmp_path, "", f"F-1/4@to,B-1/4@from\n{row}", is_dry=True)

    assert [(one.file, one.row, one.field) for one in found.refused] == [("quay-splices.csv", 3, field)]
    assert (found.new, found.asked) == ({"cables": 0, "splices": 1}, ())


async def test_a_file_without_a_column_that_is_needed_is_refused_whole(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    (tmp_path / "cables.csv").write_text("name,kind\nB-2,feeder\n")

    with pytest.raises(InvalidField, match="from_site"):
        await import_fibre(forge, executor("import"), tmp_path / "cables.csv", CorrelationId(uuid4()), is_dry=True)
