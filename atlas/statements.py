"""Loads NAME.sql beside NAME.py and turns rows into records."""

import dataclasses
import re
import types
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Final, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import RowMaker, tuple_row

from atlas.errors import AtlasError
from atlas.money import Money

Connection = AsyncConnection[tuple[Any, ...]]
Record = TypeVar("Record")

HEADER: Final = re.compile(r"^-- name: ([a-z_][a-z0-9_]*)\s*$", re.MULTILINE)


class StatementMissing(AtlasError):
    """The SQL file has no statement of this name."""


class UnexpectedRows(AtlasError):
    """A statement that answers with exactly one row answered with another number."""


def parsed(sql: str) -> dict[str, str]:
    """The named statements of one SQL file, in its order."""
    pieces = HEADER.split(sql)
    return dict(zip(pieces[1::2], (piece.strip() for piece in pieces[2::2]), strict=True))


class Statements:
    """The statements beside one Python file: `SQL.all(conn, Invoice, "open_invoices", customer_id=...)`.

    A record is a frozen dataclass whose fields are the statement's columns; `Money` reads minor units, an enum its value, a tuple an array.
    """

    def __init__(self, python_file: str) -> None:
        self.path = Path(python_file).with_suffix(".sql")
        self.texts = parsed(self.path.read_text())

    def text(self, name: str) -> bytes:
        try:
            return self.texts[name].encode()
        except KeyError:
            raise StatementMissing(f"{self.path.name} has no statement named {name}") from None

    async def all(self, conn: Connection, record: type[Record], name: str, /, **parameters: Any) -> list[Record]:
        async with conn.cursor(row_factory=row_of(record)) as cursor:
            await cursor.execute(self.text(name), parameters)
            return await cursor.fetchall()

    async def first(self, conn: Connection, record: type[Record], name: str, /, **parameters: Any) -> Record | None:
        async with conn.cursor(row_factory=row_of(record)) as cursor:
            await cursor.execute(self.text(name), parameters)
            return await cursor.fetchone()

    async def one(self, conn: Connection, record: type[Record], name: str, /, **parameters: Any) -> Record:
        rows = await self.all(conn, record, name, **parameters)
        if len(rows) != 1:
            raise UnexpectedRows(f"{name} answered with {len(rows)} rows, not one")
        return rows[0]

    async def value(self, conn: Connection, name: str, /, **parameters: Any) -> Any:
        """The first column of the first row; None where there is no row."""
        async with conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(self.text(name), parameters)
            row = await cursor.fetchone()
        return row[0] if row else None

    async def column(self, conn: Connection, name: str, /, **parameters: Any) -> list[Any]:
        async with conn.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(self.text(name), parameters)
            return [row[0] for row in await cursor.fetchall()]

    async def run(self, conn: Connection, name: str, /, **parameters: Any) -> int:
        """Executes a statement; how many rows it touched."""
        async with conn.cursor() as cursor:
            await cursor.execute(self.text(name), parameters)
            return cursor.rowcount

    async def run_each(self, conn: Connection, name: str, /, rows: Sequence[dict[str, Any]]) -> None:
        async with conn.cursor() as cursor:
            await cursor.executemany(self.text(name), rows)


def row_of(record: type[Record]) -> Callable[[AsyncCursor[Any]], RowMaker[Record]]:
    """A psycopg row factory that makes `record`s by column name."""
    converters = _converters(record)
    fields = list(converters)

    def factory(cursor: AsyncCursor[Any]) -> RowMaker[Record]:
        names = [column.name for column in cursor.description or ()]
        if cursor.description is not None and set(names) != converters.keys():
            raise UnexpectedRows(f"{record.__name__} wants columns {sorted(converters)}, the statement gives {sorted(names)}")
        places = [names.index(field) for field in fields] if names else []
        converted = [(at, to) for at, to in enumerate(converters.values()) if to is not None]

        def make(values: Sequence[Any]) -> Record:
            # By position: a picture of the network is ten thousand rows.
            row = [values[place] for place in places]
            for at, to in converted:
                if row[at] is not None:
                    row[at] = to(row[at])
            return record(*row)

        return make

    return factory


Converter = Callable[[Any], Any] | None
_known: dict[type, dict[str, Converter]] = {}


def _converters(record: type) -> dict[str, Converter]:
    if record not in _known:
        hints = get_type_hints(record)
        _known[record] = {field.name: _converter(hints[field.name]) for field in dataclasses.fields(cast(Any, record))}
    return _known[record]


def _converter(hint: Any) -> Converter:
    if get_origin(hint) in (Union, types.UnionType):
        return next((found for part in get_args(hint) if (found := _converter(part))), None)
    if get_origin(hint) is tuple:
        inner = _converter(get_args(hint)[0])
        return tuple if inner is None else lambda values: tuple(inner(value) for value in values)
    if get_origin(hint) is frozenset:
        return frozenset
    if hint is Money:
        return Money.of_minor
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {member.value: member for member in hint}.__getitem__
    return None
