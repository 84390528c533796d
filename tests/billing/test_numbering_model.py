"""Numbers of bills and credit notes beside a model of them: per series from the first on, no gap, none twice, in the order of issue."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from psycopg import AsyncConnection, Rollback

from atlas.billing.reads.books import broken_invariants
from evals.ledger.bugs import Bug, plant
from tests import given
from tests.billing.arranged import customer_with_line, one
from tests.billing.billed import charged_line, plan
from tests.given import NOW, Owner

Got = TypeVar("Got")

# The operator's own numbers begin high, those of the company that it took over at one; each has its notes.
FIRST = {"invoices": 100001, "credit_notes": 1, "south": 1, "south_notes": 1}
NOTES_OF = {"invoices": "credit_notes", "south": "south_notes"}
CHARGED, A_BATCH, BATCHES = 5, 2, 3
PEOPLE = 4
# How often it is looked whether the second of two waits for what the first did and did not commit, in seconds.
LOOKED_AGAIN = 0.002
EMPTIED = "TRUNCATE billing.journal, billing.balance, billing.bill_run, billing.billed_days, billing.invoice CASCADE"


@dataclass(frozen=True)
class Draft:
    id: int
    customer: int
    series: str
    is_dated: bool


@dataclass
class Numbers:
    """Every document that has a number, in the order of its series; and the batches of the run that is open."""

    issued: dict[str, list[str]] = field(default_factory=lambda: {series: [] for series in FIRST})
    batches: dict[int, list[int]] = field(default_factory=dict)

    def number(self, series: str, document: str) -> None:
        if document not in self.issued[series]:
            self.issued[series].append(document)

    def is_issued(self, draft: Draft) -> bool:
        return f"bill {draft.id}" in self.issued[draft.series]


class Move(ABC):
    """One call that gives numbers. `take`: what it does to the model; False where the books must refuse it."""

    @abstractmethod
    def call(self, run: int) -> tuple[str, Sequence[Any]]: ...

    @abstractmethod
    def take(self, numbers: Numbers) -> bool: ...


@dataclass(frozen=True)
class Issue(Move):
    drafts: Sequence[Draft]

    def call(self, run: int) -> tuple[str, Sequence[Any]]:  # noqa: ARG002
        return "SELECT billing.issue_invoices(%s::bigint[], %s)", ([draft.id for draft in self.drafts], NOW)

    def take(self, numbers: Numbers) -> bool:
        if not all(draft.is_dated for draft in self.drafts):
            return False
        for draft in sorted(self.drafts, key=lambda one: (one.customer, one.id)):
            numbers.number(draft.series, f"bill {draft.id}")
        return True


@dataclass(frozen=True)
class GiveBack(Move):
    """A whole bill; under `key` once, and under another not again."""

    bill: Draft
    key: str

    def call(self, run: int) -> tuple[str, Sequence[Any]]:  # noqa: ARG002
        lines = "(SELECT array_agg(id) FROM billing.invoice_line WHERE invoice_id = %s)"
        statement = f"SELECT billing.issue_credit_note(%s, %s, {lines}, ARRAY[NULL::bigint], %s, 'a mistake')"
        return statement, (f"{self.key}:{self.bill.id}", self.bill.id, self.bill.id, NOW)

    def take(self, numbers: Numbers) -> bool:
        notes, known = numbers.issued[NOTES_OF[self.bill.series]], f"note {self.key}:{self.bill.id}"
        if not numbers.is_issued(self.bill):
            return False
        if known not in notes and any(note.endswith(f":{self.bill.id}") for note in notes):
            return False
        numbers.number(NOTES_OF[self.bill.series], known)
        return True


@dataclass(frozen=True)
class IssueBatch(Move):
    """One batch of the run that is open."""

    batch: int

    def call(self, run: int) -> tuple[str, Sequence[Any]]:
        return "SELECT billing.issue_batch(%s, %s, %s)", (run, self.batch, NOW)

    def take(self, numbers: Numbers) -> bool:
        for bill in numbers.batches[self.batch]:
            numbers.number("invoices", f"bill {bill}")
        return True


@dataclass
class Held:
    """A transaction that did its work and may not end yet."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: asyncio.Event = field(default_factory=asyncio.Event)


# A machine that makes no steps agrees with everything.
LEAST_LOOKS = 150


