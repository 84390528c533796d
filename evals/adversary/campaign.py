"""Many runs of the worst case, in several processes on one server, and what they came to."""

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import structlog

from agents.module_agent import raised_at
from api.operations.redaction import redacted
from atlas import embedded
from evals.adversary.acting import Acting
from evals.adversary.attacks.all import attacks_at
from evals.adversary.attacks.attack import MUTATIONS, Attack
from evals.adversary.attacks.tools import softening_up
from evals.adversary.ground import Ground, Scene, Troupe, laid, scene, troupe
from evals.adversary.oracles.aftermath import Breach
from evals.adversary.oracles.books import chain_broken
from evals.adversary.oracles.verdict import judged

log = structlog.get_logger()

LEVELS: Final = (0, 1, 2, 3, 4, 5)
MALICIOUS: Final = 2
# Runs that share one copy of the town: enough that copying costs little, few enough that what one run used up does not starve the next.
PER_SCENE: Final = 25


@dataclass(frozen=True)
class Run:
    """One run's place in the campaign: its number decides level, attack and mutation, the seed all chance in it."""

    number: int
    seed: int
    level: int

    @property
    def attack(self) -> Attack:
        known = attacks_at(self.level)
        return known[self.turn % len(known)]

    @property
    def turn(self) -> int:
        """How many runs of its level came before it."""
        return self.number // len(LEVELS)

    @property
    def round(self) -> int:
        """How often its attack was played before it."""
        return self.turn // len(attacks_at(self.level))

    @property
    def mutation(self) -> int:
        return self.round % MUTATIONS


@dataclass
class Tally:
    """What some runs came to."""

    runs: Counter[int] = field(default_factory=Counter)
    tool_calls: Counter[int] = field(default_factory=Counter)
    statements: Counter[int] = field(default_factory=Counter)
    refusals: int = 0
    turns: int = 0
    lawful: int = 0
    lawful_failed: int = 0
    attacks: Counter[str] = field(default_factory=Counter)
    breaches: list[tuple[Run, str, Breach]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        for name in ("runs", "tool_calls", "statements", "attacks"):
            getattr(self, name).update(getattr(other, name))
        for name in ("refusals", "turns", "lawful", "lawful_failed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.breaches.extend(other.breaches)


def runs_of(count: int, seed: int, levels: Sequence[int] = LEVELS) -> list[Run]:
    """The campaign, level after level in turn."""
    return [Run(number, seed, levels[number % len(levels)]) for number in range(count)]


def by_level(count: int, seed: int, level: int) -> list[Run]:
    """The runs of one level alone."""
    return [Run(number * len(LEVELS) + level, seed, level) for number in range(count)]


@contextmanager
def logs_kept() -> Any:
    """Every log line of the process, as it would have been written, in a list instead of on the screen."""
    before, kept = structlog.get_config(), []

    def keep(_logger: Any, _name: str, event: Any) -> Any:
        kept.append(repr(event))
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, redacted, keep])
    try:
        yield kept
    finally:
        structlog.configure(**before)


async def played(one: Scene, run: Run, tally: Tally, logs: list[str]) -> list[Breach]:
    """One run, judged."""
    # Not for secrets: the same seed must come to the same run.
    rng = random.Random(f"{run.seed}/{run.number}/{run.level}")  # noqa: S311
    acting = Acting(one, rng, run.mutation, run.level, run.turn, run.round)
    logs.clear()
    await _set_back(one)
    careless(one, rng)
    crash: list[Breach] = []
    try:
        if run.level >= MALICIOUS:
            await softening_up(acting)
        await run.attack.play(acting)
        await acting.work()
    except Exception as error:  # whatever the attack broke is what we are here to find; the campaign goes on
        crash.append(Breach("crash", f"{type(error).__name__} at {raised_at(error)}: {str(error)[:200]}"))
    breaches = [*crash, *await judged(acting, run.level, "\n".join(logs))]
    evidence = acting.evidence
    tally.runs[run.level] += 1
    tally.attacks[run.attack.name] += 1
    tally.tool_calls[run.level] += evidence.tool_calls
    tally.statements[run.level] += evidence.statements
    tally.turns += len(evidence.heard)
    tally.refusals += evidence.refusals
    tally.lawful += len(evidence.lawful)
    tally.lawful_failed += sum(not succeeded for _, succeeded in evidence.lawful)
    tally.breaches.extend((run, run.attack.name, breach) for breach in breaches)
    return breaches


def careless(one: Scene, rng: random.Random) -> None:
    """A line of a log that somebody wrote without thinking, with a way to reach a customer in it: the log hides that, whoever wrote it."""
    _, address = rng.choice(sorted(one.knowledge.addresses[rng.choice(sorted(one.knowledge.addresses))]))
    log.warning("could_not_reach", why=f"no answer from {address} after three tries")


async def _set_back(one: Scene) -> None:
    """Conversations that a run gave to a person are the agents' again, and sign-ins are of just now."""
    await one.owner.execute("UPDATE helpdesk.conversation SET owner = 'agents' WHERE owner <> 'agents'")
    await one.owner.execute(
        "UPDATE staff.session SET fresh_at = now() - interval '1 s' WHERE token_hash >= 'signed in just' AND token_hash < 'signed in k'"
    )
    await one.look_away()


async def play(ground: Ground, runs: Sequence[Run], told: Callable[[Tally], None] | None = None, cast: Troupe | None = None) -> Tally:
    """These runs, one after another in this process."""
    tally, started = Tally(), time.perf_counter()
    cast = cast or await troupe()
    with logs_kept() as logs:
        for at in range(0, len(runs), PER_SCENE):
            part = Tally()
            async with scene(ground, cast) as one:
                for run in runs[at : at + PER_SCENE]:
                    await played(one, run, part, logs)
                last = runs[min(at + PER_SCENE, len(runs)) - 1]
                part.breaches.extend((last, "the whole scene", breach) for breach in await chain_broken(one))
            tally.add(part)
            if told:
                told(part)
    tally.seconds = time.perf_counter() - started
    return tally


@asynccontextmanager
async def server_of_its_own(folder: Path | None = None) -> AsyncIterator[embedded.EmbeddedServer]:
    """A server for a campaign; nothing on it outlives it, so it need not reach the disk."""
    with tempfile.TemporaryDirectory(prefix="bedrock-adversary-") as temporary:
        home = folder or Path(temporary)
        home.chmod(0o755)
        server = await asyncio.to_thread(embedded.start, home)
        try:
            yield server
        finally:
            await asyncio.to_thread(server.stop)


def _play_here(ground: Ground, runs: Sequence[Run]) -> Tally:
    return asyncio.run(play(ground, runs))


async def campaign(runs: Sequence[Run], processes: int, told: Callable[[Tally], None]) -> Tally:
    """All runs, shared out among so many processes; `told` hears of each part as it ends."""
    tally, started = Tally(), time.perf_counter()
    async with server_of_its_own() as server:
        ground = await asyncio.to_thread(laid, server)
        parts = [list(runs[at : at + PER_SCENE * 4]) for at in range(0, len(runs), PER_SCENE * 4)]
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(max_workers=processes, mp_context=context) as pool:
            loop = asyncio.get_running_loop()
            for done in asyncio.as_completed([loop.run_in_executor(pool, _play_here, ground, part) for part in parts]):
                part = await done
                tally.add(part)
                told(tally)
    tally.seconds = time.perf_counter() - started
    return tally
