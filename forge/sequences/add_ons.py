"""From an order to an add-on that a line has, and from its end to what it held: the line stays as it is."""

from datetime import datetime, timedelta
from typing import Final

from atlas.catalogue.reads import add_on_effect
from atlas.identity import OrderId
from atlas.oms.reads import add_on_order
from atlas.oms.records import OrderState
from atlas.statements import Connection
from forge.action import Action
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.oms.add_ons import BeginAddOn, EndAddOn, TakeBackAddOn
from forge.actions.oms.orders import TellOfOrder
from forge.sequences.lines import BEGINS, advances, closes, of_order
from forge.sequences.records import Cause, Making, SequenceKind, SoFar, Step

# As a change of plan: longer than any outage of the provisioning platform that a customer should have to sit out.
WITHIN: Final = timedelta(minutes=30)


def _configures(operation: str) -> Making:
    """At the speed that the line has: what changes is what the network is told besides."""

    async def making(conn: Connection, so_far: SoFar, now: datetime) -> Action:  # noqa: ARG001
        order = await add_on_order(conn, OrderId(so_far.arguments["order_id"]))
        whose = (order.customer_id, order.subscriber_id)
        return ConfigureLine(*whose, operation, order.down_kbps, order.up_kbps, order.order_id, so_far.attempt)

    return making


HAS: Final = advances(OrderState.IN_PROGRESS, OrderState.COMPLETED, "the line has it")
HAD: Final = advances(OrderState.IN_PROGRESS, OrderState.COMPLETED, "the line has it no more")
ADD_ON_START: Final = SequenceKind(
    "add_on_start",
    (
        Step("begin", BEGINS, closes, after=(), cause=Cause.DATA),
        # That no address is left is an answer, and the same a moment later.
        Step("hold", of_order(BeginAddOn), of_order(TakeBackAddOn), after=("begin",), cause=Cause.INVENTORY, tries=1),
        Step("profile", _configures("set_speed"), None, after=("hold",)),
        Step("refresh", _configures("refresh_session"), None, after=("profile",)),
        Step("tell", of_order(TellOfOrder, purpose="add_on_begun"), None, after=("refresh",), is_mendable=True),
        Step("complete", HAS, None, after=("refresh",), is_mendable=True),
    ),
    within=WITHIN,
    no_return="complete",
)
ADD_ON_END: Final = SequenceKind(
    "add_on_end",
    (
        Step("begin", BEGINS, closes, after=(), cause=Cause.DATA),
        Step("end", of_order(EndAddOn), None, after=("begin",), cause=Cause.DATA),
        Step("profile", _configures("set_speed"), None, after=("end",), is_mendable=True),
        Step("refresh", _configures("refresh_session"), None, after=("profile",), is_mendable=True),
        Step("tell", of_order(TellOfOrder, purpose="add_on_ended"), None, after=("refresh",), is_mendable=True),
        Step("complete", HAD, None, after=("refresh",), is_mendable=True),
    ),
    within=WITHIN,
    no_return="end",
)


async def add_on_steps(conn: Connection, kind: SequenceKind, order_id: OrderId) -> tuple[str, ...]:
    """The steps of `kind` for an order: the network is told only of what concerns it."""
    effect = await add_on_effect(conn, (await add_on_order(conn, order_id)).version)
    spared = {"profile": not effect.has_profile, "refresh": not (effect.needs_address or effect.has_reply)}
    return tuple(step.name for step in kind.steps if not spared.get(step.name))
