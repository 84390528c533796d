"""TMF642 Alarm Management v4: `POST /tmf-api/alarmManagement/v4/alarm`, one alarm or an array of them.

`alarmedObject.id` is `DEVICE` or `DEVICE/OBJECT`, by the names Atlas knows (`olt-har-03/gpon 0/1/4`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Request, Response

from api.inbound.batch import AlarmIntake
from api.inbound.causes import cause_named
from api.inbound.reading import LONGEST_RAW, Reading
from api.inbound.sources import LONGEST_NAME, readable
from api.inbound.web import Clock, ItemWrong, Outcome, TooLong, answered, body_of, item_wrong, kept, refused, unauthorised
from atlas.nms.records import AlarmEvent, AlarmType, Door, ProbableCause, Quarantined, Severity
from atlas.nms.rules import BELIEVABLE, believable_event_time
from console.guards import BY_SIGNATURE, guarded
from forge.api_tokens import Keyring

PATH: Final = "/tmf-api/alarmManagement/v4/alarm"
# An element manager that comes back after a weekend tells what it kept; older than this is somebody's archive.
OLDEST: Final = timedelta(days=30)

Text = Annotated[str, msgspec.Meta(min_length=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class AlarmedObject(msgspec.Struct, frozen=True):
    id: Text


class Alarm(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of TMF642's Alarm that Bedrock reads; the first seven are the standard's mandatory ones."""

    alarm_type: AlarmType
    perceived_severity: Severity
    probable_cause: Text
    alarmed_object: AlarmedObject
    source_system_id: Text
    state: Text
    alarm_raised_time: Moment
    alarm_cleared_time: Moment | None = None
    alarm_changed_time: Moment | None = None
    external_alarm_id: str = ""
    specific_problem: str = ""
    alarm_details: str = ""


ONE: Final = msgspec.json.Decoder(Alarm)
MANY: Final = msgspec.json.Decoder(list[Alarm])
PIECES: Final = msgspec.json.Decoder(list[msgspec.Raw])


class Batch(msgspec.Struct, frozen=True):
    """A body taken apart: the alarms that are well formed, and the items that are not with their text."""

    alarms: list[Alarm]
    wrong: list[ItemWrong]
    raw: list[bytes]
    is_single: bool


def batch_of(body: bytes) -> Batch:
    """Raises msgspec.DecodeError where the body is no JSON or neither an object nor an array."""
    if body[:64].lstrip()[:1] == b"[":
        try:
            return Batch(MANY.decode(body), [], [], is_single=False)
        except msgspec.ValidationError:
            return _one_by_one(PIECES.decode(body), is_single=False)
    return _one_by_one([msgspec.Raw(body)], is_single=True)


def _one_by_one(pieces: Sequence[msgspec.Raw], *, is_single: bool) -> Batch:
    batch = Batch([], [], [], is_single)
    for index, piece in enumerate(pieces):
        try:
            batch.alarms.append(ONE.decode(piece))
        except msgspec.ValidationError as error:
            batch.wrong.append(item_wrong(index, error))
            batch.raw.append(bytes(piece))
    return batch


def reading_of(batch: Batch, source: str, received_at: datetime) -> Reading:
    """Events for what is well formed, quarantine for the rest."""
    ahead = _ahead(batch.alarms, received_at)
    return Reading(
        tuple(alarm_event(alarm, received_at, ahead) for alarm in batch.alarms),
        tuple(
            Quarantined(Door.TMF642, received_at, source, readable(f"{wrong.field or 'item'}: {wrong.reason}"), raw[:LONGEST_RAW])
            for wrong, raw in zip(batch.wrong, batch.raw, strict=True)
        ),
    )


def _ahead(alarms: Sequence[Alarm], received_at: datetime) -> timedelta:
    """By how much the sender's clock runs ahead of ours, as its latest time shows; its alarms keep their order when it is taken off."""
    believable = (claimed for alarm in alarms if (claimed := _claimed(alarm)) <= received_at + BELIEVABLE)
    return max(max(believable, default=received_at) - received_at, timedelta(0))


def _claimed(alarm: Alarm) -> datetime:
    if _is_clear(alarm):
        return alarm.alarm_cleared_time or alarm.alarm_changed_time or alarm.alarm_raised_time
    return alarm.alarm_raised_time


def _is_clear(alarm: Alarm) -> bool:
    return alarm.perceived_severity is Severity.CLEARED or alarm.alarm_cleared_time is not None or alarm.state == "cleared"


def alarm_event(alarm: Alarm, received_at: datetime, ahead: timedelta) -> AlarmEvent:
    device, _, managed_object = alarm.alarmed_object.id.partition("/")
    cause = cause_named(alarm.probable_cause)
    if cause is None:
        # Two causes that we have no word for stay two alarms.
        managed_object = f"{managed_object} {alarm.probable_cause}".strip()
    return AlarmEvent(
        device=readable(device, LONGEST_NAME),
        managed_object=readable(managed_object, LONGEST_NAME),
        probable_cause=cause or ProbableCause.INDETERMINATE,
        severity=Severity.CLEARED if _is_clear(alarm) else alarm.perceived_severity,
        alarm_type=alarm.alarm_type,
        text=readable(alarm.alarm_details or alarm.specific_problem or alarm.probable_cause),
        received_at=received_at,
        door=Door.TMF642,
        event_at=believable_event_time(_claimed(alarm) - ahead, received_at, OLDEST),
        specific_problem=readable(alarm.specific_problem, LONGEST_NAME),
        sender_reference=readable(alarm.external_alarm_id, LONGEST_NAME),
    )


def router(intake: AlarmIntake, token: str, clock: Clock, keys: Keyring | None = None) -> APIRouter:
    """201: all kept; 207: the well-formed ones kept, the others named; 400: none could be kept; 503: come again. Kept is committed."""

    async def create_alarms(request: Request) -> Response:
        refusal = await unauthorised(request, token, keys)
        if refusal is not None:
            return refusal
        try:
            batch = batch_of(await body_of(request))
        except TooLong as error:
            return refused(413, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            return refused(400, "the body is not JSON of alarms", readable(str(error)))
        return await _keep(batch, request)

    async def _keep(batch: Batch, request: Request) -> Response:
        source = request.client.host if request.client else ""
        refusal = await kept(intake, reading_of(batch, source, clock()))
        if refusal is not None:
            return refusal
        if batch.is_single and batch.wrong:
            return refused(400, batch.wrong[0].reason, f"field {batch.wrong[0].field}")
        status = 201 if not batch.wrong else 207 if batch.alarms else 400
        return answered(status, Outcome(len(batch.alarms), batch.wrong))

    routes = APIRouter()
    # A plain route: there is nothing here for FastAPI to validate, and its share would be half the cost of a batch.
    routes.add_route(PATH, guarded(BY_SIGNATURE, create_alarms), methods=["POST"])
    return routes
