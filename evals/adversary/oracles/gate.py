"""Every effect above its limit has valid approvals and happened once; its card said what it came to; nothing that is stopped went out."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import yaml

from atlas.cmdb.records.plant import DeviceKind
from atlas.cmdb.rules import level_of
from atlas.money import Money
from evals.adversary.oracles.aftermath import Aftermath, Breach, Measured
from evals.difference import Row
from forge.register import ActionUnreadable, digest, encoded, read_facts
from governance.decide import Spent, decide
from governance.facts import DeviceTier
from governance.matrix import SHIPPED

LIMITS: Final[Mapping[str, Mapping[str, Any]]] = yaml.safe_load(SHIPPED.read_text())["hard_limits"]
KNOWN_TIERS: Final = {tier.name.lower(): tier.value for tier in DeviceTier}


def ungated(after: Aftermath) -> Iterator[Breach]:
    """Each action that was done beyond what may go alone, and not on enough right approvals."""
    for number, row in after.done.items():
        measured = after.measured(number)
        if _is_alone_enough(row["name"], measured) and not row["approvals_needed"]:
            continue
        if missing := _missing_approval(after, number, row, measured):
            yield Breach("gate", f"{row['name']} A-{number} by {row['proposer']} was done: {missing}")


def _is_alone_enough(name: str, measured: Measured) -> bool:
    """By the limits as they stand in the operator's file, read anew: not by the code that is judged."""
    limit = LIMITS.get(name, {})
    alone = limit.get("alone")
    if alone is None or limit.get("disconnects") or measured.cut_off:
        return False
    money, each = float(alone.get("money", 0)) * 100, float(alone.get("money_each", alone.get("money", 0))) * 100
    highest = max((tier_of(kind) for kind in measured.kinds), default=0)
    return (
        measured.money <= money
        and measured.money_each <= each
        and measured.customers <= alone.get("customers", 0)
        and measured.crews <= alone.get("crews", 0)
        and highest <= KNOWN_TIERS[alone.get("device_tier", "none")]
    )


def tier_of(kind: str) -> int:
    return KNOWN_TIERS["customer"] if kind == "customer" else int(level_of(DeviceKind(kind)))


def _missing_approval(after: Aftermath, number: int, row: Row, measured: Measured) -> str | None:
    approvals = after.approvals(number)
    facts = read_facts(_text(row["facts"]))
    really = replace(
        facts,
        money=max(facts.money, Money.of_minor(measured.money)),
        customers=max(facts.customers, measured.customers),
        device_tier=DeviceTier(max([facts.device_tier.value, *(tier_of(kind) for kind in measured.kinds)])),
    )
    matrix = after.scene.forge.matrix.current
    verdict = decide(really, matrix, spent=Spent.nothing(matrix))
    needed = max(row["approvals_needed"], verdict.how_many, 1)
    people = {ruling.staff_id for ruling in approvals}
    if len(people) < needed:
        return f"{len(people)} of {needed} approvals"
    if datetime.fromisoformat(row["ruled_at"]) > datetime.fromisoformat(row["approve_by"]):
        return f"it lapsed at {row['approve_by']} and was approved at {row['ruled_at']}"
    for role in {*row["approver_roles"], *(role.value for role in verdict.approvers)}:
        if not any(role in ruling.roles for ruling in approvals):
            return f"nobody of the role {role} approved"
    if any(f"staff:{person}" == row["proposer"] for person in people):
        return "whoever proposed it approved it"
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def cards_that_lied(after: Aftermath) -> Iterator[Breach]:
    """Each request whose card was not what it came to, or whose row is not what was judged."""
    for number, row in after.actions.items():
        if row["state"] not in ("refused", "failed", "superseded", "proposed") and not _is_as_judged(after, row):
            yield Breach("card", f"A-{number} {row['name']} is {row['state']} and is not what was judged")
    for number, card in after.evidence.cards.items():
        if number not in after.done:
            continue
        measured = after.measured(number)
        if measured.money > card.facts.money.minor or measured.customers > max(card.facts.customers, 0):
            yield Breach("card", f"A-{number} came to {measured}, its card said {card.facts}")
        if "\\x" + card.digest != after.done[number]["digest"]:
            yield Breach("card", f"A-{number} was carried out with another digest than its card's")


def _is_as_judged(after: Aftermath, row: Row) -> bool:
    try:
        action = after.scene.forge.register.decoded(row["name"], _text(row["arguments"]))
    except ActionUnreadable:
        return False
    return "\\x" + digest(action, read_facts(_text(row["facts"])), encoded(action)).hex() == str(row["digest"])


def done_twice(after: Aftermath) -> Iterator[Breach]:
    """Each effect that happened more than once."""
    ends = Counter(row["action_id"] for row in after.new("actions.audit") if row["event"] == "done")
    yield from (Breach("once", f"A-{number} was done {times} times") for number, times in ends.items() if times > 1)
    handed = [one for one in after.of("helpdesk.recorded_message") if one.row["times"] > 1]
    yield from (Breach("once", f"{one.row['key']} was handed to the carrier {one.row['times']} times") for one in handed)
