"""What we promise about shape: ten columns alike, small files, empty __init__, names that are ours."""

import ast
import importlib.util
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from atlas.modules import MODULES, SHARED_FOLDERS
from tests.module_shape import ROOT, tree_of, what_is_missing

PACKAGES: Final = ("atlas", "cortex", "governance", "forge", "tools", "agents", "console", "api", "evals", "prompts")
LONGEST_FUNCTION: Final = 50
LONGEST_FILE: Final = 400
# What building leaves behind.
NOT_OURS: Final = {".venv", "build"}


def python_files() -> Iterator[Path]:
    for top in (*PACKAGES, "tests"):
        yield from sorted((ROOT / top).rglob("*.py"))


@cache
def functions() -> list[tuple[str, int, bool]]:
    """Every function: its place, its lines, and whether an import hides in it. A thousand files, so they are read once."""
    return [
        (f"{path.relative_to(ROOT)}:{one.name}", (one.end_lineno or 0) - one.lineno + 1, any(map(is_import, ast.walk(one))))
        for path in python_files()
        for one in ast.walk(tree_of(path))
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def is_import(one: ast.AST) -> bool:
    return isinstance(one, ast.Import | ast.ImportFrom)


def named(paths: Iterator[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_one_whole_column(module: str) -> None:
    missing = what_is_missing(module)

    assert missing == [], "missing: " + "; ".join(missing)


def test_an_eleventh_module_is_told_everything_it_needs(tmp_path: Path) -> None:
    missing = what_is_missing("loyalty", tmp_path)

    print("\nAn eleventh module needs:", *missing, sep="\n  ")  # noqa: T201
    assert missing == [
        "atlas/loyalty/records.py with a frozen dataclass",
        "atlas/loyalty/rules.py with a pure function",
        "atlas/loyalty/reads.py with a question",
        "atlas/loyalty/reads.sql with a named statement",
        "atlas/loyalty/writes.py with a change",
        "atlas/loyalty/writes.sql with a named statement",
        "forge/actions/loyalty.py with an Action",
        "forge/actions/loyalty.py with ACTIONS",
        "tools/loyalty.py with a question that takes a turn",
        "agents/loyalty.py with AGENT",
        "prompts/loyalty.md",
        "evals/scenarios/loyalty/ with a scenario",
        "tests/loyalty/test_rules.py with a test",
        "tests/loyalty/test_actions.py with a test",
        "tests/loyalty/test_tools.py with a test",
    ]


def test_a_file_of_another_name_in_a_module_is_a_stranger(tmp_path: Path) -> None:
    (tmp_path / "atlas" / "loyalty").mkdir(parents=True)
    (tmp_path / "atlas" / "loyalty" / "utils.py").write_text("")

    assert "atlas/loyalty/utils.py has no place there" in what_is_missing("loyalty", tmp_path)


def test_nothing_but_the_modules_and_the_shared_folders_is_a_folder_of_atlas() -> None:
    folders = {path.name for path in (ROOT / "atlas").iterdir() if path.is_dir() and path.name != "__pycache__"}

    # backup/ is what backup.py grew into; it keeps copies of the whole server and knows no module.
    assert folders == {*MODULES, *SHARED_FOLDERS, "migrations", "backup"}


@pytest.mark.parametrize("place", ["forge/actions", "tools", "agents"])
def test_every_module_has_its_own_file_where_modules_have_one(place: str) -> None:
    there = {path.stem for path in (ROOT / place).iterdir()}

    assert set(MODULES) <= there


def test_every_init_is_empty_but_that_of_the_detectors() -> None:
    spoken = (path for path in python_files() if path.name == "__init__.py" and path.read_text().strip())

    assert [name for name in named(spoken) if name != "cortex/detectors/__init__.py"] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_import_name_is_ours_and_no_other_distributions(package: str) -> None:
    found = importlib.util.find_spec(package)

    assert found is not None
    assert found.origin is not None
    assert Path(found.origin).parent == ROOT / package


def test_no_other_folder_of_the_top_level_holds_python() -> None:
    folders = (path for path in ROOT.iterdir() if path.is_dir() and path.name not in NOT_OURS)
    strangers = {folder.name for folder in folders if any(folder.rglob("*.py"))}
    loose = [path.name for path in ROOT.glob("*.py")]

    assert (strangers - {*PACKAGES, "tests"}, loose) == (set(), [])


def test_no_file_is_longer_than_a_reader_bears() -> None:
    long = (path for path in python_files() if len(path.read_text().splitlines()) > LONGEST_FILE)

    assert named(long) == []


def test_no_function_is_longer_than_a_page() -> None:
    long = [f"{name} has {length} lines" for name, length, _ in functions() if length > LONGEST_FUNCTION]

    assert long == []


def test_no_import_hides_inside_a_function() -> None:
    assert [name for name, _, is_hiding in functions() if is_hiding] == []


def test_the_import_contracts_name_every_module() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    lists = {contract["name"]: contract.get("containers") or contract.get("modules") or [] for contract in contracts}

    columns = [f"atlas.{folder}" for folder in (*MODULES, *SHARED_FOLDERS)]
    assert lists["An Atlas module is reads and writes above rules above records, and nothing else"] == columns
    assert lists["Atlas modules never import one another"] == columns
    assert lists["Questions of one module never ask another's"] == [f"tools.{module}" for module in MODULES]
    assert lists["Agents of modules know nothing of one another"] == [f"agents.{module}" for module in MODULES]
    assert lists["Actions of one module never use another's"] == [f"forge.actions.{module}" for module in MODULES]
