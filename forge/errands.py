"""After commit, runs the errands that actions left for the world outside: probing, provisioning, paying; one key each, never twice.

Beyond the first attempt the other side is asked what became of the key, and only a certain "it never came" lets it be done again: so
money and disconnections are never resent blindly. After several silences a person decides.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import psycopg
import structlog

from atlas.actions import writes
from atlas.actions.records import Errand
from atlas.actions.rules import is_in_doubt
from atlas.billing.writes.money_in import record_link
from atlas.cmdb.writes import record_diagnosis
from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import DeviceId
from atlas.money import Money
from atlas.principal import executor
from forge.may_send import May, Permit, errand_permits
from forge.outside.ports import Never, NotNow, PaymentLink, Payments, PaymentWanted, Probe, Prober, Provisioner, Receipt

log = structlog.get_logger()

ERRANDS: Final = executor("errands")
# As many as go out at once: a killed worker's batch is taken over as soon as its slowest call must be over.
BATCH: Final = 32
AT_ONCE: Final = BATCH
# What the slowest device or platform may take; beyond it we do not know what became of the errand.
WORST_CASE: Final = timedelta(seconds=12)
LEASE: Final = WORST_CASE + timedelta(seconds=5)
AGAIN_AFTER: Final = timedelta(seconds=30)

Answer = dict[str, Any]


class ErrandUnknown(AtlasError):
    """An errand for a port that nobody serves, or without what the port needs to know."""


@dataclass(frozen=True)
class Outside:
    """Whoever runs errands: `prober` looks at devices, `provisioner` changes what the network does for a line, `payments` moves money."""

    prober: Prober
    provisioner: Provisioner
    payments: Payments


@dataclass(frozen=True)
class Ran:
    done: int
    failed: int
    later: int


def never_stops() -> bool:
    return False


async def run_errands(
    atlas: Atlas,
    outside: Outside,
    now: Callable[[], datetime],
    lease: timedelta = LEASE,
    is_stopping: Callable[[], bool] = never_stops,
) -> Ran:
    """Runs whatever waits until nothing does, or until this process is to stop.

    What a probe found is kept as a diagnosis, in the transaction that ends its errand.
    """
    states: list[str] = []
    while not is_stopping() and (batch := await _leased(atlas, lease)):
        room = asyncio.Semaphore(AT_ONCE)
        ended = await asyncio.gather(*(_run(atlas, outside, one, may, now, room) for one, may in batch), return_exceptions=True)
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        states.extend(state for state in ended if isinstance(state, str))
    done, failed = states.count("done"), states.count("failed")
    if states:
        log.info("errands_ran", done=done, failed=failed, later=len(states) - done - failed)
    return Ran(done, failed, len(states) - done - failed)


async def _leased(atlas: Atlas, lease: timedelta) -> list[tuple[Errand, Permit]]:
    async with atlas.transaction(ERRANDS) as conn:
        batch = await writes.lease_errands(conn, BATCH, lease)
        may = await errand_permits(conn, [one.id for one in batch])
    return [(one, may[one.id]) for one in batch]


async def _run(atlas: Atlas, outside: Outside, errand: Errand, permit: Permit, now: Callable[[], datetime], room: asyncio.Semaphore) -> str:
    """One attempt; the state it leaves the errand in."""
    async with room:
        try:
            async with asyncio.timeout(WORST_CASE.total_seconds()):
                return await _attempted(atlas, outside, errand, permit, now)
        except (Never, ErrandUnknown) as refusal:
            return await _ended(atlas, errand, "failed", {"why": str(refusal)})
        except NotNow as refusal:
            return await _put_off(atlas, errand, refusal.after or AGAIN_AFTER, str(refusal))
        except psycopg.Error:
            raise
        except Exception as silence:  # nobody answered, or the port broke: either says nothing of whether it was done
            why = str(silence) if isinstance(silence, AtlasError) else type(silence).__name__
            log.warning("errand_unanswered", errand_id=errand.id, why=type(silence).__name__)
            return "leased" if not is_in_doubt(errand.attempts) else await _ended(atlas, errand, "in_doubt", {"why": why})


async def _attempted(atlas: Atlas, outside: Outside, errand: Errand, permit: Permit, now: Callable[[], datetime]) -> str:
    known = await _known(outside, errand) if errand.attempts > 1 else None
    if known is not None:
        return await _ended(atlas, errand, "done", known)
    if permit.may is not May.SEND:
        return await _put_off(atlas, errand, permit.after or AGAIN_AFTER, permit.why)
    if errand.port == "prober":
        return await _probe(atlas, outside.prober, errand, now)
    return await _ended(atlas, errand, "done", await _done(outside, errand))


async def _known(outside: Outside, errand: Errand) -> Answer | None:
    """What came of an earlier attempt; None where it surely never arrived, or where doing it again changes nothing, as a look."""
    if errand.port == "provisioner":
        return await outside.provisioner.find(errand.key, errand.operation, errand.arguments)
    if (errand.port, errand.operation) == ("payments", "ask"):
        link = await outside.payments.asked(errand.key)
        return None if link is None else _link(link)
    if errand.port == "payments" and (receipts := await outside.payments.find(errand.key)):
        return _receipt(receipts[0])
    return None


async def _done(outside: Outside, errand: Errand) -> Answer:
    if errand.port == "provisioner":
        return await outside.provisioner.provision(errand.key, errand.operation, errand.arguments)
    if (errand.port, errand.operation) == ("payments", "ask"):
        return _link(await outside.payments.ask(errand.key, _wanted(errand)))
    if (errand.port, errand.operation) != ("payments", "refund"):
        raise ErrandUnknown(f"errand {errand.id} is for {errand.port}.{errand.operation}, which nobody serves")
    reference, amount = errand.arguments.get("reference"), errand.arguments.get("amount_minor")
    if not isinstance(reference, str) or not isinstance(amount, int) or amount <= 0:
        raise ErrandUnknown(f"errand {errand.id} names no payment, or no amount")
    return _receipt(await outside.payments.refund(errand.key, reference, Money.of_minor(amount)))


async def _probe(atlas: Atlas, prober: Prober, errand: Errand, now: Callable[[], datetime]) -> str:
    device_id, device = errand.arguments.get("device_id"), errand.arguments.get("device")
    if not isinstance(device_id, int) or not isinstance(device, str):
        raise ErrandUnknown(f"errand {errand.id} names no device")
    found = await prober.probe(errand.key, device, errand.arguments.get("address"))
    async with atlas.transaction(ERRANDS) as conn:
        await record_diagnosis(
            conn,
            errand.id,
            DeviceId(device_id),
            at=now(),
            is_reachable=found.is_reachable,
            round_trip=found.round_trip,
            detail=found.detail,
        )
        await writes.finish_errand(conn, errand, "done", _answer(found))
    return "done"


def _wanted(errand: Errand) -> PaymentWanted:
    asked = errand.arguments
    try:
        return PaymentWanted(
            int(asked["customer_id"]),
            int(asked["request_id"]),
            Money.of_minor(int(asked["amount_minor"])),
            asked["currency"],
            asked["title"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ErrandUnknown(f"errand {errand.id} does not say what is asked of whom") from error


async def _ended(atlas: Atlas, errand: Errand, state: str, answer: Answer) -> str:
    async with atlas.transaction(ERRANDS) as conn:
        if state == "done" and "url" in answer:
            await record_link(conn, errand.arguments["request_id"], answer["reference"], answer["url"])
        await writes.finish_errand(conn, errand, state, answer)
    return state


async def _put_off(atlas: Atlas, errand: Errand, after: timedelta, why: str) -> str:
    async with atlas.transaction(ERRANDS) as conn:
        await writes.put_off_errand(conn, errand, after, why)
    return "queued"


def _answer(found: Probe) -> Answer:
    milliseconds = None if found.round_trip is None else found.round_trip.total_seconds() * 1000
    return {"is_reachable": found.is_reachable, "round_trip_ms": milliseconds, **found.detail}


def _link(link: PaymentLink) -> Answer:
    return {"reference": link.reference, "url": link.url}


def _receipt(receipt: Receipt) -> Answer:
    return {"reference": receipt.reference, "amount": str(receipt.amount), "at": receipt.at.isoformat()}
