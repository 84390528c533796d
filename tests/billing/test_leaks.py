"""Billing beside provisioning beside the session beside the inventory: each kind of leak, its price, its end and its correction."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from atlas.billing.reads.leaks import leak_totals, leaks
from atlas.billing.records.leaks import Leak, LeakKind
from atlas.connection import Atlas
from atlas.money import Money
from atlas.principal import executor
from forge.actions.billing.charges import StartCharging
from forge.actions.cmdb.lines import DisconnectLine
from forge.actions.cmdb.plant import ConfigureLine
from forge.actions.helpdesk.saying import RecordPromise
from forge.leaks import correction, look_at_all, look_for_leaks
from tests import given
from tests.billing.arranged import customer_with_line, one
from tests.given import NOW, Owner, row


async def line_in_order(owner: Owner) -> int:
    """A line that is charged, online and holds its port."""
    customer, line = await customer_with_line(owner)
    version = await given.offering(owner)
    nas = await given.device(owner, f"bng-{line}", "bng")
    await row(owner, "cmdb.session", subscriber_id=line, username=f"line-{line}", nas_device_id=nas, started_at=NOW)
    charged = {"subscriber_id": line, "offering_version_id": version, "starts_on": NOW.date(), "evidence": "ont", "evidence_at": NOW}
    await row(owner, "billing.charge", customer_id=customer, action_id=await given.action(owner), **charged)
    return line


async def uncharge(owner: Owner, line: int) -> None:
    await owner.execute("UPDATE billing.charge SET ends_on = starts_on, stopped_because = 'x' WHERE subscriber_id = %s", (line,))


async def silence(owner: Owner, line: int) -> None:
    gone = datetime.now(UTC) - timedelta(days=31)
    await owner.execute("UPDATE cmdb.session SET started_at = %s, ended_at = %s WHERE subscriber_id = %s", (gone, gone, line))


async def speed_up(owner: Owner, line: int) -> None:
    await row(owner, "cmdb.observed_profile", subscriber_id=line, down_kbps=200_000, up_kbps=20_000, since=NOW, seen_at=NOW)


async def suspend(owner: Owner, line: int) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (line,))


async def end(owner: Owner, line: int) -> None:
    await owner.execute("UPDATE cmdb.session SET ended_at = started_at WHERE subscriber_id = %s", (line,))
    await owner.execute("UPDATE crm.subscriber SET state = 'terminated' WHERE id = %s", (line,))


Sow = Callable[[Owner, int], Awaitable[None]]
KINDS: list[tuple[LeakKind, Sow, str, type]] = [
    (LeakKind.SESSION_WITHOUT_CHARGE, uncharge, "30.00", StartCharging),
    (LeakKind.CHARGE_WITHOUT_SESSION, silence, "30.00", RecordPromise),
    (LeakKind.SPEED_DIFFERS, speed_up, "30.00", ConfigureLine),
    (LeakKind.SUSPENDED_BUT_ONLINE, suspend, "30.00", ConfigureLine),
    (LeakKind.HELD_BY_NO_LINE, end, "30.00", DisconnectLine),
]


async def standing(atlas: Atlas) -> list[Leak]:
    async with atlas.transaction(executor("test")) as conn:
        return await leaks(conn)


async def test_a_house_in_order_leaks_nothing(atlas: Atlas, owner: Owner) -> None:
    await line_in_order(owner)

    assert ((await look_for_leaks(atlas)).found, (await look_at_all(atlas)).found) == (0, 0)


@pytest.mark.parametrize(("kind", "sow", "monthly", "order"), KINDS, ids=[kind.value for kind, *_ in KINDS])
async def test_each_kind_of_leak_is_found_by_the_write_that_caused_it_with_its_price_and_correction(
    atlas: Atlas, owner: Owner, kind: LeakKind, sow: Sow, monthly: str, order: type
) -> None:
    await line_in_order(owner)
    line = await line_in_order(owner)
    await look_for_leaks(atlas)

    await sow(owner, line)
    looked = await look_for_leaks(atlas)

    (found,) = await standing(atlas)
    assert (looked.found, found.kind, found.subscriber_id, found.monthly) == (1, kind, line, Money(monthly))
    async with atlas.transaction(executor("test")) as conn:
        assert isinstance(await correction(conn, found, NOW + timedelta(days=1)), order)


async def test_a_leak_that_is_put_right_is_gone_and_kept_as_history(atlas: Atlas, owner: Owner) -> None:
    line = await line_in_order(owner)
    await suspend(owner, line)
    await look_for_leaks(atlas)

    await owner.execute("UPDATE crm.subscriber SET state = 'active', suspended_for = NULL WHERE id = %s", (line,))
    looked = await look_for_leaks(atlas)

    assert (looked.gone, await standing(atlas)) == (1, [])
    assert await one(owner, "SELECT gone_at IS NOT NULL FROM billing.leak_found") is True


async def test_looking_twice_finds_a_leak_once(atlas: Atlas, owner: Owner) -> None:
    await suspend(owner, await line_in_order(owner))

    found = [(await look_for_leaks(atlas)).found, (await look_at_all(atlas)).found, (await look_at_all(atlas)).found]

    assert (sum(found), len(await standing(atlas))) == (1, 1)


async def test_a_speed_that_somebody_accepted_is_no_leak(atlas: Atlas, owner: Owner) -> None:
    line = await line_in_order(owner)
    await speed_up(owner, line)
    await look_for_leaks(atlas)

    await row(
        owner, "cmdb.drift_ruling", subscriber_id=line, down_kbps=200_000, up_kbps=20_000, is_accepted=True, reason="a gift",
        action_id=await given.action(owner),
    )  # fmt: skip

    assert ((await look_for_leaks(atlas)).gone, await standing(atlas)) == (1, [])


async def test_leaks_add_up_by_kind(atlas: Atlas, owner: Owner) -> None:
    for sow in (suspend, suspend, uncharge):
        await sow(owner, await line_in_order(owner))
    await look_for_leaks(atlas)

    async with atlas.transaction(executor("test")) as conn:
        totals = [(one.kind, one.count, one.monthly) for one in await leak_totals(conn)]

    assert totals == [(LeakKind.SUSPENDED_BUT_ONLINE, 2, Money("60.00")), (LeakKind.SESSION_WITHOUT_CHARGE, 1, Money("30.00"))]


async def test_a_speed_that_differs_is_said_as_speeds_are_sold(atlas: Atlas, owner: Owner) -> None:
    line = await line_in_order(owner)
    await row(owner, "cmdb.observed_profile", subscriber_id=line, down_kbps=200_500, up_kbps=20_000, since=NOW, seen_at=NOW)
    await look_for_leaks(atlas)

    (leak,) = await standing(atlas)

    assert leak.detail == "200.5 / 20 Mbit/s delivered, 100 / 20 Mbit/s charged"
