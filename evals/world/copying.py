"""Columns into PostgreSQL by COPY, with foreign keys and indexes made once at the end rather than row by row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection, sql

Column = Sequence[Any] | NDArray[Any]
# Called with the table and how many of its rows were just written.
Progress = Callable[[str, int], None]
CHUNK: Final = 50_000
NULL: Final = "\\N"


def copy_columns(conn: Connection, table: str, columns: Mapping[str, Column], progress: Progress | None = None, how: str = "") -> int:
    """Writes the columns, all of one length, as rows of `table`; how many. Text holds no tab, backslash or newline.

    `how` are options of COPY.
    """
    rows = len(next(iter(columns.values())))
    statement = sql.SQL("COPY {} ({}) FROM STDIN {}").format(
        sql.Identifier(*table.split(".")), sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(how)
    )
    with conn.cursor().copy(statement) as copy:
        for start in range(0, rows, CHUNK):
            texts = [written(column[start : start + CHUNK]) for column in columns.values()]
            copy.write("\n".join(map("\t".join, zip(*texts, strict=True))) + "\n")
            if progress:
                progress(table, min(CHUNK, rows - start))
    return rows


class FreshTables:
    """Tables that were empty when the first rows came: begun anew in this transaction, so that their rows are written as old ones at once.

    PostgreSQL otherwise asks of each row, at the first reading, whether who wrote it has committed, and writes the answer into every page.
    """

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.fresh: dict[str, bool] = {}

    def copy(self, table: str, columns: Mapping[str, Column], progress: Progress | None = None) -> int:
        """As `copy_columns`; keys that lead to the table must be down."""
        if table not in self.fresh:
            name = _table(table)
            self.fresh[table] = self.conn.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name)).fetchone() is None
            if self.fresh[table]:
                # Keys of tables that the demo leaves alone may lead here; they are as empty as it is, or the Atlas would not be taken.
                self.conn.execute(sql.SQL("TRUNCATE {} CASCADE").format(name))
        return copy_columns(self.conn, table, columns, progress, "WITH (FREEZE)" if self.fresh[table] else "")


def written(column: Column) -> Sequence[str]:
    """Each value as COPY reads it. In a column of numbers NaN, and in one of times NaT, is null."""
    if not isinstance(column, np.ndarray):
        return [NULL if value is None else value if isinstance(value, str) else str(value) for value in column]
    if column.dtype.kind == "M":
        return [NULL if text == "NaT" else text for text in np.datetime_as_string(column).tolist()]
    if column.dtype.kind == "f":
        return [NULL if value != value else repr(value) for value in column.tolist()]
    return list(map(str, column.tolist()))


@contextmanager
def checked_at_the_end(conn: Connection, schemas: Sequence[str]) -> Iterator[None]:
    """Takes foreign keys and plain indexes of these schemas down and puts the same back: each is made or checked once, over all rows.

    Only for a database that nobody else uses yet: it locks the tables. All or nothing with the surrounding transaction.
    """
    keys = conn.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND connamespace::regnamespace::text = ANY(%s) ORDER BY 1, 2",
        (list(schemas),),
    ).fetchall()
    for table, name, _ in keys:
        conn.execute(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(_table(table), sql.Identifier(name)))
    indexes = conn.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indrelid"
        " WHERE relnamespace::regnamespace::text = ANY(%s)"
        " AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid) ORDER BY 1",
        (list(schemas),),
    ).fetchall()
    for name, _ in indexes:
        conn.execute(sql.SQL("DROP INDEX {}").format(_table(name)))
    yield
    for _, definition in indexes:
        conn.execute(definition.encode())
    for table, name, definition in keys:
        conn.execute(sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(_table(table), sql.Identifier(name), sql.SQL(definition)))


def _table(name: str) -> sql.Identifier:
    return sql.Identifier(*(part.strip('"') for part in name.split(".")))


def sequences_moved_past(conn: Connection, tables: Sequence[str]) -> None:
    """So that the next row made by the database does not take an id that was written here."""
    for table in tables:
        conn.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence(%s, 'id'), greatest(max(id), 1)) FROM {}").format(_table(table)), (table,)
        )
