"""Debts chased and our failings made good, every night and when money comes in: what is due is measured, and proposed; governance rules."""

import uuid
from collections.abc import Iterable
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

import structlog

from atlas.billing.reads import dunning as reads
from atlas.billing.reads.failings import failings_owed
from atlas.billing.records.debts import Debt
from atlas.billing.records.dunning import Chased, Does, Ladder, Rung
from atlas.billing.rules.dunning import first_day_to_cut, rung_due
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import executor
from forge.action import Action
from forge.actions.billing.dunning import (
    RestoreService,
    RestrictForNonPayment,
    SendDunningNotices,
    TerminateForNonPayment,
    WarnOfSuspension,
)
from forge.actions.billing.failings import CompensateFailing
from forge.actions.billing.late_fees import ChargeLateFees
from forge.actions.billing.suspension import SuspendForNonPayment
from forge.propose import Forge, Proposed, propose

log = structlog.get_logger()

DUNNING = executor("dunning")
# So many customers a proposal: what a person can look through, and the matrix's own limit for what goes alone.
AT_ONCE = 500


async def chase(forge: Forge, ladder: Ladder) -> list[Proposed]:
    """Proposes for each overdue debt the step that is due today, step by step of the ladder; and serves again whoever paid."""
    now = forge.now()
    today = now.astimezone(forge.timezone).date()
    async with forge.atlas.transaction(DUNNING) as conn:
        owing = await reads.chased(conn, today)
        holidays = frozenset(await reads.holidays(conn, today))
    due = [(rung, one) for one in owing if (rung := rung_due(ladder, one, now, _day_of(one, forge), holidays)) is not None]
    cut_from = first_day_to_cut(ladder, today, holidays)
    made = [await _proposed(forge, action, f"the dunning ladder: {rung.step}") for rung, action in steps(due, ladder, cut_from)]
    log.info("debts_chased", owing=len(owing), due=len(due), proposed=len(made))
    return [*made, *await charge_fees(forge, ladder), *await restore(forge)]


async def charge_fees(forge: Forge, ladder: Ladder) -> list[Proposed]:
    """Proposes the late fees that are due, where the ladder has one: on the next bill, once for each that is overdue."""
    fee = ladder.late_fee
    if fee is None:
        return []
    async with forge.atlas.transaction(DUNNING) as conn:
        due = await reads.fees_due(conn, fee, forge.now().astimezone(forge.timezone).date())
    parts = [tuple(due[at : at + AT_ONCE]) for at in range(0, len(due), AT_ONCE)]
    return [await _proposed(forge, ChargeLateFees(fee, part), "the dunning ladder: late fee") for part in parts]


def _day_of(one: Chased, forge: Forge) -> date:
    return forge.now().astimezone(ZoneInfo(one.timezone)).date()


def steps(due: Iterable[tuple[Rung, Chased]], ladder: Ladder, cut_from: date) -> list[tuple[Rung, Action]]:
    """The actions for everybody a step is due for, at most so many customers in one; `cut_from` is what whoever is warned is told."""
    ordered = sorted(due, key=lambda one: (one[0].line, _attempt(*one), one[1].customer_id))
    made: list[tuple[Rung, Action]] = []
    for (rung, attempt), group in groupby(ordered, key=lambda one: (one[0], _attempt(*one))):
        customers = [one for _, one in group]
        parts = (tuple(one.debt for one in customers[at : at + AT_ONCE]) for at in range(0, len(customers), AT_ONCE))
        made.extend((rung, _action(rung, debts, ladder, cut_from, attempt)) for debts in parts)
    return made


def _attempt(rung: Rung, one: Chased) -> int:
    """A warning may be said more than once, where it reached nobody before; every other step is taken once."""
    return one.warned + 1 if rung.does is Does.WARN else 1


def _action(rung: Rung, debts: tuple[Debt, ...], ladder: Ladder, cut_from: date, attempt: int) -> Action:
    match rung.does:
        case Does.WARN:
            return WarnOfSuspension(rung.step, debts, cut_from, ladder.notice.days, attempt)
        case Does.MESSAGE:
            return SendDunningNotices(rung.step, debts)
        case Does.RESTRICT:
            return RestrictForNonPayment(rung.step, debts)
        case Does.SUSPEND:
            return SuspendForNonPayment(debts)
        case Does.TERMINATE:
            return TerminateForNonPayment(rung.step, debts)


async def restore(forge: Forge, customer_id: CustomerId | None = None) -> list[Proposed]:
    """Serves again whoever was slowed or cut off and owes nothing overdue: one customer whose money came in, or everybody."""
    async with forge.atlas.transaction(DUNNING) as conn:
        action = await RestoreService.of(conn, None if customer_id is None else [customer_id], forge.now())
    if not action.customers:
        return []
    return [await _proposed(forge, action, "nothing is overdue any more")]


async def make_good(forge: Forge) -> list[Proposed]:
    """Proposes the credit for each failing of ours that was not made good yet."""
    async with forge.atlas.transaction(DUNNING) as conn:
        owed = await failings_owed(conn, forge.now())
    return [await _proposed(forge, CompensateFailing.of(one), f"our failing: {one.rule.value}") for one in owed]


async def _proposed(forge: Forge, action: Action, reason: str) -> Proposed:
    return await propose(forge, DUNNING, action, reason=reason, correlation_id=CorrelationId(uuid.uuid4()), tries=3)
