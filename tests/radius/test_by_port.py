"""A line known by its port: real FreeRADIUS, asked with what a BNG makes of DHCP option 82 (RFC 4679)."""

from dataclasses import dataclass
from typing import Any

import pytest

from api.radius.serving import Server
from atlas.cmdb.reads import boxes_cloned, boxes_moved, sightings
from atlas.cmdb.records.numbers import PlannedPool
from atlas.cmdb.rules import mac_verdict
from atlas.connection import Atlas
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import executor
from forge.actions.cmdb.stock import DefinePool, ReserveNumbers
from tests import carried, given
from tests.cmdb import aaa
from tests.given import NOW, Owner
from tests.radius.bng import Answered, ask, report, sign_in

MAC = "a4:b1:c2:00:00:01"
HERE = "olt-1 xpon 0/1/3:5"
NEXT_DOOR = "olt-1 xpon 0/1/3:6"


@dataclass(frozen=True)
class Street:
    """Two lines on neighbouring ports of olt-1, each with an address that is told by port."""

    line: int
    neighbour: int


@pytest.fixture
async def street(atlas: Atlas, owner: Owner, freeradius: Server) -> Street:
    pool = PlannedPool("harbour-v4", "address", mode="option82", network="192.0.2.0/29", block_length=32)
    await carried.out(atlas, DefinePool(pool), NOW)
    olt = await given.device(owner, "olt-1")
    lines = [await at_port(atlas, owner, olt, port, serial) for port, serial in (("5", "HWTC1A2B3C4D"), ("6", "HWTC99999999"))]
    return Street(*lines)


async def at_port(atlas: Atlas, owner: Owner, olt: int, port: str, serial: str) -> int:
    customer = await given.customer(owner, f"Neighbour {port}", phone=None)
    line = await given.subscriber(owner, customer, olt)
    await owner.execute(
        "UPDATE cmdb.access SET managed_object = %s, cpe_serial = %s WHERE subscriber_id = %s", (f"ont 0/1/3:{port}", serial, line)
    )
    await carried.out(atlas, ReserveNumbers(CustomerId(customer), SubscriberId(line), "1"), NOW)
    return line


async def dhcp(server: Server, circuit: str = HERE, station: str = MAC, remote: str = "", **more: str) -> Answered:
    """What a BNG asks when a box wants an address: no secret, but the port as its access node named it."""
    named = {"ADSL_Agent_Remote_Id": remote} if remote else {}
    said = {"User_Name": station, "Calling_Station_Id": station, "ADSL_Agent_Circuit_Id": circuit, **named, **more}
    return await ask(server, "auth", Message_Authenticator="0x00", NAS_Port_Id="ge-1/0/0:100", **said)


async def doubts(owner: Owner) -> list[tuple[Any, ...]]:
    return await (
        await owner.execute("SELECT circuit_id, station, reason, times FROM cmdb.port_doubt ORDER BY circuit_id, reason")
    ).fetchall()


async def test_a_box_gets_the_address_and_the_plan_of_the_line_that_is_on_its_port(freeradius: Server, street: Street) -> None:
    mine, theirs = await dhcp(freeradius), await dhcp(freeradius, NEXT_DOOR, "a4:b1:c2:00:00:02")

    assert (mine.kind, mine.attributes["Framed-IP-Address"], mine.attributes["Mikrotik-Rate-Limit"]) == (
        "Access-Accept",
        "192.0.2.1",
        "20000k/100000k",
    )
    assert (theirs.kind, theirs.attributes["Framed-IP-Address"]) == ("Access-Accept", "192.0.2.2")


@pytest.mark.parametrize(
    "written", ["OLT-1 xpon 0/1/3:5", "olt-1 gpon 0/1/3:5", "olt-1 0/1/3:5", "olt-1 ont 0/1/3:5", "olt-1 xpon 0/1/3:5.100"]
)
async def test_a_port_is_one_however_its_node_writes_it(freeradius: Server, street: Street, written: str) -> None:
    assert (await dhcp(freeradius, written)).attributes.get("Framed-IP-Address") == "192.0.2.1"


async def test_without_a_port_that_we_know_the_serial_of_the_box_says_which_line_it_is(freeradius: Server, street: Street) -> None:
    assert (await dhcp(freeradius, "somewhere", remote="hwtc99999999")).attributes.get("Framed-IP-Address") == "192.0.2.2"


@pytest.mark.parametrize(
    ("circuit", "reason"), [("olt-9 xpon 0/1/3:5", "unknown_port"), ("olt-1 xpon 0/1/3:7", "no_line"), ("\\001\\002\\377", "unknown_port")]
)
async def test_a_port_that_is_nobodys_is_refused_and_seen_by_staff(
    freeradius: Server, street: Street, owner: Owner, circuit: str, reason: str
) -> None:
    answers = [await dhcp(freeradius, circuit), await dhcp(freeradius, circuit)]

    ((_, station, why, times),) = await doubts(owner)
    assert [one.kind for one in answers] == ["Access-Reject", "Access-Reject"]
    assert (station, why, times) == (MAC, reason, 2)


