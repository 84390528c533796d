"""What has happened in a world before a scenario begins: somebody wrote to us; the whitepaper's cable was cut; a line was ordered."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from atlas.connection import Atlas
from atlas.helpdesk.writes import record_inbound
from atlas.identity import CorrelationId, CustomerId, IncidentId, OrderId, PremiseId
from atlas.nms.records import AlarmEvent, AlarmType, Door
from atlas.nms.writes import record_alarms
from atlas.oms.reads import case_of, offer, visit_of
from atlas.oms.rules import NoVisitFree, checked_offer
from atlas.principal import Assurance, Principal, customer, executor, intake
from atlas.statements import Statements
from cortex.pictures import WarmTopology
from cortex.watch import look
from evals.fault.scene import scene_of_cut
from evals.fault.told import Told, told_of_cut
from evals.world.plan import world
from forge.actions.oms.orders import PlaceOrder
from forge.graph import open_bookmarks
from forge.playbooks.activation import Desk, attend
from forge.playbooks.outage import play
from forge.propose import Forge, propose
from forge.respond import respond
from forge.sequences.advance import advance
from forge.sequences.kinds import KINDS

SQL = Statements(__file__)
SECOND_LINE: Final = "F500"
# Beyond the evening before, within the days that can be booked.
AHEAD: Final = timedelta(days=4)


async def conversation_opened(atlas: Atlas, principal: Principal, channel: str, words: str) -> UUID:
    """The first message is on record; the thread it opened."""
    async with atlas.transaction(intake("evals")) as conn:
        inbound = await record_inbound(
            conn,
            channel=channel,
            address=None,
            customer_id=principal.customer_id,
            staff_id=principal.staff_id,
            words=words or "…",
            at=datetime.now(UTC),
            author=principal.reference,
        )
    return inbound.thread


async def outage_happened(atlas: Atlas, forge: Forge) -> list[IncidentId]:
    """The cut as far as it has come when people begin to write: alarms heard, the incident open, its playbook played once."""
    async with atlas.transaction(executor("evals")) as conn:
        cut = await scene_of_cut(conn, world().zone.backhaul)
    now = datetime.now(UTC)
    async with atlas.transaction(intake("evals")) as conn:
        await record_alarms(conn, [_heard(told, now) for told in told_of_cut(cut)])
    for change in await look(atlas, WarmTopology()):
        await respond(forge, change)
    incidents = await _open_incidents(atlas)
    async with open_bookmarks(atlas) as bookmarks:
        for incident_id in incidents:
            await play(forge, bookmarks, incident_id)
    return incidents


async def _open_incidents(atlas: Atlas) -> list[IncidentId]:
    async with atlas.transaction(executor("evals")) as conn:
        return [IncidentId(found) for found in await SQL.column(conn, "open_incidents")]


async def installation_ordered(atlas: Atlas, forge: Forge) -> OrderId:
    """Maya ordered a second line, at a home to which no drop was laid, for a day next week: an engineer is booked. Raises NoVisitFree."""
    today = forge.now().date()
    async with atlas.transaction(executor("evals")) as conn:
        maya = CustomerId(await SQL.value(conn, "customer_named", name="Maya Thompson"))
        home = PremiseId(await SQL.value(conn, "home_without_a_drop"))
        found = checked_offer(await offer(conn, maya, home, SECOND_LINE, today), SECOND_LINE)
    action = PlaceOrder.of(found, today + AHEAD, "a second line of Maya's")
    by, why = customer(maya, Assurance.VERIFIED), "a second line"
    proposed = await propose(forge, by, action, reason=why, correlation_id=CorrelationId(uuid4()))
    order = OrderId((proposed.outcome or {})["order"])
    await attend(forge, order, Desk())
    async with atlas.transaction(executor("evals")) as conn:
        case = await case_of(conn, order)
    await advance(forge, KINDS, case.sequence_id or 0)
    async with atlas.transaction(executor("evals")) as conn:
        if await visit_of(conn, order) is None:
            raise NoVisitFree(order)
    return order


HAPPENED: Final[Mapping[str, Callable[[Atlas, Forge], Awaitable[Any]]]] = {
    "outage": outage_happened,
    "installation": installation_ordered,
}


def _heard(told: Told, now: datetime) -> AlarmEvent:
    kind = AlarmType.COMMUNICATIONS
    return AlarmEvent(told.device.address, told.managed_object, told.cause, told.severity, kind, told.words, now, Door.TMF642)
