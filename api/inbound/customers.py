"""Customers out of a CSV file: each row checked, looked for among those on file, and registered by an order of its own."""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from atlas.crm.reads import twins_of_new
from atlas.crm.records import Channel, NewCustomer
from atlas.crm.rules import checked_birth_date, contact_address
from atlas.errors import AtlasError, InvalidField
from atlas.identity import CorrelationId
from atlas.principal import executor
from forge.actions.crm.customers import RegisterCustomer
from forge.propose import Forge, propose

IMPORTER: Final = executor("import")
COLUMNS: Final = ("name", "given_name", "kind", "phone", "email", "language", "birth_date")
LANGUAGES: Final = frozenset({"en", "es", "de", "fr", "hi"})
LONGEST: Final = 200


@dataclass(frozen=True)
class RowRead:
    """One row of the file: whom it names, or what is wrong with it."""

    line: int
    new: NewCustomer | None
    wrong: str = ""


@dataclass(frozen=True)
class RowTaken:
    """What became of a row: registered, would_be_registered, known (who may be the same person), or wrong."""

    line: int
    name: str
    became: str
    why: str = ""


def rows_read(file: Path, region: str, timezone: str) -> Iterator[RowRead]:
    """Every row of the file, the first after the head being line 2. Raises InvalidField where a column is missing or unknown."""
    with file.open(encoding="utf-8-sig", newline="") as opened:
        reader = csv.DictReader(opened)
        named = reader.fieldnames or []
        for name in ("name", *named):
            if name not in COLUMNS or name not in named:
                raise InvalidField(name, f"the columns are {', '.join(COLUMNS)}; name is needed")
        for row in reader:
            yield _read(reader.line_num, row, region, timezone)


def _read(line: int, row: dict[str, str | None], region: str, timezone: str) -> RowRead:
    try:
        return RowRead(line, _new({name: (value or "").strip() for name, value in row.items() if name}, region, timezone))
    except InvalidField as error:
        return RowRead(line, None, str(error))


def _new(row: dict[str, str], region: str, timezone: str) -> NewCustomer:
    name, kind, language = row.get("name", ""), row.get("kind") or "individual", row.get("language") or "en"
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise InvalidField("name", f"1 to {LONGEST} printable characters")
    if kind not in ("individual", "organisation"):
        raise InvalidField("kind", "individual or organisation")
    if language not in LANGUAGES:
        raise InvalidField("language", f"one of {', '.join(sorted(LANGUAGES))}")
    contacts = _contacts(row, region)
    if not contacts:
        raise InvalidField("phone", "a phone number or a mail address is needed")
    given = row.get("given_name") or (name.split()[0] if kind == "individual" else "")
    return NewCustomer(kind, name, given, language, timezone, contacts, _birth(row.get("birth_date", "")))


def _contacts(row: dict[str, str], region: str) -> tuple[tuple[Channel, str], ...]:
    found = []
    for column, channel in (("phone", Channel.SMS), ("email", Channel.EMAIL)):
        written = row.get(column, "")
        if written:
            try:
                address = contact_address(written, region)
            except InvalidField as error:
                raise InvalidField(column, error.reason) from error
            if ("@" in address) != (channel is Channel.EMAIL):
                raise InvalidField(column, "this is the other kind of address")
            found.append((channel, address))
    return tuple(found)


def _birth(written: str) -> date | None:
    if not written:
        return None
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise InvalidField("birth_date", "a day such as 1984-05-31") from None


async def import_customers(forge: Forge, rows: Sequence[RowRead], correlation: CorrelationId, *, is_dry: bool) -> list[RowTaken]:
    """Takes each row by itself: one that is wrong, or on file already, holds up no other. Dry, nothing is written."""
    return [await _taken(forge, row, correlation, is_dry=is_dry) for row in rows]


async def _taken(forge: Forge, row: RowRead, correlation: CorrelationId, *, is_dry: bool) -> RowTaken:
    if row.new is None:
        return RowTaken(row.line, "", "wrong", row.wrong)
    try:
        checked_birth_date(row.new.birth_date, forge.now().date())
        async with forge.atlas.transaction(IMPORTER) as conn:
            twins = await twins_of_new(conn, row.new)
        if twins:
            why = "; ".join(f"customer {twin.customer_id}: {', '.join(twin.reasons)}" for twin in twins)
            return RowTaken(row.line, row.new.name, "known", why)
        if is_dry:
            return RowTaken(row.line, row.new.name, "would_be_registered")
        # The row's own words are its key: the same file again registers nobody twice.
        source = "import:" + hashlib.sha256(repr(row.new).encode()).hexdigest()[:32]
        asked = await propose(forge, IMPORTER, RegisterCustomer(row.new, source), reason="imported", correlation_id=correlation)
        became = "registered" if asked.outcome else asked.state.value
        return RowTaken(row.line, row.new.name, became, asked.failure or "")
    except AtlasError as error:
        return RowTaken(row.line, row.new.name, "wrong", str(error))
