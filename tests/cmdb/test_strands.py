"""Glass down to the strand: its colours, what is spliced to what, the way of a line, and who goes dark with a cut."""

from typing import Any

import psycopg
import pytest

from agents import glass
from atlas.cmdb.reads import changes_of, fibre_of_line, light_from, lines_lit, strands_of_cable
from atlas.cmdb.records.fibre import Cable, SpliceEnd
from atlas.cmdb.rules import colour_of, end_meant, in_tube, strand_meant, strands_meant
from atlas.connection import Atlas
from atlas.errors import Conflict, InvalidField, NotFound
from atlas.identity import CustomerId, DeviceId, StaffId, SubscriberId
from atlas.principal import NotPermittedHere, customer, staff
from forge.actions.cmdb.fibre import RecordSplice, RemoveSplice
from tests import carried, given
from tests.asking import asking
from tests.cmdb.glass import ME, laid, line_on, spliced, taken_apart
from tests.given import NOW, Owner
from tools import cmdb

STAFF = staff(StaffId(1), "Asha", frozenset())
TWENTY_FOUR = Cable("F-1", "feeder", "A", "B", tubes=2, strands_per_tube=12)


def test_colours_follow_tia_598_and_begin_again_with_a_stripe() -> None:
    twelve = ["blue", "orange", "green", "brown", "slate", "white", "red", "black", "yellow", "violet", "rose", "aqua"]

    assert [colour_of(number) for number in range(1, 13)] == twelve
    assert [colour_of(13), colour_of(24), colour_of(25)] == ["blue striped", "aqua striped", "blue striped 2 times"]


@pytest.mark.parametrize("written", ["15", "2.3", "orange.green", "2.green", " orange . green "])
def test_a_strand_is_named_by_its_number_or_by_tube_and_colour(written: str) -> None:
    assert strand_meant(written, TWENTY_FOUR) == 15
    assert in_tube(15, 12) == (2, 3)


@pytest.mark.parametrize("written", ["0", "25", "3.1", "green.blue", "1.puce", "1.13", "blue", ""])
def test_a_strand_that_the_cable_has_not_is_refused(written: str) -> None:
    with pytest.raises(InvalidField, match="strand"):
        strand_meant(written, TWENTY_FOUR)


@pytest.mark.parametrize("written", ["F-1", "F-1/3", "F-1/3@middle", "spl-1", "#in", "/3@to", "spl-1#"])
def test_an_end_is_a_strand_at_an_end_of_its_cable_or_a_port(written: str) -> None:
    with pytest.raises(InvalidField, match="end"):
        end_meant(written)


async def test_the_way_of_a_line_is_told_from_the_port_of_its_olt_to_its_ont_with_strands_and_colours(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)
    await owner.execute(
        "INSERT INTO gis.drop (premise_id, device_id, length_m) SELECT premise_id, %s, 80 FROM crm.subscriber WHERE id = %s",
        (there.splitter, there.lines[1]),
    )

    async with atlas.transaction(ME) as conn:
        found = await fibre_of_line(conn, SubscriberId(there.lines[1]))

    assert (found.olt, found.olt_port, found.is_whole) == ("olt-1", "gpon 0/1/3", True)
    told = [(one.kind, one.name, one.tube, one.tube_colour, one.strand, one.colour, one.port, one.length_m) for one in found.way]
    assert told == [
        ("pon_port", "pon-1", None, "", None, "", "pon", None),
        ("strand", "F-1", 2, "orange", 15, "green", "", 1900),
        ("strand", "B-1", 1, "blue", 1, "blue", "", 400),
        ("splitter", "spl-1", None, "", None, "", "leg 2", None),
        ("drop", "drop", None, "", None, "", "", 80),
    ]


async def test_from_the_port_of_the_olt_the_same_strands_lead_down_to_the_splitter(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)

    async with atlas.transaction(ME) as conn:
        met = await light_from(conn, SpliceEnd(device="pon-1", port="pon"))

    assert [(one.cable or one.device, one.strand, one.entered) for one in met] == [
        ("F-1", 15, "from"),
        ("B-1", 1, "from"),
        ("spl-1", None, "in"),
    ]


