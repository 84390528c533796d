"""A premise is a record of its own: what was there stays there when whoever lived there goes. DOMAIN.md 2.2, feature 1."""

from datetime import timedelta

from atlas.cmdb.records.numbers import Box
from atlas.connection import Atlas
from atlas.identity import CustomerId, SubscriberId
from forge.actions.cmdb.stock import GiveBox, ReceiveBoxes, TakeBoxBack
from tests import carried, given
from tests.asking import asking
from tests.cmdb import aaa
from tests.gis.test_tools import staff
from tests.given import NOW, Owner, row
from tools import cmdb

BOX = Box("ont", "Huawei", "EG8145", "HWTC1A2B3C4D")


async def tenant(owner: Owner, name: str, phone: str, device: int, premise: int | None = None) -> tuple[int, int]:
    """Somebody with a line at the premise, or at one of their own; with the address that their line was given."""
    customer = await given.customer(owner, name, phone=phone)
    line = await given.subscriber(owner, customer, device, activated_at=NOW)
    if premise is not None:
        await owner.execute("UPDATE crm.subscriber SET premise_id = %s WHERE id = %s", (premise, line))
    return customer, line


async def lived_in(owner: Owner, line: int) -> int:
    (found,) = await (await owner.execute("SELECT premise_id FROM crm.subscriber WHERE id = %s", (line,))).fetchall()
    return int(found[0])


async def signed_in(owner: Owner, nas: int, line: int, address: str, days: int) -> None:
    at = NOW + timedelta(days=days)
    session = {"unique_session": f"u-{line}", "session_id": f"S{line}", "username": "x", "subscriber_id": line, "nas_device_id": nas}
    await row(owner, "cmdb.accounting", **session, framed_address=address, started_at=at, heard_at=at)


async def test_a_premise_keeps_its_ip_equipment_and_job_history_across_tenants(atlas: Atlas, owner: Owner) -> None:
    nas, olt = await aaa.nas(owner), await given.device(owner, "olt-1")
    maya, first = await tenant(owner, "Maya Patel", "+447700900001", olt)
    premise = await lived_in(owner, first)
    await carried.out(atlas, ReceiveBoxes((BOX,), "D-1"), NOW)
    await carried.out(atlas, GiveBox(CustomerId(maya), SubscriberId(first), "1", serial=BOX.serial), NOW + timedelta(days=1))
    window = {"window_from": NOW + timedelta(days=2), "window_until": NOW + timedelta(days=2, hours=2)}
    visit = {"kind": "install", "state": "completed", "latitude": 50.7, "longitude": -3.5, "skill": "fibre", **window}
    await row(owner, "field_service.job", customer_id=maya, premise_id=premise, **visit, action_id=await given.action(owner))
    await signed_in(owner, nas, first, "192.0.2.7", 3)
    await carried.out(atlas, TakeBoxBack(CustomerId(maya), SubscriberId(first), "2"), NOW + timedelta(days=9))
    await owner.execute("DELETE FROM cmdb.access WHERE subscriber_id = %s", (first,))
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated' WHERE id = %s", (first,))
    _, second = await tenant(owner, "Ben Moor", "+447700900002", olt, premise)

    async with asking(atlas, await staff(owner)) as (turn, _):
        told = [(event.kind, event.what, event.line) for event in await cmdb.history_of_place(turn, SubscriberId(second))]

    assert ("visit", "install, completed", None) in told
    assert ("address", "192.0.2.7", first) in told
    assert [what for kind, what, line in told if kind == "box" and line in (first, None)] != []
    assert {line for kind, _, line in told if kind == "line"} == {first, second}
