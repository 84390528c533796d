"""The blast radius as a picture that reads from left to right."""

from atlas.identity import DeviceId
from console.picture import Station, Wire, drawing


def station(number: int, state: str = "lost", kind: str = "olt", lines: int = 0) -> Station:
    return Station(DeviceId(number), f"d{number}", kind, state, lines)


def wire(one: int, other: int, state: str = "lost") -> Wire:
    return Wire(DeviceId(one), DeviceId(other), state)


def test_what_is_healthy_stands_left_of_what_hangs_behind_it() -> None:
    drawn = drawing([station(1, "well"), station(2), station(3)], [wire(1, 2, "cut"), wire(2, 3)])

    assert [dot.label for dot in sorted(drawn.dots, key=lambda dot: dot.x)] == ["d1", "d2", "d3"]


def test_many_equal_siblings_are_drawn_as_one_with_their_number_and_lines() -> None:
    sectors = [station(number, kind="sector", lines=4) for number in range(10, 30)]

    drawn = drawing([station(1, "well"), *sectors], [wire(1, sector.device_id) for sector in sectors])

    assert [(dot.label, dot.note) for dot in drawn.dots if dot.count > 1] == [("20 × sector", "80 lines")]


def test_a_ring_is_drawn_once_round_and_no_device_twice() -> None:
    drawn = drawing([station(1, "well"), station(2), station(3)], [wire(1, 2), wire(2, 3), wire(3, 1)])

    assert sorted(dot.label for dot in drawn.dots) == ["d1", "d2", "d3"]


def test_an_incident_with_nothing_to_draw_has_an_empty_picture() -> None:
    assert drawing([], []).dots == ()
