"""The HTTP doors: TMF642 batches and Alertmanager's webhook."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.inbound.alertmanager import device_of
from api.inbound.tmf642 import batch_of, reading_of
from atlas.connection import Atlas
from atlas.nms.records import AlarmType
from tests import given
from tests.doors.telling import alarms, posted, set_aside, standing
from tests.given import Owner

TMF = "/tmf-api/alarmManagement/v4/alarm"
WEBHOOK = "/inbound/alertmanager"
RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def alarm(what: str = "olt-1/gpon 0/1/1", severity: str = "critical", at: datetime = RECEIVED, **fields: Any) -> dict[str, Any]:
    """The seven mandatory fields of TMF642."""
    return {
        "alarmType": "communicationsAlarm",
        "perceivedSeverity": severity,
        "probableCause": "lossOfSignal",
        "alarmedObject": {"id": what},
        "sourceSystemId": "ems-1",
        "state": "raised",
        "alarmRaisedTime": at.isoformat(),
        **fields,
    }


def alert(status: str = "firing", **labels: str) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "InterfaceDown", "severity": "critical", **labels},
        "annotations": {"summary": "interface is down"},
        "startsAt": "2026-03-02T08:00:00Z",
        "endsAt": "2026-03-02T08:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": "c0ffee",
    }


def webhook(*alerts: dict[str, Any]) -> dict[str, Any]:
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "bedrock", "alerts": list(alerts)}


def reading(*sent: dict[str, Any]) -> list[datetime | None]:
    batch = batch_of(json.dumps(list(sent)).encode())
    return [event.event_at for event in reading_of(batch, "10.0.0.1", RECEIVED).events]


async def test_one_alarm_is_created(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    response = await posted(atlas, TMF, alarm())

    assert (response.status_code, await alarms(owner)) == (201, [("gpon 0/1/1", "lossOfSignal", "critical", True)])


async def test_a_batch_is_created_whole(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    response = await posted(atlas, TMF, [alarm(f"olt-1/gpon 0/1/{port}") for port in range(64)])

    assert (response.json()["accepted"], len(await standing(atlas))) == (64, 64)


async def test_the_bad_ones_of_a_batch_are_named_and_the_good_ones_kept(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    without_state = {name: value for name, value in alarm("olt-1/b").items() if name != "state"}

    response = await posted(atlas, TMF, [alarm("olt-1/a"), without_state, alarm("olt-1/c", severity="awful")])

    assert (response.status_code, [(wrong["index"], wrong["field"]) for wrong in response.json()["rejected"]]) == (
        207,
        [(1, "state"), (2, "perceivedSeverity")],
    )
    assert [stands.managed_object for stands in await standing(atlas)] == ["a"]


async def test_the_bad_ones_of_a_batch_are_kept_in_quarantine(atlas: Atlas) -> None:
    await posted(atlas, TMF, [alarm(severity="awful")])

    assert [each.reason for each in await set_aside(atlas)] == ["perceivedSeverity: Invalid enum value 'awful'"]


async def test_an_alarm_without_a_mandatory_field_is_refused_with_its_name(atlas: Atlas) -> None:
    response = await posted(atlas, TMF, {name: value for name, value in alarm().items() if name != "probableCause"})

    assert (response.status_code, response.json()["message"]) == (400, "field probableCause")


async def test_a_cleared_alarm_closes(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")
    at = datetime.now(UTC)
    await posted(atlas, TMF, alarm(at=at))

    await posted(atlas, TMF, alarm(severity="cleared", at=at, alarmClearedTime=(at + timedelta(seconds=3)).isoformat()))

    assert await standing(atlas) == []


async def test_a_stranger_without_the_token_is_turned_away(atlas: Atlas) -> None:
    response = await posted(atlas, TMF, alarm(), token="guess")

    assert response.status_code == 401


@pytest.mark.parametrize("body", [b"", b"{", b"[", b'"x"', b"[1, 2]", b"\xff\xfe", b"[" * 5000])
async def test_a_body_that_is_no_batch_is_refused(atlas: Atlas, body: bytes) -> None:
    response = await posted(atlas, TMF, body)

    assert response.status_code == 400


async def test_a_body_beyond_any_batch_is_refused(atlas: Atlas) -> None:
    response = await posted(atlas, TMF, b"[" + b" " * (5 * 1024 * 1024) + b"]")

    assert response.status_code == 413


async def test_two_causes_without_a_name_of_ours_stay_two_alarms(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "olt-1")

    await posted(atlas, TMF, [alarm("olt-1/a", probableCause="hedgehog"), alarm("olt-1/a", probableCause="badger")])

    assert [row[0] for row in await alarms(owner)] == ["a badger", "a hedgehog"]


def test_a_sender_whose_clock_runs_ahead_keeps_the_order_of_its_alarms() -> None:
    ahead = RECEIVED + timedelta(minutes=5)

    times = reading(alarm(at=ahead - timedelta(seconds=4)), alarm(at=ahead))

    assert times == [RECEIVED - timedelta(seconds=4), RECEIVED]


def test_one_absurd_time_does_not_move_the_others() -> None:
    times = reading(alarm(at=RECEIVED), alarm(at=datetime(2099, 1, 1, tzinfo=UTC)), alarm(at=datetime(1970, 1, 1, tzinfo=UTC)))

    assert times == [RECEIVED, None, None]


def test_the_type_a_sender_names_is_kept() -> None:
    batch = batch_of(json.dumps([alarm(alarmType="environmentalAlarm")]).encode())

    assert [event.alarm_type for event in reading_of(batch, "10.0.0.1", RECEIVED).events] == [AlarmType.ENVIRONMENTAL]


async def test_a_firing_alert_is_an_alarm_of_the_device_it_names(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")

    response = await posted(atlas, WEBHOOK, webhook(alert(instance="core-1:9100", interface="Te0/1")))

    assert (response.status_code, await alarms(owner)) == (200, [("Te0/1", "linkDown", "critical", True)])


async def test_an_alert_that_is_repeated_after_it_resolved_stays_closed(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")
    await posted(atlas, WEBHOOK, webhook(alert("resolved", instance="core-1", interface="Te0/1")))

    await posted(atlas, WEBHOOK, webhook(alert("firing", instance="core-1", interface="Te0/1")))

    assert await standing(atlas) == []


async def test_an_alert_without_a_device_is_named_and_set_aside(atlas: Atlas, owner: Owner) -> None:
    await given.device(owner, "core-1", "core")

    response = await posted(atlas, WEBHOOK, webhook(alert(job="node"), alert(instance="core-1")))

    assert (response.json()["accepted"], response.json()["rejected"][0]["index"], len(await set_aside(atlas))) == (1, 0, 1)


async def test_another_version_of_the_webhook_is_refused(atlas: Atlas) -> None:
    response = await posted(atlas, WEBHOOK, {**webhook(), "version": "3"})

    assert response.status_code == 400


@pytest.mark.parametrize(
    ("label", "device"),
    [("10.0.0.7:9100", "10.0.0.7"), ("[2001:db8::7]:9100", "2001:db8::7"), ("2001:db8::7", "2001:db8::7"), ("olt-1", "olt-1")],
)
def test_an_instance_without_its_port_is_the_device(label: str, device: str) -> None:
    assert device_of({"instance": label}) == device
