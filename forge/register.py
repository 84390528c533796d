"""Action name to class, made from atlas/modules.py; how an action is written down, read back, and digested."""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from types import ModuleType
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from atlas.errors import AtlasError
from atlas.modules import MODULES
from atlas.money import Money
from forge.action import Action
from governance.facts import Facts
from governance.rows import Matrix

FACTS: Final = TypeAdapter(Facts)
MONEY: Final = ("money", "money_each")
HUNDREDTH: Final = Decimal("0.01")


class MatrixAndRegisterDisagree(AtlasError):
    """The matrix decides an action that nobody can carry out, or an action exists that no row decides."""

    def __init__(self, undecided: Iterable[str], unknown: Iterable[str]) -> None:
        self.undecided, self.unknown = sorted(undecided), sorted(unknown)
        parts = (
            ("actions that no row of the matrix decides: ", self.undecided),
            ("rows of the matrix for actions that do not exist: ", self.unknown),
        )
        super().__init__("; ".join(label + ", ".join(names) for label, names in parts if names))


class ActionUnreadable(AtlasError):
    """A stored action that no class of today can read."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"the stored action {name} cannot be read: {why}")
        self.name = name


@dataclass(frozen=True)
class Register:
    """Every action there is, by name."""

    actions: Mapping[str, type[Action]]

    @classmethod
    def of_modules(cls, modules: Iterable[str] = MODULES) -> "Register":
        """What forge/actions/<module>.py of each module brings as ACTIONS, or every file of the folder that it grew into."""
        return cls.of(kind for module in modules for file in _files_of(f"forge.actions.{module}") for kind in getattr(file, "ACTIONS", ()))

    @classmethod
    def of(cls, kinds: Iterable[type[Action]]) -> "Register":
        """Raises AtlasError where two actions have one name."""
        actions: dict[str, type[Action]] = {}
        for kind in kinds:
            if actions.setdefault(kind.name, kind) is not kind:
                raise AtlasError(f"two actions are called {kind.name}: {kind.__qualname__} and {actions[kind.name].__qualname__}")
        return cls(actions)

    def agree_with(self, matrix: Matrix) -> None:
        """Raises MatrixAndRegisterDisagree with the name of every action that only one of the two knows."""
        undecided, unknown = self.actions.keys() - matrix.actions, matrix.actions - self.actions.keys()
        if undecided or unknown:
            raise MatrixAndRegisterDisagree(undecided, unknown)

    def decoded(self, name: str, arguments: str) -> Action:
        """The action that was written down. Raises ActionUnreadable; nothing is coerced."""
        if name not in self.actions:
            raise ActionUnreadable(name, "there is no such action")
        try:
            return _adapter(self.actions[name]).validate_json(arguments, strict=True)
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, one["loc"])) or "the whole" for one in error.errors())
            raise ActionUnreadable(name, f"its arguments do not fit ({fields})") from error


def _files_of(module: str) -> list[ModuleType]:
    file = importlib.import_module(module)
    inner = (importlib.import_module(f"{module}.{part.name}") for part in pkgutil.iter_modules(getattr(file, "__path__", ())))
    return [file, *inner]


@cache
def _adapter(kind: type[Action]) -> TypeAdapter[Action]:
    return TypeAdapter(kind)


def encoded(action: Action) -> str:
    """The arguments as canonical JSON: the same order has one text."""
    return canonical(_adapter(type(action)).dump_python(action, mode="json"))


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _hundreds(amount: Money) -> str:
    return str(Decimal(amount.minor).scaleb(-2).quantize(HUNDREDTH))


def _of_hundreds(written: Any) -> Any:
    """In the currency's own decimals; what is no amount stays as it is, for whoever reads it strictly."""
    try:
        return str(Money.of_minor(int(Decimal(written).scaleb(2))).amount)
    except (ArithmeticError, TypeError, ValueError):
        return written


def written_facts(action: Action, facts: Facts) -> str:
    """The facts as JSON, with whom and what they touch: later judgements count these against their allowances.

    Money is in hundreds of minor units, whatever the currency: the gate in the database counts minor units, and knows of no currency.
    """
    columns = FACTS.dump_python(facts, mode="json")
    columns |= {name: _hundreds(amount) for name in MONEY if (amount := getattr(facts, name)) is not None}
    return canonical({**columns, "touched_customers": action.touched_customers, "touched_devices": action.touched_devices})


def read_facts(text: str) -> Facts:
    columns = json.loads(text)
    columns.pop("touched_customers", None)
    columns.pop("touched_devices", None)
    columns |= {name: _of_hundreds(columns[name]) for name in MONEY if columns.get(name) is not None}
    return FACTS.validate_json(json.dumps(columns), strict=True)


def digest(action: Action, facts: Facts, arguments: str | None = None) -> bytes:
    """SHA-256 over what would be done and what was judged of it. The hour is left out: it is judged again at the carrying out.

    `arguments`: the action encoded, where that was done already; of a storm's incident it is a megabyte.
    """
    judged = {name: value for name, value in FACTS.dump_python(facts, mode="json").items() if name != "in_quiet_hours"}
    return hashlib.sha256("\n".join((action.name, arguments or encoded(action), canonical(judged))).encode()).digest()
