"""Questions about actions: what became of one, what waits and for whom, which matrix is in force, and whether the audit trail holds."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from atlas.actions.records import (
    ActionRecord,
    AuditEntry,
    AuditHead,
    BrokenGlass,
    BrokenLink,
    DelegationRecord,
    Errand,
    InForce,
    RuledOn,
    RulingRecord,
    Standing,
)
from atlas.errors import NotFound
from atlas.identity import ActionId, CorrelationId, IncidentId, StaffId
from atlas.statements import Connection, Statements

SQL = Statements(__file__)


async def action(conn: Connection, action_id: ActionId) -> ActionRecord:
    """The action as it stands. Raises NotFound."""
    found = await SQL.first(conn, ActionRecord, "action", action_id=action_id)
    if found is None:
        raise NotFound("action", action_id)
    return found


async def action_held(conn: Connection, action_id: ActionId) -> ActionRecord:
    """The action; whoever else wants to work on it waits until this transaction ends. Raises NotFound."""
    await SQL.value(conn, "hold", action_id=action_id)
    return await action(conn, action_id)


async def is_stopped(conn: Connection, action_id: ActionId) -> bool:
    """Whether an action of this kind, or of whoever asked for it, is switched off at this moment."""
    return bool(await SQL.value(conn, "is_stopped", action_id=action_id))


async def newest_of(conn: Connection, action_id: ActionId) -> ActionId:
    """The same action, or what it was proposed anew as, however often."""
    return ActionId(await SQL.value(conn, "newest_of", action_id=action_id) or action_id)


async def actions_of_incident(conn: Connection, incident_id: IncidentId) -> list[ActionRecord]:
    """Everything proposed for the incident, oldest first."""
    return await SQL.all(conn, ActionRecord, "actions_of_incident", incident_id=incident_id)


async def actions_by_correlation(conn: Connection, correlation_id: CorrelationId) -> list[ActionRecord]:
    return await SQL.all(conn, ActionRecord, "actions_by_correlation", correlation_id=correlation_id)


async def actions_named(conn: Connection, action_ids: Sequence[ActionId]) -> list[ActionRecord]:
    """Those of these that there are, in no order."""
    return await SQL.all(conn, ActionRecord, "actions_named", action_ids=list(action_ids))


async def newest_actions(conn: Connection, most: int = 50) -> list[ActionRecord]:
    return await SQL.all(conn, ActionRecord, "newest_actions", most=most)


async def waiting(conn: Connection, roles: Collection[str] | None = None) -> list[ActionRecord]:
    """What waits for one of these roles (None: for anybody) and has not lapsed; what lapses first comes first."""
    return await SQL.all(conn, ActionRecord, "waiting", roles=None if roles is None else sorted(roles))


async def told_to(conn: Connection, roles: Collection[str], within: timedelta = timedelta(days=1), most: int = 50) -> list[ActionRecord]:
    """What went alone lately and people of these roles are to know of, newest first."""
    return await SQL.all(conn, ActionRecord, "told_to", roles=sorted(roles), within=within, most=most)


async def rulings(conn: Connection, action_ids: Sequence[ActionId]) -> list[RulingRecord]:
    return await SQL.all(conn, RulingRecord, "rulings", action_ids=list(action_ids))


async def unsettled(conn: Connection, older_than: timedelta) -> list[ActionId]:
    """Actions that nobody is working on any more: proposed, allowed or approved, and left there."""
    return [ActionId(found) for found in await SQL.column(conn, "unsettled", older_than=older_than)]


async def lapsed(conn: Connection) -> list[ActionRecord]:
    """At most 200 actions whose time to approve or to carry out is over."""
    return await SQL.all(conn, ActionRecord, "lapsed")


async def in_force(conn: Connection) -> InForce | None:
    """The matrix that the gate holds; None before the first."""
    return await SQL.first(conn, InForce, "in_force")


async def standing(conn: Connection, action_id: ActionId) -> Standing:
    """How the member of staff whose transaction this is stands to the action: what the gate will ask when they rule."""
    return await SQL.one(conn, Standing, "standing", action_id=action_id)


async def delegations(conn: Connection, delegate_id: StaffId | None = None, *, every: bool = False) -> list[DelegationRecord]:
    """Roles lent to one person (None: to anybody), what ends first first; `every`: those that are over or revoked too."""
    return await SQL.all(conn, DelegationRecord, "delegations", delegate_id=delegate_id, all=every)


async def broken_glass(conn: Connection, most: int = 50) -> list[BrokenGlass]:
    """Every role taken in an emergency, newest first."""
    return await SQL.all(conn, BrokenGlass, "broken_glass", most=most)


async def errands_of_action(conn: Connection, action_id: ActionId) -> list[Errand]:
    return await SQL.all(conn, Errand, "errands_of_action", action_id=action_id)


async def audit_of_action(conn: Connection, action_id: ActionId) -> list[AuditEntry]:
    return await SQL.all(conn, AuditEntry, "audit_of_action", action_id=action_id)


async def broken_links(conn: Connection) -> list[BrokenLink]:
    """Where the audit trail was changed or cut; empty where every chain holds."""
    return await SQL.all(conn, BrokenLink, "broken_links")


async def audit_heads(conn: Connection) -> list[AuditHead]:
    """Where each chain ends now."""
    return await SQL.all(conn, AuditHead, "audit_heads")


async def missing_heads(conn: Connection, heads: Sequence[AuditHead]) -> list[BrokenLink]:
    """Which of the heads exported before are no longer in their chains: a tail was cut, or everything was hashed anew."""
    columns = {"streams": [one.stream for one in heads], "seqs": [one.seq for one in heads], "hashes": [one.hash for one in heads]}
    return await SQL.all(conn, BrokenLink, "missing_heads", **columns)


async def audit_entries(conn: Connection) -> int:
    return int(await SQL.value(conn, "audit_entries"))


async def lately_ruled(conn: Connection, most: int = 10) -> list[RuledOn]:
    """The latest rulings and what became of what they ruled on."""
    return await SQL.all(conn, RuledOn, "lately_ruled", most=most)


async def clock(conn: Connection) -> datetime:
    """The database's own time, by which requests lapse: the clocks of two machines differ."""
    at: datetime = await SQL.value(conn, "clock")
    return at
