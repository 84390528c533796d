"""What an order may come to is written down in the database by its name; here it is held against what the orders' own code writes."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.cmdb.records.plant import DeviceKind
from atlas.cmdb.rules import level_of
from atlas.connection import Atlas
from atlas.principal import executor
from forge.action import Action
from forge.actions.cmdb.plant import LINE_OPERATIONS
from forge.register import Register
from tests.given import Owner

# Functions that write what is bound, by the module that has them.
WRITES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "atlas.crm.writes": {
        **dict.fromkeys(("begin_line", "move_line", "move_plan", "suspend_subscribers", "restore_subscribers"), ("crm.subscriber",)),
        **dict.fromkeys(("restrict_subscribers", "terminate_subscribers"), ("crm.subscriber",)),
        **dict.fromkeys(("prefer_channel", "keep_quiet_hours"), ("crm.contact",)),
        "record_consent": ("crm.consent",),
        "register_customer": ("crm.customer", "crm.contact"),
        "amend_customer": ("crm.customer",),
        "give_role": ("crm.party_role",),
    },
    "atlas.cmdb.writes": {
        **dict.fromkeys(("connect_line", "change_box"), ("cmdb.access",)),
        **dict.fromkeys(("create_credential", "remove_credential"), ("cmdb.credential",)),
    },
    "atlas.billing.writes.charges": dict.fromkeys(("start_charge", "change_charge", "stop_charges"), ("billing.charge",)),
    "atlas.field_service.writes": dict.fromkeys(("open_crew_job", "open_visit", "cancel_visit", "complete_job"), ("field_service.job",)),
    "forge.actions.oms.plans": {"moved_on": ("crm.subscriber",)},
    "forge.actions.oms.visits": {"_booked": ("field_service.job",)},
    "forge.sessions": {"order_disconnects": ("provisioner.disconnect_session",)},
}


def effects_of(action: type[Action]) -> Iterator[str]:
    """The critical effects that the class and what it is derived from write, by the calls in their source."""
    for part in action.__mro__:
        if part.__module__.startswith("forge.actions"):
            whole, names = ast.parse(inspect.getsource(part)), vars(sys.modules[part.__module__])
            for call in ast.walk(whole):
                if isinstance(call, ast.Call):
                    yield from effects_of_call(call, whole, names)


def effects_of_call(call: ast.Call, within: ast.Module, names: Mapping[str, Any]) -> Iterator[str]:
    first, *rest = ast.unparse(call.func).split(".")
    called = reduce(lambda one, name: getattr(one, name, None), rest, names.get(first))
    module, name = getattr(called, "__module__", ""), getattr(called, "__name__", "")
    yield from WRITES.get(module or "", {}).get(name, ())
    if name == "queue_errands":
        port = ast.literal_eval(call.args[1])
        yield from (f"{port}.{operation}" for operation in operations(call.args[2], within))


def operations(asked: ast.expr, within: ast.Module) -> Iterator[str]:
    """The operation where it is written out; every one that a loop gives it, or that a line can have."""
    if isinstance(asked, ast.Constant):
        yield str(asked.value)
    elif isinstance(asked, ast.Name):
        loops = (one for one in ast.walk(within) if isinstance(one, ast.For) and ast.unparse(one.target) == asked.id)
        yield from (str(each) for one in loops for each in ast.literal_eval(one.iter))
    else:
        yield from LINE_OPERATIONS


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