class Numbering(RuleBasedStateMachine):
    url: str
    looks = 0
    people: list[int]
    charged: list[int]
    drafts = Bundle("drafts")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.conn, self.other, self.watch = (self.wait(self.connected()) for _ in range(3))
        self.wait(self.conn.execute(EMPTIED))
        self.wait(self.conn.execute("UPDATE billing.series SET next_number = first_number"))
        self.numbers = Numbers()
        self.run, self.month = 0, 0

    async def connected(self) -> Owner:
        conn = await AsyncConnection.connect(self.url, autocommit=True)
        await conn.execute("SELECT set_config('bedrock.action', (SELECT max(id)::text FROM actions.action), false)")
        return conn

    def wait(self, work: Awaitable[Got]) -> Got:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        for conn in (self.conn, self.other, self.watch):
            self.wait(conn.close())
        self.loop.close()

    @property
    def is_run_open(self) -> bool:
        return any(f"bill {bill}" not in self.numbers.issued["invoices"] for bills in self.numbers.batches.values() for bill in bills)

    def can(self, move: Move) -> bool:
        return not isinstance(move, IssueBatch) or self.is_run_open

    async def made(self, conn: Owner, move: Move, *, is_kept: bool, held: Held | None = None) -> bool:
        """Whether the books did it; waits while it is `held` before it commits, or takes it back where it is not kept."""
        statement, parameters = move.call(self.run)
        try:
            async with conn.transaction():
                await conn.execute(statement.encode(), parameters)
                if held:
                    held.begun.set()
                    await held.is_over.wait()
                if not is_kept:
                    raise Rollback
        except (psycopg.errors.InvalidParameterValue, psycopg.errors.NoDataFound):
            return False
        return True

    @initialize(target=drafts)
    def everybody_has_a_bill_to_be_issued(self) -> Any:
        return multiple(*(self.drafted(who, "invoices", is_dated=True) for who in range(PEOPLE)))

    @rule(
        target=drafts,
        who=st.integers(0, PEOPLE - 1),
        series=st.sampled_from(sorted(NOTES_OF)),
        is_dated=st.sampled_from([True] * 3 + [False]),
    )
    def a_bill_is_drafted(self, who: int, series: str, is_dated: bool) -> Draft:
        return self.drafted(who, series, is_dated=is_dated)

    def drafted(self, who: int, series: str, *, is_dated: bool) -> Draft:
        customer, month = self.people[who], date(2026, 1, 1)
        columns = {"period_from": month, "period_to": date(2026, 2, 1), "due_on": date(2026, 2, 15) if is_dated else None}

        async def drafted() -> int:
            invoice = await given.row(self.conn, "billing.invoice", customer_id=customer, month=month, series=series, **columns)
            line = {"label": "Fibre", "kind": "recurring", "amount_minor": 3000, "tax_minor": 600, "cause": "plan"}
            await given.row(self.conn, "billing.invoice_line", invoice_id=invoice, **line)
            return invoice

        return Draft(self.wait(drafted()), customer, series, is_dated)

    @precondition(lambda self: not self.is_run_open)
    @rule()
    def a_run_is_drafted_and_let_go(self) -> None:
        self.month += 1
        on = date(2025 + self.month // 12, self.month % 12 + 1, 1)

        async def drafted() -> dict[int, list[int]]:
            self.run = await one(
                self.conn, "SELECT billing.open_run('offCycle', %s::date - 1, %s, %s::bigint[], %s)", on, on, self.charged, A_BATCH
            )
            each = "SELECT billing.draft(run_id, customer_ids, %s) FROM billing.bill_run_batch WHERE run_id = %s"
            await self.conn.execute(each, (on, self.run))
            await self.conn.execute("SELECT billing.begin_issuing(%s)", (self.run,))
            found = await self.conn.execute(
                "SELECT batch.number, array_agg(invoice.id ORDER BY invoice.customer_id) FROM billing.bill_run_batch AS batch"
                "  JOIN billing.invoice ON invoice.run_id = batch.run_id AND invoice.customer_id = ANY (batch.customer_ids)"
                " WHERE batch.run_id = %s AND invoice.state = 'validated' GROUP BY batch.number",
                (self.run,),
            )
            return dict(await found.fetchall())

        self.numbers.batches = self.wait(drafted())
        assert sum(map(len, self.numbers.batches.values())) == CHARGED

    moves = st.one_of(
        st.builds(Issue, st.lists(drafts, min_size=1, max_size=4, unique_by=lambda draft: draft.id)),
        st.builds(GiveBack, drafts, st.sampled_from("ab")),
        st.builds(IssueBatch, st.integers(1, BATCHES)),
    )

    @rule(move=moves)
    def numbers_are_given(self, move: Move) -> None:
        if self.can(move):
            assert self.wait(self.made(self.conn, move, is_kept=True)) == move.take(self.numbers)

    @rule(move=moves)
    def what_was_rolled_back_took_no_number(self, move: Move) -> None:
        if self.can(move):
            self.wait(self.made(self.conn, move, is_kept=False))

    @rule(first=moves, second=moves, is_kept=st.booleans())
    def two_at_once(self, first: Move, second: Move, is_kept: bool) -> None:
        """The second runs into what the first did and has not committed yet; and the first may come to nothing."""
        if not (self.can(first) and self.can(second)):
            return

        async def both() -> tuple[bool, bool]:
            held = Held()
            one_of_them = asyncio.create_task(self.made(self.conn, first, is_kept=is_kept, held=held))
            begins = asyncio.create_task(held.begun.wait())
            await asyncio.wait({one_of_them, begins}, return_when=asyncio.FIRST_COMPLETED)
            begins.cancel()
            another = asyncio.create_task(self.made(self.other, second, is_kept=True))
            while not another.done() and not await one(self.watch, "SELECT pg_blocking_pids(%s) <> '{}'", self.other.info.backend_pid):
                await asyncio.wait({another}, timeout=LOOKED_AGAIN)
            held.is_over.set()
            return await one_of_them, await another

        done = self.wait(both())
        assert not is_kept or done[0] == first.take(self.numbers)
        assert done[1] == second.take(self.numbers)

    @precondition(lambda self: self.is_run_open)
    @rule(batch=st.integers(1, BATCHES))
    def a_run_is_killed_in_the_middle_of_a_batch(self, batch: int) -> None:
        async def killed() -> None:
            doomed = await self.connected()
            with suppress(psycopg.OperationalError):
                async with doomed.transaction():
                    statement, parameters = IssueBatch(batch).call(self.run)
                    await doomed.execute(statement.encode(), parameters)
                    await self.conn.execute("SELECT pg_terminate_backend(%s, 5000)", (doomed.info.backend_pid,))
            await doomed.close()

        self.wait(killed())

    @precondition(lambda self: self.is_run_open)
    @rule()
    def the_run_is_taken_up_where_it_stopped(self) -> None:
        for batch in range(1, BATCHES + 1):
            assert self.wait(self.made(self.conn, IssueBatch(batch), is_kept=True)) == IssueBatch(batch).take(self.numbers)
        assert self.wait(one(self.conn, "SELECT state FROM billing.bill_run WHERE id = %s", self.run)) == "done"

    @invariant()
    def each_series_counts_from_its_first_number_in_the_order_of_issue(self) -> None:
        asked = (
            "SELECT series, number, 'bill ' || id FROM billing.invoice WHERE number IS NOT NULL"
            " UNION ALL SELECT series, number, 'note ' || key FROM billing.credit_note ORDER BY 1, 2, 3"
        )
        found = self.wait(self.wait(self.conn.execute(asked)).fetchall())
        for series, first in FIRST.items():
            expected = [(first + place, document) for place, document in enumerate(self.numbers.issued[series])]
            assert [(number, document) for name, number, document in found if name == series] == expected

    @invariant()
    def the_books_hold(self) -> None:
        assert self.wait(broken_invariants(self.conn)) == []
        type(self).looks += 1


def compared(url: str, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """So many histories of the numbers at `url` beside the model; the same ones every time."""

    async def arrange() -> None:
        async with await AsyncConnection.connect(url, autocommit=True) as owner:
            for code, kind in (("south", "invoice"), ("south_notes", "credit_note")):
                first = FIRST[code]
                columns = {"code": code, "legal_entity": "South Networks Ltd", "kind": kind, "first_number": first, "next_number": first}
                await given.row(owner, "billing.series", **columns)
            Numbering.people = [(await customer_with_line(owner))[0] for _ in range(PEOPLE)]
            version = await plan(owner, "p")
            Numbering.charged = [(await charged_line(owner, version, date(2025, 2, 1)))[0] for _ in range(CHARGED)]

    asyncio.run(arrange())
    Numbering.url, Numbering.looks = url, 0
    kept = settings(max_examples=examples, stateful_step_count=20, deadline=None, derandomize=True, phases=phases, database=None)
    run_state_machine_as_test(Numbering, settings=kept)


def test_the_numbers_agree_with_a_model_of_them(database_url: str) -> None:
    compared(database_url, examples=25)

    # After each step every series counted as the model does.
    assert Numbering.looks > LEAST_LOOKS


TAKEN = "UPDATE billing.series SET next_number = next_number + v_count WHERE code = v_series RETURNING next_number - v_count INTO v_first;"
MISTAKES = (
    Bug(
        "numbers come from a sequence, which rolls nothing back",
        "issue_invoices",
        TAKEN,
        "SELECT setval('billing.' || v_series, nextval('billing.' || v_series) + v_count - 1) - v_count + 1 INTO v_first;"
        " UPDATE billing.series SET next_number = v_first + v_count WHERE code = v_series;",
        "CREATE SEQUENCE billing.invoices START 100001; CREATE SEQUENCE billing.south",
    ),
    Bug(
        "the next number is read before it is taken",
        "issue_invoices",
        TAKEN,
        "SELECT next_number INTO v_first FROM billing.series WHERE code = v_series;"
        " UPDATE billing.series SET next_number = v_first + v_count WHERE code = v_series;",
        "ALTER TABLE billing.invoice DROP CONSTRAINT invoice_series_number_key",
    ),
)


@pytest.mark.parametrize("bug", MISTAKES, ids=lambda bug: bug.name)
def test_the_machine_finds_a_mistake_in_how_numbers_are_taken(database_url: str, bug: Bug) -> None:
    plant(database_url, bug)

    with pytest.raises(AssertionError):
        compared(database_url, examples=25, phases=(Phase.generate,))
