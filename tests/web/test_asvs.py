"""The ASVS table: whole, and every test that it names is there."""

import ast
import re
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
TABLE: Final = (ROOT / "ASVS.md").read_text()
ROW: Final = re.compile(
    r"^\| (?P<item>\d+\.\d+\.\d+) \| (?P<level>[12]) \| (?P<asks>[^|]+) \| (?P<stands>[a-z ]+) \| (?P<control>[^|]*) \| (?P<test>[^|]*) \|$"
)
STANDS: Final = {"met", "partly", "not met", "does not apply"}
# Each section of ASVS 5.0.0 with the level of each of its requirements, in order; a dash stands for level 3.
SECTIONS: Final = (
    "1.1=22 1.2=111112222 1.3=11222222222 1.4=222 1.5=12 2.1=122 2.2=112 2.3=1222 2.4=2 3.2=11 3.3=1222 3.4=112222 "
    "3.5=11122 3.7=22 4.1=122 4.2=2 4.3=22 4.4=1222 5.1=2 5.2=112 5.3=11 5.4=222 6.1=122 6.2=111111112222 6.3=1122 6.4=1122 "
    "6.5=22222 6.6=222 6.8=2222 7.1=222 7.2=1111 7.3=22 7.4=11222 7.5=22 7.6=22 8.1=12 8.2=112 8.3=1 8.4=2 9.1=111 9.2=1222 "
    "10.1=22 10.2=22 10.3=2222 10.4=11111222222 10.5=22222 10.6=22 10.7=222 11.1=22 11.2=222 11.3=112 11.4=1222 11.5=2 "
    "11.6=2 12.1=122 12.2=11 12.3=2222 13.1=2 13.2=22222 13.3=22 13.4=12222 14.1=22 14.2=1222 14.3=122 15.1=122 15.2=122 "
    "15.3=1222222 16.1=2 16.2=22222 16.3=2222 16.4=222 16.5=222 17.1=2 17.2=2222 17.3=22 "
)
ROWS: Final = [found.groupdict() for line in TABLE.splitlines() if (found := ROW.match(line))]


def wanted() -> dict[str, str]:
    """Every requirement of levels 1 and 2, with its level."""
    sections = (section.split("=") for section in SECTIONS.split())
    return {f"{name}.{number}": level for name, levels in sections for number, level in enumerate(levels, 1) if level != "-"}


def test_every_requirement_of_levels_1_and_2_is_in_the_table_once() -> None:
    assert len(wanted()) == 253
    assert {row["item"]: row["level"] for row in ROWS} == wanted()
    assert [item for item, times in Counter(row["item"] for row in ROWS).items() if times > 1] == []


def test_every_row_says_plainly_how_it_stands() -> None:
    assert {row["stands"] for row in ROWS} <= STANDS
    assert [row["item"] for row in ROWS if row["stands"] == "not met" and not row["control"].startswith("**Not met")] == []
    assert [row["item"] for row in ROWS if row["stands"] in ("met", "partly") and not row["control"].strip()] == []


def test_the_figures_above_the_table_are_its_own() -> None:
    stands = Counter(row["stands"] for row in ROWS)

    said = re.search(r"Of (\d+): (\d+) met, (\d+) partly, \*\*(\d+) not met\*\*, (\d+) do not apply", TABLE)

    assert said is not None
    assert [int(figure) for figure in said.groups()] == [
        len(ROWS),
        stands["met"],
        stands["partly"],
        stands["not met"],
        stands["does not apply"],
    ]


def test_what_is_not_met_is_named_above_the_table() -> None:
    above = TABLE.partition("## What the standard wants")[0]

    assert [row["item"] for row in ROWS if row["stands"] == "not met" and row["item"] not in above] == []


@pytest.mark.parametrize("named", sorted({row["test"].strip().strip("`") for row in ROWS if row["test"].strip()}))
def test_a_test_that_the_table_names_is_there(named: str) -> None:
    path, _, name = named.partition("::")
    tree = ast.parse((ROOT / "tests" / path).read_text())

    tests = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert not name or name in tests
