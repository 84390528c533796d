"""Debts chased and our failings made good, every night and when money comes in: what is due is measured, and proposed; governance rules."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date
from itertools import groupby
from zoneinfo import ZoneInfo

import structlog

from atlas.billing.reads import dunning as reads
from atlas.billing.reads.failings import failings_owed
from atlas.billing.records.dunning import Chased, Does, Ladder, Rung
from atlas.billing.rules.dunning import rung_due
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import executor
from forge.action import Action
from forge.actions.billing.dunning import RestoreService, RestrictForNonPayment, SendDunningNotices, TerminateForNonPayment
from forge.actions.billing.failings import CompensateFailing
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
    made = [await _proposed(forge, action, f"the dunning ladder: {rung.step}") for rung, action in steps(due)]
    log.info("debts_chased", owing=len(owing), due=len(due), proposed=len(made))
    return [*made, *await restore(forge)]


def _day_of(one: Chased, forge: Forge) -> date:
    return forge.now().astimezone(ZoneInfo(one.timezone)).date()


def steps(due: Iterable[tuple[Rung, Chased]]) -> list[tuple[Rung, Action]]:
    """The actions for everybody a step is due for, at most so many customers in one."""
    ordered = sorted(due, key=lambda one: (one[0].line, one[1].customer_id))
    made: list[tuple[Rung, Action]] = []
    for rung, group in groupby(ordered, key=lambda one: one[0]):
        customers = [one for _, one in group]
        made.extend((rung, _action(rung, customers[at : at + AT_ONCE])) for at in range(0, len(customers), AT_ONCE))
    return made


def _action(rung: Rung, customers: Sequence[Chased]) -> Action:
    debts = tuple(one.debt for one in customers)
    match rung.does:
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
