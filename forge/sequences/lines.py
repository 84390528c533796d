"""From an order to a line that works, and from the end of a line to a port that is free: as graphs of governed steps."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, Final

from atlas.cmdb.rules import KINDS_OF_TECHNOLOGY
from atlas.field_service.reads import free_visit_slots
from atlas.field_service.records import VisitPlace
from atlas.field_service.rules import LOCAL
from atlas.gis.reads import site
from atlas.identity import CustomerId, DeviceId, OrderId, SubscriberId
from atlas.oms.reads import case_of, first_evidence, visit_of
from atlas.oms.records import Case, OrderState
from atlas.oms.rules import NoVisitFree, checked_visit, port_key
from atlas.statements import Connection
from forge.action import Action
from forge.actions.cmdb.credentials import CreateCredential, RemoveCredential
from forge.actions.cmdb.lines import ConnectLine, DisconnectLine
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.cmdb.stock import FreeNumbers, GiveBox, ReserveNumbers, TakeBoxBack
from forge.actions.oms.orders import CloseOrder, ConfirmActivation, PassReturn, TellOfOrder
from forge.actions.oms.plans import AdvanceOrder
from forge.actions.oms.ports import HoldPort, ReleasePort
from forge.actions.oms.visits import BookInstallation, CallOffInstallation, RecordInstallation
from forge.sequences.records import Cause, Making, NotYet, SequenceKind, SoFar, Step

# An installation may wait for a visit that was agreed for next month; what is not done by then is taken back and told.
WITHIN: Final = timedelta(days=45)
# Looked for at once, then less and less often: a box is plugged in seconds or days after the network is ready.
SOONEST: Final = timedelta(milliseconds=300)
RAREST: Final = timedelta(minutes=1)


async def _case(conn: Connection, so_far: SoFar) -> Case:
    return await case_of(conn, OrderId(so_far.arguments["order_id"]))


def _turn(so_far: SoFar, case: Case) -> str:
    return f"order-{case.order_id}/{so_far.attempt}"


def advances(was: OrderState, becomes: OrderState, because: str) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        case = await _case(conn, so_far)
        return AdvanceOrder(case.customer_id, case.order_id, was, becomes, because)

    return making


async def closes(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    """Withdrawn or failed: what was done is taken back by now."""
    case = await _case(conn, so_far)
    return CloseOrder(case.customer_id, case.order_id, case.sequence_why or "it could not be carried out")


def _of_line(kind: type[Any], **more: Any) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        case = await _case(conn, so_far)
        action: Action = kind(case.customer_id, case.subscriber_id, _turn(so_far, case), **more)
        return action

    return making


def of_order(kind: type[Any], **more: Any) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        case = await _case(conn, so_far)
        action: Action = kind(case.customer_id, case.order_id, _turn(so_far, case), **more)
        return action

    return making


async def _numbers(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    case = await _case(conn, so_far)
    olt = DeviceId(so_far.outcomes["port"]["reported_by"])
    return ReserveNumbers(case.customer_id, case.subscriber_id, _turn(so_far, case), olt, int(WITHIN.total_seconds() // 60))


async def _visit(conn: Connection, so_far: SoFar, now: datetime) -> Action:
    """The first window from the day that is wanted on. Raises NoVisitFree where nobody can come within the days that can be booked."""
    case = await _case(conn, so_far)
    known = await visit_of(conn, case.order_id)
    if known is not None and known.is_ahead:
        return BookInstallation(case.customer_id, case.order_id, _turn(so_far, case), known.window_from)
    home = await site(conn, case.premise_id)
    place = VisitPlace(case.subscriber_id, case.premise_id, case.technology, home.area, home.latitude, home.longitude, None)
    slots = await free_visit_slots(conn, place, now)
    first = next((slot for slot in slots if case.wanted_on is None or slot.window_from.astimezone(LOCAL).date() >= case.wanted_on), None)
    if first is None:
        raise NoVisitFree(case.order_id)
    return BookInstallation(case.customer_id, case.order_id, _turn(so_far, case), first.window_from)


async def _installed(conn: Connection, so_far: SoFar, now: datetime) -> Action:
    case = await _case(conn, so_far)
    visit = checked_visit(await visit_of(conn, case.order_id), now)
    if visit.is_ahead:
        raise NotYet(f"visit {visit.job_id} is not over", RAREST)
    return RecordInstallation(case.customer_id, case.order_id, _turn(so_far, case), DeviceId(so_far.outcomes["port"]["device"]))


async def _box(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    case = await _case(conn, so_far)
    return GiveBox(case.customer_id, case.subscriber_id, _turn(so_far, case), KINDS_OF_TECHNOLOGY[case.technology], case.serial)


async def _credential(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    case = await _case(conn, so_far)
    return CreateCredential(case.customer_id, case.subscriber_id, f"line{case.subscriber_id}", _turn(so_far, case))


async def _connects(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
    case, port = await _case(conn, so_far), so_far.outcomes["port"]
    where = (DeviceId(port["device"]), DeviceId(port["reported_by"]), f"{port['name']}:{so_far.outcomes['box']['serial']}")
    return ConnectLine(case.customer_id, case.subscriber_id, _turn(so_far, case), *where, port_key(case.order_id))


def _configures(operation: str) -> Making:
    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        case = await _case(conn, so_far)
        whose = (CustomerId(case.customer_id), SubscriberId(case.subscriber_id))
        return ConfigureLine(*whose, operation, case.down_kbps, case.up_kbps, case.order_id, so_far.attempt)

    return making


async def _evidence(conn: Connection, so_far: SoFar, now: datetime) -> Action:
    case = await _case(conn, so_far)
    if await first_evidence(conn, case.order_id) is None:
        waited = (now - case.state_changed_at) / 10
        raise NotYet("neither a session nor the box was seen", max(SOONEST, min(RAREST, waited)))
    return ConfirmActivation(case.customer_id, case.order_id, _turn(so_far, case))


BEGINS: Final = advances(OrderState.PENDING, OrderState.IN_PROGRESS, "it is being carried out")
WORKS: Final = advances(OrderState.IN_PROGRESS, OrderState.COMPLETED, "the line works")
ENDED: Final = advances(OrderState.IN_PROGRESS, OrderState.COMPLETED, "the line has ended")
LINE_START: Final = SequenceKind(
    "line_start",
    (
        Step("begin", BEGINS, closes, after=(), cause=Cause.DATA),
        # That no port is left is an answer, with what could be had instead, and the same a moment later: nothing else is begun for it.
        Step("port", of_order(HoldPort), of_order(ReleasePort), after=("begin",), cause=Cause.INVENTORY, tries=1),
        Step("visit", _visit, of_order(CallOffInstallation), after=("port",), cause=Cause.PARTNER, is_mendable=True),
        Step("installed", _installed, None, after=("visit",), cause=Cause.PARTNER, is_mendable=True),
        Step("box", _box, _of_line(TakeBoxBack), after=("begin",), cause=Cause.DATA, is_mendable=True),
        Step("numbers", _numbers, _of_line(FreeNumbers), after=("port",), cause=Cause.INVENTORY),
        Step("connect", _connects, _of_line(DisconnectLine), after=("numbers", "box"), cause=Cause.INVENTORY),
        Step("credential", _credential, _of_line(RemoveCredential), after=("begin",), cause=Cause.DATA),
        Step(
            "activate", _configures("activate"), _configures("deactivate"), after=("connect", "credential", "installed"), is_mendable=True
        ),
        Step("evidence", _evidence, None, after=("activate",), cause=Cause.TIMEOUT, is_mendable=True, within=timedelta(days=30)),
        Step("welcome", of_order(TellOfOrder, purpose="order_done"), None, after=("evidence",), is_mendable=True),
        Step(
            "complete",
            WORKS,
            None,
            after=("evidence",),
            is_mendable=True,
        ),
    ),
    within=WITHIN,
    no_return="evidence",
)
# By the kind of need in the catalogue, what a line is spared whose plan does not need it: where the drop is laid nobody has to come.
ONLY_IF_NEEDED: Final = {"visit": "visit", "installed": "visit", "credential": "radius_credential"}


def steps_for(needs: Collection[str]) -> tuple[str, ...]:
    """The steps of LINE_START for a plan of these needs (catalogue.resource_need), in their order."""
    return tuple(step.name for step in LINE_START.steps if ONLY_IF_NEEDED.get(step.name) in {None, *needs})


LINE_END: Final = SequenceKind(
    "line_end",
    (
        Step("begin", BEGINS, closes, after=(), cause=Cause.DATA),
        Step("no return", of_order(PassReturn), None, after=("begin",), is_mendable=True),
        Step("deactivate", _configures("deactivate"), None, after=("no return",), is_mendable=True),
        Step("disconnect", _of_line(DisconnectLine), None, after=("deactivate",), is_mendable=True),
        Step("credential", _of_line(RemoveCredential), None, after=("no return",), is_mendable=True),
        Step("box", _of_line(TakeBoxBack, becomes="rma"), None, after=("disconnect",), is_mendable=True),
        Step("tell", of_order(TellOfOrder, purpose="order_ended"), None, after=("disconnect",), is_mendable=True),
        Step(
            "complete",
            ENDED,
            None,
            after=("credential", "box"),
            is_mendable=True,
        ),
    ),
    within=WITHIN,
    no_return="no return",
)
