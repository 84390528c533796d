from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from psycopg.errors import InsufficientPrivilege

from atlas.actions.writes import queue_errands
from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, DeviceId, SubscriberId
from atlas.principal import executor
from atlas.statements import Connection
from forge.actions.cmdb.plant import MarkDeviceState, RestartDevice
from forge.actions.crm.customers import RecordInteraction
from governance.facts import DeviceTier, Facts
from tests import carried, given
from tests.given import NOW, Owner


async def restart_of_device(atlas: Atlas, device: int) -> RestartDevice:
    async with atlas.transaction(executor("tests")) as conn:
        return await RestartDevice.of_device(conn, DeviceId(device), NOW)


async def restart_of_line(atlas: Atlas, line: int) -> RestartDevice:
    async with atlas.transaction(executor("tests")) as conn:
        return await RestartDevice.of_line(conn, SubscriberId(line), NOW)


async def errands(owner: Owner) -> list[tuple[str, str, dict[str, object]]]:
    found = await (await owner.execute("SELECT port, operation, arguments FROM actions.errand ORDER BY id")).fetchall()
    return [(port, operation, arguments) for port, operation, arguments in found]


async def test_a_restart_counts_everybody_who_hangs_from_the_device_or_is_spoken_for_by_it(atlas: Atlas, owner: Owner) -> None:
    olt, splitter = await given.device(owner, "olt-1"), await given.device(owner, "splitter-1", "splitter")
    frail = await given.customer(owner, "Ada Frail", is_vulnerable=True)
    line = await given.subscriber(owner, frail, splitter)
    await owner.execute("UPDATE cmdb.access SET reported_by_device_id = %s WHERE subscriber_id = %s", (olt, line))

    facts = (await restart_of_device(atlas, olt)).facts()

    assert (facts.customers, facts.device_tier, facts.touches_vulnerable) == (1, DeviceTier.ACCESS, True)


async def test_a_customers_own_box_is_of_the_customers_tier(atlas: Atlas, owner: Owner) -> None:
    line = await given.subscriber(owner, await given.customer(owner), await given.device(owner, "olt-1"))

    assert (await restart_of_line(atlas, line)).facts().device_tier is DeviceTier.CUSTOMER


async def test_a_restart_of_a_box_names_its_serial_and_not_its_owner(atlas: Atlas, owner: Owner) -> None:
    line = await given.subscriber(owner, await given.customer(owner), await given.device(owner, "olt-1"))

    await carried.out(atlas, await restart_of_line(atlas, line), NOW)

    ((port, operation, arguments),) = await errands(owner)
    assert (port, operation, arguments["serial"], set(arguments)) == (
        "provisioner",
        "restart",
        f"SN{line:08d}",
        {"device", "address", "managed_object", "serial"},
    )


async def test_a_restart_asked_for_twice_in_five_minutes_is_one_restart(atlas: Atlas, owner: Owner) -> None:
    action = await restart_of_device(atlas, await given.device(owner, "olt-1"))
    await carried.out(atlas, action, NOW)

    await carried.out(atlas, action, NOW)

    assert len(await errands(owner)) == 1


async def test_a_restart_asked_for_an_hour_later_is_another(atlas: Atlas, owner: Owner) -> None:
    device = DeviceId(await given.device(owner, "olt-1"))

    async with atlas.transaction(executor("tests")) as conn:
        now, later = [await RestartDevice.of_device(conn, device, at) for at in (NOW, NOW + timedelta(hours=1))]

    assert now.operation_key != later.operation_key


async def test_what_is_not_there_cannot_be_restarted(atlas: Atlas) -> None:
    with pytest.raises(NotFound):
        await restart_of_device(atlas, 999)


async def test_a_devices_state_is_written_down_with_when_it_was_seen(atlas: Atlas, owner: Owner) -> None:
    device = DeviceId(await given.device(owner, "olt-1"))
    async with atlas.transaction(executor("tests")) as conn:
        action = await MarkDeviceState.of(conn, device, "disabled", NOW)

    await carried.out(atlas, action, NOW)

    found = await (await owner.execute("SELECT operational_state, state_changed_at FROM cmdb.device")).fetchone()
    assert found == ("disabled", NOW)


async def test_a_state_that_x731_does_not_know_is_refused(atlas: Atlas, owner: Owner) -> None:
    device = DeviceId(await given.device(owner, "olt-1"))

    async with atlas.transaction(executor("tests")) as conn:
        with pytest.raises(InvalidField):
            await MarkDeviceState.of(conn, device, "broken", NOW)


async def test_an_order_judged_for_no_device_changes_none_whatever_is_written_in_its_name(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))
    await given.device(owner, "olt-1")

    class Changes(RecordInteraction):
        name: ClassVar[str] = "mark_device_state"

        async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
            await conn.execute("UPDATE cmdb.device SET operational_state = 'disabled'")
            return {}

    with pytest.raises(InsufficientPrivilege, match="judged for 0 devices and changes 1"):
        await carried.out(atlas, Changes(customer, "note", "a word", "one"), NOW)


async def test_an_order_judged_for_an_olt_marks_no_core_router(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))
    await given.device(owner, "core-1", kind="core")

    class Changes(RecordInteraction):
        name: ClassVar[str] = "mark_device_state"

        def facts(self) -> Facts:
            return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.ACCESS)

        async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
            await conn.execute("UPDATE cmdb.device SET operational_state = 'disabled'")
            return {}

    with pytest.raises(InsufficientPrivilege, match="judged at a lower tier"):
        await carried.out(atlas, Changes(customer, "note", "a word", "one"), NOW)


async def test_an_order_judged_for_no_device_restarts_none_and_one_for_a_box_restarts_no_olt(atlas: Atlas, owner: Owner) -> None:
    customer = CustomerId(await given.customer(owner))
    device = await given.device(owner, "olt-1")

    async def restarting(conn: Connection) -> dict[str, Any]:
        await queue_errands(conn, "provisioner", "restart", {"one": {"device_id": device, "device": "olt-1"}})
        return {}

    class Restarts(RecordInteraction):
        async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
            return await restarting(conn)

    class RestartsABox(RecordInteraction):
        name: ClassVar[str] = "restart_device"

        def facts(self) -> Facts:
            return Facts(self.name, customers=1, devices=1, device_tier=DeviceTier.CUSTOMER)

        async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:  # noqa: ARG002
            return await restarting(conn)

    with pytest.raises(InsufficientPrivilege, match=r"does not come to provisioner\.restart"):
        await carried.out(atlas, Restarts(customer, "note", "a word", "one"), NOW)
    with pytest.raises(InsufficientPrivilege, match="judged at another tier"):
        await carried.out(atlas, RestartsABox(customer, "note", "a word", "two"), NOW)
