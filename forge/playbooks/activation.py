"""Orders, looked at again and again: what holds one, who is given credit, what is withdrawn, what may begin as a sequence of steps.

Level-triggered, like the playbook of an incident: each look asks Atlas what is owed at this moment, so that it may be made again after a
crash at any line. Steps that need a person wait in graphs of their own (`forge.graph`) and keep nobody else.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Protocol

import psycopg
import structlog

from atlas.catalogue.reads import decomposition_of
from atlas.catalogue.rules.offers import NotDecomposable
from atlas.crm.reads import reasons_to_hold_orders
from atlas.errors import AtlasError
from atlas.identity import OrderId
from atlas.oms.reads import case_of, in_jeopardy, orders_to_attend
from atlas.oms.records import Case, OrderState
from atlas.oms.rules import credit_refusal, holds, looked_at_again, returns_when_stopped
from atlas.principal import executor
from atlas.statements import Connection
from forge.actions.oms.orders import CloseOrder, TellOfOrder
from forge.actions.oms.plans import AdvanceOrder
from forge.outbox import never_stops
from forge.propose import Afterwards, Forge, Proposed, propose
from forge.sequences.add_ons import ADD_ON_END, ADD_ON_START, add_on_steps
from forge.sequences.advance import begin
from forge.sequences.lines import LINE_END, LINE_START, steps_for
from forge.sequences.plan_move import begin_plan_move
from forge.sequences.records import SequenceKind

log = structlog.get_logger()

SEQUENCE_OF: Final = {"add": LINE_START, "delete": LINE_END, "add_on": ADD_ON_START, "end_add_on": ADD_ON_END}

ME: Final = executor("orders")
AT_ONCE: Final = 4
# As whoever looks at a held order reads it.
DOUBTS: Final = {
    "minor": "whoever orders is not of age",
    "sanctions_or_fraud": "whoever orders is on a list of sanctions or of fraud",
    "disposable_mail": "the mail address on file is one made to be thrown away",
    "deceased": "the customer died",
}
S = OrderState


class CreditCheck(Protocol):
    """Says whether a customer is given a further line. Raises whatever it likes where it does not answer."""

    async def refusal(self, case: Case) -> str | None:
        """Why not; None where they may have it."""


class OwnCreditCheck:
    """Our own rule over what Atlas knows: debts, and whether they are disputed."""

    async def refusal(self, case: Case) -> str | None:
        return credit_refusal(case)


@dataclass(frozen=True)
class Desk:
    """Where orders are attended: whom we ask for credit, and how long we wait for an answer."""

    credit: CreditCheck = field(default_factory=OwnCreditCheck)
    answers_within: timedelta = timedelta(seconds=5)


async def attend_orders(forge: Forge, desk: Desk | None = None, is_stopping: Callable[[], bool] = never_stops) -> int:
    """Looks at every order that a look may move on; how many there were. What fails of one is logged and looked at again."""
    if is_stopping():
        return 0
    async with forge.atlas.transaction(ME) as conn:
        waiting = await orders_to_attend(conn)
    room = asyncio.Semaphore(AT_ONCE)

    async def one(order_id: OrderId) -> None:
        async with room:
            try:
                await attend(forge, order_id, desk or Desk())
            except (AtlasError, psycopg.Error) as error:
                log.warning("order_not_attended", order_id=order_id, error=type(error).__name__)

    await asyncio.gather(*(one(order_id) for order_id in waiting))
    return len(waiting)


async def tell_late_orders(forge: Forge) -> int:
    """Writes to everybody whose order will miss its day, or has, before they ask: once an order; how many were new."""
    async with forge.atlas.transaction(ME) as conn:
        late = [(one, await case_of(conn, one.order_id)) for one in await in_jeopardy(conn)]
    told = 0
    for one, case in late:
        notice = TellOfOrder(one.customer_id, one.order_id, "late", "order_late")
        because = f"order {one.order_id}: {one.reason}"
        told += (await propose(forge, ME, notice, reason=because, correlation_id=case.correlation_id)).is_new
    return told


async def attend(forge: Forge, order_id: OrderId, desk: Desk) -> OrderState:
    """Moves one order on, as far as it goes without waiting; where it stands then. Raises NotFound."""
    async with forge.atlas.transaction(ME) as conn:
        case = await case_of(conn, order_id)
    match case.state:
        case S.ASSESSING_CANCELLATION:
            await _assessed(forge, case)
        case S.PENDING_CANCELLATION if case.sequence_state in (None, "undone"):
            await _asked(forge, case, CloseOrder(case.customer_id, case.order_id, "withdrawn"))
        case S.ACKNOWLEDGED | S.HELD | S.PENDING if case.is_due and case.follows_state in (None, S.COMPLETED):
            await _cleared(forge, case, desk)
    async with forge.atlas.transaction(ME) as conn:
        return (await case_of(conn, order_id)).state


async def _assessed(forge: Forge, case: Case) -> None:
    becomes = returns_when_stopped(case)
    why = "it works already: ask for its end instead" if becomes is S.IN_PROGRESS else "it is taken back"
    await _moved(forge, case, becomes, why)


async def _cleared(forge: Forge, case: Case, desk: Desk) -> None:
    """Held, refused, or begun. What nobody could answer is held and asked again: silence is no credit."""
    if (why := holds(case) or await _doubt_of_who_orders(forge, case) or await _undeliverable(forge, case)) is not None:
        await _held(forge, case, why, "customer")
        return
    # Nobody is given more on credit that they are not given.
    if case.kind in ("add", "add_on"):
        try:
            async with asyncio.timeout(desk.answers_within.total_seconds()):
                refusal = await desk.credit.refusal(case)
        except Exception as silence:  # a bureau outside may break in any way, and every way of it is silence
            await _held(forge, case, f"the credit check did not answer ({type(silence).__name__})", "timeout")
            return
        if refusal is not None:
            await _refused(forge, case, refusal)
            return
    await _begun(forge, case)


async def _doubt_of_who_orders(forge: Forge, case: Case) -> str | None:
    """What a person must settle of a customer before they are given a line; None where nothing is."""
    if case.kind != "add":
        return None
    async with forge.atlas.transaction(ME) as conn:
        reasons = await reasons_to_hold_orders(conn, case.customer_id, forge.now().astimezone(forge.timezone).date())
    return ", ".join(DOUBTS[reason] for reason in reasons) or None


async def _undeliverable(forge: Forge, case: Case) -> str | None:
    """Why nobody could carry the order out, by the catalogue; None where it says how."""
    if case.kind != "add" or case.version is None:
        return None
    async with forge.atlas.transaction(ME) as conn:
        try:
            await decomposition_of(conn, case.version)
        except NotDecomposable as error:
            return str(error)
    return None


async def _held(forge: Forge, case: Case, why: str, cause_class: str) -> None:
    minutes = max(1, int(looked_at_again(case.held_times).total_seconds() // 60))
    becomes = S.PENDING if case.state is S.HELD else S.HELD
    if case.state is S.HELD:
        # TMF622 knows no way from held to held: it is looked at, and held again.
        await _moved(forge, case, becomes, "looked at again")
        async with forge.atlas.transaction(ME) as conn:
            case = await case_of(conn, case.order_id)
    await _moved(forge, case, S.HELD, why, cause_class, minutes)


async def _refused(forge: Forge, case: Case, refusal: str) -> None:
    becomes = S.REJECTED if case.state is S.ACKNOWLEDGED else S.FAILED
    await _moved(forge, case, becomes, f"no credit: {refusal}", "credit")


async def _begun(forge: Forge, case: Case) -> None:
    """Its sequence begins in the very transaction that clears it."""

    async def then(conn: Connection, proposed: Proposed | None = None) -> None:  # noqa: ARG001
        await begin_order_sequence(conn, case)

    if case.state is S.PENDING:
        async with forge.atlas.transaction(ME) as conn:
            await then(conn)
        return
    await _moved(forge, case, S.PENDING, "cleared: nothing holds it", then=then)


async def begin_order_sequence(conn: Connection, case: Case) -> int:
    """Begins to carry out an order for a line, for another plan or for its end; the sequence's id. An order is carried out once."""
    if case.kind == "modify":
        return await begin_plan_move(conn, case.order_id, case.correlation_id)
    kind = SEQUENCE_OF[case.kind]
    reason, arguments = f"order {case.order_id}: {case.kind} {case.plan}", {"order_id": case.order_id}
    steps = await _steps_needed(conn, case, kind)
    return await begin(conn, kind, str(case.order_id), arguments, reason=reason, correlation_id=case.correlation_id, steps=steps)


