"""The rows of a plan out of CSV files, each judged by itself: what is wrong with one holds up no other."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

from atlas.errors import InvalidField


@dataclass(frozen=True)
class RowWrong:
    """A row that was not taken: in which file, its line (the head is line 1), the field and why."""

    file: str
    row: int
    field: str
    reason: str


@dataclass
class Judging:
    """The rows of one file under judgement: what is wrong is collected, and what is the same counted."""

    file: str
    wrong: list[RowWrong] = field(default_factory=list)
    same: int = 0

    def refuse(self, row: int, name: str, reason: str) -> None:
        self.wrong.append(RowWrong(self.file, row, name, reason[:300]))


def rows_of(text: str, judging: Judging, needed: Sequence[str]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their lines. Raises InvalidField where a column is missing; a needed cell that is empty is refused."""
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise InvalidField(missing[0], f"{judging.file} has no such column; needed are {', '.join(needed)}")
    rows = []
    for row in reader:
        known = {column: (value or "").strip() for column, value in row.items() if isinstance(column, str)}
        empty = [column for column in needed if not known[column]]
        if empty:
            judging.refuse(reader.line_num, empty[0], "it is empty")
        else:
            rows.append((reader.line_num, known))
    return rows
