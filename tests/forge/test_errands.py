"""What actions leave to be done outside is done once, and what a probe found is kept."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection

from atlas.connection import Atlas
from atlas.money import Money
from forge.errands import Outside, run_errands
from forge.outside.ports import Never, NoAnswer, NotNow, Probe
from forge.outside.recorded import RecordedPayments, RecordedProber, RecordedProvisioner
from tests import given

Owner = AsyncConnection[tuple[Any, ...]]
NO_LEASE = timedelta(0)


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class CountingProvisioner:
    """Counts what it was asked, and fails as it is told to, one entry a call."""

    troubles: list[Exception] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    looked_for: list[str] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    is_silent: bool = False

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(key)
        if self.troubles:
            raise self.troubles.pop(0)
        return {"operation": operation, "arguments": arguments}

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """A peer whose log can be asked unless it is silent: whoever was answered there is known."""
        self.looked_for.append(key)
        if self.is_silent:
            raise NoAnswer(f"nobody knows of {operation} {key}, {arguments}")
        return {"operation": operation, "found": True} if key in self.arrived else None


async def errand(owner: Owner, key: str = "k", port: str = "prober", operation: str = "look", **arguments: Any) -> None:
    action_id = await given.action(owner)
    await given.row(owner, "actions.errand", action_id=action_id, port=port, operation=operation, arguments=dict(arguments), key=key)


async def states(owner: Owner) -> list[str]:
    rows = await (await owner.execute("SELECT state FROM actions.errand ORDER BY id")).fetchall()
    return [row[0] for row in rows]


def outside(atlas: Atlas, provisioner: CountingProvisioner | None = None) -> Outside:
    return Outside(RecordedProber(atlas), provisioner or RecordedProvisioner(atlas), RecordedPayments(atlas))


async def test_what_a_probe_found_is_kept_as_a_diagnosis(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    await errand(owner, device_id=olt, device="olt-1", address=None)

    ran = await run_errands(atlas, outside(atlas), now)

    rows = await (await owner.execute("SELECT device_id, is_reachable FROM cmdb.diagnosis")).fetchall()
    assert (ran.done, rows) == (1, [(olt, True)])


async def test_a_device_with_a_grave_alarm_does_not_answer_the_recorded_prober(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    seen = {"door": "test", "raised_at": now(), "first_received_at": now(), "last_received_at": now()}
    alarm = {"probable_cause": "lossOfSignal", "alarm_type": "communicationsAlarm", "severity": "critical", **seen}
    await given.row(owner, "nms.alarm", device_id=olt, **alarm)
    await errand(owner, device_id=olt, device="olt-1", address=None)

    await run_errands(atlas, outside(atlas), now)

    rows = await (await owner.execute("SELECT is_reachable, round_trip FROM cmdb.diagnosis")).fetchall()
    assert rows == [(False, None)]


async def test_forty_errands_run_by_three_at_once_are_each_run_once(atlas: Atlas, owner: Owner) -> None:
    for one in range(40):
        await errand(owner, key=f"k{one}", port="provisioner")
    provisioner = CountingProvisioner()

    await asyncio.gather(*(run_errands(atlas, outside(atlas, provisioner), now) for _ in range(3)))

    assert sorted(provisioner.asked) == sorted(f"k{one}" for one in range(40))
    assert set(await states(owner)) == {"done"}


async def test_an_order_that_surely_never_came_is_given_again_under_the_same_key(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")
    provisioner = CountingProvisioner([NoAnswer("silence")])

    await run_errands(atlas, outside(atlas, provisioner), now, lease=NO_LEASE)

    assert (provisioner.asked, provisioner.looked_for, await states(owner)) == (["k", "k"], ["k"], ["done"])


async def test_an_order_that_came_though_its_answer_was_lost_is_not_given_again(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")
    provisioner = CountingProvisioner([NoAnswer("silence")], arrived={"k"})

    await run_errands(atlas, outside(atlas, provisioner), now, lease=NO_LEASE)

    assert (provisioner.asked, await states(owner)) == (["k"], ["done"])


async def test_a_disconnection_of_which_nobody_can_tell_is_not_repeated_but_left_to_a_person(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")
    provisioner = CountingProvisioner([NoAnswer("silence")], is_silent=True)

    await run_errands(atlas, outside(atlas, provisioner), now, lease=NO_LEASE)

    assert (provisioner.asked, await states(owner)) == (["k"], ["in_doubt"])


async def test_a_refund_is_paid_once_though_the_process_died_before_it_could_say_so(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="payments", operation="refund", reference="PAY-1", amount_minor=1250)
    await RecordedPayments(atlas).refund("k", "PAY-1", Money("12.50"))
    await owner.execute("UPDATE actions.errand SET state = 'leased', attempts = 1, leased_until = now() - interval '1 second'")

    await run_errands(atlas, outside(atlas), now)

    row = await (await owner.execute("SELECT answer ->> 'amount', times FROM actions.errand, actions.recorded_call")).fetchone()
    assert row == ("12.50", 1)


async def test_an_order_that_is_refused_for_the_moment_begins_anew_later(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")

    ran = await run_errands(atlas, outside(atlas, CountingProvisioner([NotNow("busy", timedelta(minutes=1))])), now)

    row = await (await owner.execute("SELECT state, attempts, not_before > now() FROM actions.errand")).fetchone()
    assert (ran.later, row) == (1, ("queued", 0, True))


@pytest.mark.parametrize(("scope", "name"), [("channel", "provisioner"), ("action", "restart_device"), ("agent", "cmdb")])
async def test_what_is_switched_off_after_it_was_allowed_does_not_leave(atlas: Atlas, owner: Owner, scope: str, name: str) -> None:
    await errand(owner, port="provisioner")
    await owner.execute("UPDATE actions.action SET name = 'restart_device', proposer = 'agent:cmdb'")
    await given.row(owner, "actions.kill_switch", scope=scope, name=name, is_on=True, reason="it is wrong", by="staff:1")
    provisioner = CountingProvisioner()

    await run_errands(atlas, outside(atlas, provisioner), now)

    assert (provisioner.asked, await states(owner)) == ([], ["queued"])


async def test_a_port_that_breaks_on_one_errand_holds_up_no_other(atlas: Atlas, owner: Owner) -> None:
    for one in range(4):
        await errand(owner, key=f"k{one}", port="provisioner")

    ran = await run_errands(atlas, outside(atlas, CountingProvisioner([ZeroDivisionError()])), now)

    assert (ran.done, ran.later) == (3, 1)


async def test_after_several_silences_a_person_decides_about_an_errand(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")

    await run_errands(atlas, outside(atlas, CountingProvisioner([NoAnswer("silence")] * 9)), now, lease=NO_LEASE)

    assert await states(owner) == ["in_doubt"]


async def test_an_errand_that_is_refused_for_good_fails_and_says_why(atlas: Atlas, owner: Owner) -> None:
    await errand(owner, port="provisioner")

    await run_errands(atlas, outside(atlas, CountingProvisioner([Never("no such line")])), now)

    row = await (await owner.execute("SELECT state, answer FROM actions.errand")).fetchone()
    assert row == ("failed", {"why": "no such line"})


async def test_an_errand_that_names_no_device_fails_and_holds_up_no_other(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    await errand(owner, key="a", port="prober")
    await errand(owner, key="b", device_id=olt, device="olt-1", address=None)

    await run_errands(atlas, outside(atlas), now)

    assert await states(owner) == ["failed", "done"]


async def test_the_answer_of_an_errand_is_kept_with_it(atlas: Atlas, owner: Owner) -> None:
    olt = await given.device(owner, "olt-1")
    await errand(owner, device_id=olt, device="olt-1", address=None)

    await run_errands(atlas, Outside(Fixed(), RecordedProvisioner(atlas), RecordedPayments(atlas)), now)

    row = await (await owner.execute("SELECT answer FROM actions.errand")).fetchone()
    assert row == ({"is_reachable": True, "round_trip_ms": 3.0, "asked": "fixed"},)


class Fixed:
    async def probe(self, key: str, device: str, address: str | None) -> Probe:
        return Probe(bool(key and device) and address is None, timedelta(milliseconds=3), {"asked": "fixed"})
