"""Customers out of a file: each row by itself, nobody twice, and what is wrong said with its line and field."""

import uuid
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from api.inbound.customers import RowTaken, import_customers, rows_read
from atlas.connection import Atlas
from atlas.errors import InvalidField
from atlas.identity import CorrelationId
from forge.matrix_in_force import write_in_force
from forge.propose import Forge, MatrixInForce
from forge.register import Register
from governance.matrix import SHIPPED, load
from tests import given
from tests.billing.arranged import one
from tests.given import NOW, Owner

HEAD = "name,given_name,kind,phone,email,language,birth_date\n"
ROWS = (
    "José Muñoz,José,individual,07700 900011,Jose@Example.com,es,1984-05-31\n"
    "Maya Patel,Maya,individual,0044 7700 900001,,en,\n"
    "Nobody,,individual,,,en,\n"
    "Odd,,individual,123,,en,\n"
    "Late,,individual,07700900012,,en,31/05/1984\n"
    "Tomorrow,,individual,07700900013,,en,2999-01-01\n"
)


@pytest.fixture
async def forge(atlas: Atlas, owner: Owner) -> Forge:
    await write_in_force(owner, load(SHIPPED))
    return Forge(atlas, Register.of_modules(), MatrixInForce(load(SHIPPED)), lambda: NOW, ZoneInfo("Europe/London"))


async def taken(forge: Forge, tmp_path: Path, text: str, *, is_dry: bool = False) -> list[RowTaken]:
    file = tmp_path / "customers.csv"
    file.write_text(text, encoding="utf-8")
    rows = list(rows_read(file, "GB", "Europe/London"))
    return await import_customers(forge, rows, CorrelationId(uuid.uuid4()), is_dry=is_dry)


async def test_each_row_is_taken_or_left_with_its_line_and_why(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    await given.customer(owner)

    found = await taken(forge, tmp_path, HEAD + ROWS)

    assert [(row.line, row.became) for row in found] == [
        (2, "registered"),
        (3, "known"),
        (4, "wrong"),
        (5, "wrong"),
        (6, "wrong"),
        (7, "wrong"),
    ]
    assert [row.why.split(":")[0] for row in found[2:]] == ["phone", "phone", "birth_date", "birth_date"]
    assert await one(owner, "SELECT count(*) FROM crm.customer") == 2


async def test_a_dry_run_says_the_same_and_writes_nothing(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    found = await taken(forge, tmp_path, HEAD + ROWS, is_dry=True)

    assert [row.became for row in found[:2]] == ["would_be_registered", "would_be_registered"]
    assert await one(owner, "SELECT count(*) FROM crm.customer") == 0


async def test_the_same_file_again_registers_nobody_twice(forge: Forge, owner: Owner, tmp_path: Path) -> None:
    row = HEAD + "Ana Souza,Ana,individual,+551187654321,,en,\n"

    await taken(forge, tmp_path, row)
    again = await taken(forge, tmp_path, HEAD + "Ana Souza,Ana,individual,+5511987654321,,en,\n")

    assert ([one.became for one in again], await one(owner, "SELECT count(*) FROM crm.customer")) == (["known"], 1)
    assert await one(owner, "SELECT address FROM crm.contact") == "+5511987654321"


def test_a_column_that_nobody_knows_is_named(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("name,phon\nMaya,1\n")

    with pytest.raises(InvalidField, match="phon"):
        list(rows_read(file, "GB", "Europe/London"))
