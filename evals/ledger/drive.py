"""Drives the real tables and the model side by side: transactions of steps on several connections, races, a check after each round."""

import asyncio
import copy
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

import psycopg
from psycopg import AsyncConnection

from atlas.billing.reads.books import broken_invariants
from atlas.identity import CustomerId
from atlas.statements import Connection, Statements
from evals.ledger.chance import Chance
from evals.ledger.model import ANOTHER_AMOUNT, DEADLOCK, NOT_NOW, TOO_MUCH, Account, Refused
from evals.ledger.steps import CreditNote, Match, Pay, Refund, Reverse, Settle, Step, WriteOff

SQL = Statements(__file__)

CONNECTIONS: Final = 4
CUSTOMERS_EACH: Final = 40
# A round's steps before everything is compared; a generation lasts so many rounds: histories grow long, but not without end.
ROUND: Final = 800
ROUNDS_OF_A_GENERATION: Final = 14
LARGEST_TRANSACTION: Final = 8
RACES: Final = 12
# So long the first of two holds back its commit while the other runs into what it did, in seconds.
HELD_BACK: Final = 0.01


class Broken(Exception):
    """The books did or hold something else than the model."""


@dataclass(frozen=True)
class Found:
    """`broken` says what broke first, "" where nothing did. `steps` were taken, `refused` of them rightly refused.

    `error` is what stopped the run without showing anything about the books: a wall behind them, or SQL that does not run.
    """

    steps: int
    refused: int
    races: int
    checks: int
    broken: str = ""
    error: str = ""


@dataclass(frozen=True)
class State:
    customer_id: int
    mark: int
    before: str
    now: str
    balances: dict[str, int]
    open_items: dict[str, int]


@dataclass
class Stream:
    """One connection with its own customers."""

    conn: Connection
    chance: Chance
    accounts: list[Account] = field(default_factory=list)


