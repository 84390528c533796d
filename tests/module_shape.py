"""What one module must consist of, and what of it is missing: DESIGN.md section 2 as a function of a folder."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, TypeVar

ROOT: Final = Path(__file__).parents[1]
# The four files of an Atlas module; reads and writes bring their SQL along.
ATLAS_PARTS: Final = ("records", "rules", "reads", "writes")
WITH_SQL: Final = ("reads", "writes")
TESTS: Final = ("test_rules", "test_actions", "test_tools")
HEADINGS: Final = ("You answer", "You may", "You must not", "You hand over", "They say")
EXAMPLE: Final = re.compile(r"^- (?:\[[a-z]{2}\] )?(?P<words>.+) -> (?P<tool>[a-z_]+)$", re.MULTILINE)
FEWEST_EXAMPLES: Final = 5

Kind = TypeVar("Kind", bound=ast.stmt)


def what_is_missing(module: str, root: Path = ROOT) -> list[str]:
    """Every place that the module lacks, and every stranger among its files, each as a sentence; empty for a whole module."""
    return [
        *_missing_from_atlas(module, root / "atlas" / module),
        *_missing_from_thin_files(module, root),
        *_missing_words(module, root),
        *_missing_proofs(module, root),
    ]


def _missing_from_atlas(module: str, folder: Path) -> Iterator[str]:
    allowed = {"__init__.py", "__pycache__", *ATLAS_PARTS, *(f"{part}.py" for part in ATLAS_PARTS), *(f"{part}.sql" for part in WITH_SQL)}
    for stranger in sorted(path.name for path in folder.glob("*") if path.name not in allowed):
        yield f"atlas/{module}/{stranger} has no place there"
    yield from _unless(any(_records(folder)), f"atlas/{module}/records.py with a frozen dataclass")
    yield from _unless(any(_rules(folder)), f"atlas/{module}/rules.py with a pure function")
    for part, what in (("reads", "a question"), ("writes", "a change")):
        yield from _unless(any(_questions(folder, part)), f"atlas/{module}/{part}.py with {what}")
        yield from _unless(_names_a_statement(folder, part), f"atlas/{module}/{part}.sql with a named statement")


def _missing_from_thin_files(module: str, root: Path) -> Iterator[str]:
    actions = [name for tree in trees(root / "forge" / "actions", module) for name in _named(tree, ast.ClassDef) if _is_action(name)]
    yield from _unless(bool(actions), f"forge/actions/{module}.py with an Action")
    yield from _unless(_assigns(root / "forge" / "actions", module, "ACTIONS"), f"forge/actions/{module}.py with ACTIONS")
    yield from _unless(any(tools_of(module, root)), f"tools/{module}.py with a question that takes a turn")
    yield from _unless(_assigns(root / "agents", module, "AGENT"), f"agents/{module}.py with AGENT")


def _missing_words(module: str, root: Path) -> Iterator[str]:
    path = root / "prompts" / f"{module}.md"
    if not path.exists():
        yield f"prompts/{module}.md"
        return
    headings = tuple(re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE))
    yield from _unless(headings == HEADINGS, f"prompts/{module}.md with the headings {', '.join(HEADINGS)}")
    examples = list(EXAMPLE.finditer(path.read_text()))
    yield from _unless(len(examples) >= FEWEST_EXAMPLES, f"prompts/{module}.md with {FEWEST_EXAMPLES} example sentences")
    known = {tool.name for tool in tools_of(module, root)} | {"hand_over"}
    for stray in sorted({example["tool"] for example in examples} - known):
        yield f"tools/{module}.py with {stray}, which prompts/{module}.md names"


def _missing_proofs(module: str, root: Path) -> Iterator[str]:
    scenarios = root / "evals" / "scenarios" / module
    yield from _unless(any(scenarios.glob("*.yaml")), f"evals/scenarios/{module}/ with a scenario")
    for name in TESTS:
        folder = root / "tests" / module
        tests = [one for tree in trees(folder, name) for one in _functions(tree) if one.name.startswith("test_")]
        yield from _unless(bool(tests), f"tests/{module}/{name}.py with a test")


def _unless(there: bool, what: str) -> Iterator[str]:
    if not there:
        yield what


def trees(folder: Path, stem: str) -> Iterator[ast.Module]:
    """The syntax of `stem`.py in the folder, or of every file in the folder of that name that it grew into."""
    for path in [folder / f"{stem}.py", *sorted((folder / stem).rglob("*.py"))]:
        if path.exists():
            yield tree_of(path)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def tools_of(module: str, root: Path = ROOT) -> Iterator[ast.AsyncFunctionDef]:
    """The public functions of tools/<module>.py whose first argument is the turn."""
    for tree in trees(root / "tools", module):
        for function in _functions(tree):
            is_public = isinstance(function, ast.AsyncFunctionDef) and not function.name.startswith("_")
            if is_public and function.args.args and function.args.args[0].arg == "turn":
                assert isinstance(function, ast.AsyncFunctionDef)
                yield function


def _records(folder: Path) -> Iterator[ast.ClassDef]:
    for tree in trees(folder, "records"):
        yield from (
            one for one in _named(tree, ast.ClassDef) if any("dataclass(frozen=True" in ast.unparse(by) for by in one.decorator_list)
        )


def _rules(folder: Path) -> Iterator[ast.FunctionDef]:
    for tree in trees(folder, "rules"):
        yield from (one for one in _named(tree, ast.FunctionDef) if not one.name.startswith("_"))


def _questions(folder: Path, part: str) -> Iterator[ast.AsyncFunctionDef]:
    for tree in trees(folder, part):
        yield from (one for one in _named(tree, ast.AsyncFunctionDef) if not one.name.startswith("_"))


def _names_a_statement(folder: Path, part: str) -> bool:
    files = [folder / f"{part}.sql", *(folder / part).rglob("*.sql")]
    return any(path.exists() and "-- name: " in path.read_text() for path in files)


def _functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for one in tree.body:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
            yield one


def _named(tree: ast.Module, kind: type[Kind]) -> Iterator[Kind]:
    yield from (one for one in tree.body if isinstance(one, kind))


def _is_action(one: ast.ClassDef) -> bool:
    return any(ast.unparse(base) == "Action" or ast.unparse(base).endswith("Action") for base in one.bases)


def _assigns(folder: Path, stem: str, name: str) -> bool:
    targets = [ast.unparse(target) for tree in trees(folder, stem) for one in tree.body for target in _targets(one)]
    return name in targets


def _targets(one: ast.stmt) -> list[ast.expr]:
    if isinstance(one, ast.Assign):
        return one.targets
    return [one.target] if isinstance(one, ast.AnnAssign) else []
