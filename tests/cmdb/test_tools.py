import pytest

from atlas.connection import Atlas
from atlas.errors import InvalidField, NotFound
from atlas.identity import CustomerId, StaffId, SubscriberId
from atlas.principal import NotPermittedHere, customer, staff
from forge.actions.cmdb.plant import RestartDevice
from tests import given
from tests.asking import asking
from tests.given import Owner
from tools import cmdb

ASHA = staff(StaffId(1), "Asha", frozenset())


async def line_of(owner: Owner, name: str = "Maya Patel", phone: str = "+447700900001") -> tuple[CustomerId, SubscriberId]:
    made = await given.customer(owner, name, phone)
    device = await given.device(owner, f"olt of {name}")
    return CustomerId(made), SubscriberId(await given.subscriber(owner, made, device))


async def test_a_customer_sees_their_own_line_only(atlas: Atlas, owner: Owner) -> None:
    maya, line = await line_of(owner)
    await line_of(owner, "Tom Okafor", "+447700900002")

    async with asking(atlas, customer(maya)) as (turn, _):
        assert [shown.subscriber_id for shown in await cmdb.show_line(turn)] == [line]


async def test_a_customer_may_ask_for_a_restart_of_their_own_box(atlas: Atlas, owner: Owner) -> None:
    maya, line = await line_of(owner)

    async with asking(atlas, customer(maya)) as (turn, proposed):
        await cmdb.restart_my_box(turn)

    (action,) = proposed
    assert isinstance(action, RestartDevice)
    assert (action.line, action.customer, action.device) == (line, maya, None)


async def test_somebody_elses_box_is_not_there(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await line_of(owner)
    _, toms = await line_of(owner, "Tom Okafor", "+447700900002")

    async with asking(atlas, customer(maya)) as (turn, _proposed):
        with pytest.raises(NotFound):
            await cmdb.restart_my_box(turn, toms)


async def test_somebody_with_two_lines_is_asked_which(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await line_of(owner)
    await given.subscriber(owner, maya, await given.device(owner, "olt-2"))

    async with asking(atlas, customer(maya)) as (turn, _):
        with pytest.raises(InvalidField):
            await cmdb.restart_my_box(turn)


async def test_a_device_is_shown_to_staff_with_how_many_lines_hang_from_it(atlas: Atlas, owner: Owner) -> None:
    await line_of(owner)

    async with asking(atlas, ASHA) as (turn, _):
        device = await cmdb.show_device(turn, "olt of Maya Patel")

    assert (device.kind, device.lines) == ("olt", 1)


async def test_a_customer_may_not_look_at_devices(atlas: Atlas, owner: Owner) -> None:
    maya, _ = await line_of(owner)

    async with asking(atlas, customer(maya)) as (turn, _):
        with pytest.raises(NotPermittedHere):
            await cmdb.show_device(turn, "olt of Maya Patel")