async def test_a_drop_of_strands_and_a_splitter_behind_a_splitter_are_on_the_way(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)
    second = await given.device(owner, "spl-2", "splitter")
    line = await line_on(owner, second, there.port, 4)
    await spliced(atlas, "spl-1#leg 8", "B-1/2@to")
    await spliced(atlas, "B-1/2@from", "F-1/1@to")
    await spliced(atlas, "F-1/1@from", "spl-2#in")

    async with atlas.transaction(ME) as conn:
        found = await fibre_of_line(conn, SubscriberId(line))
        lit = await lines_lit(conn, "F-1", [15])

    assert [(one.name, one.strand or one.port) for one in found.way] == [
        ("pon-1", "pon"), ("F-1", 15), ("B-1", 1), ("spl-1", "leg 8"), ("B-1", 2), ("F-1", 1), ("spl-2", "leg 4"),
    ]  # fmt: skip
    assert [one.subscriber_id for one in lit] == [*there.lines, line]


async def test_a_way_on_which_a_splice_is_not_on_record_says_that_it_is_not_whole(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)
    splice = await the_splice(owner, "B-1", 1, "from")
    await taken_apart(atlas, splice)

    async with atlas.transaction(ME) as conn:
        found = await fibre_of_line(conn, SubscriberId(there.lines[0]))

    assert not found.is_whole
    assert [one.name for one in found.way] == ["B-1", "spl-1"]


async def the_splice(owner: Owner, cable: str, strand: int, end: str) -> int:
    found = await owner.execute(
        "SELECT splice_id FROM cmdb.splice_end JOIN cmdb.cable ON cable.id = cable_id WHERE name = %s AND strand = %s AND cable_end = %s",
        (cable, strand, end),
    )
    row = await found.fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("one", "other"), [("F-1/15@from", "pon-1#pon"), ("F-1/16@to", "B-1/1@from"), ("B-1/3@to", "spl-1#in")])
async def test_a_strand_or_port_that_is_spliced_already_is_refused_and_it_says_to_what(
    atlas: Atlas, owner: Owner, one: str, other: str
) -> None:
    await laid(atlas, owner)

    with pytest.raises(Conflict, match="is spliced already, to"):
        await spliced(atlas, one, other)


async def test_two_who_splice_one_strand_at_once_make_one_splice(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)
    action = await given.action(owner)
    half: dict[str, Any] = {"half": 1, "cable_id": None, "device_id": None, "action_id": action}
    found = await (await owner.execute("SELECT cable_id FROM cmdb.splice_end WHERE strand = 15 AND cable_end = 'from'")).fetchone()
    assert found is not None

    with pytest.raises(psycopg.errors.UniqueViolation):
        await given.row(owner, "cmdb.splice_end", **{**half, "splice_id": 99, "cable_id": found[0], "strand": 15, "cable_end": "from"})


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("F-1/16@from", "B-1/2@from", "joins two places"),
        ("F-1/16@to", "pon-1#pon 2", "a PON port has one"),
        ("spl-1#leg 999", "B-1/2@to", "a splitter has in and leg"),
        ("spl-1#leg 3", "spl-1#leg 4", "joins no strand"),
    ],
)
async def test_what_cannot_be_spliced_is_refused_with_its_reason(atlas: Atlas, owner: Owner, one: str, other: str, why: str) -> None:
    await laid(atlas, owner)

    with pytest.raises(InvalidField, match=why):
        await spliced(atlas, one, other)


async def test_an_end_at_a_cable_or_device_that_is_not_there_is_refused(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)

    for end in ("F-9/1@to", "spl-9#in"):
        with pytest.raises(NotFound):
            await spliced(atlas, end, "B-1/2@from")


async def test_a_cut_reaches_the_lines_whose_light_goes_through_these_strands_and_no_others(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)

    async with atlas.transaction(ME) as conn:
        first_tube = await lines_lit(conn, "F-1", range(1, 13))
        second_tube = await lines_lit(conn, "F-1", range(13, 25))

    assert first_tube == []
    assert [(one.strand, one.subscriber_id, one.splitter, one.leg) for one in second_tube] == [
        (15, there.lines[0], "spl-1", 1),
        (15, there.lines[1], "spl-1", 2),
    ]


async def test_the_strands_of_a_cable_are_told_free_ones_too(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)

    async with atlas.transaction(ME) as conn:
        strands = await strands_of_cable(conn, "F-1")

    assert len(strands) == 24
    assert [(one.tube_colour, one.colour, one.at_from, one.at_to, one.lines) for one in strands if one.at_from or one.at_to] == [
        ("orange", "green", "pon-1#pon", "B-1/1@from", 2)
    ]


