"""The books beside a model of them, step by step: what is owed, what waits, what is refused, and that nothing posted ever changes."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from datetime import date, timedelta
from itertools import count
from typing import Any, TypeVar

import psycopg
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule, run_state_machine_as_test
from psycopg import AsyncConnection, Rollback

from atlas.billing.reads.books import broken_invariants
from evals.ledger import steps
from evals.ledger.bugs import BUGS, Bug, BugDoesNotFit, plant, put
from evals.ledger.drive import SQL, State, at_once, outcome
from evals.ledger.model import Account, Received, Refused
from evals.ledger.steps import Step

Got = TypeVar("Got")

# A machine that makes no steps agrees with everything.
LEAST_LOOKS = 200
CUSTOMERS = 2
LINES_EACH = 2
FIRST_DAY = date(2026, 1, 1)
WHO = st.integers(0, CUSTOMERS - 1)
DAY = st.integers(0, 90).map(lambda days: FIRST_DAY + timedelta(days=days))
# Beyond what a float of four bytes holds exactly.
LARGE = 2**31 + 7
# Of an amount: so much is what a careful clerk, a hasty one and a wrong one would type.
PART = st.sampled_from(["all", "all", "half", "a penny", "a penny less", "a penny more"])
PAID = st.one_of(PART, st.just("double"))
PARTS = st.one_of(st.lists(PART, min_size=1, max_size=3), st.just(["a penny"] * 4))
# Charges and discounts; and pennies of which a fifth must be rounded, whatever part of them is looked at.
NETS = st.lists(st.sampled_from([3000, 999, 13, 7, 3, -500, LARGE]), min_size=1, max_size=3)


def part(amount: int, how: str) -> int:
    shares = {"all": amount, "half": amount // 2, "a penny": 1, "a penny less": amount - 1, "a penny more": amount + 1}
    return max(1, {**shares, "double": 2 * amount}[how])


class Ledger(RuleBasedStateMachine):
    """Two customers of their own in every history; bills, payments and all the rest are kept as the steps that made them."""

    url: str
    looks = 0
    numbers = count(1)

    bills = Bundle("bills")
    payments = Bundle("payments")
    strays = Bundle("strays")
    given_up = Bundle("given_up")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.conn, self.other = (self.wait(self.connected()) for _ in range(2))
        self.accounts = [Account(next(self.numbers)) for _ in range(CUSTOMERS)]
        self.waiting: dict[str, Received] = {}
        # Emptied, not gone on with: what one history broke is not found again by the next.
        self.wait(self.conn.execute("TRUNCATE billing.journal, billing.balance CASCADE"))
        self.wait(self.conn.execute("UPDATE billing.series SET next_number = first_number"))
        self.wait(SQL.run(self.conn, "people", customer_ids=[account.number for account in self.accounts]))
        self.states = {account.number: State(account.number, 0, "0", "0", {}, {}) for account in self.accounts}
        self.was_refused = False

    async def connected(self) -> AsyncConnection[tuple[Any, ...]]:
        conn = await AsyncConnection.connect(self.url, autocommit=True)
        await conn.execute("SELECT set_config('bedrock.action', '1', false)")
        return conn

    def wait(self, work: Awaitable[Got]) -> Got:
        return self.loop.run_until_complete(work)

    def teardown(self) -> None:
        for conn in (self.conn, self.other):
            self.wait(conn.close())
        self.loop.close()

    def key(self) -> str:
        return f"k{next(self.numbers)}"

    def take(self, step: Step) -> Step:
        """The step in the books and in the model: taken by both, or refused by both for the same reason."""
        account = self.account(step.customer)
        refused = None
        try:
            step.expect(account)
        except Refused as error:
            refused = error.code
        answer = self.wait(outcome(self.conn, step))
        assert (answer if isinstance(answer, str) else None) == refused, f"{step}: the books say {answer}, the model {refused or 'yes'}"
        self.was_refused = refused is not None
        return step

    def account(self, number: int) -> Account:
        return next(account for account in self.accounts if account.number == number)

    def keeper(self, reference: str, otherwise: int) -> Account:
        """On whose account a payment is; where it is on nobody's, this customer is asked about it."""
        return next((account for account in self.accounts if reference in account.payments), self.accounts[otherwise])

    def unused(self, account: Account, reference: str) -> int:
        money = account.money_of(reference)
        return 0 if money is None else -account.items[money].open

    @staticmethod
    def owed(account: Account, bill: steps.Issue) -> int:
        item = account.items.get(f"invoice:{bill.invoice}")
        return 0 if item is None else item.open

    @initialize(target=bills, nets=st.tuples(*[NETS] * (CUSTOMERS * 2)))
    def everybody_has_two_bills_the_later_one_due_first(self, nets: tuple[list[int], ...]) -> Any:
        days = [FIRST_DAY + timedelta(days=days) for days in (20, 10) * CUSTOMERS]
        return multiple(*(self.a_bill(place // 2, net, due, FIRST_DAY) for place, (net, due) in enumerate(zip(nets, days, strict=True))))

    @rule(target=bills, who=WHO, nets=NETS, due=DAY, at=DAY)
    def a_bill_is_issued(self, who: int, nets: list[int], due: date, at: date) -> Step:
        return self.a_bill(who, nets, due, at)

    def a_bill(self, who: int, nets: list[int], due: date, at: date) -> Step:
        taxes = tuple((net * 20 + 50) // 100 for net in nets)
        number = self.accounts[who].number
        return self.take(steps.Issue(number, next(self.numbers), FIRST_DAY, due, at, tuple(nets), taxes))

    @rule(bill=bills)
    def a_bill_is_issued_again(self, bill: steps.Issue) -> None:
        self.take(steps.Issue(bill.customer, bill.invoice, bill.month, bill.due, bill.at, bill.nets, bill.taxes, is_again=True))

    @rule(target=payments, who=WHO, how=PAID, at=DAY)
    def a_customer_pays(self, who: int, how: str, at: date) -> Step:
        return self.paid_by(self.accounts[who], how, at)

    @initialize(target=payments, at=DAY)
    def one_of_them_paid_more_than_was_asked(self, at: date) -> Step:
        return self.take(steps.Pay(self.accounts[0].number, self.key(), 2 * LARGE, at))

    def paid_by(self, account: Account, how: str, at: date) -> Step:
        debts = sum(item.open for item in account.items.values() if item.open > 0)
        return self.take(steps.Pay(account.number, self.key(), part(debts or 2500, how), at))

    @rule(paid=payments, more=st.integers(0, 1))
    def a_payment_is_told_again(self, paid: steps.Pay, more: int) -> None:
        self.take(steps.Pay(paid.customer, paid.reference, paid.amount + more, paid.at))

    @rule(who=WHO, at=DAY)
    def a_payment_is_told_twice_at_once(self, who: int, at: date) -> None:
        step = steps.Pay(self.accounts[who].number, self.key(), 1700, at)
        step.expect(self.accounts[who])
        assert not any(isinstance(answer, str) for answer in self.wait(at_once(self.conn, self.other, (step, step))))
        self.was_refused = False

    @rule(who=WHO, how=PART, at=DAY)
    def what_is_rolled_back_never_was(self, who: int, how: str, at: date) -> None:
        made = (
            steps.Issue(self.accounts[who].number, next(self.numbers), FIRST_DAY, at, at, (900,), (180,)),
            steps.Pay(self.accounts[who].number, self.key(), part(1080, how), at),
        )

        async def rolled_back() -> None:
            async with self.conn.transaction():
                for statement, parameters in (call for step in made for call in step.calls()):
                    await self.conn.execute(statement.encode(), parameters)
                raise Rollback

        self.wait(rolled_back())
        self.was_refused = True

    @rule(target=strays, amount=st.sampled_from([3000, 1, 40]), whose=st.one_of(st.none(), WHO), at=DAY)
    def money_comes_from_nobody_known(self, amount: int, whose: int | None, at: date) -> Step:
        stray = steps.Suspend(self.accounts[0].number, self.key(), amount, at, self.waiting)
        self.take(stray)
        if whose is not None:
            self.found_for(stray, whose, at)
        return stray

    @rule(stray=strays, who=WHO, at=DAY)
    def somebody_is_found_for_it(self, stray: steps.Suspend, who: int, at: date) -> None:
        self.found_for(stray, who, at)

    def found_for(self, stray: steps.Suspend, who: int, at: date) -> None:
        self.take(steps.Match(self.accounts[who].number, stray.reference, at, self.waiting))

    @rule(stray=strays, who=WHO, at=DAY)
    def it_was_not_theirs(self, stray: steps.Suspend, who: int, at: date) -> None:
        self.take(steps.Unmatch(self.keeper(stray.reference, who).number, stray.reference, at, self.waiting))

    @rule(paid=st.one_of(payments, strays), who=WHO, at=DAY)
    def the_bank_takes_it_back(self, paid: steps.Pay | steps.Suspend, who: int, at: date) -> None:
        number = self.keeper(paid.reference, who).number
        back = steps.ReturnPayment(number, paid.reference, at)
        self.take(steps.ReturnStray(number, paid.reference, at, self.waiting) if paid.reference in self.waiting else back)

    @rule(target=given_up, paid=st.one_of(payments, strays), who=WHO, how=PART, times=st.integers(1, 2), at=DAY)
    def a_payment_is_refunded(self, paid: steps.Pay | steps.Suspend, who: int, how: str, times: int, at: date) -> Step:
        account = self.keeper(paid.reference, who)
        # Mostly of money that is there: of a payment drawn blindly the bills have left nothing.
        idle = [reference for reference in account.payments if self.unused(account, reference) > 0] if how != "a penny" else []
        reference = idle[0] if idle else paid.reference
        back = steps.Refund(account.number, self.key(), reference, part(self.unused(account, reference), how), at)
        for _ in range(times):
            self.take(back)
            self.the_books_say_what_the_model_says()
        return back

    @rule(target=given_up, bill=bills, how=PART, at=DAY)
    def a_debt_is_written_off(self, bill: steps.Issue, how: str, at: date) -> Step:
        amount = part(self.owed(self.account(bill.customer), bill), how)
        return self.take(steps.WriteOff(bill.customer, self.key(), bill.invoice, amount, at))

    @rule(target=given_up, bill=bills, line=st.integers(0, 2), parts=PARTS, at=DAY)
    def a_line_is_credited_part_by_part(self, bill: steps.Issue, line: int, parts: list[str], at: date) -> Any:
        place = line % len(bill.nets)
        charged = self.account(bill.customer).lines[bill.invoice][place]
        notes = []
        for how in parts:
            left = charged.net - charged.net_back
            net = part(abs(left), how) * (-1 if left < 0 else 1)
            notes.append(self.take(steps.CreditNote(bill.customer, self.key(), bill.invoice, (place,), (net,), at)))
            self.the_books_say_what_the_model_says()
        return multiple(*notes)

    @rule(target=given_up, bill=bills, at=DAY)
    def a_whole_bill_is_credited(self, bill: steps.Issue, at: date) -> Step:
        return self.take(self.note_of_all(bill, at))

    def note_of_all(self, bill: steps.Issue, at: date) -> Step:
        places = tuple(range(len(bill.nets)))
        return steps.CreditNote(bill.customer, self.key(), bill.invoice, places, (None,) * len(places), at)

    @rule(target=given_up, who=WHO, lines=st.sampled_from([(0,), (1,), (0, 1)]), amount=st.sampled_from([500, 1]), at=DAY)
    def lines_are_compensated(self, who: int, lines: tuple[int, ...], amount: int, at: date) -> Step:
        number = self.accounts[who].number
        own = tuple(number * LINES_EACH + line for line in lines)
        return self.take(steps.Credit(number, self.key(), own, (amount,) * len(own), at))

    @rule(step=given_up)
    def the_same_is_asked_again(self, step: Step) -> None:
        self.take(step)

    @rule(bill=bills, at=DAY, is_credited_too=st.booleans())
    def a_bill_is_cancelled(self, bill: steps.Issue, at: date, is_credited_too: bool) -> None:
        self.take(steps.Reverse(bill.customer, journal_of(bill), at))
        if is_credited_too:
            self.the_books_say_what_the_model_says()
            self.take(self.note_of_all(bill, at))

    @rule(step=given_up, at=DAY)
    def what_was_given_up_is_reversed(self, step: Step, at: date) -> None:
        account, key = self.account(step.customer), journal_of(step)
        if key in account.sides:
            self.take(steps.Reverse(account.number, key, at))

    @rule(bill=bills, how=PART, at=DAY)
    def a_bill_is_disputed_and_paid_for_all_that(self, bill: steps.Issue, how: str, at: date) -> None:
        for is_on in (True, False):
            self.take(steps.Dispute(bill.customer, bill.invoice, is_on))
            self.the_books_say_what_the_model_says()
            self.paid_by(self.account(bill.customer), how, at)
            self.the_books_say_what_the_model_says()

    @rule(bill=bills)
    def a_bill_is_disputed_or_no_longer(self, bill: steps.Issue) -> None:
        item = self.account(bill.customer).items.get(journal_of(bill))
        self.take(steps.Dispute(bill.customer, bill.invoice, is_on=item is None or not item.is_disputed))

    @rule(paid=payments, bill=bills, how=PART)
    def a_clerk_puts_money_to_a_bill(self, paid: steps.Pay, bill: steps.Issue, how: str) -> None:
        account = self.account(bill.customer)
        most = min(self.unused(account, paid.reference), max(0, self.owed(account, bill)))
        self.take(steps.Settle(account.number, paid.reference, bill.invoice, part(most, how)))

    @invariant()
    def the_books_say_what_the_model_says(self) -> None:
        numbers = [account.number for account in self.accounts]
        marks = [self.states[number].mark for number in numbers]
        found = {state.customer_id: state for state in self.wait(SQL.all(self.conn, State, "state_of", customer_ids=numbers, marks=marks))}
        for account in self.accounts:
            now, then = found[account.number], self.states[account.number]
            assert now.before == then.now, "what was posted is no longer what it was"
            assert now.balances == {name: amount for name, amount in account.balances.items() if amount}
            assert now.open_items == account.open_items()
            assert not self.was_refused or now.now == then.now, "what was refused left something behind"
        self.states, self.was_refused = found, False

    @invariant()
    def the_books_hold_and_add_up_to_nothing(self) -> None:
        assert self.wait(broken_invariants(self.conn)) == []
        type(self).looks += 1


def journal_of(step: Step) -> str:
    match step:
        case steps.Issue():
            return f"invoice:{step.invoice}"
        case steps.Refund():
            return f"refund:{step.key}"
        case steps.WriteOff():
            return f"write_off:{step.key}"
        case steps.CreditNote():
            return f"credit_note:{step.key}"
        case steps.Credit():
            return f"credit:{step.cause}:subscriber:{step.lines[0]}"
    raise TypeError(step)


def compared(url: str, examples: int, phases: tuple[Phase, ...] = tuple(Phase)) -> None:
    """So many histories of the books at `url` beside the model; the same ones every time."""

    async def arrange() -> None:
        async with await AsyncConnection.connect(url, autocommit=True) as owner:
            await SQL.run(owner, "ground")

    asyncio.run(arrange())
    Ledger.url, Ledger.looks = url, 0
    kept = settings(max_examples=examples, stateful_step_count=30, deadline=None, derandomize=True, phases=phases, database=None)
    run_state_machine_as_test(Ledger, settings=kept)


def test_every_known_bug_still_fits_the_books_as_they_are(database_url: str) -> None:
    fitting = []
    with psycopg.connect(database_url) as conn:
        for bug in BUGS:
            with suppress(BugDoesNotFit), conn.transaction(force_rollback=True):
                put(conn, bug)
                fitting.append(bug.name)

    assert fitting == [bug.name for bug in BUGS]


def test_the_ledger_agrees_with_a_model_of_it(database_url: str) -> None:
    compared(database_url, examples=30)

    # After each step the books were what the model said they were.
    assert Ledger.looks > LEAST_LOOKS


# What nothing but an odd penny, an order of days or a history of three steps shows.
HIDDEN = ("each credit note rounds its tax by itself", "the newest bill is settled first", "a reversal leaves what was settled")


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in HIDDEN], ids=lambda bug: bug.name)
def test_the_machine_finds_a_bug_that_somebody_made_in_the_books(database_url: str, bug: Bug) -> None:
    plant(database_url, bug)

    with pytest.raises(AssertionError):
        compared(database_url, examples=30, phases=(Phase.generate,))