@dataclass
class Drive:
    """A whole run. Everything it does follows from the seed, but for who wins a race."""

    streams: list[Stream]
    checker: Connection
    rng: Random
    marks: dict[int, tuple[int, str]] = field(default_factory=dict)
    customers: "count[int]" = field(default_factory=lambda: count(1))
    steps: int = 0
    refused: int = 0
    races: int = 0
    checks: int = 0

    def found(self, broken: str = "", error: str = "") -> Found:
        return Found(self.steps, self.refused, self.races, self.checks, broken, error)

    async def run(self, steps: int) -> Found:
        """Takes at least so many steps, or stops at the first thing that breaks."""
        try:
            generation = 0
            while self.steps < steps:
                if generation % ROUNDS_OF_A_GENERATION == 0:
                    await self.next_generation()
                generation += 1
                await self.round()
                for _ in range(RACES):
                    await self.race()
                await self.check()
        except Broken as broken:
            return self.found(str(broken))
        except psycopg.Error as error:
            return self.found(error=f"{type(error).__name__}: {str(error).splitlines()[0]}")
        return self.found()

    async def round(self) -> None:
        """Every stream to its end, also when another broke: a connection is not left in the middle of a transaction."""
        ended = await asyncio.gather(
            *(self.some_steps(stream, ROUND // len(self.streams)) for stream in self.streams), return_exceptions=True
        )
        for one in ended:
            if isinstance(one, BaseException):
                raise one

    async def next_generation(self) -> None:
        for stream in self.streams:
            stream.accounts = [Account(next(self.customers)) for _ in range(CUSTOMERS_EACH)]
            stream.chance.waiting.clear()
        numbers = [account.number for stream in self.streams for account in stream.accounts]
        self.marks = dict.fromkeys(numbers, (0, "0"))
        await SQL.run(self.checker, "people", customer_ids=numbers)

    async def some_steps(self, stream: Stream, steps: int) -> None:
        """Whole transactions of up to eight steps; what must be refused, and a credit note, is asked in one of its own.

        A note holds its series to the end as a bill holds its own: two transactions of both could wait for one another for ever.
        """
        until = self.rng.randrange(1, LARGEST_TRANSACTION)
        batch: list[Step] = []
        for _ in range(steps):
            account = stream.chance.rng.choice(stream.accounts)
            step = stream.chance.step(account)
            self.steps += 1
            try:
                step.expect(account)
            except Refused as refused:
                await committed(stream.conn, batch)
                batch.clear()
                await self.must_refuse(stream.conn, step, refused.code)
                continue
            if isinstance(step, CreditNote):
                await committed(stream.conn, batch)
                batch.clear()
            batch.append(step)
            if len(batch) >= until or isinstance(step, CreditNote):
                await committed(stream.conn, batch)
                batch.clear()
                until = stream.chance.rng.randrange(1, LARGEST_TRANSACTION)
        await committed(stream.conn, batch)

    async def must_refuse(self, conn: Connection, step: Step, code: str) -> None:
        self.refused += 1
        answer = await outcome(conn, step)
        if answer != code:
            raise Broken(f"{step} was answered with {answer}, not refused with {code}")

    async def race(self) -> None:
        """Two calls about one customer's money on two connections at once: what comes out must be what some order of the two gives."""
        stream = self.rng.choice(self.streams)
        account = self.rng.choice(stream.accounts)
        steps = rivals(stream.chance, account)
        if steps is None:
            return
        self.races += 1
        self.steps += 2
        one, other = self.rng.sample(self.streams, 2)
        answers = await (overlapped if self.rng.random() < 0.5 else at_once)(one.conn, other.conn, steps)
        for first in (0, 1):
            # Copied together: the steps of a trial take from the trial's own suspense.
            trial, waiting, tried = copy.deepcopy((account, stream.chance.waiting, steps))
            codes = {place: expected(trial, tried[place]) for place in (first, 1 - first)}
            if explains(answers, codes, first):
                stream.accounts[stream.accounts.index(account)] = trial
                stream.chance.waiting.clear()
                stream.chance.waiting.update(waiting)
                return
        raise Broken(f"{steps[0]} and {steps[1]} at once were answered with {answers}: no order of the two gives that")

    async def check(self) -> None:
        """Every invariant of everybody who moved, everything against the model, and nothing of yesterday changed."""
        self.checks += 1
        accounts = {account.number: account for stream in self.streams for account in stream.accounts}
        broken = await broken_invariants(self.checker, [CustomerId(number) for number in accounts])
        if broken:
            raise Broken(f"{broken[0].invariant}: {broken[0].subject}, expected {broken[0].expected}, found {broken[0].found}")
        marks = [self.marks[number][0] for number in accounts]
        for state in await SQL.all(self.checker, State, "state_of", customer_ids=list(accounts), marks=marks):
            self.compare(accounts[state.customer_id], state)
            self.marks[state.customer_id] = (state.mark, state.now)

    def compare(self, account: Account, state: State) -> None:
        if state.before != self.marks[account.number][1]:
            raise Broken(f"what was posted for customer {account.number} is no longer what it was")
        balances = {name: amount for name, amount in account.balances.items() if amount}
        if state.balances != balances:
            raise Broken(f"customer {account.number}: the balances are {state.balances}, the model has {balances}")
        if state.open_items != account.open_items():
            raise Broken(f"customer {account.number}: open is {state.open_items}, the model has {account.open_items()}")


def explains(answers: Sequence[int | str], codes: Mapping[int, str | None], first: int) -> bool:
    """Whether this order gives these answers: journals are numbered in the order in which they were posted."""
    if any((answers[place] if isinstance(answers[place], str) else None) != codes[place] for place in (0, 1)):
        return False
    one, other = answers[first], answers[1 - first]
    return not (isinstance(one, int) and isinstance(other, int)) or one <= other


def rivals(chance: Chance, account: Account) -> tuple[Step, Step] | None:
    """Two steps that get in each other's way; None where this customer has nothing to fight over."""
    kind = chance.rng.choice(("same payment", "two payments", "reversal", "refund", "write off", "match", "settle", "two write-offs"))
    if kind == "same payment":
        step: Step | None = chance.pay(account)
        return (step, step) if step else None
    if kind == "two payments":
        return _pair(chance.pay(account), chance.pay(account))
    if kind == "reversal":
        step = chance.reverse(account)
        return (step, step) if isinstance(step, Reverse) else None
    if kind == "refund":
        refund = chance.refund(account)
        return (
            (refund, Refund(refund.customer, chance.key(), refund.reference, refund.amount, refund.at))
            if isinstance(refund, Refund)
            else None
        )
    if kind in ("match", "settle"):
        step = chance.match(account) if kind == "match" else chance.settle(account)
        return (step, step) if isinstance(step, Match | Settle) else None
    given_up = chance.write_off(account)
    if not isinstance(given_up, WriteOff):
        return None
    if kind == "two write-offs":
        return given_up, WriteOff(account.number, chance.key(), given_up.invoice, given_up.amount, given_up.at)
    return given_up, Pay(account.number, chance.key(), given_up.amount, given_up.at)


def _pair(one: Step | None, other: Step | None) -> tuple[Step, Step] | None:
    return (one, other) if one and other else None


def expected(account: Account, step: Step) -> str | None:
    """The code with which the books must refuse; None where they must not."""
    try:
        step.expect(account)
    except Refused as refused:
        return refused.code
    return None


async def committed(conn: Connection, steps: Sequence[Step]) -> None:
    """All of them in one transaction, sent without waiting for each answer."""
    if not steps:
        return
    try:
        async with conn.pipeline(), conn.transaction():
            for step in steps:
                for statement, parameters in step.calls():
                    await conn.execute(statement.encode(), parameters)
    except psycopg.Error as error:
        if refusal(error) is None:
            raise
        raise Broken(f"what the model allows was refused: {str(error).splitlines()[0]}") from error


def refusal(error: psycopg.Error) -> str | None:
    """The SQLSTATE with which the books themselves say no; None where a constraint or the server stopped the call."""
    said = error.sqlstate if error.diag.constraint_name is None else None
    return said if said in (TOO_MUCH, NOT_NOW, ANOTHER_AMOUNT, DEADLOCK) else None


async def at_once(one: Connection, other: Connection, steps: tuple[Step, Step]) -> list[int | str]:
    return list(await asyncio.gather(outcome(one, steps[0]), outcome(other, steps[1])))


async def overlapped(one: Connection, other: Connection, steps: tuple[Step, Step]) -> list[int | str]:
    """The second starts after the first did its work and before it is committed: it waits, or it acts on what is no longer so."""
    worked, held = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(outcome(one, steps[0], worked, held))
    await asyncio.wait({first, working := asyncio.create_task(worked.wait())}, return_when=asyncio.FIRST_COMPLETED)
    working.cancel()
    second = asyncio.create_task(outcome(other, steps[1]))
    await asyncio.wait({second}, timeout=HELD_BACK)
    held.set()
    return list(await asyncio.gather(first, second))


async def outcome(conn: Connection, step: Step, worked: asyncio.Event | None = None, held: asyncio.Event | None = None) -> int | str:
    """What one call by itself answers, or the SQLSTATE with which it is refused. Says when it `worked`, then waits while it is `held`."""
    answer: Any = None
    try:
        async with conn.transaction():
            for statement, parameters in step.calls():
                cursor = await conn.execute(statement.encode(), parameters)
                answer = (await cursor.fetchone() or (0,))[0] if cursor.description else 0
            if worked and held:
                worked.set()
                await held.wait()
    except psycopg.Error as error:
        if (code := refusal(error)) is None:
            raise
        return code
    return answer if isinstance(answer, int) else 0


async def driven(url: str, steps: int, seed: int) -> Found:
    """A run over the books at `url`, as their owner: the gate before them has tests of its own."""
    async with AsyncExitStack() as stack:

        async def connected() -> Connection:
            conn = await stack.enter_async_context(await AsyncConnection.connect(url, autocommit=True))
            await conn.execute("SELECT set_config('bedrock.action', '1', false), set_config('synchronous_commit', 'off', false)")
            return conn

        checker = await connected()
        # Planned for the very customers asked about: a plan for any would read every table from end to end.
        checker.prepare_threshold = None
        await SQL.run(checker, "ground")
        rng, invoices = Random(seed), count(1)  # noqa: S311  a seeded experiment
        streams = [Stream(await connected(), Chance(Random(rng.random()), f"s{number}", invoices)) for number in range(CONNECTIONS)]  # noqa: S311
        return await Drive(streams, checker, rng).run(steps)
