"""Each kind of effect: what there is to do, how it is done (again and again, as a queue would), and what must be true afterwards."""

import json
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from psycopg import AsyncConnection

from atlas.billing.reads.compensation import credits_due_for
from atlas.billing.records.compensation import CreditKind
from atlas.connection import Atlas
from atlas.field_service.reads import free_visit_slots, visit_places
from atlas.identity import ConversationId, CorrelationId, CustomerId, IncidentId, OrderId, SubscriberId
from atlas.oms.reads import case_of, fulfilment
from atlas.principal import Assurance, customer, executor
from atlas.statements import Statements
from evals.kills.peer import Peer
from evals.kills.ports import ordered, said
from forge.action import Action
from forge.actions.billing.compensation import RequestCredit
from forge.actions.field_service import BookVisit
from forge.actions.helpdesk.saying import SendMessage
from forge.carry_out import settle_abandoned
from forge.errands import Outside, run_errands
from forge.outbox import drain
from forge.outside.ports import Messenger
from forge.playbooks.activation import Desk, attend
from forge.propose import Forge, propose
from forge.register import encoded
from forge.sequences.advance import advance, begin
from forge.sequences.kinds import KINDS
from forge.sequences.lines import LINE_START
from forge.sequences.plan_move import PLAN_MOVE

SQL: Final = Statements(__file__)
ME: Final = executor("kills")
# Whoever takes over knows that the one before is dead: in a campaign nobody waits out a lease.
NO_LEASE: Final = timedelta(0)
REFUSED: Final = "refresh_session"

Owner = AsyncConnection[tuple[Any, ...]]


@dataclass(frozen=True)
class Person:
    customer_id: int
    line: int
    address: str
    serial: str
    version: int


@dataclass(frozen=True)
class Works:
    """What one process works with."""

    forge: Forge
    messenger: Messenger
    outside: Outside


@dataclass(frozen=True)
class Subject:
    """One thing to be done, plain, to be handed to another process: `details` by kind, `action` and `arguments` where it is one."""

    kind: str
    customer_id: int
    line: int
    details: dict[str, Any]
    action: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Found:
    """What became of one subject: effects that are missing, and effects that are there more than once."""

    lost: int
    doubled: int


Arranging = Callable[[Owner, Atlas, Person], Awaitable[Subject]]
Performing = Callable[[Works, Subject], Awaitable[None]]
Judging = Callable[[Owner, Peer, int, Subject], Awaitable[Found]]


@dataclass(frozen=True)
class Kind:
    """`ways`: with keys, without, or both. `refuses`: what the peer will not do."""

    arrange: Arranging
    perform: Performing
    judge: Judging
    ways: tuple[bool, ...] = (True, False)
    refuses: tuple[str, ...] = ()


def counted(expected: Sequence[str], seen: Sequence[str]) -> Found:
    """Each of `expected` belongs among `seen` once, and nothing else does."""
    lost = sum(max(0, expected.count(one) - seen.count(one)) for one in set(expected))
    doubled = sum(max(0, seen.count(one) - expected.count(one)) for one in set(seen))
    return Found(lost, doubled)


def once(times: int) -> Found:
    return Found(max(0, 1 - times), max(0, times - 1))


def both(one: Found, other: Found) -> Found:
    return Found(one.lost + other.lost, one.doubled + other.doubled)


def now() -> datetime:
    return datetime.now(UTC)


async def _send(works: Works, subject: Subject) -> None:  # noqa: ARG001 - whatever is due is sent
    await drain(works.forge.atlas, works.messenger, lease=NO_LEASE)


async def _run(works: Works, subject: Subject) -> None:  # noqa: ARG001 - whatever waits is run
    await run_errands(works.forge.atlas, works.outside, now, lease=NO_LEASE)


