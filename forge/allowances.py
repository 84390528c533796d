"""What was spent of the matrix's allowances before an action: many small actions must not add up to a large one."""

from collections.abc import Callable
from typing import Final

from atlas.actions import reads, writes
from atlas.actions.records import WentAlone
from atlas.identity import ActionId
from atlas.statements import Connection
from forge.action import Action
from governance.decide import Spent, Tally
from governance.facts import Facts
from governance.rows import Allowance, Matrix, Per

TOUCHED: Final[dict[Per, tuple[str, Callable[[Action], tuple[int, ...]]]]] = {
    Per.CUSTOMER: ("touched_customers", lambda action: action.touched_customers),
    Per.DEVICE: ("touched_devices", lambda action: action.touched_devices),
}


async def spent_before(conn: Connection, matrix: Matrix, action: Action, action_id: ActionId, facts: Facts) -> Spent:
    """A tally for each allowance that covers the action; whoever judges by the same allowance waits for this transaction's end.

    An action that touches customers or devices without naming them has no tally, and governance refuses it.
    """
    tallies: dict[str, Tally] = {}
    # In one order, so that two judgements never wait for each other.
    for allowance in sorted(matrix.allowances_for(action.name), key=lambda allowance: allowance.rule):
        await writes.lock_allowance(conn, allowance.rule)
        went = await _went_alone(conn, allowance, action, action_id, facts)
        if went is not None:
            tallies[allowance.rule] = Tally(went.money, went.customers, went.devices, went.actions)
    return Spent(tallies)


async def _went_alone(conn: Connection, allowance: Allowance, action: Action, action_id: ActionId, facts: Facts) -> WentAlone | None:
    if allowance.per not in TOUCHED:
        proposer = facts.proposed_by if allowance.per is Per.PROPOSER else None
        return await reads.went_alone(conn, allowance.actions, allowance.within, proposer, except_id=action_id)
    which, touched_by = TOUCHED[allowance.per]
    touched = touched_by(action)
    count = facts.customers if allowance.per is Per.CUSTOMER else facts.devices
    if len(touched) < count:
        return None
    return await reads.went_alone_to_one(conn, allowance.actions, allowance.within, which, touched, except_id=action_id)
