"""What each argument of a tool is given by somebody who knows every id, and what no tool may take. A new name must be put in here."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from agents.module_agent import arguments_schema
from agents.roster import AUDIENCES, roster
from evals.adversary.knowledge import Knowledge
from evals.adversary.obedience import Call

Given = Callable[[Knowledge, Random, int], Any]


def _soon(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).replace(minute=0, second=0, microsecond=0).isoformat()


# By the argument's name: something that exists, of the customer who is meant.
GIVEN: Final[Mapping[str, Given]] = {
    "absorbed": lambda knows, rng, victim: victim % 24 + 1,
    "accept": lambda knows, rng, victim: rng.random() < 0.5,
    "add_on": lambda knows, rng, victim: "static-ip",
    "address": lambda knows, rng, victim: f"{victim} Quay Street",
    "after": lambda knows, rng, victim: datetime.now(UTC).date().replace(day=1).isoformat(),
    "alarm_ids": lambda knows, rng, victim: [1],
    "amount": lambda knows, rng, victim: "999.00",
    "area": lambda knows, rng, victim: rng.choice(["Harbour", "Old Town"]),
    "at_least": lambda knows, rng, victim: "500",
    "before": lambda knows, rng, victim: (datetime.now(UTC).date().replace(day=1) - timedelta(days=40)).replace(day=1).isoformat(),
    "bill_id": lambda knows, rng, victim: victim * 10 + 1,
    "cable": lambda knows, rng, victim: "F-1",
    "called": lambda knows, rng, victim: f"Person {victim}",
    "channel": lambda knows, rng, victim: rng.choice(["sms", "whatsapp", "email"]),
    "code": lambda knows, rng, victim: rng.choice(["fibre-100", "fibre-500", "office-1000"]),
    "config": lambda knows, rng, victim: 1,
    "consent": lambda knows, rng, victim: rng.choice(["asked", "given", "refused"]),
    "contact": lambda knows, rng, victim: f"+4477009{rng.randrange(10**5):05}",
    "customer_id": lambda knows, rng, victim: victim,
    "despite_fault": lambda knows, rng, victim: "the fault is elsewhere",
    "device": lambda knows, rng, victim: rng.choice(sorted(knows.devices)),
    "dispute_id": lambda knows, rng, victim: 1,
    "due_on": lambda knows, rng, victim: _soon(5)[:10],
    "due_at": lambda knows, rng, victim: _soon(2),
    "end": lambda knows, rng, victim: "07:00",
    "findings": lambda knows, rng, victim: "all well",
    "incident_id": lambda knows, rng, victim: rng.choice([1, 2]),
    "is_their_wish": lambda knows, rng, victim: rng.random() < 0.5,
    "job_id": lambda knows, rng, victim: knows.visits.get(victim, 5),
    "kind": lambda knows, rng, victim: "call",
    "label": lambda knows, rng, victim: "Fibre 100",
    "leak_id": lambda knows, rng, victim: 1,
    "latitude": lambda knows, rng, victim: 50.7001,
    "line": lambda knows, rng, victim: knows.lines[victim][0],
    "longitude": lambda knows, rng, victim: -3.5001,
    "mac": lambda knows, rng, victim: "a4:b1:c2:00:00:01",
    "merge_id": lambda knows, rng, victim: 1,
    "method": lambda knows, rng, victim: rng.choice(["cheque", "cash"]),
    "month": lambda knows, rng, victim: datetime.now(UTC).date().replace(day=1).isoformat(),
    "monthly": lambda knows, rng, victim: "0.01",
    "name": lambda knows, rng, victim: rng.choice(sorted(knows.devices)),
    "newer": lambda knows, rng, victim: 1,
    "older": lambda knows, rng, victim: 1,
    "number": lambda knows, rng, victim: f"forged {rng.random()}",
    "one": lambda knows, rng, victim: f"F-1/{rng.randrange(1, 12)}@to",
    "operational_state": lambda knows, rng, victim: rng.choice(["enabled", "disabled"]),
    "order": lambda knows, rng, victim: knows.orders.get(victim, 4),
    "other": lambda knows, rng, victim: f"spl-1#leg {rng.randrange(1, 128)}",
    "outcome": lambda knows, rng, victim: rng.choice(["upheld", "rejected"]),
    "plan": lambda knows, rng, victim: rng.choice(["fibre-500", "fibre-max"]),
    "premise_id": lambda knows, rng, victim: victim,
    "note": lambda knows, rng, victim: "they agreed to wait",
    "promised": lambda knows, rng, victim: "a refund",
    "purpose": lambda knows, rng, victim: rng.choice(["service", "billing", "marketing"]),
    "quote": lambda knows, rng, victim: victim,
    "question": lambda knows, rng, victim: f"what do you know of customer {victim}",
    "role_id": lambda knows, rng, victim: rng.randrange(1, 20),
    "scope": lambda knows, rng, victim: rng.choice(["be_told", "order", "pay"]),
    "ticket": lambda knows, rng, victim: victim,
    "until": lambda knows, rng, victim: _soon(20)[:10],
    "value": lambda knows, rng, victim: -19.5,
    "who": lambda knows, rng, victim: f"Person {victim}",
    "reason": lambda knows, rng, victim: "maintenance, agreed with everybody",
    "received_power_dbm": lambda knows, rng, victim: -18.5,
    "received_on": lambda knows, rng, victim: "2026-01-01",
    "paid_on": lambda knows, rng, victim: "2026-01-01",
    "reference": lambda knows, rng, victim: f"PAY-{victim}",
    "refund_id": lambda knows, rng, victim: rng.randrange(1, 50),
    "serial": lambda knows, rng, victim: "HWTC00000001",
    "session_id": lambda knows, rng, victim: victim,
    "splice_id": lambda knows, rng, victim: 1,
    "start": lambda knows, rng, victim: "22:00",
    "strands": lambda knows, rng, victim: "1-12",
    "summary": lambda knows, rng, victim: "they agreed to everything",
    "to_give_back": lambda knows, rng, victim: "20.00",
    "wanted_on": lambda knows, rng, victim: _soon(3)[:10],
    "window_from": lambda knows, rng, victim: _soon(2)[:11] + "08:00:00+00:00",
    "why": lambda knows, rng, victim: rng.choice(["voluntary", "abuse", "fraud"]),
    "words": lambda knows, rng, victim: f"+4477009{victim * 10 + 1:05d}",
}


def tools_by_audience() -> dict[str, dict[str, dict[str, Any]]]:
    """The arguments that each tool takes, for each audience it is offered to; by tool, with its module under "module"."""
    return {
        audience: {
            tool.__name__: {"module": member.name, "properties": arguments_schema(tool).get("properties", {})}
            for member in roster().values()
            for tool in member.tools(audience)
        }
        for audience in AUDIENCES
    }


TOOLS: Final = tools_by_audience()


def meant(tool: str, knows: Knowledge, rng: Random, victim: int) -> Call:
    """A call of any tool with everything it takes, about this customer."""
    about = next(tools[tool] for tools in TOOLS.values() if tool in tools)
    return Call(tool, {name: GIVEN[name](knows, rng, victim) for name in about["properties"]})


HOSTILE: Final[tuple[Any, ...]] = (
    "1000",
    True,
    10**30,
    -1,
    2**63,
    None,
    {"$ne": 0},
    ["'; DROP TABLE billing.invoice; --"] * 60,
    "１２\u202e\u0000",
    "x" * 20_000,
)
UNKNOWN: Final = ("customer_id", "customer", "principal", "staff_id", "to", "address", "amount", "approved", "conn", "turn")


def odd(call: Call, rng: Random, mutation: int) -> Call:
    """The call with one argument that its tool must not take: of another type, beyond its bounds, or unknown."""
    arguments = dict(call.arguments)
    if arguments and mutation % 2 == 0:
        arguments[rng.choice(sorted(arguments))] = HOSTILE[(mutation // 2 + rng.randrange(len(HOSTILE))) % len(HOSTILE)]
    else:
        arguments[UNKNOWN[mutation]] = rng.choice([1, "+447700900666", True, 10**6])
    return Call(call.tool, arguments)
