"""Every named SQL statement is used by the Python beside it, and the real database understands it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from psycopg import AsyncConnection

from atlas.statements import HEADER, Statements, parsed

ROOT: Final = Path(__file__).parents[1]
# The methods of Statements, and which argument is the statement's name.
NAMED_BY: Final = {"text": 0, "value": 1, "column": 1, "run": 1, "run_each": 1, "all": 2, "first": 2, "one": 2}
PARAMETER: Final = re.compile(r"%\((\w+)\)s")
# The driver sends these with their type; all else the server must be able to tell from the statement.
TYPED_BY_DRIVER: Final = {
    **dict.fromkeys(("now", "at", "since", "until"), "timestamptz"),
    **dict.fromkeys(("day", "today"), "date"),
    "correlation_id": "uuid",
}
TEMPORARY: Final = re.compile(r"CREATE TEMP TABLE (?:IF NOT EXISTS )?(\w+)")
# Names whose columns the statement itself spells out: a WITH, a row type, a temporary table.
SPELT_OUT: Final = re.compile(r"(\w+) AS (?:MATERIALIZED |NOT MATERIALIZED )?\(|AS (\w+) \(|CREATE TEMP TABLE (?:IF NOT EXISTS )?(\w+)")
STAR: Final = re.compile(r"(?:SELECT|RETURNING)\s+\*|\b(\w+)\.\*")


def statement_files() -> list[Path]:
    folders = ("atlas", "cortex", "forge", "governance", "tools", "agents", "console", "api", "evals")
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.sql")))
    return [path for path in found if HEADER.search(path.read_text())]


def statements() -> Iterator[Any]:
    for path in statement_files():
        texts = parsed(path.read_text())
        temporary = [text for text in texts.values() if TEMPORARY.match(text)]
        for name, text in texts.items():
            yield pytest.param(temporary, text, id=f"{path.relative_to(ROOT)}:{name}")


def names_used(python: Path) -> set[str]:
    """The statements that the file asks its `SQL` for by name."""
    calls = (node for node in ast.walk(ast.parse(python.read_text())) if isinstance(node, ast.Call))
    return {name for call in calls for name in _names(call)}


def _names(call: ast.Call) -> Iterator[str]:
    method = call.func
    if not isinstance(method, ast.Attribute) or ast.unparse(method.value) != "SQL" or method.attr not in NAMED_BY:
        return
    place = NAMED_BY[method.attr]
    name = call.args[place] if len(call.args) > place else None
    # A name chosen between two stands as a conditional expression.
    yield from (part.value for part in ast.walk(name or ast.Constant(0)) if isinstance(part, ast.Constant) and isinstance(part.value, str))


def words_in(python: Path) -> set[str]:
    return {
        node.value for node in ast.walk(ast.parse(python.read_text())) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def prepared(text: str) -> str:
    """The statement as the server sees it: parameters numbered, those typed that the driver types."""
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    types = [TYPED_BY_DRIVER.get(name, "bigint" if name.endswith("_id") else "unknown") for name in names]
    numbered = PARAMETER.sub(lambda match: f"${names.index(match[1]) + 1}", text).replace("%%", "%")
    return "PREPARE checked " + (f"({', '.join(types)})" if types else "") + f" AS {numbered}"


@pytest.mark.parametrize("path", statement_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_statement_is_used_by_the_python_beside_it_and_none_is_missing(path: Path) -> None:
    named, python = set(parsed(path.read_text())), path.with_suffix(".py")

    unused, missing = named - words_in(python), names_used(python) - named

    assert (unused, missing) == (set(), set())


@pytest.mark.parametrize("path", statement_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_name_is_given_to_two_statements_of_one_file(path: Path) -> None:
    names = HEADER.findall(path.read_text())

    assert len(names) == len(set(names))


@pytest.mark.parametrize("path", statement_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_statements_list_the_columns_of_tables(path: Path) -> None:
    own = {name for names in SPELT_OUT.findall(path.read_text()) for name in names if name}

    stars = [name for name, text in parsed(path.read_text()).items() for star in STAR.finditer(text) if star[1] not in own]

    assert stars == []


@pytest.fixture(scope="module")
async def database(server: Any, template: str) -> Any:
    """One connection for all statements: preparing changes nothing."""
    url = psycopg.conninfo.make_conninfo(server.url_of("postgres"), dbname=template)
    async with await AsyncConnection.connect(url, autocommit=True) as conn:
        yield conn


@pytest.mark.parametrize(("temporary", "text"), list(statements()))
async def test_a_statement_is_understood_by_the_database(database: AsyncConnection[Any], temporary: list[str], text: str) -> None:
    async with database.transaction(force_rollback=True):
        for table in temporary:
            await database.execute(table.encode())
        await understood(database, text)


async def understood(database: AsyncConnection[Any], text: str) -> None:
    if text.startswith("COPY"):
        async with database.cursor() as cursor, cursor.copy(text.encode()):
            return
    if not TEMPORARY.match(text):
        await database.execute(prepared(text).encode())
        await database.execute("DEALLOCATE checked")


def test_a_statement_without_a_name_is_told_by_its_file(tmp_path: Path) -> None:
    python = tmp_path / "reads.py"
    python.with_suffix(".sql").write_text("-- name: known\nSELECT 1;\n")

    with pytest.raises(Exception, match="no statement named unknown"):
        Statements(str(python)).text("unknown")
