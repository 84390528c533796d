"""What a migration may do while the code before it still runs: it may add (expand); what takes away comes later, alone (contract). Pure.

Expand and contract after "Refactoring Databases" (Ambler, Sadalage 2006) and PostgreSQL's own list of what each command locks.
"""

import re
from collections.abc import Iterator
from typing import Final

# Nothing was released yet: a first installation gets everything up to here at once; from here on old code runs beside a newer schema.
FIRST_RELEASE: Final = 39
CONTRACT: Final = re.compile(r"^\d{4}_contract_")
# The first line of a migration that cannot run in a transaction: one statement, safe to repeat.
ALONE: Final = "-- outside a transaction"

_BODY: Final = re.compile(r"\$(\w*)\$.*?\$\1\$", re.DOTALL)
_COMMENT: Final = re.compile(r"--[^\n]*")
_CREATED: Final = re.compile(r"\bCREATE TABLE (?:IF NOT EXISTS )?([\w.]+)", re.IGNORECASE)
_REPLACED: Final = re.compile(r"\bCREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE|VIEW) ([\w.]+)", re.IGNORECASE)
_ALTERED: Final = re.compile(r"\bALTER TABLE (?:IF EXISTS |ONLY )*([\w.]+)", re.IGNORECASE)
_INDEXED: Final = re.compile(r"\bCREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY)(?:IF NOT EXISTS )?(?:\w+ )?ON (?:ONLY )?([\w.]+)", re.IGNORECASE)
_DROPPED: Final = re.compile(r"\bDROP (TABLE|COLUMN|SCHEMA|TYPE|SEQUENCE|ROLE|DOMAIN)\b", re.IGNORECASE)
_DROPPED_CODE: Final = re.compile(r"\bDROP (?:FUNCTION|PROCEDURE|VIEW) (?:IF EXISTS )?([\w.]+)", re.IGNORECASE)
_NEW_COLUMN: Final = re.compile(r"\bADD COLUMN (?:IF NOT EXISTS )?(\w+)([^,;]*)", re.IGNORECASE)
_CONSTRAINT: Final = re.compile(r"\bADD (?:CONSTRAINT \w+ )?(?:CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY|EXCLUDE)\b", re.IGNORECASE)
_WHOLE_TABLE: Final = re.compile(r"^\s*UPDATE\s+([\w.]+)(?!.*\bWHERE\b)", re.IGNORECASE | re.DOTALL)
_PLAIN: Final = (
    (re.compile(r"\bRENAME\b", re.IGNORECASE), "renames what old code calls by its name"),
    (re.compile(r"\bALTER COLUMN \w+ SET NOT NULL\b", re.IGNORECASE), "old code may still leave it out"),
    (re.compile(r"\bALTER COLUMN \w+ (?:SET DATA )?TYPE\b", re.IGNORECASE), "rewrites the table under a lock"),
    (re.compile(r"\bLOCK TABLE\b|\bVACUUM FULL\b|\bCLUSTER\b", re.IGNORECASE), "locks a table whole"),
    (re.compile(r"(?<!BEFORE )\bTRUNCATE\b", re.IGNORECASE), "empties what old code reads"),
)


def is_contract(name: str) -> bool:
    """Takes away what only old code needed; it is applied once nobody runs that any more: `0023_contract_old_address.sql`."""
    return bool(CONTRACT.match(name))


def breaks_old_code(text: str) -> list[str]:
    """Why the code before this migration could fail or wait beside it, a sentence for each statement; empty for one that only adds."""
    plain = _COMMENT.sub("", _BODY.sub("''", text))
    created = {name.lower() for name in _CREATED.findall(plain)}
    replaced = {name.lower() for name in _REPLACED.findall(plain)}
    return [f"{_shown(each)}: {why}" for each in plain.split(";") for why in _why(each, created, replaced)]


def _why(statement: str, created: set[str], replaced: set[str]) -> Iterator[str]:
    altered = _ALTERED.search(statement)
    if altered and altered[1].lower() in created:
        return
    for pattern, why in _PLAIN:
        if pattern.search(statement):
            yield why
    yield from _takes_away(statement, replaced)
    yield from _asks_more(statement)
    for table in _INDEXED.findall(statement):
        if table.lower() not in created:
            yield "an index without CONCURRENTLY stops every write to a table that is in use"
    whole = _WHOLE_TABLE.search(statement)
    if whole and whole[1].lower() not in created:
        yield "writes every row in one transaction"


def _takes_away(statement: str, replaced: set[str]) -> Iterator[str]:
    for kind in _DROPPED.findall(statement):
        yield f"drops a {kind.lower()} that old code may use"
    for name in _DROPPED_CODE.findall(statement):
        if name.lower() not in replaced:
            yield "drops what old code may call"


def _asks_more(statement: str) -> Iterator[str]:
    for _, rest in _NEW_COLUMN.findall(statement):
        if re.search(r"\bNOT NULL\b", rest, re.IGNORECASE) and not re.search(r"\bDEFAULT\b|\bGENERATED\b", rest, re.IGNORECASE):
            yield "a new column without a default that old code does not fill"
    if _CONSTRAINT.search(statement) and not re.search(r"\bNOT VALID\b", statement, re.IGNORECASE):
        yield "a constraint that is not NOT VALID reads the whole table under a lock"


def _shown(statement: str) -> str:
    return " ".join(statement.split())[:80]
