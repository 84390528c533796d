"""What an order may come to is written down in the database by its name; here it is held against what the orders' own code writes."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.actions.writes import queue_errands
from atlas.cmdb.records.plant import DeviceKind
from atlas.cmdb.rules import level_of
from atlas.connection import Atlas
from atlas.principal import executor
from atlas.statements import Statements
from forge.action import Action
from forge.actions.cmdb.plant import LINE_OPERATIONS
from forge.register import Register
from tests.given import Owner

# What the executor may write without an order: the steps of a sequence, and what time alone does to an alarm.
FREE = frozenset({"actions.sequence", "actions.sequence_step", "nms.alarm"})
# What the database's own functions write, whoever calls them: a kind of journal, or a table.
BY_FUNCTION = {
    "billing.post_credits": {"billing.journal.credit"},
    "billing.refund": {"billing.journal.refund"},
    "billing.receive_payment": {"billing.journal.payment"},
    "billing.match_payment": {"billing.journal.match"},
    "billing.unmatch_payment": {"billing.journal.reversal"},
    "billing.issue_credit_note": {"billing.journal.credit_note"},
    "billing.issue_batch": {"billing.journal.invoice"},
    "billing.release_held": {"billing.journal.invoice"},
    "billing.issue_final": {"billing.journal.invoice"},
    "billing.pay_back": {"billing.journal.refund"},
    "billing.write_off": {"billing.journal.write_off"},
    "crm.merge_customers": {"crm.merge", "billing.journal.opening"},
    "crm.undo_merge": {"crm.merge", "billing.journal.reversal"},
    "cmdb.next_free": {"cmdb.allotment", "cmdb.pool"},
    "privacy.erase": {"cmdb.access"},
    "cmdb.disconnect": {"cmdb.access"},
    "cmdb.remove_device": {"cmdb.device"},
}
WRITTEN = re.compile(r"\b(?:INSERT INTO|UPDATE|DELETE FROM) ([a-z_]+\.[a-z_]+)")
CALLED = re.compile(r"\b([a-z_]+\.[a-z_]+)\(")


def effects_of(action: type[Action]) -> set[str]:
    """The critical effects of an order: what its class, and every function of ours that it calls, writes by its statements."""
    found: set[str] = set()
    collect_class(action, found, set())
    return found


def collect_class(action: type[Action], found: set[str], seen: set[Any]) -> None:
    for part in action.__mro__:
        if part.__module__.startswith("forge.actions"):
            collect(part, found, seen)


def collect(code: Any, found: set[str], seen: set[Any]) -> None:
    """Adds what a class or function writes, and follows the calls to functions of Forge's and of Atlas' writes."""
    if code in seen:
        return
    seen.add(code)
    whole, names = ast.parse(textwrap.dedent(inspect.getsource(code))), vars(sys.modules[code.__module__])
    statements = names["SQL"].texts if isinstance(names.get("SQL"), Statements) else {}
    for node in ast.walk(whole):
        if isinstance(node, ast.Constant) and node.value in statements:
            found |= written_by(statements[node.value])
        if isinstance(node, ast.Call):
            first, *rest = ast.unparse(node.func).split(".")
            called = reduce(lambda one, name: getattr(one, name, None), rest, names.get(first))
            if called is queue_errands:
                found |= {f"{literal(node.args[1], names)}.{one}" for one in operations(node.args[2], whole, names)}
            elif (within := order_of(called)) is not None and ".carry_out(" in ast.unparse(whole):
                # An order that is carried out within another one.
                collect_class(within, found, seen)
            elif inspect.isfunction(called) and called.__module__.startswith(("forge.", "atlas.")):
                collect(called, found, seen)


def order_of(called: Any) -> type[Action] | None:
    """The order that a call makes: by its class, or by a way of its class'."""
    made = called.__self__ if inspect.ismethod(called) else called
    return made if inspect.isclass(made) and issubclass(made, Action) else None


def written_by(statement: str) -> set[str]:
    called = (BY_FUNCTION.get(name, set()) for name in CALLED.findall(statement))
    return set(WRITTEN.findall(statement)) - FREE | {effect for effects in called for effect in effects}


def literal(asked: ast.expr, names: Mapping[str, Any]) -> str:
    return str(asked.value if isinstance(asked, ast.Constant) else names[ast.unparse(asked)])


def operations(asked: ast.expr, within: ast.Module, names: Mapping[str, Any]) -> Iterator[str]:
    """The operation where it is written out; every one that a loop gives it, or that a line can have."""
    loops = [one for one in ast.walk(within) if isinstance(one, ast.For) and ast.unparse(one.target) == ast.unparse(asked)]
    if loops:
        yield from (str(each) for one in loops for each in ast.literal_eval(one.iter))
    elif isinstance(asked, ast.Attribute):
        yield from LINE_OPERATIONS
    else:
        yield literal(asked, names)


async def written_down(owner: Owner) -> set[tuple[str, str]]:
    found = await (await owner.execute("SELECT action, effect FROM actions.may_write")).fetchall()
    return {(str(action), str(effect)) for action, effect in found}


async def test_every_order_may_write_what_its_code_writes(owner: Owner) -> None:
    code = {(name, effect) for name, action in Register.of_modules().actions.items() for effect in effects_of(action)}

    assert sorted(code - await written_down(owner)) == []


async def test_no_line_names_an_order_that_does_not_exist(owner: Owner) -> None:
    known = set(Register.of_modules().actions)

    assert [(action, effect) for action, effect in await written_down(owner) if action not in known] == []


@pytest.mark.parametrize("kind", list(DeviceKind))
async def test_the_database_ranks_devices_as_governance_does(owner: Owner, kind: DeviceKind) -> None:
    row = await (await owner.execute("SELECT actions.tier_of(%s)", [kind.value])).fetchone()

    assert row == (level_of(kind),)


async def test_a_line_is_not_touched_without_an_order(atlas: Atlas) -> None:
    with pytest.raises(InsufficientPrivilege, match="no action was allowed"):
        async with atlas.transaction(executor("tests")) as conn:
            await conn.execute("UPDATE crm.subscriber SET version = version + 1")


async def test_the_executor_may_not_say_what_an_order_may_write(atlas: Atlas) -> None:
    with pytest.raises(InsufficientPrivilege):
        async with atlas.transaction(executor("tests")) as conn:
            await conn.execute("INSERT INTO actions.may_write VALUES ('record_interaction', 'crm.subscriber')")
