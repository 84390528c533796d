"""`billing-cases`: bills whose money two other billing systems are tested for, billed by the run of ours and compared to the cent.

The cases lie outside the project (`../shared/data/billing`, its README says where from). Each is billed by the real statements in a
transaction of its own. What ours has no rule for is refused with its reason: never counted as right, never guessed.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from psycopg import AsyncConnection

from api.serve import database
from api.settings import Settings
from atlas.errors import AtlasError
from atlas.identity import OfferingVersionId
from atlas.statements import Connection
from evals.bench import Conditions, Row
from evals.benchmarks.billing_metered import by_packages, by_tiers
from evals.benchmarks.billing_played import Line, NotOurs, Played, plan

DATA: Final = Path(__file__).parents[3] / "shared" / "data" / "billing"
PRICE: Final = 10_000
CHANGE_DAY: Final = {"new state": "new", "last day of service is charged": "old"}
AMOUNT: Final = re.compile(r"-?\d+(\.\d+)?")


class DataMissing(AtlasError):
    """The cases are not where they should be: nothing was measured."""


@dataclass(frozen=True)
class Judged:
    """One case. `refused` says which rule is not ours, empty where it was billed."""

    id: str
    refused: str
    expected: Any
    found: Any

    @property
    def is_right(self) -> bool:
        return not self.refused and bool(self.expected == self.found)


async def run(conditions: Conditions) -> Sequence[Row]:
    """Raises DataMissing."""
    settings = Settings(home=conditions.home / "billing-cases")
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(database(settings))
        judged = await all_judged(await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True)))
    supported = [one for one in judged if not one.refused]
    exact = sum(one.is_right for one in supported)
    return [
        Row("billing-cases", f"supported of {len(judged)}", "%", 100 * len(supported) / len(judged), None, None, "", "≥ 90 %"),
        Row("billing-cases", f"exact to the cent of {len(supported)}", "%", 100 * exact / len(supported), None, None, "", "100 %"),
    ]


async def all_judged(conn: Connection) -> list[Judged]:
    """Every case, each undone. Raises DataMissing."""
    invoices = [await _judged(conn, case, case["expect"], _invoiced) for case in cases("invoice_cases.json")]
    cycles = cases("billing_cycle_cases.json")
    return invoices + [await _judged(conn, case, Fraction(case["expected_cycles"]), _cycled) for case in cycles]


def cases(name: str) -> list[dict[str, Any]]:
    """Raises DataMissing."""
    path = DATA / name
    if not path.exists():
        raise DataMissing(f"no {name} in shared/data/billing")
    return list(json.loads(path.read_text()))


async def _judged(
    conn: Connection, case: dict[str, Any], expected: Any, billed: Callable[[Connection, dict[str, Any]], Awaitable[Any]]
) -> Judged:
    try:
        async with conn.transaction(force_rollback=True):
            return Judged(case["id"], "", comparable(expected), await billed(conn, case))
    except NotOurs as not_ours:
        return Judged(case["id"], str(not_ours), expected, None)


async def _cycled(conn: Connection, case: dict[str, Any]) -> Fraction:
    """How many periods were charged; each line's money is checked against its days."""
    if case["expected_error"]:
        raise NotOurs("dates that make no sense")
    play = await Played.of(conn, "0", "new")
    await play.begins(_day(case["start"]), await plan(conn, PRICE, case["period"]), case["bill_cycle_day"])
    if case["end"]:
        await play.ends(_day(case["end"]))
    lines = await play.bills_on(_day(case["bill_up_to"]))
    for line in lines:
        exact = Decimal(PRICE) * line.periods.numerator / line.periods.denominator
        if line.net != int(exact.quantize(Decimal(1), ROUND_HALF_UP)):
            return Fraction(-1)
    return sum((line.periods for line in lines), Fraction(0))


