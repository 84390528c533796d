"""Chooses what happens next to a customer's money: mostly what is likely, often what is nearly wrong, sometimes what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from random import Random
from typing import Final

from evals.ledger.model import Account, Received
from evals.ledger.steps import (
    Credit,
    CreditNote,
    Dispute,
    Issue,
    Match,
    Pay,
    Refund,
    ReturnPayment,
    Reverse,
    Settle,
    Step,
    Suspend,
    Unmatch,
    WriteOff,
)

START: Final = date(2020, 1, 1)
DAYS: Final = 2000
# Beyond what a float of four bytes holds exactly, and far from what an integer of eight does.
LARGE: Final = 2**31
LINES_EACH: Final = 2


@dataclass
class Chance:
    """One seeded stream of steps over its own customers. `name` keeps its keys apart from those of other streams."""

    rng: Random
    name: str
    invoices: "count[int]"
    waiting: dict[str, Received] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    def step(self, account: Account) -> Step:
        made = None
        while made is None:
            (kind,) = self.rng.choices(list(self.kinds), weights=[weight for _, weight in self.kinds.values()])
            made = self.kinds[kind][0](account)
        return made

    @property
    def kinds(self) -> dict[str, tuple[Callable[[Account], Step | None], int]]:
        return {
            "issue": (self.issue, 20),
            "pay": (self.pay, 24),
            "pay again": (self.pay_again, 4),
            "credit": (self.credit, 9),
            "credit note": (self.credit_note, 8),
            "refund": (self.refund, 8),
            "write off": (self.write_off, 6),
            "reverse": (self.reverse, 7),
            "return": (self.return_payment, 6),
            "dispute": (self.dispute, 6),
            "settle": (self.settle, 3),
            "suspend": (self.suspend, 4),
            "match": (self.match, 5),
            "unmatch": (self.unmatch, 2),
        }

    def day(self) -> date:
        return START + timedelta(days=self.rng.randrange(DAYS))

    def key(self) -> str:
        return f"{self.name}-{next(self.numbers)}"

    def amount(self) -> int:
        return self.rng.choice((1, 2, self.rng.randrange(1, 10_000), self.rng.randrange(1, 10_000), LARGE + self.rng.randrange(1, 1000)))

    def issue(self, account: Account) -> Step:
        """Bills of charges and discounts, among them some of nothing and some in the customer's favour; now and then one again."""
        bills = _invoices(account)
        number = self.rng.choice(bills) if bills and self.rng.random() < 0.1 else next(self.invoices)
        # One bill a month, in any order: the oldest debt is not the one issued first.
        month = _month(self.rng.randrange(12) + 12 * len(account.sides))
        nets = tuple(self.amount() * self.rng.choice((1, 1, 1, 1, -1)) for _ in range(self.rng.randrange(0, 4)))
        if self.rng.random() < 0.05:
            nets = (nets[0], -nets[0]) if nets else ()
        taxes = tuple((net * 20 + 50) // 100 for net in nets)
        if sum(nets) == 0:
            taxes = tuple(0 for _ in nets)
        return Issue(account.number, number, month, self.day(), self.day(), nets, taxes, is_again=number in bills)

    def pay(self, account: Account) -> Step:
        debts = [item.open for item in account.items.values() if item.open > 0]
        choices = [self.amount(), *([sum(debts), max(debts), max(debts) + 1, max(1, min(debts) - 1)] if debts else [])]
        return Pay(account.number, self.key(), self.rng.choice(choices), self.day())

    def pay_again(self, account: Account) -> Step | None:
        known = [(reference, paid) for reference, paid in account.payments.items() if not paid.is_matched]
        if not known:
            return None
        reference, paid = self.rng.choice(known)
        return Pay(account.number, reference, paid.amount + self.rng.choice((0, 0, 1)), paid.at)

    def credit(self, account: Account) -> Step:
        own = [account.number * LINES_EACH + line for line in range(LINES_EACH)]
        lines = tuple(own if self.rng.random() < 0.4 else [self.rng.choice(own)])
        cause = f"{self.name}:{self.rng.randrange(6)}" if self.rng.random() < 0.3 else self.key()
        return Credit(account.number, cause, lines, tuple(self.rng.randrange(1, 3000) for _ in lines), self.day())

    def credit_note(self, account: Account) -> Step | None:
        """All that is left of a bill, or a part of one line: now and then a penny too much, or of a bill that was cancelled."""
        bills = [bill for bill in _invoices(account) if account.lines.get(bill)]
        if not bills:
            return None
        bill = self.rng.choice(bills)
        lines = account.lines[bill]
        if self.rng.random() < 0.4:
            places = tuple(place for place, line in enumerate(lines) if line.net != line.net_back)
            return CreditNote(account.number, self.key(), bill, places, (None,) * len(places), self.day()) if places else None
        place = self.rng.randrange(len(lines))
        left = lines[place].net - lines[place].net_back
        part = self.rng.choice((left, left + 1, left // 2, left // 7, 1))
        return CreditNote(account.number, self.key(), bill, (place,), (part,), self.day())

    def refund(self, account: Account) -> Step | None:
        reference = self._payment(account, lambda unused: unused > 0 or self.rng.random() < 0.05)
        if reference is None:
            return None
        unused = max(1, -account.items[account.money_of(reference) or ""].open) if account.money_of(reference) else 1
        key = self.rng.choice(_keys(account, "refund:")) if self.rng.random() < 0.1 and _keys(account, "refund:") else self.key()
        return Refund(
            account.number, key, reference, self.rng.choice((unused, unused, unused + 1, self.rng.randrange(1, unused + 1))), self.day()
        )

    def write_off(self, account: Account) -> Step | None:
        bills = [bill for bill in _invoices(account) if f"invoice:{bill}" in account.items]
        if not bills:
            return None
        bill = self.rng.choice([each for each in bills if account.items[f"invoice:{each}"].open > 0] or bills)
        left = max(1, account.items[f"invoice:{bill}"].open)
        key = self.rng.choice(_keys(account, "write_off:")) if self.rng.random() < 0.1 and _keys(account, "write_off:") else self.key()
        return WriteOff(account.number, key, bill, self.rng.choice((left, left, left + 1, self.rng.randrange(1, left + 1))), self.day())

    def reverse(self, account: Account) -> Step | None:
        kinds = ("invoice:", "credit:", "refund:", "write_off:", *(("payment:",) if self.rng.random() < 0.05 else ()))
        keys = [key for key in account.sides if key.startswith(kinds) and (key not in account.reversed or self.rng.random() < 0.05)]
        return Reverse(account.number, self.rng.choice(keys), self.day()) if keys else None

    def return_payment(self, account: Account) -> Step | None:
        known = [reference for reference, paid in account.payments.items() if not paid.is_returned or self.rng.random() < 0.05]
        return ReturnPayment(account.number, self.rng.choice(known), self.day()) if known else None

    def dispute(self, account: Account) -> Step | None:
        bills = [key for key, item in account.items.items() if key.startswith("invoice:") and (item.open or item.is_disputed)]
        if not bills:
            return None
        bill = self.rng.choice(bills)
        return Dispute(account.number, int(bill.removeprefix("invoice:")), not account.items[bill].is_disputed)

    def settle(self, account: Account) -> Step | None:
        reference = self._payment(account, lambda unused: unused > 0)
        disputed = [key for key, item in account.items.items() if item.is_disputed and item.open > 0]
        if reference is None or not disputed:
            return None
        debt = self.rng.choice(disputed)
        most = min(-account.items[account.money_of(reference) or ""].open, account.items[debt].open)
        return Settle(
            account.number,
            reference,
            int(debt.removeprefix("invoice:")),
            self.rng.choice((most, most + 1, self.rng.randrange(1, most + 1))),
        )

    def suspend(self, account: Account) -> Step:
        return Suspend(account.number, self.key(), self.amount(), self.day(), self.waiting)

    def match(self, account: Account) -> Step | None:
        """Mostly money that waits; now and then what was matched before."""
        matched = [reference for reference, paid in account.payments.items() if paid.is_matched]
        choices = matched if matched and self.rng.random() < 0.15 else list(self.waiting)
        return Match(account.number, self.rng.choice(choices), self.day(), self.waiting) if choices else None

    def unmatch(self, account: Account) -> Step | None:
        matched = [reference for reference, paid in account.payments.items() if paid.is_matched]
        return Unmatch(account.number, self.rng.choice(matched), self.day(), self.waiting) if matched else None

    def _payment(self, account: Account, wanted: Callable[[int], bool]) -> str | None:
        """Some payment of which so much is unused as is wanted."""
        unused = {reference: account.items[money].open if (money := account.money_of(reference)) else 0 for reference in account.payments}
        fit = [reference for reference, amount in unused.items() if wanted(-amount)]
        return self.rng.choice(fit) if fit else None


def _invoices(account: Account) -> list[int]:
    return [int(key.removeprefix("invoice:")) for key in account.sides if key.startswith("invoice:")]


def _keys(account: Account, kind: str) -> list[str]:
    return [key.removeprefix(kind) for key in account.sides if key.startswith(kind)]


def _month(number: int) -> date:
    return date(1990 + number // 12, number % 12 + 1, 1)
