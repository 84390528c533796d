from atlas.modules import MODULES
from atlas.schema_page import PAGE, Column, Table, column_line, schema_page, table_text
from tests.given import Owner


async def test_the_page_of_the_schema_is_what_the_migrations_make(owner: Owner) -> None:
    written = PAGE.read_text()

    assert await schema_page(owner) == written, "the page is stale: run `make schema`"


async def test_every_module_is_on_the_page(owner: Owner) -> None:
    page = await schema_page(owner)

    assert [module for module in MODULES if f"\nCREATE TABLE {module}." not in page] == []


def test_a_column_is_written_as_it_would_be_declared() -> None:
    column = Column("is_preferred", "boolean", True, False, False, "false", "")

    assert column_line(column) == "is_preferred boolean NOT NULL DEFAULT false"


def test_the_last_line_of_a_table_has_no_comma_before_its_comment() -> None:
    columns = [Column("id", "bigint", True, True, False, "", ""), Column("name", "text", False, False, False, "", "as people say it")]

    text = table_text("gis", Table(1, "area", "a zone"), columns, [], [])

    assert text == (
        "-- a zone\nCREATE TABLE gis.area (\n    id bigint NOT NULL GENERATED AS IDENTITY,\n    name text  -- as people say it\n);\n"
    )
