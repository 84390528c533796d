"""Boxes of ours: one CI however it is written, at one line at a time, and a place that remembers what stood there."""

from datetime import timedelta
from typing import Any

import pytest

from atlas.cmdb.reads import asset_of_serial, behind_baseline, drifts, history_of_place, sightings
from atlas.cmdb.records.numbers import Box, Sighting
from atlas.cmdb.rules import DeviceInUse, NotInStock, RelationCycle, SerialTaken, mac_key, mac_verdict, serial_key
from atlas.cmdb.writes import record_profile, record_sighting
from atlas.connection import Atlas
from atlas.errors import Conflict, InvalidField
from atlas.identity import CustomerId, DeviceId, StaffId, SubscriberId
from atlas.money import Money
from atlas.principal import executor, intake
from forge.actions.cmdb.stock import GiveBox, MoveBox, ReceiveBoxes, RelateDevices, RemoveDevice, ReplaceBox, RuleOnDrift, TakeBoxBack
from governance.facts import DeviceTier
from tests import carried, given
from tests.given import NOW, Owner

ME = executor("test")
ONT = Box("ont", "Huawei", "EG8145", "HWTC1A2B3C4D", "a4:b1:c2:00:00:01", "V5R019")
SPARE = Box("ont", "Huawei", "EG8145", "HWTC99999999")


async def stocked(atlas: Atlas, *boxes: Box, delivery: str = "D-1") -> int:
    return int((await carried.out(atlas, ReceiveBoxes(boxes or (ONT,), delivery), NOW))["new"])


async def line(owner: Owner, device: str = "olt-1") -> tuple[CustomerId, SubscriberId]:
    customer = await given.customer(owner, phone=None)
    found = await (await owner.execute("SELECT id FROM cmdb.device WHERE name = %s", (device,))).fetchone()
    return CustomerId(customer), SubscriberId(
        await given.subscriber(owner, customer, found[0] if found else await given.device(owner, device))
    )


@pytest.mark.parametrize("written", ["HWTC1A2B3C4D", "hwtc-1a2b3c4d", "HWTC 1A2B 3C4D", "485754431A2B3C4D"])
def test_a_serial_is_one_however_it_is_written(written: str) -> None:
    assert serial_key(written, "ont") == "HWTC1A2B3C4D"


@pytest.mark.parametrize("typo", ["HWTC1A2B3C4", "HWTC1A2B3C4G", "HW7C1A2B3C4D0", ""])
def test_a_typo_in_an_ont_serial_stops_with_a_reason(typo: str) -> None:
    with pytest.raises(InvalidField, match="serial"):
        serial_key(typo, "ont")


@pytest.mark.parametrize("written", ["a4:b1:c2:00:00:01", "A4-B1-C2-00-00-01", "a4b1.c200.0001", "A4B1C2000001"])
def test_case_and_format_variants_of_a_mac_are_one(written: str) -> None:
    assert mac_key(written) == "a4:b1:c2:00:00:01"


@pytest.mark.parametrize("written", ["a5:b1:c2:00:00:01", "00:00:00:00:00:00", "a4b1c200000", "ff:ff:ff:ff:ff:ff"])
def test_no_box_has_a_groups_mac_or_none(written: str) -> None:
    with pytest.raises(InvalidField, match="mac"):
        mac_key(written)


async def test_the_same_serial_imported_twice_is_one_ci(atlas: Atlas) -> None:
    first = await stocked(atlas)
    again = await stocked(atlas, Box("ont", "Huawei", "EG8145", "hwtc-1a2b3c4d", "A4B1.C200.0001"), delivery="D-2")

    assert (first, again) == (1, 0)


async def test_a_delivery_with_a_bad_row_is_refused_whole_and_names_the_row(atlas: Atlas, owner: Owner) -> None:
    with pytest.raises(InvalidField, match=r"boxes\[2\].mac"):
        await stocked(atlas, ONT, Box("ont", "Huawei", "EG8145", "HWTC00000002", "zz"))

    assert await (await owner.execute("SELECT count(*) FROM cmdb.asset")).fetchone() == (0,)


async def test_a_box_goes_to_one_line_and_not_to_another(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas)
    await carried.out(atlas, GiveBox(*await line(owner), "1", serial="hwtc1a2b3c4d"), NOW)

    with pytest.raises(SerialTaken):
        await carried.out(atlas, GiveBox(*await line(owner), "1", serial="HWTC1A2B3C4D"), NOW)


async def test_a_box_of_another_make_stops_with_a_reason(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas, Box("modem", "Technicolor", "CGA4236", "CAXA00000001"))

    with pytest.raises(NotInStock, match="is no ont but a modem"):
        await carried.out(atlas, GiveBox(*await line(owner), "1", serial="CAXA00000001"), NOW)


