"""One customer on one page, out of all modules: DOMAIN.md 2.3, feature 1."""

from datetime import timedelta

from atlas.connection import Atlas
from atlas.identity import CustomerId
from atlas.money import Money
from tests import given
from tests.asking import asking
from tests.billing.arranged import bill, customer_with_line, outage
from tests.cmdb import aaa
from tests.gis.test_tools import staff
from tests.given import NOW, Owner, row
from tools import crm


async def busy(owner: Owner) -> tuple[int, int]:
    """Maya, with something in each module: her customer number, and her line's."""
    maya, line = await customer_with_line(owner, phone="+447700900001")
    action = await given.action(owner)
    await outage(owner, line)
    await bill(owner, maya, NOW.date().replace(day=1), {"Fibre 100": 3000})
    session = {"subscriber_id": line, "username": "maya", "nas_device_id": await aaa.nas(owner), "framed_address": "192.0.2.7"}
    await row(owner, "cmdb.session", **session, started_at=NOW)
    ticket = {"kind": "request", "customer_id": maya, "impact": 4, "urgency": 3, "title": "slow in the evening"}
    await row(owner, "itsm.ticket", **ticket, opened_at=NOW, action_id=action)
    await row(owner, "oms.product_order", customer_id=maya, subscriber_id=line, kind="modify", action_id=action)
    window = {"window_from": NOW + timedelta(days=1), "window_until": NOW + timedelta(days=1, hours=2)}
    await row(
        owner,
        "field_service.job",
        kind="repair",
        customer_id=maya,
        latitude=50.7,
        longitude=-3.5,
        skill="fibre",
        **window,
        action_id=action,
    )
    talk = await row(owner, "helpdesk.conversation", customer_id=maya, channel="sms", address="+447700900001")
    await row(owner, "helpdesk.message", conversation_id=talk, customer_id=maya, is_from_us=False, author="customer", words="is it down?")
    return maya, line


async def test_one_view_holds_services_live_session_incidents_at_the_port_tickets_orders_balance_jobs_and_messages(
    atlas: Atlas, owner: Owner
) -> None:
    maya, line = await busy(owner)

    async with asking(atlas, await staff(owner)) as (turn, _):
        page = await crm.show_customer(turn, CustomerId(maya))

    assert [(held.subscriber_id, held.is_online) for held in page.services] == [(line, True)]
    assert [at.subscriber_id for at in page.outages] == [line]
    assert ([ticket.title for ticket in page.tickets], [order.kind for order in page.orders]) == (["slow in the evening"], ["modify"])
    assert (page.owed, [visit.kind for visit in page.visits]) == (Money("30.00"), ["repair"])
    assert [message.words for message in page.messages] == ["is it down?"]
