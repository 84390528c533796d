"""Approve, reject, lapse, amend and execute at once, over and over, against the real gate: whatever wins, it happens once and rightly."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final

import psycopg
from psycopg import AsyncConnection

from atlas.connection import Atlas
from atlas.identity import ActionId, StaffId
from atlas.money import Money
from atlas.principal import Principal, Role, executor, in_session, staff
from atlas.statements import Connection, Statements
from forge.matrix_in_force import write_in_force
from forge.register import FACTS, canonical
from governance.facts import Facts
from governance.matrix import load

SQL = Statements(__file__)

RACER: Final = executor("races")
DIGEST: Final = b"what everybody saw"
AT_ONCE: Final = 8
MATRIX: Final = """
quiet_hours: 21:00-08:00
defaults: {expires_in: 4h, execute_within: 30m}
rows:
  - {rule: one, action: give_credit, money_up_to: 50.00, verdict: approve, approvers: billing_lead, because: one looks at it}
  - {rule: two, action: give_credit, verdict: approve, approvers: [billing_lead, operations_director], because: two look at it}
allowances: []
hard_limits: {give_credit: {ever: {money: 500.00, money_each: 500.00, customers: 5}}}
"""
RULES: Final = load(MATRIX)


@dataclass(frozen=True)
class Raced:
    """How many races were run, how they ended, and how many ended wrongly."""

    races: int
    ended: dict[str, int]
    wrong: int


@dataclass(frozen=True)
class Ending:
    """What Atlas holds of one action afterwards."""

    state: str
    needed: int
    approvals: int
    people: int
    rejections: int
    effects: int
    is_sealed: bool
    has_wrong_ruler: bool


async def race(url: str, secret: bytes, races: int, seed: int, tell: Callable[[int], None] = lambda _: None) -> Raced:
    """`url`: of the owner of an empty, migrated database."""
    random, ended, wrong = Random(seed), Counter[str](), 0  # noqa: S311
    async with await AsyncConnection.connect(url, autocommit=True) as owner, Atlas.open(url, secret, most=12) as atlas:
        await write_in_force(owner, RULES)
        await SQL.run(owner, "let_race")
        people = [await _hired(owner, name, *roles) for name, roles in PEOPLE.items()]
        for done in range(0, races, AT_ONCE):
            endings = await asyncio.gather(
                *(_one(atlas, owner, Random(random.random()), people) for _ in range(min(AT_ONCE, races - done)))  # noqa: S311
            )
            ended.update(ending.state for ending in endings)
            wrong += sum(not is_right(ending) for ending in endings)
            tell(done + len(endings))
    return Raced(races, dict(ended), wrong)


PEOPLE: Final = {
    "Anna Bell": (Role.BILLING_LEAD,),
    "Ben Cole": (Role.BILLING_LEAD,),
    "Dora Eve": (Role.OPERATIONS_DIRECTOR,),
    "Fay Gill": (Role.BILLING_LEAD, Role.OPERATIONS_DIRECTOR),
    "Nora Ng": (Role.NOC_LEAD,),
}


async def _hired(owner: Connection, name: str, *roles: Role) -> Principal:
    staff_id, token = await SQL.value(owner, "hire", name=name, roles=list(roles)), uuid.uuid4().bytes
    await SQL.run(owner, "sign_in", staff_id=staff_id, token=token)
    return in_session(staff(StaffId(staff_id), name, frozenset(roles)), token)


async def _one(atlas: Atlas, owner: Connection, random: Random, people: list[Principal]) -> Ending:
    proposer = random.choice(people)
    action_id = await _waiting(atlas, proposer, Money.of_minor(random.choice((4000, 9000))))
    rulers = random.sample(people, random.randrange(2, 5))
    moves: list[Callable[[], Awaitable[object]]] = [
        partial(_rule, atlas, who, action_id, is_approval=random.random() < 0.85) for who in rulers
    ]
    moves += [partial(_execute, atlas, action_id)] * random.randrange(2, 5)
    if random.random() < 0.2:
        moves.append(partial(SQL.run, owner, "amend", action_id=action_id))
    if random.random() < 0.2:
        moves.append(partial(SQL.run, owner, "lapse", action_id=action_id))
    random.shuffle(moves)
    await asyncio.gather(*(_soon(random.random() / 100, move) for move in moves))
    await _execute(atlas, action_id)
    return await SQL.one(owner, Ending, "ending", action_id=action_id, digest=DIGEST)


async def _soon(after_s: float, move: Callable[[], Awaitable[object]]) -> None:
    await asyncio.sleep(after_s)
    await move()


async def _waiting(atlas: Atlas, proposer: Principal, money: Money) -> ActionId:
    facts = canonical(FACTS.dump_python(Facts("give_credit", money=money, customers=1, proposed_by=proposer.reference), mode="json"))
    async with atlas.transaction(proposer) as conn:
        action_id = ActionId(await SQL.value(conn, "propose", facts=facts, digest=DIGEST))
    async with atlas.transaction(RACER) as conn:
        await SQL.value(conn, "judge", action_id=action_id, matrix_digest=RULES.digest)
    return action_id


async def _rule(atlas: Atlas, who: Principal, action_id: ActionId, *, is_approval: bool) -> None:
    try:
        async with atlas.transaction(who) as conn:
            await SQL.value(conn, "rule", action_id=action_id, is_approval=is_approval, digest=DIGEST)
    except (psycopg.Error, TimeoutError):
        return


async def _execute(atlas: Atlas, action_id: ActionId) -> None:
    try:
        async with atlas.transaction(RACER) as conn:
            await SQL.value(conn, "claim", action_id=action_id, digest=DIGEST)
            await SQL.run(conn, "effect", action_id=action_id)
            await SQL.value(conn, "finish")
    except (psycopg.Error, TimeoutError):
        return


def is_right(ending: Ending) -> bool:
    """Done only once, unmoved, with enough different people behind it and nobody against; and nothing where it was not done."""
    if ending.has_wrong_ruler:
        return False
    if ending.state != "done":
        return ending.effects == 0
    return (
        ending.effects == 1
        and ending.is_sealed
        and ending.rejections == 0
        and ending.approvals >= ending.needed
        and ending.people >= ending.needed
    )