async def test_a_serial_that_is_nowhere_stops_with_a_reason(atlas: Atlas, owner: Owner) -> None:
    with pytest.raises(NotInStock, match="check the label"):
        await carried.out(atlas, GiveBox(*await line(owner), "1", serial="HWTC0000BEEF"), NOW)


async def test_an_exchanged_box_leaves_its_history_at_the_place(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas, ONT, SPARE)
    who = await line(owner)
    await carried.out(atlas, GiveBox(*who, "1", serial=ONT.serial), NOW)

    await carried.out(atlas, ReplaceBox(*who, "2", serial=SPARE.serial, reason="no light"), NOW + timedelta(days=30))

    async with atlas.transaction(ME) as conn:
        told = [(event.serial, event.state) for event in await history_of_place(conn, who[1])]
        old = await asset_of_serial(conn, ONT.serial)
    assert told == [(ONT.serial, "assigned"), (ONT.serial, "rma"), (SPARE.serial, "assigned"), (SPARE.serial, "installed")]
    assert old is not None
    assert (old.state, old.subscriber_id) == ("rma", None)


async def test_a_returned_box_is_in_stock_again(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas)
    who = await line(owner)
    await carried.out(atlas, GiveBox(*who, "1"), NOW)

    await carried.out(atlas, TakeBoxBack(*who, "2"), NOW)

    async with atlas.transaction(ME) as conn:
        box = await asset_of_serial(conn, ONT.serial)
    assert box is not None
    assert box.state == "stock"


async def test_a_box_in_a_van_is_somewhere(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas)
    finn = StaffId(await given.member(owner, "Finn Field", "field_engineer"))

    await carried.out(atlas, MoveBox(ONT.serial, "stock", "stock", finn, "for tomorrow", NOW), NOW)

    async with atlas.transaction(ME) as conn:
        box = await asset_of_serial(conn, ONT.serial)
    assert box is not None
    assert box.engineer == "Finn Field"


async def test_a_retired_box_comes_back_to_nobody(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas)
    await carried.out(atlas, MoveBox(ONT.serial, "stock", "retired", None, "burnt", NOW), NOW)

    with pytest.raises(NotInStock, match="retired"):
        await carried.out(atlas, GiveBox(*await line(owner), "1", serial=ONT.serial), NOW)


async def test_firmware_that_is_not_the_baseline_is_told(atlas: Atlas, owner: Owner) -> None:
    await stocked(atlas)
    await carried.out(atlas, GiveBox(*await line(owner), "1"), NOW)
    await owner.execute("INSERT INTO cmdb.firmware_baseline VALUES ('Huawei', 'EG8145', 'V5R020')")

    async with atlas.transaction(ME) as conn:
        assert [one.serial for one in await behind_baseline(conn)] == [ONT.serial]


def seen(port: str, first: int, last: int, swapped: int | None = None) -> Sighting:
    at = [NOW + timedelta(minutes=minutes) for minutes in (first, last)]
    return Sighting(DeviceId(1), port, at[0], at[1], None if swapped is None else NOW + timedelta(minutes=swapped))


@pytest.mark.parametrize(
    ("verdict", "places"),
    [
        ("one_place", [seen("1", 0, 60)]),
        ("moved", [seen("1", 0, 60), seen("2", 61, 90)]),
        ("swapped", [seen("1", 0, 60), seen("2", 61, 90, swapped=58)]),
        ("cloned", [seen("1", 0, 120), seen("2", 61, 120)]),
        ("cloned", [seen("1", 0, 120), seen("2", 61, 120, swapped=60)]),
    ],
)
def test_a_mac_that_moves_is_told_from_one_that_is_cloned(verdict: str, places: list[Sighting]) -> None:
    assert mac_verdict(places) == verdict


async def test_where_a_mac_was_seen_is_the_same_in_any_order(atlas: Atlas, owner: Owner) -> None:
    device = DeviceId(await given.device(owner, "olt-1"))
    async with atlas.transaction(intake("test")) as conn:
        for minutes in (5, 1, 9):
            await record_sighting(conn, "a4:b1:c2:00:00:01", device, "ont-1", NOW + timedelta(minutes=minutes))

    async with atlas.transaction(ME) as conn:
        (one,) = await sightings(conn, "a4:b1:c2:00:00:01")
    assert (one.first_seen_at, one.last_seen_at) == (NOW + timedelta(minutes=1), NOW + timedelta(minutes=9))


