"""The whole schema on one page, read back from a migrated database: `make schema` writes it to atlas/schema.sql, a test keeps it fresh."""

import asyncio
import secrets
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from psycopg import AsyncConnection

from atlas import embedded
from atlas.migrate import migrate
from atlas.modules import MODULES, SHARED_FOLDERS
from atlas.statements import Connection, Statements

SQL = Statements(__file__)
PAGE: Final = Path(__file__).with_name("schema.sql")
# Ours alone: the job queue and the graphs' bookmarks bring tables of their own.
SCHEMAS: Final = ("atlas", *SHARED_FOLDERS, *MODULES)
TITLE: Final = (
    "-- The whole schema of Atlas. Written by `make schema` from the migrations; change those, never this page.\n"
    "-- Every table has the row policies owner, staff, intake and executor (atlas.protect); what a customer may see is said below it.\n"
)


@dataclass(frozen=True)
class Table:
    oid: int
    name: str
    comment: str


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    is_required: bool
    is_identity: bool
    is_generated: bool
    initial: str
    comment: str


def column_line(column: Column) -> str:
    """One column as it would be declared; its comment stands behind it."""
    parts = [column.name, column.type]
    if column.is_required:
        parts.append("NOT NULL")
    if column.is_identity:
        parts.append("GENERATED AS IDENTITY")
    elif column.is_generated:
        parts.append(f"GENERATED ALWAYS AS ({column.initial}) STORED")
    elif column.initial:
        parts.append(f"DEFAULT {column.initial}")
    return " ".join(parts)


def table_text(schema: str, table: Table, columns: list[Column], constraints: list[str], after: list[str]) -> str:
    """One table: columns, then constraints, then what hangs from it, each on a line of its own."""
    lines = [f"    {column_line(column)},{f'  -- {column.comment}' if column.comment else ''}" for column in columns]
    lines += [f"    {constraint}," for constraint in constraints]
    last, _, remark = lines[-1].partition(",  --")
    lines[-1] = f"{last}  --{remark}" if remark else last.removesuffix(",")
    heading = [f"-- {table.comment}"] if table.comment else []
    return "\n".join([*heading, f"CREATE TABLE {schema}.{table.name} (", *lines, ");", *after]) + "\n"


async def schema_page(conn: Connection) -> str:
    """Every schema of ours with its tables and functions, as text that is the same for the same migrations."""
    names = await SQL.column(conn, "schemas", schemas=list(SCHEMAS))
    return "\n".join([TITLE, *[await _schema_text(conn, name) for name in names]])


async def _schema_text(conn: Connection, schema: str) -> str:
    parts = [f"-- {schema} " + "-" * (137 - len(schema)) + "\n"]
    for table in await SQL.all(conn, Table, "tables", schema=schema):
        columns = await SQL.all(conn, Column, "columns", table=table.oid)
        constraints = await SQL.column(conn, "constraints", table=table.oid)
        parts.append(table_text(schema, table, columns, constraints, await _hanging_from(conn, table)))
    functions = await SQL.column(conn, "functions", schema=schema)
    if functions:
        parts.append("".join(f"-- function {schema}.{function}\n" for function in functions))
    return "\n".join(parts)


async def _hanging_from(conn: Connection, table: Table) -> list[str]:
    indexes = [f"{index};" for index in await SQL.column(conn, "indexes", table=table.oid)]
    rules = [f"--   row policy {rule}" for rule in await SQL.column(conn, "rules_of_rows", table=table.oid)]
    triggers = [f"--   trigger {trigger}" for trigger in await SQL.column(conn, "triggers", table=table.oid)]
    return [*indexes, *rules, *triggers]


async def write_page(url: str) -> None:
    """Reads the migrated database at `url`, as its owner, and writes the page."""
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        PAGE.write_text(await schema_page(conn))


def main() -> None:
    """Migrates an empty database on a server of its own, and writes the page from it."""
    with tempfile.TemporaryDirectory() as folder:
        # The server may run as a user of its own, who must be let in.
        Path(folder).chmod(0o755)
        server = embedded.start(Path(folder))
        try:
            migrate(server.url, secrets.token_bytes(32))
            asyncio.run(write_page(server.url))
        finally:
            server.stop()
    sys.stdout.write(f"{PAGE}\n")


if __name__ == "__main__":
    main()