async def _propose(works: Works, subject: Subject) -> None:
    """As a customer's own door does it: what is asked is recorded first, then judged and done; then whatever is to be said is said."""
    action: Action = works.forge.register.decoded(subject.action, subject.arguments)
    who = customer(CustomerId(subject.customer_id), Assurance.VERIFIED)
    thread = CorrelationId(uuid.uuid5(uuid.NAMESPACE_OID, subject.arguments))
    await propose(works.forge, who, action, reason="a campaign", correlation_id=thread)
    await settle_abandoned(works.forge, older_than=NO_LEASE)
    await drain(works.forge.atlas, works.messenger, lease=NO_LEASE)


async def _walk(works: Works, subject: Subject) -> None:
    order = subject.details["fulfilment"]
    async with works.forge.atlas.transaction(ME) as conn:
        thread = CorrelationId(uuid.uuid5(uuid.NAMESPACE_OID, str(order)))
        sequence = await begin(conn, PLAN_MOVE, str(order["order_id"]), order, reason="a campaign", correlation_id=thread)
    for _ in range(2 * len(PLAN_MOVE.steps)):
        await advance(works.forge, KINDS, sequence)
        if not (ran := await run_errands(works.forge.atlas, works.outside, now, lease=NO_LEASE)).done + ran.failed + ran.later:
            break
    await drain(works.forge.atlas, works.messenger, lease=NO_LEASE)