async def drifted(atlas: Atlas, owner: Owner, down_kbps: int = 500_000) -> tuple[CustomerId, SubscriberId]:
    """A line billed as fibre-100 (30.00) of which the OLT does 500 Mbit/s, which is sold for 45.00."""
    who = await line(owner)
    await given.offering(owner, "fibre-500", 4500, down_kbps=500_000, up_kbps=20_000)
    async with atlas.transaction(intake("test")) as conn:
        await record_profile(conn, who[1], down_kbps, 20_000, NOW)
        await record_profile(conn, who[1], down_kbps, 20_000, NOW + timedelta(days=1))
    return who


async def test_seeded_drift_is_one_row_with_its_money(atlas: Atlas, owner: Owner) -> None:
    customer, subscriber = await drifted(atlas, owner)

    async with atlas.transaction(ME) as conn:
        (one,) = await drifts(conn)

    assert (one.customer_id, one.subscriber_id, one.plan) == (customer, subscriber, "fibre-100")
    assert (one.billed_down_kbps, one.actual_down_kbps, one.since, one.costs_us) == (100_000, 500_000, NOW, Money("15.00"))


async def test_a_line_that_does_what_is_billed_is_no_drift(atlas: Atlas, owner: Owner) -> None:
    await drifted(atlas, owner, down_kbps=100_000)

    async with atlas.transaction(ME) as conn:
        assert await drifts(conn) == []


async def ruled(atlas: Atlas, *, is_accepted: bool) -> None:
    async with atlas.transaction(ME) as conn:
        (one,) = await drifts(conn)
    await carried.out(atlas, RuleOnDrift.of(one, "agreed with them", is_accepted=is_accepted), NOW)


async def test_an_accepted_difference_stays_accepted_until_it_is_another(atlas: Atlas, owner: Owner) -> None:
    who = await drifted(atlas, owner)
    await ruled(atlas, is_accepted=True)
    async with atlas.transaction(ME) as conn:
        (before,) = await drifts(conn)
    async with atlas.transaction(intake("test")) as conn:
        await record_profile(conn, who[1], 900_000, 20_000, NOW + timedelta(days=2))

    async with atlas.transaction(ME) as conn:
        (after,) = await drifts(conn)
    assert (before.is_accepted, after.is_accepted) == (True, False)


async def test_a_rejected_difference_is_put_right_at_the_network(atlas: Atlas, owner: Owner) -> None:
    await drifted(atlas, owner)

    await ruled(atlas, is_accepted=False)

    found = await (await owner.execute("SELECT operation, arguments->>'down_kbps' FROM actions.errand")).fetchall()
    assert found == [("set_speed", "100000")]


async def test_a_difference_that_is_gone_is_not_ruled_on(atlas: Atlas, owner: Owner) -> None:
    who = await drifted(atlas, owner)
    async with atlas.transaction(ME) as conn:
        (one,) = await drifts(conn)
    async with atlas.transaction(intake("test")) as conn:
        await record_profile(conn, who[1], 100_000, 20_000, NOW + timedelta(days=2))

    with pytest.raises(Conflict):
        await carried.out(atlas, RuleOnDrift.of(one, "late", is_accepted=True), NOW)


async def devices(owner: Owner, *names: str) -> list[DeviceId]:
    return [DeviceId(await given.device(owner, name)) for name in names]


async def related(atlas: Atlas, one: DeviceId, kind: str, other: DeviceId) -> dict[str, Any]:
    return await carried.out(atlas, RelateDevices(one, kind, other), NOW)


async def test_a_cycle_of_dependencies_is_rejected(atlas: Atlas, owner: Owner) -> None:
    one, two, three = await devices(owner, "a", "b", "c")
    await related(atlas, one, "dependsOn", two)
    await related(atlas, two, "dependsOn", three)

    with pytest.raises(RelationCycle):
        await related(atlas, three, "dependsOn", one)


async def test_a_ring_of_links_is_allowed(atlas: Atlas, owner: Owner) -> None:
    one, two, three = await devices(owner, "a", "b", "c")

    made = [await related(atlas, left, "ring", right) for left, right in ((one, two), (two, three), (three, one))]

    assert made == [{"new": True}] * 3


async def test_a_ci_in_use_by_a_line_is_not_deleted(atlas: Atlas, owner: Owner) -> None:
    await line(owner)
    (device,) = await (await owner.execute("SELECT id FROM cmdb.device")).fetchall()

    with pytest.raises(DeviceInUse, match="1 lines hang from it"):
        await carried.out(atlas, RemoveDevice(DeviceId(device[0]), "olt-1", DeviceTier.ACCESS), NOW)


async def test_a_ci_that_carries_nothing_is_deleted(atlas: Atlas, owner: Owner) -> None:
    (spare, other) = await devices(owner, "spare", "other")
    await given.link(owner, spare, other)

    await carried.out(atlas, RemoveDevice(spare, "spare", DeviceTier.ACCESS), NOW)

    assert await (await owner.execute("SELECT name FROM cmdb.device")).fetchall() == [("other",)]
