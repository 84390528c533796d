"""Plays tasks on Bedrock's own agents: each turn goes the way of any customer's message, but for what README.md beside this names."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from agents.briefs import Brief, house_style, parsed_brief, values_of
from agents.budgets import Prices
from agents.checkpoints import Checkpoints, KeptInAtlas
from agents.consultation import Consultants, consultants
from agents.conversation import Proposer, TurnContext
from agents.embeddings import Encoder, WordCounts, local_encoder
from agents.model import CircuitBreaker, Provider, ProviderCalls
from agents.model_router import ModelRouter
from agents.module_agent import build
from agents.replies import HAND_OVER
from agents.roster import AUDIENCES, Member, examples, roster
from agents.router import Router
from agents.rule_model import reader_of
from agents.supervisor import Supervisor, answer, conversation_graph
from agents.veiled import Veiled
from atlas.connection import Atlas
from atlas.identity import CorrelationId, CustomerId
from atlas.principal import Assurance, Principal, customer, in_conversation
from atlas.statements import Statements
from evals.governance.ground import SECRET, ground
from evals.tasks.caller import Caller
from evals.tasks.counter import Counter
from evals.tasks.phone import BY_HAND
from evals.tasks.procedure import ProcedureModel
from evals.tasks.task import POLICY, Task, text_of
from evals.tasks.town import ASSISTANT, USER, Town, failures, not_done
from evals.world.happened import conversation_opened
from forge.matrix_in_force import put_in_force
from forge.propose import Forge, MatrixInForce, Proposed, propose
from forge.register import Register
from governance import matrix

SQL: Final = Statements(__file__)
MODULE: Final = "mobile"
BRIEF: Final = Path(__file__).with_name("mobile.md")
TIMEZONE: Final = ZoneInfo("America/New_York")
# Twice what the longest task takes by the rules: whoever is not done by then has been lost.
MOST_TURNS: Final = 48


@dataclass(frozen=True)
class Said:
    """One turn: what the caller said, what was answered, by which modules and tools, and by which models."""

    heard: str
    words: str
    modules: tuple[str, ...]
    tools: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True)
class Played:
    """One task. `failures`: what the dataset says is wrong; `missing`: expected calls that nobody made, whether they count or not.

    `ended`: content (the caller's phone showed what they called for), transferred (to a person), lost (neither, after MOST_TURNS).
    `refused`: the rules by which governance refused what an agent wanted.
    """

    task: Task
    turns: tuple[Said, ...]
    ended: str
    failures: tuple[str, ...]
    missing: tuple[str, ...]
    refused: tuple[str, ...]
    seconds: float

    @property
    def is_passed(self) -> bool:
        return not self.failures

    @property
    def turns_with_others(self) -> int:
        """Turns in which the supervisor asked other modules too."""
        return sum(MODULE in turn.modules and len(turn.modules) > 1 for turn in self.turns)

    @property
    def turns_elsewhere(self) -> int:
        """Turns that the visiting module never saw."""
        return sum(MODULE not in turn.modules for turn in self.turns)


@dataclass(frozen=True)
class Line:
    """What answers calls: the supervisor with the visiting module among its ten, the counter it works at, and who may call."""

    supervisor: Supervisor
    counter: Counter
    atlas: Atlas
    callers: asyncio.Queue[int]


@dataclass(frozen=True)
class Policed(Brief):
    """The visiting module's brief with the operator's own rules behind it, read where they lie: only a provider's model reads it."""

    rules: tuple[str, ...] = POLICY

    def told(self, values: Any) -> str:
        return "\n\n".join((super().told(values), *(text_of(name) for name in self.rules)))


def visitor(counter: Counter) -> Member:
    """Raises PromptMalformed."""
    brief = parsed_brief(MODULE, BRIEF.read_text())
    policed = Policed(brief.module, brief.instructions, brief.needs, brief.examples, brief.version)
    return Member(MODULE, counter.agent(), policed)


async def supervisor_of(
    counter: Counter, atlas: Atlas, proposer: Proposer, checkpoints: Checkpoints, encoder: Encoder, provider: Provider | None = None
) -> Supervisor:
    """Bedrock's supervisor with eleven modules. Without a provider the visiting one answers by its procedure."""
    members = {**roster(), MODULE: visitor(counter)}
    router = await Router.of(examples(members), encoder, WordCounts())
    breaker = CircuitBreaker(time.monotonic)
    consulted = consultants(members, router, provider, breaker)
    if provider is None:
        consulted = by_procedure(consulted, router, breaker)
    graph = conversation_graph(router, consulted, ModelRouter.of(members, provider, breaker) if provider else None)
    return Supervisor(atlas, proposer, router, consulted, checkpoints, TIMEZONE, graph)


def by_procedure(consulted: Consultants, router: Router, breaker: CircuitBreaker) -> Consultants:
    """The same with the procedure in the rule model's seat of the visiting module: limits, budgets and errors around it stay."""
    member, style, rules = consulted.members[MODULE], house_style(), ProcedureModel(module=MODULE, router=router)
    prices = Prices()

    def brief(context: TurnContext) -> str:
        return f"{style.told(values_of(context))}\n\n{member.brief.told(values_of(context))}"

    ours = {
        (MODULE, audience): build(
            f"{MODULE}_for_{audience}",
            member.tools(audience),
            model=rules,
            rule_model=rules,
            around=ProviderCalls(breaker, rules),
            brief=brief,
            rule_settings=lambda context: {"reader": reader_of(context)},
            prices=prices,
            innermost=Veiled(MODULE, rules, is_veiled=True),
        )
        for audience in AUDIENCES
    }
    return replace(consulted, agents={**consulted.agents, **ours})


@asynccontextmanager
async def line_for(many: int, provider: Provider | None = None) -> AsyncIterator[Line]:
    """A database of its own with so many customers in it, and everything that answers them."""
    async with ground() as url, Atlas.open(url, SECRET) as atlas, KeptInAtlas.open(url, SECRET, most=4) as checkpoints:
        encoder = await asyncio.to_thread(local_encoder)
        async with await AsyncConnection.connect(url, autocommit=True) as owner:
            yield await line_on(atlas, owner, checkpoints, encoder, many, provider)


async def line_on(
    atlas: Atlas,
    owner: AsyncConnection[tuple[Any, ...]],
    checkpoints: Checkpoints,
    encoder: Encoder,
    many: int,
    provider: Provider | None = None,
) -> Line:
    """The same on a database that is open already."""
    shipped = matrix.load(matrix.SHIPPED)
    await put_in_force(atlas, shipped)
    forge = Forge(atlas, Register.of_modules(), MatrixInForce(shipped), lambda: datetime.now(UTC), TIMEZONE)

    async def proposer(principal: Principal, action: Any, reason: str, correlation_id: CorrelationId) -> Proposed:
        return await propose(forge, principal, action, reason=reason, correlation_id=correlation_id)

    counter = Counter()
    callers: asyncio.Queue[int] = asyncio.Queue()
    for number in await SQL.column(owner, "callers", name="John Smith", many=many):
        callers.put_nowait(int(number))
    return Line(await supervisor_of(counter, atlas, proposer, checkpoints, encoder, provider), counter, atlas, callers)


async def play(line: Line, task: Task, *, is_talkative: bool = False) -> Played:
    """One call from the first word to the last, and the dataset's judgement of it. Uses up one of the line's callers."""
    began = time.perf_counter()
    town = Town.before(task.begins)
    number = line.callers.get_nowait()
    line.counter.towns[number] = town
    turns, ended = await _call(line, CustomerId(number), town, Caller(task.person, hand_of(town), is_talkative))
    del line.counter.towns[number]
    return Played(
        task,
        tuple(turns),
        ended,
        tuple(failures(town, task.criteria)),
        tuple(not_done(town, task.criteria)),
        tuple(town.refused),
        time.perf_counter() - began,
    )


def hand_of(town: Town) -> Callable[..., str]:
    """The caller's hand on the phone: what a person can do with one, and nothing of what is done to it."""

    def does(function: str, **arguments: Any) -> str:
        if function not in BY_HAND:
            raise ValueError(f"nobody does {function} by hand")
        return str(town.does(USER, function, **arguments))

    return does


async def _call(line: Line, number: CustomerId, town: Town, caller: Caller) -> tuple[list[Said], str]:
    """The turns, and how the call ended: content, transferred, or lost."""
    known = customer(number, Assurance.VERIFIED)
    words, turns = caller.opens(), list[Said]()
    thread = None
    while len(turns) < MOST_TURNS:
        opened = await conversation_opened(line.atlas, known, "chat", words)
        thread = thread or opened
        said = await answer(line.supervisor, in_conversation(known, thread), thread, words, datetime.now(UTC))
        models = tuple(str(one["model"]) for one in said.trace["answers"])
        turns.append(Said(words, said.words, said.modules, said.tools, models))
        if HAND_OVER in said.tools and said.proposals:
            town.does(ASSISTANT, "transfer_to_human_agents", summary=said.words)
            return turns, "transferred"
        words = caller.hears(said.words)
        if caller.is_content:
            return turns, "content"
    return turns, "lost"


async def play_all(
    line: Line, chosen: Sequence[Task], tell: Callable[[Played], None] = lambda _: None, *, is_talkative: bool = False
) -> list[Played]:
    """Every task, one after the other."""
    played: list[Played] = []
    for task in chosen:
        played.append(await play(line, task, is_talkative=is_talkative))
        tell(played[-1])
    return played