async def arrange_notice(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    words = f"It is down ({uuid.uuid4()})."
    told = {"customer_id": person.customer_id, "address": person.address, "words": words, "action_id": await _action(owner)}
    await SQL.value(owner, "arrange_notice", **told)
    return Subject("notice", person.customer_id, person.line, {"content": said(person.address, words)})


async def judge_content(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:  # noqa: ARG001
    return counted([subject.details["content"]], peer.after(before))


async def arrange_errand(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    arguments = {"serial": person.serial, "order": str(uuid.uuid4())}
    asked = {"port": "provisioner", "operation": "restart", "arguments": json.dumps(arguments), "action_id": await _action(owner)}
    await SQL.value(owner, "arrange_errand", **asked)
    return Subject("errand", person.customer_id, person.line, {"content": ordered("restart", arguments)})


async def arrange_payment(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    reference = f"PAY-{uuid.uuid4()}"
    arguments = json.dumps({"reference": reference, "amount_minor": 1250})
    asked = {"port": "payments", "operation": "refund", "arguments": arguments, "action_id": await _action(owner)}
    await SQL.value(owner, "arrange_errand", **asked)
    return Subject("payment", person.customer_id, person.line, {"content": f"refund {reference} 12.50"})


async def arrange_credit(owner: Owner, atlas: Atlas, person: Person) -> Subject:
    incident = await SQL.value(owner, "arrange_incident", line=person.line, action_id=await _action(owner))
    async with atlas.transaction(ME) as conn:
        due = await credits_due_for(conn, IncidentId(incident), CreditKind.GOODWILL, now())
    action = RequestCredit(CustomerId(person.customer_id), IncidentId(incident), tuple(due))
    details = {"incident": incident, "address": person.address}
    return Subject("credit", person.customer_id, person.line, details, action.name, encoded(action))


async def judge_credit(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    given = await SQL.value(owner, "credits", line=subject.line, incident=subject.details["incident"])
    told = [one for one in peer.after(before) if one.startswith(subject.details["address"])]
    return both(once(given), once(len(told)))


async def arrange_booking(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    async with atlas.transaction(ME) as conn:
        (place, *_) = await visit_places(conn, CustomerId(person.customer_id))
        (slot, *_) = await free_visit_slots(conn, place, now())
    action = BookVisit(CustomerId(person.customer_id), SubscriberId(person.line), slot.window_from)
    return Subject("booking", person.customer_id, person.line, {}, action.name, encoded(action))


async def judge_booking(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    found = once(await SQL.value(owner, "visits", customer_id=subject.customer_id))
    # The next one finds the crews as free as this one did.
    await SQL.run(owner, "forget_visits", customer_id=subject.customer_id)
    return both(found, Found(0, len(peer.after(before))))


async def arrange_reply(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    asked = await (
        await owner.execute(SQL.text("arrange_question"), {"customer_id": person.customer_id, "address": person.address})
    ).fetchone()
    assert asked is not None, "a question was arranged"
    words = f"It is being repaired ({uuid.uuid4()})."
    action = SendMessage(ConversationId(asked[0]), CustomerId(person.customer_id), asked[1], words, "agent:itsm")
    details = {"content": said(person.address, words), "conversation": asked[0]}
    return Subject("reply", person.customer_id, person.line, details, action.name, encoded(action))


async def judge_reply(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    kept = once(await SQL.value(owner, "replies", conversation=subject.details["conversation"]))
    return both(kept, counted([subject.details["content"]], peer.after(before)))


async def arrange_order(owner: Owner, atlas: Atlas, person: Person) -> Subject:
    placed = {"customer_id": person.customer_id, "line": person.line, "version": person.version, "action_id": await _action(owner)}
    order_id = await SQL.value(owner, "arrange_order", **placed)
    async with atlas.transaction(ME) as conn:
        order = asdict(await fulfilment(conn, OrderId(order_id)))
    details = {"fulfilment": json.loads(json.dumps(order, default=str)), "order": order_id, "serial": person.serial}
    details["address"] = person.address
    return Subject("sequence", person.customer_id, person.line, details)


FORWARDS: Final = ("reserve", "add_profile", "set_speed", "refresh_session")
THERE_AND_BACK: Final = (("reserve", "after"), ("add_profile", "after"), ("set_speed", "after"),
                         ("set_speed", "before"), ("remove_profile", "after"), ("release", "after"))  # fmt: skip


def _orders(subject: Subject, operations: Sequence[tuple[str, str]]) -> list[str]:
    order, serial = subject.details["fulfilment"], subject.details["serial"]
    speeds = {way: {"down_kbps": order[f"down_kbps_{way}"], "up_kbps": order[f"up_kbps_{way}"]} for way in ("before", "after")}
    return [ordered(operation, {"serial": serial, **speeds[way]}) for operation, way in operations]


async def judge_sequence(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    """Every operation once, in order; the order completed after two events of its own; the line of the new version."""
    expected, seen = _orders(subject, [(operation, "after") for operation in FORWARDS]), peer.after(before)
    wrong = await _order_ended_otherwise(owner, subject, ("completed", True, 2))
    return both(counted(expected, seen), Found(wrong + (sorted(expected) == sorted(seen) and expected != seen), 0))


async def judge_sequence_back(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    """What was done was taken back, in reverse; the order failed and its customer was told so once; the line is as it was."""
    address = subject.details["address"]
    expected, effects = _orders(subject, THERE_AND_BACK), peer.after(before)
    seen = [one for one in effects if not one.startswith(address)]
    wrong = await _order_ended_otherwise(owner, subject, ("failed", False, 2))
    told = once(len(effects) - len(seen))
    return both(both(counted(expected, seen), told), Found(wrong + (sorted(expected) == sorted(seen) and expected != seen), 0))


async def _order_ended_otherwise(owner: Owner, subject: Subject, expected: tuple[str, bool, int]) -> int:
    row = await (await owner.execute(SQL.text("order_now"), {"order": subject.details["order"]})).fetchone()
    return int(row != expected)


async def _action(owner: Owner) -> int:
    return int(await SQL.value(owner, "arrange_action"))


async def arrange_line(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    return await _line_ordered(owner, person, "line", needs_visit=False)


async def arrange_visited_line(owner: Owner, atlas: Atlas, person: Person) -> Subject:  # noqa: ARG001
    return await _line_ordered(owner, person, "visited-line", needs_visit=True)


async def _line_ordered(owner: Owner, person: Person, kind: str, *, needs_visit: bool) -> Subject:
    placed = {"customer_id": person.customer_id, "near": person.line, "version": person.version, "action_id": await _action(owner)}
    row = await (await owner.execute(SQL.text("arrange_line_order"), {**placed, "needs_visit": needs_visit})).fetchone()
    assert row is not None, "an order was arranged"
    return Subject(kind, person.customer_id, row[1], {"order": row[0]})


async def _start(works: Works, subject: Subject) -> None:
    """As the worker does it: the order is attended, its sequence goes on, what it left outside is done, what it said is sent.

    Whoever is to come has been there by the next look.
    """
    order = OrderId(subject.details["order"])
    await attend(works.forge, order, Desk())
    for _ in range(2 * len(LINE_START.steps)):
        async with works.forge.atlas.transaction(ME) as conn:
            case = await case_of(conn, order)
        if case.sequence_id is None or case.sequence_state != "running":
            break
        await advance(works.forge, KINDS, case.sequence_id)
        if case.needs_visit:
            async with await AsyncConnection.connect(works.forge.atlas.url, autocommit=True) as owner:
                await SQL.run(owner, "visit_made", order=order)
        await run_errands(works.forge.atlas, works.outside, now, lease=NO_LEASE)
    await settle_abandoned(works.forge, older_than=NO_LEASE)
    await drain(works.forge.atlas, works.messenger, lease=NO_LEASE)


async def judge_line(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    """Completed once: one charge, one address, one box, one port; activated once, welcomed once; nothing else is held."""
    row = await (await owner.execute(SQL.text("line_now"), {"order": subject.details["order"], "line": subject.line})).fetchone()
    assert row is not None, "the order is there"
    seen = peer.after(before)
    activated = sum(one.startswith("activate ") for one in seen)
    wrong = Found(int(row != ("completed", "active", 1, 1, 1, 1, 0)), max(0, row[2] - 1))
    return await _taken_back(owner, subject, both(wrong, both(once(activated), Found(0, max(0, len(seen) - activated - 1)))))


async def judge_visited_line(owner: Owner, peer: Peer, before: int, subject: Subject) -> Found:
    """The same, after one visit, of which its customer was told once."""
    row = await (await owner.execute(SQL.text("line_now"), {"order": subject.details["order"], "line": subject.line})).fetchone()
    assert row is not None, "the order is there"
    seen = peer.after(before)
    activated = sum(one.startswith("activate ") for one in seen)
    wrong = Found(int(row != ("completed", "active", 1, 1, 1, 1, 0)), max(0, row[2] - 1))
    visits = once(await SQL.value(owner, "visits_of_order", order=subject.details["order"]))
    return await _taken_back(owner, subject, both(both(wrong, visits), both(once(activated), Found(0, max(0, len(seen) - activated - 2)))))


async def _taken_back(owner: Owner, subject: Subject, found: Found) -> Found:
    """What a line that is as it should be holds is free again; where anything is wrong, all of it stays to be looked at."""
    if found == Found(0, 0):
        await SQL.run(owner, "take_line_back", line=subject.line)
    return found


ALL: Final = {
    "line": Kind(arrange_line, _start, judge_line, ways=(True,)),
    "visited-line": Kind(arrange_visited_line, _start, judge_visited_line, ways=(True,)),
    "notice": Kind(arrange_notice, _send, judge_content),
    "errand": Kind(arrange_errand, _run, judge_content),
    "payment": Kind(arrange_payment, _run, judge_content, ways=(True,)),
    "credit": Kind(arrange_credit, _propose, judge_credit),
    "booking": Kind(arrange_booking, _propose, judge_booking, ways=(True,)),
    "reply": Kind(arrange_reply, _propose, judge_reply),
    "sequence": Kind(arrange_order, _walk, judge_sequence),
    "sequence-back": Kind(arrange_order, _walk, judge_sequence_back, refuses=(REFUSED,)),
}
