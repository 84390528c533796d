"""What the books should say: one customer's money in plain Python, with none of the database's ideas of how. Minor units throughout."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

# SQLSTATEs by which the books refuse.
TOO_MUCH: Final = "22023"
NOT_NOW: Final = "55000"
ANOTHER_AMOUNT: Final = "23505"
# No refusal, but an answer: two calls stood in each other's way for good.
DEADLOCK: Final = "40P01"


class Refused(Exception):
    """The books must not do this. `code` is the SQLSTATE they say so with."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Item:
    """What one document left owing (positive) or to be used (negative)."""

    amount: int
    open: int
    due: date
    order: int
    is_disputed: bool = False


@dataclass
class Charged:
    """One line of a bill, and what was given back of it, net and tax."""

    net: int
    tax: int
    net_back: int = 0
    tax_back: int = 0

    def to_give_back(self, net: int | None) -> tuple[int, int]:
        """So much of the line, or what is left of it, with the tax that belongs to all that is given back by then. Raises Refused."""
        left = self.net - self.net_back
        net = left if net is None else net
        if not net or not min(left, 0) <= net <= max(left, 0):
            raise Refused(TOO_MUCH)
        tax = Decimal(self.tax * (self.net_back + net)) / self.net
        return net, int(tax.quantize(Decimal(1), ROUND_HALF_UP)) - self.tax_back

    def give_back(self, net: int, tax: int) -> None:
        self.net_back += net
        self.tax_back += tax


@dataclass
class Received:
    """A payment. `owner` is the number of the customer on whose account it is; None in suspense."""

    amount: int
    at: date
    owner: int | None
    is_matched: bool = False
    is_returned: bool = False


@dataclass
class Account:
    """One customer's account, kept by the rule of the house: the oldest money settles the bill that was due first, disputes aside."""

    number: int
    items: dict[str, Item] = field(default_factory=dict)
    balances: Counter[str] = field(default_factory=Counter)
    sides: dict[str, dict[str, int]] = field(default_factory=dict)
    settled: list[tuple[str, str, int]] = field(default_factory=list)
    reversed: set[str] = field(default_factory=set)
    payments: dict[str, Received] = field(default_factory=dict)
    lines: dict[int, tuple[Charged, ...]] = field(default_factory=dict)
    order: int = 0

    def post(self, key: str, due: date, sides: dict[str, int]) -> None:
        self.order += 1
        self.sides[key] = sides
        self.balances.update(sides)
        owed = sides.get("receivable", 0)
        if owed:
            self.items[key] = Item(owed, owed, due, self.order)

    def settle(self, money: str, debt: str, amount: int) -> None:
        self.items[money].open += amount
        self.items[debt].open -= amount
        self.settled.append((money, debt, amount))

    def allocate(self) -> None:
        usable = sorted(
            ((item.due, item.order, key) for key, item in self.items.items() if item.open and not item.is_disputed),
            key=lambda each: each[:2],
        )
        debts = [key for _, _, key in usable if self.items[key].open > 0]
        for money in [key for _, _, key in usable if self.items[key].open < 0]:
            while debts and self.items[money].open < 0:
                amount = min(-self.items[money].open, self.items[debts[0]].open)
                self.settle(money, debts[0], amount)
                if not self.items[debts[0]].open:
                    del debts[0]

    def reverse(self, key: str, at: date) -> None:
        """Raises Refused the second time."""
        if key in self.reversed:
            raise Refused(NOT_NOW)
        self.reversed.add(key)
        self.post(f"reversal:{key}", at, {account: -amount for account, amount in self.sides[key].items()})
        if key in self.items:
            for money, debt, amount in [one for one in self.settled if key in one[:2]]:
                self.items[money].open -= amount
                self.items[debt].open += amount
            self.settled = [one for one in self.settled if key not in one[:2]]
            self.items[key].open = self.items[f"reversal:{key}"].open = 0
            self.allocate()

    def money_of(self, reference: str) -> str | None:
        """The item that a payment brought; None where it is on nobody's account any more."""
        payment = self.payments.get(reference)
        if payment is None or payment.is_returned:
            return None
        return f"match:{reference}:{self.matches(reference)}" if payment.is_matched else f"payment:{reference}"

    def matches(self, reference: str) -> int:
        return sum(1 for key in self.sides if key.startswith(f"match:{reference}:"))

    def open_items(self) -> dict[str, int]:
        """What is open, under names that the database knows too."""
        return {key.rsplit(":", 1)[0] if key.startswith("match:") else key: item.open for key, item in self.items.items() if item.open}