async def test_a_line_without_a_number_that_is_told_by_port_is_refused(freeradius: Server, street: Street, owner: Owner) -> None:
    await owner.execute("UPDATE cmdb.pool SET mode = 'radius'")

    assert (await dhcp(freeradius)).kind == "Access-Reject"
    assert [reason for _, _, reason, _ in await doubts(owner)] == ["no_number"]


async def test_a_suspended_line_is_refused_at_its_port_too(freeradius: Server, street: Street, owner: Owner) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = 'suspended', suspended_for = 'non_payment' WHERE id = %s", (street.line,))

    answer = await dhcp(freeradius)

    assert (answer.kind, "suspended" in answer.attributes["Reply-Message"]) == ("Access-Reject", True)


async def test_a_name_that_is_somebodys_needs_its_secret_whatever_port_it_names(freeradius: Server, street: Street, owner: Owner) -> None:
    await aaa.credential(owner, street.line, MAC)

    without = await dhcp(freeradius)
    wrong = await sign_in(freeradius, MAC, "a guess of eight", ADSL_Agent_Circuit_Id=HERE)
    right = await sign_in(freeradius, MAC, aaa.CREDENTIAL, ADSL_Agent_Circuit_Id=HERE)

    assert [without.kind, wrong.kind, right.kind] == ["Access-Reject", "Access-Reject", "Access-Accept"]


@pytest.mark.parametrize("name", ["1", "line:1", "refused", "7' OR 1=1 --"])
async def test_no_name_that_a_box_gives_itself_lets_it_in_without_a_port(freeradius: Server, street: Street, name: str) -> None:
    dialled = await sign_in(freeradius, name, "a guess of eight", ADSL_Agent_Circuit_Id=HERE)
    asked = await ask(freeradius, "auth", User_Name=name, Message_Authenticator="0x00")

    assert [dialled.kind, asked.kind] == ["Access-Reject", "Access-Reject"]


async def test_the_session_at_a_port_is_its_lines_and_counts_for_it(freeradius: Server, street: Street, owner: Owner) -> None:
    said = {"User_Name": MAC, "Calling_Station_Id": MAC, "ADSL_Agent_Circuit_Id": HERE, "Framed_IP_Address": "192.0.2.1"}
    await report(freeradius, "Start", "S1", **said)
    await report(freeradius, "Interim-Update", "S1", Acct_Input_Octets="10", Acct_Output_Octets="90", Acct_Session_Time="300", **said)

    session = await (await owner.execute("SELECT subscriber_id, host(framed_address) FROM cmdb.session")).fetchall()
    used = await (await owner.execute("SELECT subscriber_id, down_bytes FROM cmdb.usage")).fetchall()
    assert (session, used) == ([(street.line, "192.0.2.1")], [(street.line, 90)])


async def test_a_box_that_moved_to_another_port_gets_that_ports_address_and_is_noticed(
    freeradius: Server, street: Street, atlas: Atlas, owner: Owner
) -> None:
    await dhcp(freeradius)
    await owner.execute("UPDATE cmdb.mac_sighting SET first_seen_at = now() - interval '2 days', last_seen_at = now() - interval '1 hour'")
    moved = await dhcp(freeradius, NEXT_DOOR, remote="HWTC1A2B3C4D")

    async with atlas.transaction(executor("test")) as conn:
        (astray,) = await boxes_moved(conn)
    assert moved.attributes["Framed-IP-Address"] == "192.0.2.2"
    assert (astray.subscriber_id, astray.places) == (street.line, ("olt-1 ont 0/1/3:5", "olt-1 ont 0/1/3:6"))
    assert await doubts(owner) == [(NEXT_DOOR, MAC, "other_box", 1)]


async def test_one_box_that_is_seen_in_two_places_at_once_is_cloned(freeradius: Server, street: Street, atlas: Atlas, owner: Owner) -> None:
    for circuit, session in ((HERE, "S1"), (NEXT_DOOR, "S2")):
        await report(freeradius, "Start", session, User_Name=MAC, Calling_Station_Id="A4-B1-C2-00-00-01", ADSL_Agent_Circuit_Id=circuit)
    await owner.execute("UPDATE cmdb.mac_sighting SET first_seen_at = first_seen_at - interval '30 minutes'")
    await owner.execute("UPDATE cmdb.accounting SET started_at = started_at - interval '30 minutes'")

    async with atlas.transaction(executor("test")) as conn:
        seen = await sightings(conn, MAC)
        cloned = await boxes_cloned(conn)
    assert (mac_verdict(seen), [(one.device, one.managed_object, one.subscriber_id) for one in seen]) == (
        "cloned",
        [("olt-1", "ont 0/1/3:5", street.line), ("olt-1", "ont 0/1/3:6", street.neighbour)],
    )
    assert [one.subscriber_id for one in cloned] == [street.line]