async def _invoiced(conn: Connection, case: dict[str, Any]) -> dict[str, Any]:
    given, rules = case["given"], case["rules"]
    billed = SHAPES.get(frozenset(given) - {"tax_percent"})
    if billed is None:
        raise NotOurs(f"no bill of ours is made of {', '.join(sorted(given))}")
    if not rules["rounding"].startswith("half-up") or not rules["day_count"].startswith("actual days"):
        raise NotOurs(f"{rules['rounding']}; {rules['day_count']}")
    play = await Played.of(conn, given.get("tax_percent", "0"), CHANGE_DAY[rules["change_day_belongs_to"]])
    found = told(play, await billed(play, given))
    return {key: comparable(found.get(key)) for key in case["expect"]}


async def _until(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    await play.begins(_day(given["start"]), await _plan(play, given["plan"]), given["bill_day"])
    for day in given.get("runs") or given.get("invoice_runs") or [given["invoice_up_to"]]:
        await play.bills_on(_day(day))
    return _watched(play.bills)


async def _events(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    first, *later = given["events"]
    await play.begins(_day(first["on"]), await _plan(play, first["plan"]), first["bill_day"])
    for event in later:
        await play.changes(_day(event["on"]), await _plan(play, event["plan"]), event["bill_day"])
    await play.bills_on(_day(given["invoice_up_to"]))
    return _watched(play.bills)


async def _moved(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    """Days billed with one bill day, and what is owed with another that begins earlier."""
    (billed,), owed = given["already_billed"], given["should_be"]
    if any(one["to"] != other["from"] for one, other in pairwise(owed)) or {one["rate"] for one in owed} != {billed["rate"]}:
        raise NotOurs("a service that goes on longer for the days it was suspended")
    first, since = _day(owed[0]["from"]), _day(billed["from"])
    await play.begins(first, await plan(play.conn, _minor(billed["rate"])), since.day)
    await play.apart(first, since)
    await play.bills_on(since)
    await play.whole_again()
    await play.moves(first.day)
    await play.bills_on(_day(owed[-1]["from"]))
    return _watched(play.bills[-1:])


async def _part_changed(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    """The new plan is the one whose part of the period costs what the case says."""
    (billed,), change = given["already_billed"], given["change"]
    first, end, on = _day(billed["from"]), _day(billed["to"]), _day(change["on"])
    whole = Fraction(change["new_item"]["amount"]) * (end - first).days / (end - on).days * 100
    if whole.denominator != 1:
        raise NotOurs("a part of no whole price")
    await play.begins(first, await plan(play.conn, _minor(billed["amount"])), first.day)
    await play.bills_on(first)
    await play.changes(on, await plan(play.conn, int(whole)))
    await play.bills_on(on)
    return _watched(play.bills)


async def _changed(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    first = _day(given["billed_period"][0])
    await play.begins(first, await _plan(play, given["plan"]), first.day)
    await play.bills_on(first)
    return await _one_change(play, given["change"])


async def _one_change(play: Played, change: dict[str, Any]) -> Mapping[str, Any]:
    await play.changes(_day(change["on"]), await _plan(play, change["plan"]), change.get("bill_day"))
    await play.bills_on(_day(change["on"]))
    return _watched(play.bills[-1:])


async def _after(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    (earlier,) = (case for case in cases("invoice_cases.json") if case["id"] == given["after"])
    await _changed(play, earlier["given"])
    return await _one_change(play, given["change"])


async def _aligned(play: Played, given: dict[str, Any]) -> Mapping[str, Any]:
    first = _day(given["start"])
    await play.begins(first, await _plan(play, given["plan"]), 1 if given["calendar_aligned"] else first.day)
    await play.bills_on(first)
    for change in given.get("changes", []):
        await _one_change(play, change)
    if "cancel_on" in given:
        await play.ends(_day(given["cancel_on"]))
        await play.bills_on(_day(given["cancel_on"]))
    return _watched(play.bills)


Billed = Callable[[Played, dict[str, Any]], Awaitable[Mapping[str, Any]]]
# By what a case is given, whole: a field that no shape has refuses the case.
SHAPES: Final[dict[frozenset[str], Billed]] = {
    frozenset({"plan", "start", "bill_day", "invoice_up_to"}): _until,
    frozenset({"plan", "start", "bill_day", "runs"}): _until,
    frozenset({"plan", "start", "bill_day", "invoice_runs"}): _until,
    frozenset({"events", "invoice_up_to"}): _events,
    frozenset({"already_billed", "should_be"}): _moved,
    frozenset({"already_billed", "change"}): _part_changed,
    frozenset({"plan", "billed_period", "change"}): _changed,
    frozenset({"after", "change"}): _after,
    frozenset({"plan", "calendar_aligned", "start"}): _aligned,
    frozenset({"plan", "calendar_aligned", "start", "changes"}): _aligned,
    frozenset({"plan", "calendar_aligned", "start", "cancel_on"}): _aligned,
    frozenset({"block_size", "tiers", "units", "mode"}): by_tiers,
    frozenset({"tiers", "units", "mode"}): by_tiers,
    frozenset({"package_size", "price_per_package", "free_units", "units"}): by_packages,
}


def _watched(bills: list[list[Line]]) -> Mapping[str, Any]:
    lines = [line for bill in bills for line in bill]
    return {"items": _items(lines), "new_items": _items(lines), "total": _sum(lines), "item_count": len(lines)}


def told(play: Played, watched: Mapping[str, Any]) -> dict[str, Any]:
    """All that a case may ask about: of the watched bills, of the first and the last, of each charge, and of what waits."""
    first, last, lines = play.bills[0], play.bills[-1], [line for bill in play.bills for line in bill]
    before, after = play.waiting
    charges = sorted({line.charge_id or 0 for line in lines})
    return {
        **watched_defaults(first, last, lines),
        "net_items": [_net_item([line for line in lines if line.charge_id == charge]) for charge in charges],
        "account_credit_added": _money(max(0, -after) - max(0, -before)),
        "account_credit_used": _money(max(0, -before) - max(0, -after)),
        "to_pay": _money(before + sum(line.net for line in last) - after),
        **watched,
    }


def watched_defaults(first: list[Line], last: list[Line], lines: list[Line]) -> dict[str, Any]:
    return {
        "second_run_items": len(last),
        "net_charges": [_money(line.net) for line in lines if line.kind == "recurring"],
        "credits_including_tax": [_money(-line.net - line.tax) for line in lines if line.kind == "credit"],
        "invoice": _document(first, 1),
        "credit_note": _document(last, -1),
        "invoice_total": _document(first, 1)["total"],
    }


def _net_item(lines: list[Line]) -> dict[str, Any]:
    """What is left of one charge: from its first day until its credit begins."""
    credited = [line.period_from for line in lines if line.kind == "credit"]
    ends = min(credited) if credited else max(line.period_to for line in lines)
    return {"from": str(min(line.period_from for line in lines)), "to": str(ends), "amount": _sum(lines)}


def _document(lines: list[Line], sign: int) -> dict[str, Decimal]:
    net, tax = sum(line.net for line in lines), sum(line.tax for line in lines)
    return {"net": _money(sign * net), "tax": _money(sign * tax), "total": _money(sign * (net + tax))}


def _items(lines: list[Line]) -> list[dict[str, Any]]:
    return [{"from": str(line.period_from), "to": str(line.period_to), "amount": _money(line.net)} for line in lines]


def _sum(lines: list[Line]) -> Decimal:
    return _money(sum(line.net for line in lines))


def comparable(value: Any) -> Any:
    """Amounts as numbers, items in the order of their days; that an item is a credit says its sign."""
    if isinstance(value, dict):
        return {key: comparable(each) for key, each in value.items() if key != "kind"}
    if isinstance(value, list):
        each = [comparable(one) for one in value]
        return sorted(each, key=lambda one: [str(part) for part in one.values()]) if each and isinstance(each[0], dict) else each
    return Decimal(value) if isinstance(value, str) and AMOUNT.fullmatch(value) else value


async def _plan(play: Played, asked: dict[str, str]) -> OfferingVersionId:
    return await plan(play.conn, _minor(asked["price"]), asked["every"], asked["billed"])


def _minor(amount: str) -> int:
    return int(Decimal(amount) * 100)


def _money(minor: int) -> Decimal:
    return Decimal(minor) / 100


def _day(text: str) -> date:
    return date.fromisoformat(text)