async def test_a_splice_that_was_taken_apart_keeps_its_history_and_frees_its_ends(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)
    asked = await taken_apart(atlas, await the_splice(owner, "B-1", 1, "to"))
    await spliced(atlas, "B-1/4@to", "spl-1#in")

    async with atlas.transaction(ME) as conn:
        changes = await changes_of(conn, DeviceId(there.splitter))

    assert asked.customers == 2
    assert {(one.ci, one.field, one.was, one.became) for one in changes if one.ci == "splice"} == {
        ("splice", "in", None, "B-1/1@to"),
        ("splice", "in", "B-1/1@to", None),
        ("splice", "in", None, "B-1/4@to"),
    }


async def test_a_splice_is_taken_apart_once(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)
    splice = await the_splice(owner, "B-1", 1, "to")
    action = await taken_apart(atlas, splice)

    with pytest.raises(Conflict, match="taken apart already"):
        await carried.out(atlas, action, NOW)


async def test_a_ring_of_strands_is_walked_and_not_for_ever(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)
    await spliced(atlas, "B-1/5@from", "B-1/6@from")
    await spliced(atlas, "B-1/5@to", "B-1/6@to")

    async with atlas.transaction(ME) as conn:
        assert await lines_lit(conn, "B-1", [5, 6]) == []


async def test_nobody_splices_without_an_order(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)

    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with atlas.transaction(ME) as conn:
            await conn.execute("UPDATE cmdb.splice_end SET removed_at = now() WHERE device_id = %s", (there.splitter,))


@pytest.mark.parametrize(
    ("written", "meant"), [("1-3,15", [1, 2, 3, 15]), ("orange", list(range(13, 25))), ("2.green", [15]), ("", list(range(1, 25)))]
)
def test_strands_are_meant_by_numbers_spans_or_tubes(written: str, meant: list[int]) -> None:
    assert strands_meant(written, TWENTY_FOUR) == meant


async def test_staff_ask_which_strands_a_line_uses_and_who_goes_dark_with_a_cut(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)

    async with asking(atlas, STAFF) as (turn, _):
        way = await cmdb.fibre_of_line(turn, SubscriberId(there.lines[0]))
        strands = await cmdb.strands_of_cable(turn, "F-1")
        cut, beside = await cmdb.cut_of_cable(turn, "F-1", "orange"), await cmdb.cut_of_cable(turn, "F-1", "1-12")

    assert [one.colour for one in way.way if one.kind == "strand"] == ["green", "blue"]
    assert sum(not (one.at_from or one.at_to) for one in strands) == 23
    assert (cut.strands, cut.lines, cut.customers, beside.lines) == (12, 2, 2, 0)


async def test_staff_write_a_splice_down_and_take_it_away(atlas: Atlas, owner: Owner) -> None:
    await laid(atlas, owner)
    splice = await the_splice(owner, "B-1", 1, "to")

    async with asking(atlas, STAFF) as (turn, proposed):
        await cmdb.record_splice(turn, "F-1/orange.brown@to", "B-1/2@from")
        await cmdb.remove_splice(turn, splice, "re-laid")

    made, gone = proposed
    assert isinstance(made, RecordSplice)
    assert (str(made.one), str(made.other)) == ("F-1/16@to", "B-1/2@from")
    assert isinstance(gone, RemoveSplice)
    assert (gone.splice, gone.customers) == (splice, 2)


async def test_the_glass_is_not_a_customers_to_see(atlas: Atlas, owner: Owner) -> None:
    there = await laid(atlas, owner)

    async with asking(atlas, customer(CustomerId(1))) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await cmdb.fibre_of_line(turn, SubscriberId(there.lines[0]))


@pytest.mark.parametrize(
    ("said", "strands", "ends"),
    [
        ("Who goes dark when cable FDR-GPT-01 is cut at strands 1 to 12?", "1-12", (None, None)),
        ("cut FDR-GPT-01 at strands 3, 4 and 7", "3,4,7", (None, None)),
        ("the orange tube of FDR-GPT-01", "orange", (None, None)),
        ("F-1/3@to is spliced to spl-gpt-01#leg 7 now", None, ("F-1/3@to", "spl-gpt-01#leg 7")),
    ],
)
def test_strands_and_ends_are_read_out_of_what_staff_write(said: str, strands: str | None, ends: tuple[str | None, str | None]) -> None:
    assert glass.strands(said) == strands
    assert (glass.first_end(said), glass.second_end(said)) == ends
