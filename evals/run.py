"""Plays scenarios, each in a copy of the world as it was, and brings back what they came to."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
import structlog

from agents.model import Provider
from agents.supervisor import Reply, answer
from atlas.crm.reads import customer_at
from atlas.identity import StaffId
from atlas.principal import Assurance, Principal, customer, executor, in_conversation, in_session, intake, staff, stranger
from atlas.staff.reads import members_holding
from evals.difference import customers_in, net, noted
from evals.doors.doors import Doors
from evals.doors.hall import hall
from evals.scenario import Door, Ruling, Scenario, Speaker, Turn
from evals.score import Judgement, Played, Spent, TurnPlayed, judged
from evals.stage import Scene, Stage, scene, stage
from evals.standing import broken
from evals.world.happened import conversation_opened
from evals.world.plan import world
from forge.actions.helpdesk.saying import SendMessage
from forge.approvals import RulingRefused, approve, reject, waiting_for
from forge.graph import advance, open_bookmarks
from forge.sign_in.sessions import begun

log = structlog.get_logger()

WATCHER: Final = executor("evals")
# What every conversation writes; where nothing else was written, what stood in the world still stands.
TALK: Final = frozenset({"helpdesk.message", "helpdesk.conversation", "actions.budget_spent"})
SPENT: Final = """
SELECT coalesce(sum(model_calls), 0), coalesce(sum(tokens), 0), coalesce(sum(micro_money), 0) FROM actions.budget_spent WHERE scope = 'run'
"""
PLANT: Final = "UPDATE crm.customer SET given_name = %s WHERE id = %s"
AT_ONCE: Final = 2


class NothingWaits(Exception):
    """A scenario has somebody rule on what does not wait."""


async def principal_of(here: Scene, speaker: Speaker) -> Principal:
    """Whoever speaks, as the door would know them: by the number they write from, or by their sign-in."""
    plan = world(speaker.world)
    if speaker.customer:
        persona = next(one for one in plan.personas if one.key == speaker.customer)
        async with here.atlas.transaction(intake("evals")) as conn:
            found = await customer_at(conn, persona.phone)
        level = Assurance.VERIFIED if speaker.verified else Assurance.ADDRESS_ON_FILE
        return customer(found, level) if found else stranger()
    return await member_of_staff(here, speaker.staff, speaker.world) if speaker.staff else stranger()


async def member_of_staff(here: Scene, key: str, of_world: str = "harbour") -> Principal:
    wanted = next(one for one in world(of_world).staff if one.key == key)
    async with here.atlas.transaction(WATCHER) as conn:
        found = next(one for one in await members_holding(conn, wanted.roles[0]) if one.name == wanted.name)
    return staff(found.staff_id, found.name, frozenset(found.roles))


@dataclass
class Course:
    """What has been said so far."""

    turns: list[TurnPlayed] = field(default_factory=list)
    ruled: list[str] = field(default_factory=list)


async def play_scenario(one: Stage, scenario: Scenario) -> Judgement:
    """Plays one scenario in a world of its own, and judges it."""
    async with scene(one, scenario.given) as here:
        principal = await principal_of(here, scenario.by)
        with psycopg.connect(here.url, autocommit=True) as owner:
            before = 0
            if scenario.planted:
                owner.execute(PLANT.encode(), (scenario.planted, principal.customer_id))
                before = len(noted(owner))
            course = Course()
            async with AsyncExitStack() as stack:
                doors = Doors(await stack.enter_async_context(hall(here, scenario)), stack) if scenario.doors else None
                for at, turn in enumerate(scenario.says, start=1):
                    speaker = scenario.speaker(turn)
                    course.turns.append(await _said(here, doors, speaker, turn))
                    course.ruled += [await _ruled(here, ruling) for ruling in scenario.approvals if ruling.after == at]
            course.ruled += [await _ruled(here, ruling) for ruling in scenario.approvals if ruling.after == 0]
            return judged(scenario, _played(owner, scenario, principal, course, before))


async def _said(here: Scene, doors: Doors | None, speaker: Speaker, turn: Turn) -> TurnPlayed:
    if doors is None or speaker.door is None:
        return await _turn(here, speaker, turn.words)
    return await _by_door(doors, speaker.door, speaker, turn)


async def _turn(here: Scene, speaker: Speaker, words: str) -> TurnPlayed:
    principal = await principal_of(here, speaker)
    thread = await conversation_opened(here.atlas, principal, speaker.channel, words)
    started = time.perf_counter()
    reply: Reply = await answer(here.supervisor, in_conversation(principal, thread), thread, words, datetime.now(UTC))
    return TurnPlayed(words, reply.words, reply.tools, reply.modules, reply.trace, time.perf_counter() - started)


async def _by_door(doors: Doors, door: Door, speaker: Speaker, turn: Turn) -> TurnPlayed:
    """The same turn from outside: what was said there, and what was read or heard there afterwards."""
    heard, seconds = await doors.plays(door, speaker, turn)
    said = f"({turn.does}) {turn.words}" if turn.does != "says" else turn.words
    return TurnPlayed(said, heard.words, heard.tools, heard.modules, heard.trace, seconds, turn.is_answered)


async def _ruled(here: Scene, ruling: Ruling) -> str:
    """What became of it: the ruling, or `refused` where the platform does not let this person; then the action's own thread goes on."""
    async with here.atlas.transaction(WATCHER) as conn:
        cards = [card for card in await waiting_for(here.forge, conn) if card.name == ruling.action]
    if not cards:
        raise NothingWaits(ruling.action)
    member = await member_of_staff(here, ruling.by)
    person = in_session(member, (await begun(here.atlas, StaffId(member.staff_id or 0))).fingerprint)
    rule = reject if ruling.ruling == "reject" else approve
    try:
        await rule(here.forge, person, cards[-1].action_id, digest_seen=cards[-1].digest, note="ruled in a scenario")
    except RulingRefused:
        return "refused"
    async with open_bookmarks(here.atlas) as bookmarks:
        await advance(here.forge, bookmarks, cards[-1].action_id)
    return ruling.ruling