async def _steps_needed(conn: Connection, case: Case, kind: SequenceKind) -> tuple[str, ...]:
    """What the ordered version needs of all that a line may need, as the catalogue has it; an order of an imported line needs all."""
    if kind is LINE_END:
        return tuple(step.name for step in kind.steps)
    if kind is not LINE_START:
        return await add_on_steps(conn, kind, case.order_id)
    if case.version is None:
        return tuple(step.name for step in LINE_START.steps)
    needs = {need.kind for need in (await decomposition_of(conn, case.version)).needed_at(has_drop=not case.needs_visit)}
    return steps_for(needs | ({"visit"} if case.needs_visit else set()))


async def _moved(
    forge: Forge,
    case: Case,
    becomes: OrderState,
    why: str,
    cause_class: str | None = None,
    minutes: int = 0,
    then: Afterwards | None = None,
) -> Proposed:
    return await _asked(forge, case, AdvanceOrder(case.customer_id, case.order_id, case.state, becomes, why, cause_class, minutes), then)


async def _asked(forge: Forge, case: Case, action: AdvanceOrder | CloseOrder, then: Afterwards | None = None) -> Proposed:
    """Under a name that tells this moment of the order from a later one in the same state."""
    key = f"{action.operation_key}:{case.state_changed_at.isoformat()}"
    return await propose(
        forge,
        ME,
        action,
        reason=f"order {case.order_id}",
        correlation_id=case.correlation_id,
        operation_key=key,
        then=then,
    )
