"""Whatever order facts arrive in, Atlas ends in the same state."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from atlas.connection import Atlas
from atlas.nms.reads import alarm_pulse, open_alarms, quarantined, standing_alarms
from atlas.nms.records import AlarmEvent, AlarmType, Door, OpenAlarm, ProbableCause, Quarantined, Recorded, Severity
from atlas.nms.writes import age_out, end_hold_down, quarantine, record_alarms, replay_quarantine
from atlas.principal import executor, intake
from tests import given
from tests.given import Owner

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOOR = intake("snmp")


def heard(
    severity: Severity = Severity.MAJOR,
    after_s: float = 0,
    device: str = "olt-1",
    port: str = "gpon 0/1/1",
    cause: ProbableCause = ProbableCause.LOSS_OF_SIGNAL,
) -> AlarmEvent:
    at = NOW + timedelta(seconds=after_s)
    return AlarmEvent(device, port, cause, severity, AlarmType.COMMUNICATIONS, f"LOS on {port}", at, Door.SNMP, at)


async def record(atlas: Atlas, *events: AlarmEvent) -> Recorded:
    async with atlas.transaction(DOOR) as conn:
        return await record_alarms(conn, events)


async def standing(atlas: Atlas) -> list[OpenAlarm]:
    async with atlas.transaction(executor("cortex")) as conn:
        return await open_alarms(conn)


async def state(owner: Owner) -> list[tuple[Any, ...]]:
    rows = await owner.execute(
        "SELECT managed_object, is_open, raised_at, cleared_at, severity, text FROM nms.alarm ORDER BY managed_object, probable_cause"
    )
    return await rows.fetchall()


async def test_an_alarm_of_a_known_device_stands(atlas: Atlas, owner: Owner) -> None:
    device_id = await given.device(owner, "olt-1")

    await record(atlas, heard())

    assert [(alarm.device_id, alarm.severity) for alarm in await standing(atlas)] == [(device_id, Severity.MAJOR)]


async def test_a_clear_closes_what_was_raised(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard())

    await record(atlas, heard(Severity.CLEARED, after_s=5))

    assert await standing(atlas) == []


async def test_a_clear_that_comes_before_its_raise_leaves_the_alarm_closed(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard(Severity.CLEARED, after_s=5))

    await record(atlas, heard(after_s=0))

    assert await standing(atlas) == []


async def test_a_raise_after_its_clear_opens_the_alarm_again(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    await record(atlas, heard(), heard(Severity.CLEARED, after_s=5), heard(after_s=9))

    assert [alarm.raised_at for alarm in await standing(atlas)] == [NOW + timedelta(seconds=9)]


async def test_the_same_alarm_again_only_counts_up(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard())

    await record(atlas, heard(), heard())

    assert [alarm.times for alarm in await standing(atlas)] == [3]


async def test_shuffled_and_doubled_facts_end_in_the_same_state(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await given.device(owner, "olt-2")
    facts = [heard(severity, after_s=moment, port=f"gpon 0/1/{moment % 5}") for moment in range(40) for severity in flapping(moment)]
    for batch in batches(facts):
        await record(atlas, *batch)
    in_order = await state(owner)
    await owner.execute("DELETE FROM nms.alarm")
    shuffled = random.Random(7).sample(facts * 2, k=len(facts) * 2)

    for batch in batches(shuffled):
        await record(atlas, *batch)

    assert await state(owner) == in_order


def flapping(moment: int) -> list[Severity]:
    return [Severity.MAJOR if moment % 3 else Severity.CLEARED]


def batches(events: Sequence[AlarmEvent], size: int = 7) -> list[Sequence[AlarmEvent]]:
    return [events[start : start + size] for start in range(0, len(events), size)]


def up_and_down(times: int, every_s: float = 30) -> list[AlarmEvent]:
    """Raised and cleared so often, the last time cleared."""
    moments = [number * every_s for number in range(times)]
    return [event for at in moments for event in (heard(after_s=at), heard(Severity.CLEARED, after_s=at + every_s / 2))]


async def held_until(atlas: Atlas, after_s: float) -> int:
    async with atlas.transaction(DOOR) as conn:
        return await end_hold_down(conn, NOW + timedelta(seconds=after_s))


async def test_an_alarm_that_comes_back_a_third_time_in_minutes_flaps_and_stands_whatever_it_says(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    for event in up_and_down(3):
        await record(atlas, event)
    once_or_twice = await standing(atlas)

    for event in up_and_down(4)[-2:]:
        await record(atlas, event)
    async with atlas.transaction(executor("console")) as conn:
        shown = await standing_alarms(conn)

    assert once_or_twice == []
    assert [(alarm.is_open, alarm.is_flapping, alarm.times) for alarm in shown] == [(False, True, 8)]
    assert len(await standing(atlas)) == 1


async def test_one_that_flapped_is_over_when_it_was_quiet_for_the_hold_down(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    for event in up_and_down(5):
        await record(atlas, event)

    too_early = await held_until(atlas, after_s=5 * 30)
    in_time = await held_until(atlas, after_s=5 * 30 + 120)

    assert (too_early, in_time) == (0, 1)
    assert await standing(atlas) == []


async def test_an_alarm_that_comes_back_every_hour_does_not_flap(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    for event in up_and_down(6, every_s=3600):
        await record(atlas, event)

    assert await standing(atlas) == []


async def test_the_same_raise_told_again_and_again_does_not_flap(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    raised, cleared = up_and_down(1)

    for event in (raised, cleared, raised, cleared, raised, raised, cleared):
        await record(atlas, event)

    assert await standing(atlas) == []


async def test_a_device_heard_by_name_and_by_address_has_one_alarm(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1", management_address="10.0.0.7")

    await record(atlas, heard(), replace(heard(), device="10.0.0.7"))

    assert [alarm.times for alarm in await standing(atlas)] == [2]


async def test_an_alarm_on_a_port_knows_its_link(atlas: Atlas, owner: Owner) -> None:
    olt, pon = await given.device(owner, "olt-1"), await given.device(owner, "pon-1", "pon_port")
    link_id = await given.link(owner, olt, pon, "patch", from_port="gpon 0/1/1")

    await record(atlas, heard())

    assert [alarm.link_id for alarm in await standing(atlas)] == [link_id]


async def test_an_unknown_device_waits_in_quarantine_with_what_it_said(atlas: Atlas, owner: Owner) -> None:
    recorded = await record(atlas, heard(device="olt-9"))

    waiting = await owner.execute("SELECT device, reason, event->>'managed_object' FROM nms.quarantine")
    assert recorded.unknown == 1
    assert await waiting.fetchall() == [("olt-9", "no device of this name or address is known", "gpon 0/1/1")]


async def test_an_unknown_device_that_keeps_talking_fills_no_table(atlas: Atlas, owner: Owner) -> None:
    for moment in range(5):
        await record(atlas, heard(device="olt-9", after_s=moment), heard(Severity.CLEARED, device="olt-9", after_s=moment - 0.5))

    waiting = await owner.execute("SELECT times, event->>'severity', event->>'event_at' FROM nms.quarantine ORDER BY 2")
    assert await waiting.fetchall() == [(10, "cleared", "2026-03-02T09:00:03.500000Z"), (10, "major", "2026-03-02T09:00:04Z")]


async def test_what_waited_for_its_device_is_replayed_once_it_is_known(atlas: Atlas, owner: Owner) -> None:
    await record(atlas, heard(device="olt-9"), heard(Severity.CLEARED, device="olt-9", port="gpon 0/1/2"))
    await given.device(owner, "olt-9")

    async with atlas.transaction(DOOR) as conn:
        await replay_quarantine(conn, NOW)

    assert [(alarm.managed_object, alarm.raised_at) for alarm in await standing(atlas)] == [("gpon 0/1/1", NOW)]


async def test_a_replay_that_is_repeated_replays_nothing(atlas: Atlas, owner: Owner) -> None:
    await record(atlas, heard(device="olt-9"))
    await given.device(owner, "olt-9")
    async with atlas.transaction(DOOR) as conn:
        await replay_quarantine(conn, NOW)

    async with atlas.transaction(DOOR) as conn:
        again = await replay_quarantine(conn, NOW)

    assert again.alarms == 0


async def test_a_change_leaves_one_look_at_the_network(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    await record(atlas, heard())
    await record(atlas, heard(port="gpon 0/1/2"))

    jobs = await owner.execute("SELECT task_name FROM jobs.procrastinate_jobs")
    assert await jobs.fetchall() == [("cortex.look",)]


async def test_a_repeat_changes_nothing_worth_a_look(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard())

    recorded = await record(atlas, heard(after_s=1))

    assert recorded.changed == 0


async def test_what_could_not_be_read_is_kept_with_the_reason_and_counted(atlas: Atlas) -> None:
    broken = Quarantined(Door.SNMP, NOW, "203.0.113.9", "malformed BER", b"\x30\x82")

    async with atlas.transaction(DOOR) as conn:
        rows = await quarantine(conn, [broken, broken])
        kept = await quarantined(conn)

    assert (rows, kept) == (1, [broken])


async def test_a_restart_leaves_the_board_after_a_quarter_of_an_hour(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard(cause=ProbableCause.RESTARTED), heard())

    async with atlas.transaction(DOOR) as conn:
        await age_out(conn, NOW + timedelta(minutes=16))

    assert [alarm.probable_cause for alarm in await standing(atlas)] == [ProbableCause.LOSS_OF_SIGNAL]


async def test_the_pulse_counts_what_stands_and_what_waits(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    await record(atlas, heard(), heard(device="olt-9"))

    async with atlas.transaction(executor("console")) as conn:
        pulse = await alarm_pulse(conn)

    assert (pulse.open_alarms, pulse.quarantined) == (1, 1)