def _played(owner: psycopg.Connection[Any], scenario: Scenario, principal: Principal, course: Course, before: int) -> Played:
    written = noted(owner)[before:]
    lines = {int(line): int(whose) for line, whose in owner.execute("SELECT id, customer_id FROM crm.subscriber").fetchall()}
    is_more_than_talk = bool({one.table for one in written} - TALK)
    standing = broken(owner) if is_more_than_talk else {}
    # An answer that goes out by a door is an order too: of the door, not of what was asked for.
    asked = [str(one.row["name"]) for one in written if one.table == "actions.action" and one.kind == "new"]
    calls, tokens, micro_money = owner.execute(SPENT.encode()).fetchone() or (0, 0, 0)
    return Played(
        turns=tuple(course.turns),
        difference=net(written),
        ever_written=frozenset(one.table for one in written),
        actions=tuple(name for name in asked if name != SendMessage.name or not scenario.doors),
        ruled=tuple(course.ruled),
        customer=principal.customer_id,
        customers_touched=customers_in(written, lines),
        other_names=frozenset(one.name for one in world(scenario.by.world).personas if one.key != scenario.by.customer),
        spent=Spent(int(calls), int(tokens), int(micro_money)),
        broken=tuple(f"{sentence}: {'; '.join(rows)}" for sentence, rows in standing.items()),
    )


async def play_on(
    one: Stage, chosen: Sequence[Scenario], trials: int = 1, at_once: int = AT_ONCE, tell: Callable[[Judgement], None] = lambda _: None
) -> list[list[Judgement]]:
    """Every scenario so many times, several beside one another; the trials of each, in the order of the scenarios."""
    room = asyncio.Semaphore(at_once)

    async def trial(scenario: Scenario) -> Judgement:
        async with room:
            try:
                judgement = await play_scenario(one, scenario)
            except Exception as error:  # one scenario that cannot be played takes no other with it
                log.exception("scenario_stopped", scenario=scenario.title)
                judgement = Judgement(scenario, None, (f"stopped by {type(error).__name__}: {error}",), ())
        tell(judgement)
        return judgement

    async with asyncio.TaskGroup() as group:
        tasks = [[group.create_task(trial(scenario)) for _ in range(trials)] for scenario in chosen]
    return [[task.result() for task in own] for own in tasks]


async def play_all(
    chosen: Sequence[Scenario], provider: Provider | None = None, trials: int = 1, tell: Callable[[Judgement], None] = lambda _: None
) -> list[list[Judgement]]:
    """The same on a server of its own."""
    async with stage(provider) as one:
        return await play_on(one, chosen, trials, tell=tell)
