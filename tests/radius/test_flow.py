"""A line's way through real FreeRADIUS: signed in, counted, cut off for debt, let in again."""

import asyncio
from datetime import timedelta
from ipaddress import ip_network

import pytest

from api.radius.serving import Server
from atlas.connection import Atlas
from atlas.principal import executor
from forge.actions.billing.suspension import SuspendForNonPayment
from forge.errands import Outside, run_errands
from forge.outside.radius import RadiusProvisioner
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from forge.sign_in.sealing import seal
from tests import carried
from tests.billing.arranged import bill, customer_with_line, told_from_when
from tests.cmdb import aaa
from tests.conftest import SECRET
from tests.given import NOW, Owner
from tests.radius.bng import coa_port, report, sign_in

NAME = "maya@harbour.example"
LONG_AGO = NOW.date().replace(year=2025, month=12, day=1)


async def states(owner: Owner) -> list[tuple[object, ...]]:
    found = await owner.execute("SELECT up_bytes, down_bytes, end_cause FROM cmdb.accounting ORDER BY id")
    return await found.fetchall()


async def test_a_line_is_signed_in_counted_cut_off_and_let_in_again(atlas: Atlas, owner: Owner, freeradius: Server) -> None:
    customer, line = await customer_with_line(owner)
    await bill(owner, customer, LONG_AGO, {"Fibre 100": 3000})
    await told_from_when(owner, customer, LONG_AGO + timedelta(days=14))
    await aaa.credential(owner, line, NAME)
    session = {"User_Name": NAME, "Calling_Station_Id": "AA-BB-CC-DD-EE-FF", "NAS_Port_Id": "eth1:100"}
    async with coa_port() as bng:
        await owner.execute("UPDATE cmdb.nas SET coa_port = %s", (bng.port,))
        assert (await sign_in(freeradius, NAME, aaa.CREDENTIAL)).kind == "Access-Accept"
        assert (await report(freeradius, "Start", "81:c0/03", Framed_IP_Address="100.64.0.7", **session)).kind == "Accounting-Response"
        counted = {"Acct_Input_Octets": "1000", "Acct_Output_Octets": "5000", "Acct_Output_Gigawords": "1", "Acct_Session_Time": "300"}
        await report(freeradius, "Interim-Update", "81:c0/03", **session, **counted)

        async with atlas.transaction(executor("test")) as conn:
            action = await SuspendForNonPayment.due(conn, NOW)
        await carried.out(atlas, action, NOW)
        provisioner = RadiusProvisioner(atlas, (ip_network("127.0.0.0/8"),), RecordedProvisioner(atlas))
        await run_errands(atlas, Outside(RecordedProber(atlas), provisioner, RecordedPayments(atlas)), atlas.clock.now)

    assert [(kind, asked["Acct-Session-Id"]) for kind, asked in bng.asked] == [("disconnect", "81:c0/03")]
    await report(freeradius, "Stop", "81:c0/03", Acct_Terminate_Cause="Admin-Reset", **session, **counted)
    assert await states(owner) == [(1000, 2**32 + 5000, "Admin-Reset")]
    refused = await sign_in(freeradius, NAME, aaa.CREDENTIAL)
    assert (refused.kind, "suspended" in refused.attributes["Reply-Message"]) == ("Access-Reject", True)

    await owner.execute("UPDATE crm.subscriber SET state = 'active', suspended_for = NULL")
    assert (await sign_in(freeradius, NAME, aaa.CREDENTIAL)).kind == "Access-Accept"


@pytest.mark.parametrize("status", ["Accounting-On", "Accounting-Off"])
async def test_nas_reboot_is_told_and_acknowledged(owner: Owner, freeradius: Server, status: str) -> None:
    await report(freeradius, "Start", "S1", User_Name="ghost")

    answer = await report(freeradius, status)

    assert answer.kind == "Accounting-Response"
    assert [cause for _, _, cause in await states(owner)] == ["NAS-Reboot"]


async def test_what_could_not_be_stored_is_not_acknowledged(owner: Owner, freeradius: Server) -> None:
    await owner.execute("ALTER TABLE cmdb.accounting ADD CONSTRAINT full_disk CHECK (session_id <> 'S1') NOT VALID")

    assert (await report(freeradius, "Start", "S1", User_Name="ghost")).kind == ""
    await owner.execute("ALTER TABLE cmdb.accounting DROP CONSTRAINT full_disk")
    assert (await report(freeradius, "Start", "S1", User_Name="ghost")).kind == "Accounting-Response"


@pytest.mark.parametrize("name", ["x' OR '1'='1", "x'); DELETE FROM cmdb.session; --", "%{sql:SELECT 1}", "\\\\'; SELECT"])
async def test_radius_user_name_is_untrusted(freeradius: Server, name: str) -> None:
    assert (await sign_in(freeradius, name, "a guess of eight")).kind == "Access-Reject"


async def test_a_bng_that_is_added_makes_freeradius_read_its_clients_anew(owner: Owner, freeradius: Server) -> None:
    before = freeradius.generation
    device = await aaa.nas(owner, "bng-2", "127.0.0.2")
    await owner.execute(
        "UPDATE cmdb.nas SET sealed_secret = %s WHERE device_id = %s", (seal(SECRET, f"nas:{device}", b"another-secret-of-bng-2"), device)
    )

    async with asyncio.timeout(20):
        while freeradius.generation == before or not freeradius.ready.is_set():  # noqa: ASYNC110 - another process, in effect
            await asyncio.sleep(0.05)
    assert (await report(freeradius, "Start", "S1", User_Name="ghost")).kind == "Accounting-Response"
