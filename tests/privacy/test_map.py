"""The map of what is kept of people is whole: PostgreSQL's catalogue has nothing that the map has not."""

import pytest

from atlas.migrate import PERSONAL_MAP
from atlas.privacy.reads import columns
from atlas.privacy.records import Column
from atlas.privacy.rules import MapMalformed, no_longer_there, parsed_map, unmapped
from tests.given import Owner

MAP = parsed_map(PERSONAL_MAP.read_text())


async def test_every_table_and_every_column_that_can_hold_something_of_somebody_is_in_the_map(owner: Owner) -> None:
    assert unmapped(MAP, await columns(owner)) == [], "put it into atlas/privacy/map.yaml"


async def test_nothing_is_in_the_map_that_is_gone(owner: Owner) -> None:
    assert no_longer_there(MAP, await columns(owner)) == []


def test_a_new_table_is_told() -> None:
    assert unmapped(MAP, [Column("helpdesk.voicemail", "id", "", "")]) == ["helpdesk.voicemail is in no list"]


def test_a_new_column_of_words_is_told() -> None:
    new = [Column("helpdesk.notice", "transcript", "text", ""), Column("gis.area", "remark", "text", "")]

    assert unmapped(MAP, new) == [f"{one.place}.{one.name} is not said to be erased, swept or to stay" for one in new]


def test_a_table_of_ours_that_begins_to_point_to_people_is_told() -> None:
    (told,) = unmapped(MAP, [Column("cmdb.device", "rented_to", "", "crm.customer")])

    assert told == "cmdb.device.rented_to refers to crm.customer: its rows are somebody's"


async def test_every_retention_rule_counts_from_a_column_that_is_there(owner: Owner) -> None:
    there = {(one.place, one.name) for one in await columns(owner)}

    missing = [(rule.place, rule.since) for rule in MAP.retention if rule.how != "elsewhere" and (rule.place, rule.since) not in there]
    assert missing == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("personal: {crm.contact: {erasure: delete, because: x}}\nnobodys: {}\nretention: {}", "crm.contact"),
        ("personal: {crm.contact: {whose: [id], rewrite: {address: forget}, because: x}}\nnobodys: {}\nretention: {}", "address"),
        ("personal: {a.b: {whose: [id], erasure: keep, because: x}}\nnobodys: {a.b: {because: x}}\nretention: {}", "a.b"),
        ("personal: {}\nnobodys: {}\nretention: {x: {place: a.b, since: at, keep: soon, how: delete, basis: y}}", "soon"),
    ],
)
def test_a_map_that_cannot_be_right_is_refused_by_name(text: str, told: str) -> None:
    with pytest.raises(MapMalformed, match=told):
        parsed_map(text)
