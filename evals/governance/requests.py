"""Random requests and random matrices, at and around every limit, and some that nobody should ever send; the same from the same seed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import Any, Final

from atlas.money import Money
from atlas.principal import Role
from governance.decide import Spent, Tally
from governance.facts import DeviceTier, Facts, ProposerKind
from governance.rows import Allowance, Answer, HardLimit, Hours, Limits, Matrix, Per, Row

PROPOSERS: Final = ("system:playbook", "agent:billing", "customer:12", "customer:stranger", "staff:3", "staff:7")
ODD_PROPOSERS: Final = (
    "",
    "nobody",
    "staff:0",
    "staff:",
    "customer:12 ",
    "system:a b",
    "agent:" + "x" * 65,
    "staff:12\n",
    "STAFF:3",
    "system:é",
)
ODD_MONEY: Final = (-1, 10**14 + 1, 10**14)
ODD_COUNTS: Final = (-1, 10**9 + 1, 10**9)
COUNTED: Final = ("customers", "devices", "crews")
RARE: Final = ("touches_vulnerable", "touches_emergency_line", "is_disputed", "benefits_proposer")
COMMON: Final = ("in_quiet_hours", "incident_confirmed")
TIMES: Final = (timedelta(minutes=10), timedelta(hours=4), timedelta(days=1))


@dataclass(frozen=True)
class Asked:
    """One request, with what was spent before it."""

    facts: Facts
    spent: Spent


@dataclass(frozen=True)
class Pools:
    """The values at which this matrix changes its mind, and their neighbours."""

    matrix: Matrix

    @cached_property
    def actions(self) -> tuple[str, ...]:
        return (*sorted({*self.matrix.actions, *(limit.action for limit in self.matrix.hard_limits)}), "unheard_of")

    @cached_property
    def money(self) -> tuple[int, ...]:
        """The amounts at which an allowance changes its mind."""
        return _around(allowance.money_up_to.minor for allowance in self.matrix.allowances if allowance.money_up_to is not None)

    def of(self, action: str, measure: str) -> tuple[int, ...]:
        """The values of one measure at which anything changes for this action."""
        if (action, measure) not in self._kept:
            named: list[Money | int | None] = [getattr(row, f"{measure}_up_to") for row in self.matrix.rows_for(action)]
            if limit := self.matrix.hard_limit_for(action):
                named += [getattr(limit.ever, measure), *([getattr(limit.alone, measure)] if limit.alone else [])]
            self._kept[action, measure] = _around(most.minor if isinstance(most, Money) else most for most in named if most is not None)
        return self._kept[action, measure]

    @cached_property
    def _kept(self) -> dict[tuple[str, str], tuple[int, ...]]:
        return {}

    @cached_property
    def confidences(self) -> tuple[float, ...]:
        named = {row.least_confidence for row in self.matrix.rows if row.least_confidence}
        return (0.0, 1.0, *named, *(value - 1e-9 for value in named), *(min(1.0, value + 1e-9) for value in named))


def _around(named: Iterable[int]) -> tuple[int, ...]:
    """Nothing, each value, and its neighbours on both sides."""
    values = set(named)
    return tuple(sorted({0} | values | {value + 1 for value in values} | {max(0, value - 1) for value in values}))


def asked(random: Random, pools: Pools) -> Asked:
    """One request; about one in twelve is odd in some way."""
    facts = _sound(random, pools)
    if random.random() < 1 / 12:
        facts = _odd(random, facts)
    return Asked(facts, _spent(random, pools))


def _sound(random: Random, pools: Pools) -> Facts:
    action = random.choice(pools.actions)
    # Mostly something that may be, for what is refused at once says little of what comes after.
    rare = 0.05 if random.random() < 0.8 else 0.4
    total = _measure(random, pools, action, "money", rare)
    share = None if not total or random.random() < 0.3 else max(1, min(total, _measure(random, pools, action, "money_each", rare)))
    devices = _measure(random, pools, action, "devices", rare)
    disconnects = bool((limit := pools.matrix.hard_limit_for(action)) and limit.disconnects)
    return Facts(
        action,
        money=Money.of_minor(total),
        money_each=None if share is None else Money.of_minor(share),
        customers=_measure(random, pools, action, "customers", rare),
        devices=devices,
        crews=_measure(random, pools, action, "crews", rare),
        device_tier=DeviceTier(max(1 if devices else 0, min(5, _measure(random, pools, action, "device_tier", rare)))),
        confidence=random.choice(pools.confidences) if random.random() < 0.8 else random.random(),
        proposed_by=random.choice(PROPOSERS),
        **{flag: random.random() < rare for flag in RARE},
        **{flag: random.random() < 0.5 for flag in COMMON},
        is_disconnection=disconnects if random.random() > rare else not disconnects,
    )


def _measure(random: Random, pools: Pools, action: str, measure: str, rare: float) -> int:
    values = pools.of(action, measure)
    return random.choice(values) if random.random() < rare else random.choice(values[: (1 + len(values)) // 2])


def _odd(random: Random, facts: Facts) -> Facts:
    changes: tuple[dict[str, Any], ...] = (
        {"money": Money.of_minor(random.choice(ODD_MONEY))},
        {"money_each": Money.of_minor(random.choice((-1, 0, facts.money.minor + 1)))},
        {random.choice(COUNTED): random.choice(ODD_COUNTS)},
        {"confidence": random.choice((-1e-9, 1.0000001, 7.0))},
        {"devices": 3, "device_tier": DeviceTier.NONE},
        {"proposed_by": random.choice(ODD_PROPOSERS)},
    )
    return replace(facts, **random.choice(changes))


def _spent(random: Random, pools: Pools) -> Spent:
    known = [allowance.rule for allowance in pools.matrix.allowances if random.random() > 0.02]
    tallies = {rule: _tally(random, pools) for rule in known}
    if random.random() < 0.4:
        tallies = dict.fromkeys(tallies, Tally())
    return Spent(tallies)


def _tally(random: Random, pools: Pools) -> Tally:
    devices = random.choice((0, 49, 50, 90))
    return Tally(Money.of_minor(random.choice(pools.money)), random.randrange(3000), devices, random.randrange(8))


def edited(random: Random, matrix: Matrix) -> Matrix:
    """A matrix that no operator would write and no loader would take: rows, allowances and limits changed at random."""
    rows = [_edited_row(random, row) if random.random() < 0.3 else row for row in matrix.rows if random.random() > 0.05]
    random.shuffle(rows)
    allowances = tuple(_edited_allowance(random, line) if random.random() < 0.5 else line for line in matrix.allowances)
    kept = [limit for limit in matrix.hard_limits if random.random() > 0.05]
    limits = tuple(_edited_limit(random, limit) if random.random() < 0.3 else limit for limit in kept)
    return Matrix(tuple(rows), allowances, limits, matrix.quiet_hours)


def _edited_row(random: Random, row: Row) -> Row:
    asked_of = tuple(random.sample(list(Role), random.randrange(1, 3)))
    maybe = (None, True, False)
    return replace(
        row,
        answer=random.choice(list(Answer)),
        by=frozenset(random.sample(list(ProposerKind), random.randrange(1, 5))),
        money_up_to=random.choice((None, Money.of_minor(random.randrange(100_000)))),
        money_each_up_to=random.choice((None, Money.of_minor(random.randrange(5_000)))),
        customers_up_to=random.choice((None, random.randrange(600))),
        devices_up_to=random.choice((None, random.randrange(30))),
        crews_up_to=random.choice((None, random.randrange(6))),
        device_tier_up_to=random.choice((None, *DeviceTier)),
        least_confidence=random.choice((None, 0.0, round(random.random(), 4))),
        hours=random.choice(list(Hours)),
        incident_confirmed=random.choice(maybe),
        vulnerable=random.choice(maybe),
        emergency_line=random.choice(maybe),
        disputed=random.choice(maybe),
        approvers=asked_of,
        how_many=random.randrange(len(asked_of), 4),
        tell=random.choice(((), asked_of)),
        expires_in=random.choice(TIMES),
        execute_within=random.choice(TIMES),
    )


def _edited_allowance(random: Random, line: Allowance) -> Allowance:
    return replace(
        line,
        per=random.choice(list(Per)),
        answer=random.choice((Answer.NEEDS_APPROVAL, Answer.REFUSED, Answer.ALLOWED_AND_TOLD)),
        money_up_to=random.choice((None, Money.of_minor(random.randrange(300_000)))),
        customers_up_to=random.choice((None, random.randrange(5_000))),
        devices_up_to=random.choice((None, random.randrange(90))),
        actions_up_to=random.choice((None, random.randrange(9))),
    )


def _edited_limit(random: Random, limit: HardLimit) -> HardLimit:
    ever = Limits(
        Money.of_minor(random.randrange(10**7)),
        Money.of_minor(random.randrange(10**5)),
        random.randrange(10**4),
        random.randrange(10**3),
        random.randrange(30),
        random.choice(list(DeviceTier)),
    )
    return HardLimit(limit.action, ever, random.choice((None, ever, limit.alone)), random.random() < 0.3)
