"""AAA as Atlas keeps it: who comes in, what a BNG reports, and what becomes of it however it arrives."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from psycopg import errors, sql

from atlas.cmdb.reads import credential_of, first_seen, secret_for_equipment
from atlas.connection import Atlas
from atlas.errors import Conflict
from atlas.identity import CustomerId, SubscriberId
from atlas.principal import executor
from forge.actions.cmdb.credentials import CreateCredential, RemoveCredential
from tests import carried, given
from tests.cmdb import aaa
from tests.cmdb.aaa import Radius
from tests.given import Owner

GIB = 2**30


@pytest.fixture
async def radius(atlas: Atlas, owner: Owner) -> AsyncIterator[Radius]:
    async with aaa.radius_of(atlas, owner) as opened:
        yield opened


async def sessions(owner: Owner) -> list[tuple[Any, ...]]:
    found = await owner.execute("SELECT session_id, up_bytes, down_bytes, ended_at IS NULL, end_cause FROM cmdb.accounting ORDER BY id")
    return await found.fetchall()


async def present(owner: Owner, line: int) -> tuple[Any, ...] | None:
    found = await owner.execute(
        "SELECT ended_at IS NULL, end_cause, host(framed_address) FROM cmdb.session WHERE subscriber_id = %s", (line,)
    )
    return await found.fetchone()


async def used(owner: Owner, line: int) -> tuple[int, int]:
    found = await owner.execute("SELECT sum(up_bytes)::bigint, sum(down_bytes)::bigint FROM cmdb.usage WHERE subscriber_id = %s", (line,))
    return tuple(await found.fetchone() or ())  # type: ignore[return-value]


async def heard_ago(owner: Owner, ago: timedelta) -> None:
    await owner.execute("UPDATE cmdb.accounting SET heard_at = now() - %s, started_at = least(started_at, now() - %s)", (ago, ago))
    await owner.execute("UPDATE cmdb.session SET started_at = least(started_at, now() - %s)", (ago,))


async def test_an_active_line_comes_in_with_the_attributes_of_its_plan(radius: Radius, owner: Owner) -> None:
    assert await radius.standing() == "welcome"
    assert await radius.replies() == {
        "Acct-Interim-Interval": "300",
        "Session-Timeout": "86400",
        "Framed-Pool": "residential",
        "Mikrotik-Rate-Limit": "20000k/100000k",
        "WISPr-Bandwidth-Max-Up": "20000000",
        "WISPr-Bandwidth-Max-Down": "100000000",
    }


@pytest.mark.parametrize(
    ("state", "why", "standing"),
    [
        ("suspended", "non_payment", "suspended"),
        ("terminated", None, "terminated"),
        ("cancelled", None, "terminated"),
        ("pendingActive", None, "welcome"),
    ],
)
async def test_who_may_come_in_is_the_state_of_the_line(radius: Radius, owner: Owner, state: str, why: str | None, standing: str) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = %s, suspended_for = %s WHERE id = %s", (state, why, radius.line))

    assert await radius.standing() == standing
    assert await radius.standing("nobody@harbour.example") == "unknown"


@pytest.mark.parametrize("written", ["AABB.CCDD.EEFF", "aa-bb-cc-dd-ee-ff", "AA=3ABB=3ACC=3ADD=3AEE=3AFF", "aabbccddeeff", "aabbcc-ddeeff"])
async def test_a_station_is_one_credential_however_its_address_is_written(radius: Radius, owner: Owner, written: str) -> None:
    await owner.execute("UPDATE cmdb.credential SET username = 'aa:bb:cc:dd:ee:ff'")

    assert await radius.standing(written) == "welcome"


async def test_the_login_of_freeradius_lists_nobody(radius: Radius) -> None:
    for table in ("credential", "nas", "accounting", "session"):
        with pytest.raises(errors.InsufficientPrivilege):
            await radius.conn.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier("cmdb", table)))


async def test_simultaneous_use_is_refused_and_the_same_line_dialling_again_is_not(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", calling="AABBCCDDEEFF", port="eth1:100")

    assert await radius.standing(calling="11:22:33:44:55:66", port="eth1:200") == "in_use"
    assert await radius.standing(calling="aabb.ccdd.eeff", port="eth1:200") == "welcome"
    assert await radius.standing(calling="11:22:33:44:55:66", port="eth1:100") == "welcome"


async def test_a_session_that_fell_silent_is_not_held_against_its_line(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", calling="AABBCCDDEEFF")
    await heard_ago(owner, timedelta(minutes=16))

    assert await radius.standing(calling="11:22:33:44:55:66") == "welcome"


async def test_start_interim_and_stop_are_one_session_and_the_present_one_of_the_line(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", address="100.64.0.7")
    await radius.tell("Interim-Update", up=1000, down=5000, seconds=300, address="100.64.0.7")
    assert await present(owner, radius.line) == (True, None, "100.64.0.7")

    await radius.tell("Stop", up=1500, down=9000, seconds=450, cause="User-Request")

    assert await sessions(owner) == [("S1", 1500, 9000, False, "User-Request")]
    assert await present(owner, radius.line) == (False, "User-Request", "100.64.0.7")
    assert await used(owner, radius.line) == (1500, 9000)


async def test_a_report_sent_twice_counts_once(radius: Radius, owner: Owner) -> None:
    for _ in range(3):
        await radius.tell("Start")
        await radius.tell("Interim-Update", up=1000, down=5000, seconds=300)
        await radius.tell("Stop", up=1000, down=5000, seconds=310, cause="Lost-Carrier")

    assert await sessions(owner) == [("S1", 1000, 5000, False, "Lost-Carrier")]
    assert await used(owner, radius.line) == (1000, 5000)


async def test_reports_out_of_order_end_the_same(radius: Radius, owner: Owner) -> None:
    await radius.tell("Stop", up=1500, down=9000, seconds=450, cause="User-Request")
    await radius.tell("Interim-Update", up=1000, down=5000, seconds=300)
    await radius.tell("Start")

    assert await sessions(owner) == [("S1", 1500, 9000, False, "User-Request")]
    assert await used(owner, radius.line) == (1500, 9000)


async def test_gigawords_and_the_wrap_of_a_counter_at_2_to_the_32(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start")
    await radius.tell("Interim-Update", down=4 * GIB - 100, seconds=300)
    await radius.tell("Interim-Update", down=50, seconds=600)
    assert (await sessions(owner))[0][2] == 4 * GIB + 50

    await radius.tell("Interim-Update", down=100, down_gigawords=3, seconds=900)

    assert (await sessions(owner))[0][2] == 12 * GIB + 100
    assert await used(owner, radius.line) == (0, 12 * GIB + 100)


async def test_an_old_report_that_comes_late_is_no_wrap(radius: Radius, owner: Owner) -> None:
    await radius.tell("Interim-Update", down=5000, seconds=600)
    await radius.tell("Interim-Update", down=2000, seconds=300)

    assert (await sessions(owner))[0][2] == 5000


@pytest.mark.parametrize(("status", "is_off"), [("Accounting-On", False), ("Accounting-Off", True)])
async def test_nas_reboot_closes_the_sessions_of_that_nas_with_an_inferred_end(
    radius: Radius, owner: Owner, status: str, *, is_off: bool
) -> None:
    other = await aaa.nas(owner, "bng-2", "127.0.0.2")
    await radius.tell("Start", "S1")
    await radius.tell("Start", "S2", nas=other, username="somebody@else")
    await heard_ago(owner, timedelta(minutes=4))

    assert await radius.tell(status, "", username="") == "restarted"

    ended = await (
        await owner.execute("SELECT end_cause, is_end_inferred, ended_at = heard_at FROM cmdb.accounting ORDER BY id")
    ).fetchall()
    assert ended == [("NAS-Reboot", True, not is_off), (None, False, None)]
    assert (await present(owner, radius.line) or ())[:2] == (False, "NAS-Reboot")


async def test_accounting_on_said_twice_spares_who_came_back_meanwhile(radius: Radius, owner: Owner) -> None:
    await radius.tell("Accounting-On", "", username="")
    await radius.tell("Start", "S2")
    await radius.tell("Accounting-On", "", username="")

    assert (await sessions(owner))[0][3] is True


async def test_lost_stop_is_swept_and_an_interim_that_comes_after_all_opens_it_again(radius: Radius, atlas: Atlas, owner: Owner) -> None:
    await radius.tell("Start")
    await heard_ago(owner, timedelta(minutes=16))
    async with atlas.transaction(executor("tests")) as conn:
        await conn.execute("SELECT cmdb.close_stale_sessions()")
    assert (await sessions(owner))[0][3:] == (False, "Session-Stale")
    assert (await present(owner, radius.line) or ())[:2] == (False, "Session-Stale")

    await radius.tell("Interim-Update", up=1, seconds=1000)

    assert (await sessions(owner))[0][3:] == (True, None)
    assert (await present(owner, radius.line) or ())[:2] == (True, None)


async def test_the_stop_of_yesterdays_session_does_not_end_todays(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", "old")
    await heard_ago(owner, timedelta(minutes=5))
    await radius.tell("Start", "new")
    await radius.tell("Stop", "old", cause="Lost-Carrier")

    assert (await present(owner, radius.line) or ())[:2] == (True, None)


async def test_a_bng_that_counts_its_sessions_from_one_again_begins_another(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", "0001")
    await radius.tell("Stop", "0001", up=10, seconds=5, cause="NAS-Error")
    await owner.execute("UPDATE cmdb.accounting SET started_at = now() - interval '2 hours', ended_at = now() - interval '1 hour'")

    await radius.tell("Start", "0001")

    assert [(session, is_open) for session, _, _, is_open, _ in await sessions(owner)] == [("0001", False), ("0001", True)]


@pytest.mark.parametrize("written", ["0000012A", "4=2F1=2F7=3A100=2F=20x", "81c00003=20=C3=28"])
async def test_session_id_formats_are_kept_letter_for_letter(radius: Radius, owner: Owner, written: str) -> None:
    await radius.tell("Start", written)

    plain = written.replace("=2F", "/").replace("=3A", ":").replace("=20", " ").replace("=28", "(")
    assert (await sessions(owner))[0][0] == plain


async def test_a_quota_is_the_subscribers_and_not_the_sessions(radius: Radius, owner: Owner) -> None:
    await owner.execute("UPDATE cmdb.credential SET simultaneous_use = 2")
    for session in ("phone", "router"):
        await radius.tell("Start", session)
        await radius.tell("Interim-Update", session, up=100, down=200, seconds=300)

    assert await used(owner, radius.line) == (200, 400)


async def test_use_counts_to_the_day_where_the_customer_lives(radius: Radius, owner: Owner) -> None:
    await owner.execute("UPDATE crm.customer SET timezone = 'Pacific/Kiritimati' WHERE id = %s", (radius.customer,))
    await radius.tell("Interim-Update", up=1, seconds=1)

    found = await owner.execute("SELECT day = (now() AT TIME ZONE 'Pacific/Kiritimati')::date FROM cmdb.usage")
    assert await found.fetchone() == (True,)


async def test_a_session_under_nobodys_name_is_kept_as_a_fact(radius: Radius, owner: Owner) -> None:
    await radius.tell("Start", username="ghost'; DROP TABLE cmdb.session; --")

    found = await owner.execute("SELECT username, subscriber_id FROM cmdb.accounting")
    assert await found.fetchone() == ("ghost'; DROP TABLE cmdb.session; --", None)


async def test_a_report_of_a_bng_that_is_none_of_ours_is_not_acknowledged(radius: Radius, owner: Owner) -> None:
    with pytest.raises(errors.RaiseException):
        await radius.tell("Start", nas=4711)

    assert await sessions(owner) == []


async def test_the_first_session_is_the_evidence_and_wakes_whoever_waits_for_it(radius: Radius, atlas: Atlas, owner: Owner) -> None:
    await owner.execute("UPDATE crm.subscriber SET state = 'pendingActive' WHERE id = %s", (radius.line,))
    async with atlas.transaction(executor("tests")) as conn:
        assert await first_seen(conn, SubscriberId(radius.line)) is None

    await radius.tell("Start")

    async with atlas.transaction(executor("tests")) as conn:
        assert await first_seen(conn, SubscriberId(radius.line)) is not None
    found = await owner.execute("SELECT task_name FROM jobs.procrastinate_jobs WHERE task_name = 'forge.sequences'")
    assert await found.fetchall() == [("forge.sequences",)]


async def test_a_credential_is_given_once_and_its_secret_stands_nowhere_else(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    line = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    given_name = CreateCredential(CustomerId(customer), SubscriberId(line), "Maya@Harbour.Example", "order:1")

    outcome = await carried.out(atlas, given_name, given.NOW)

    async with atlas.transaction(executor("tests")) as conn:
        held, secret = await credential_of(conn, SubscriberId(line)), await secret_for_equipment(conn, SubscriberId(line))
    assert outcome == {"line": line, "username": "maya@harbour.example"}
    assert (held and held.username, len(secret or "")) == ("maya@harbour.example", 24)
    with pytest.raises(Conflict, match="another line's"):
        await carried.out(atlas, CreateCredential(CustomerId(customer), SubscriberId(line), "other", "order:2"), given.NOW)


async def test_a_credential_is_taken_back_only_while_the_line_is_not_in_service(atlas: Atlas, owner: Owner) -> None:
    customer = await given.customer(owner)
    line = await given.subscriber(owner, customer, await given.device(owner, "olt-1"))
    await carried.out(atlas, CreateCredential(CustomerId(customer), SubscriberId(line), "maya", "order:1"), given.NOW)
    with pytest.raises(Conflict, match="in service"):
        await carried.out(atlas, RemoveCredential(CustomerId(customer), SubscriberId(line), "order:1"), given.NOW)

    await owner.execute("UPDATE crm.subscriber SET state = 'cancelled'")
    await carried.out(atlas, RemoveCredential(CustomerId(customer), SubscriberId(line), "order:1/undone"), given.NOW)

    found = await owner.execute("SELECT secret, removed_at IS NOT NULL FROM cmdb.credential")
    assert await found.fetchall() == [(None, True)]
