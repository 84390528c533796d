"""Prometheus Alertmanager's webhook, version 4: `POST /inbound/alertmanager`.

An alert names its device by the label `device`, `instance`, `hostname`, `host` or `node`, and the object inside it by `object`,
`interface`, `ifName`, `ifDescr` or `port`. `probable_cause` is a label too, or read off the alert's name.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

import msgspec
from fastapi import APIRouter, Request, Response

from api.inbound.batch import AlarmIntake
from api.inbound.causes import cause_named
from api.inbound.reading import LONGEST_RAW, Reading
from api.inbound.snmp.heuristics import guessed_cause
from api.inbound.sources import LONGEST_NAME, readable
from api.inbound.web import Clock, ItemWrong, Outcome, TooLong, answered, body_of, item_wrong, kept, refused, unauthorised
from atlas.nms.records import AlarmEvent, Door, ProbableCause, Quarantined, Severity
from atlas.nms.rules import alarm_type_of, believable_event_time, severity_of
from console.guards import BY_SIGNATURE, guarded
from forge.api_tokens import Keyring

PATH: Final = "/inbound/alertmanager"
# Alertmanager repeats an alert for as long as it fires, each time with the time it began.
OLDEST: Final = timedelta(days=365)
DEVICE_LABELS: Final = ("device", "instance", "hostname", "host", "node")
OBJECT_LABELS: Final = ("object", "interface", "ifName", "ifDescr", "port")
# `10.0.0.7:9100`, `[2001:db8::7]:9100` and `olt-1:9100`, but not a bare IPv6 address
PORT: Final = re.compile(r"^(?:\[(?P<v6>[^\]]+)\]|(?P<name>[^:]+)):\d+$")


class Alert(msgspec.Struct, frozen=True, rename="camel"):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    starts_at: Annotated[datetime, msgspec.Meta(tz=True)]
    ends_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    annotations: dict[str, str] = {}
    fingerprint: str = ""


class Webhook(msgspec.Struct, frozen=True):
    version: Literal["4"]
    alerts: list[msgspec.Raw]


WEBHOOK: Final = msgspec.json.Decoder(Webhook)
ALERT: Final = msgspec.json.Decoder(Alert)


class DeviceMissing(msgspec.ValidationError):
    """An alert that does not say which device it is about."""


def device_of(labels: Mapping[str, str]) -> str | None:
    name = next((labels[label] for label in DEVICE_LABELS if labels.get(label)), None)
    found = PORT.match(name) if name else None
    return found["v6"] or found["name"] if found else name


def alarm_event(alert: Alert, received_at: datetime) -> AlarmEvent:
    """Raises DeviceMissing where no label names the device."""
    device = device_of(alert.labels)
    if device is None:
        raise DeviceMissing(f"one of {', '.join(DEVICE_LABELS)} must name the device - at `$.labels`")
    name = alert.labels.get("alertname", "")
    summary = alert.annotations.get("summary") or alert.annotations.get("description") or name
    cause = cause_named(alert.labels.get("probable_cause", "")) or cause_named(name) or guessed_cause([name, summary])
    inside = next((alert.labels[label] for label in OBJECT_LABELS if alert.labels.get(label)), "")
    is_resolved = alert.status == "resolved"
    claimed = alert.ends_at if is_resolved else alert.starts_at
    return AlarmEvent(
        device=readable(device, LONGEST_NAME),
        managed_object=readable(f"{inside} {name}".strip() if cause is ProbableCause.INDETERMINATE else inside, LONGEST_NAME),
        probable_cause=cause,
        severity=Severity.CLEARED if is_resolved else severity_of(alert.labels.get("severity", "")) or Severity.INDETERMINATE,
        alarm_type=alarm_type_of(cause),
        text=readable(summary),
        received_at=received_at,
        door=Door.ALERTMANAGER,
        event_at=believable_event_time(claimed, received_at, OLDEST),
        specific_problem=readable(name, LONGEST_NAME),
        sender_reference=readable(alert.fingerprint, LONGEST_NAME),
    )


def reading_of(webhook: Webhook, source: str, received_at: datetime) -> tuple[Reading, list[ItemWrong]]:
    """Events for the alerts that can be read, quarantine and a reason for the others."""
    events: list[AlarmEvent] = []
    rejected: list[Quarantined] = []
    wrong: list[ItemWrong] = []
    for index, raw in enumerate(webhook.alerts):
        try:
            events.append(alarm_event(ALERT.decode(raw), received_at))
        except msgspec.ValidationError as error:
            wrong.append(item_wrong(index, error))
            reason = readable(f"{wrong[-1].field or 'alert'}: {wrong[-1].reason}")
            rejected.append(Quarantined(Door.ALERTMANAGER, received_at, source, reason, bytes(raw)[:LONGEST_RAW]))
    return Reading(tuple(events), tuple(rejected)), wrong


def router(intake: AlarmIntake, token: str, clock: Clock, keys: Keyring | None = None) -> APIRouter:
    """200 once all is committed, the unreadable alerts in quarantine and named in the answer (Alertmanager repeats on any other status)."""

    async def receive_alerts(request: Request) -> Response:
        refusal = await unauthorised(request, token, keys)
        if refusal is not None:
            return refusal
        try:
            webhook = WEBHOOK.decode(await body_of(request))
        except TooLong as error:
            return refused(413, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return refused(400, "the body is no Alertmanager webhook of version 4", readable(str(error)))
        source = request.client.host if request.client else ""
        reading, wrong = reading_of(webhook, source, clock())
        return await kept(intake, reading) or answered(200, Outcome(len(reading.events), wrong))

    routes = APIRouter()
    routes.add_route(PATH, guarded(BY_SIGNATURE, receive_alerts), methods=["POST"])
    return routes
