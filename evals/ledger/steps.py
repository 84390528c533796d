"""What may happen to money, each as one call of the books and what it should do to the model."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from evals.ledger.model import ANOTHER_AMOUNT, NOT_NOW, TOO_MUCH, Account, Charged, Received, Refused

Call = tuple[str, Sequence[Any]]


@dataclass(frozen=True)
class Step(ABC):
    """One call. `names` what it is about; `expect` raises Refused where the books must."""

    customer: int

    @abstractmethod
    def calls(self) -> list[Call]: ...

    @abstractmethod
    def expect(self, account: Account) -> None: ...


DRAFT: Final = (
    "WITH made AS (INSERT INTO billing.invoice (id, customer_id, month, period_from, period_to, due_on)"
    " VALUES (%s, %s, %s::date, %s::date, %s::date + 1, %s) RETURNING id)"
    " INSERT INTO billing.invoice_line (invoice_id, label, kind, amount_minor, tax_minor, cause)"
    " SELECT made.id, 'a line', 'recurring', line.net, line.tax, 'plan' FROM made, unnest(%s::bigint[], %s::bigint[]) AS line (net, tax)"
)


@dataclass(frozen=True)
class Issue(Step):
    invoice: int
    month: date
    due: date
    at: date
    nets: tuple[int, ...]
    taxes: tuple[int, ...]
    is_again: bool = False

    def calls(self) -> list[Call]:
        draft = (self.invoice, self.customer, self.month, self.month, self.month, self.due, list(self.nets), list(self.taxes))
        issue: Call = ("SELECT billing.issue_invoices(ARRAY[%s]::bigint[], %s::timestamptz)", (self.invoice, self.at))
        return [issue] if self.is_again else [(DRAFT, draft), issue]

    def expect(self, account: Account) -> None:
        if not self.is_again:
            net, tax = sum(self.nets), sum(self.taxes)
            account.lines[self.invoice] = tuple(Charged(*line) for line in zip(self.nets, self.taxes, strict=True))
            account.post(f"invoice:{self.invoice}", self.due, {"receivable": net + tax, "revenue": -net, "tax": -tax})
        account.allocate()


@dataclass(frozen=True)
class Pay(Step):
    reference: str
    amount: int
    at: date

    def calls(self) -> list[Call]:
        return [
            ("SELECT billing.receive_payment(%s, %s, %s::timestamptz, 'card', %s)", (self.customer, self.amount, self.at, self.reference))
        ]

    def expect(self, account: Account) -> None:
        known = account.payments.get(self.reference)
        if known is not None:
            if known.amount != self.amount:
                raise Refused(ANOTHER_AMOUNT)
            return
        account.payments[self.reference] = Received(self.amount, self.at, account.number)
        account.post(f"payment:{self.reference}", self.at, {"bank": self.amount, "receivable": -self.amount})
        account.allocate()


@dataclass(frozen=True)
class Credit(Step):
    """One or two lines of the customer credited for one cause."""

    cause: str
    lines: tuple[int, ...]
    amounts: tuple[int, ...]
    at: date

    def calls(self) -> list[Call]:
        statement = "SELECT count(*) FROM billing.post_credits(%s, %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::timestamptz)"
        each = ([self.customer] * len(self.lines), list(self.lines), list(self.amounts), ["flat"] * len(self.lines))
        return [(statement, (self.cause, *each, self.at))]

    def expect(self, account: Account) -> None:
        for line, amount in sorted(zip(self.lines, self.amounts, strict=True)):
            key = f"credit:{self.cause}:subscriber:{line}"
            if key not in account.sides:
                account.post(key, self.at, {"receivable": -amount, "goodwill": amount})
        account.allocate()


@dataclass(frozen=True)
class CreditNote(Step):
    """Lines of a bill, by their places, given back: so much of each, or None for what is left of it."""

    key: str
    invoice: int
    places: tuple[int, ...]
    nets: tuple[int | None, ...]
    at: date

    def calls(self) -> list[Call]:
        lines = (
            "(SELECT array_agg(line.id ORDER BY asked.at) FROM unnest(%s::int[]) WITH ORDINALITY AS asked (place, at)"
            "  JOIN (SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM billing.invoice_line WHERE invoice_id = %s) AS line"
            " USING (place))"
        )
        statement = f"SELECT billing.issue_credit_note(%s, %s, {lines}, %s::bigint[], %s::timestamptz, 'a mistake')"
        return [(statement, (self.key, self.invoice, list(self.places), self.invoice, list(self.nets), self.at))]

    def expect(self, account: Account) -> None:
        key, bill = f"credit_note:{self.key}", f"invoice:{self.invoice}"
        if key in account.sides:
            return
        if bill in account.reversed:
            raise Refused(NOT_NOW)
        lines = [account.lines[self.invoice][place] for place in self.places]
        given = [line.to_give_back(net) for line, net in zip(lines, self.nets, strict=True)]
        net, tax = sum(net for net, _ in given), sum(tax for _, tax in given)
        if net + tax <= 0:
            raise Refused(TOO_MUCH)
        for line, amounts in zip(lines, given, strict=True):
            line.give_back(*amounts)
        account.post(key, self.at, {"receivable": -(net + tax), "revenue": net, "tax": tax})
        owed = account.items.get(bill)
        if owed is not None and owed.open > 0:
            account.settle(key, bill, min(owed.open, net + tax))
        account.allocate()

    @staticmethod
    def is_of(account: Account, bill: str) -> bool:
        """Whether something of this bill was given back by a note."""
        return any(line.net_back for line in account.lines.get(int(bill.removeprefix("invoice:")), ()))


@dataclass(frozen=True)
class Refund(Step):
    key: str
    reference: str
    amount: int
    at: date

    def calls(self) -> list[Call]:
        return [("SELECT billing.refund(%s, %s, %s, %s::timestamptz, '')", (self.key, self.reference, self.amount, self.at))]

    def expect(self, account: Account) -> None:
        money = account.money_of(self.reference)
        if money is None:
            raise Refused(TOO_MUCH)
        if f"refund:{self.key}" in account.sides:
            return
        if self.amount > -account.items[money].open:
            raise Refused(TOO_MUCH)
        account.post(f"refund:{self.key}", self.at, {"receivable": self.amount, "bank": -self.amount})
        account.settle(money, f"refund:{self.key}", self.amount)


@dataclass(frozen=True)
class WriteOff(Step):
    key: str
    invoice: int
    amount: int
    at: date

    def calls(self) -> list[Call]:
        return [("SELECT billing.write_off(%s, %s, %s, %s::timestamptz, '')", (self.key, self.invoice, self.amount, self.at))]

    def expect(self, account: Account) -> None:
        if f"write_off:{self.key}" in account.sides:
            return
        item = account.items.get(f"invoice:{self.invoice}")
        if item is None or not 1 <= self.amount <= item.open:
            raise Refused(TOO_MUCH)
        account.post(f"write_off:{self.key}", self.at, {"bad_debt": self.amount, "receivable": -self.amount})
        account.settle(f"write_off:{self.key}", f"invoice:{self.invoice}", self.amount)


@dataclass(frozen=True)
class Reverse(Step):
    key: str
    at: date

    def calls(self) -> list[Call]:
        found = "SELECT billing.reverse_journal((SELECT id FROM billing.journal WHERE operation_key = %s), %s::timestamptz, '')"
        return [(found, (self.key, self.at))]

    def expect(self, account: Account) -> None:
        if self.key.startswith(("payment:", "credit_note:")):
            raise Refused(NOT_NOW)
        if self.key.startswith("invoice:") and CreditNote.is_of(account, self.key):
            raise Refused(NOT_NOW)
        account.reverse(self.key, self.at)


@dataclass(frozen=True)
class ReturnPayment(Step):
    reference: str
    at: date

    def calls(self) -> list[Call]:
        return [("SELECT billing.return_payment(%s, %s::timestamptz, '')", (self.reference, self.at))]

    def expect(self, account: Account) -> None:
        money = account.money_of(self.reference)
        if money is None:
            raise Refused(NOT_NOW)
        account.reverse(money, self.at)
        account.payments[self.reference].is_returned = True


@dataclass(frozen=True)
class Dispute(Step):
    invoice: int
    is_on: bool

    def calls(self) -> list[Call]:
        return [("SELECT billing.set_dispute(%s, %s)", (self.invoice, self.is_on))]

    def expect(self, account: Account) -> None:
        item = account.items.get(f"invoice:{self.invoice}")
        if item is not None:
            item.is_disputed = self.is_on
        if not self.is_on:
            account.allocate()


@dataclass(frozen=True)
class Settle(Step):
    """Money put to one bill by hand. `reference` is of a payment."""

    reference: str
    invoice: int
    amount: int

    def calls(self) -> list[Call]:
        money = "(SELECT coalesce(matched_journal_id, journal_id) FROM billing.payment WHERE provider_reference = %s LIMIT 1)"
        return [(f"SELECT billing.settle({money}, %s, %s)", (self.reference, self.invoice, self.amount))]

    def expect(self, account: Account) -> None:
        money, debt = account.items.get(account.money_of(self.reference) or ""), account.items.get(f"invoice:{self.invoice}")
        if money is None or debt is None or not 1 <= self.amount <= min(-money.open, debt.open):
            raise Refused(TOO_MUCH)
        account.settle(account.money_of(self.reference) or "", f"invoice:{self.invoice}", self.amount)


@dataclass(frozen=True)
class Suspend(Step):
    """Money from nobody known; it is theirs in the model only, so that they may be found later."""

    reference: str
    amount: int
    at: date
    waiting: dict[str, Received] = field(compare=False, repr=False)

    def calls(self) -> list[Call]:
        return [("SELECT billing.receive_payment(NULL, %s, %s::timestamptz, 'transfer', %s)", (self.amount, self.at, self.reference))]

    def expect(self, account: Account) -> None:  # noqa: ARG002  on nobody's account
        self.waiting[self.reference] = Received(self.amount, self.at, None)


@dataclass(frozen=True)
class Match(Step):
    reference: str
    at: date
    waiting: dict[str, Received] = field(compare=False, repr=False)

    def calls(self) -> list[Call]:
        return [("SELECT billing.match_payment(%s, %s, %s::timestamptz, '')", (self.reference, self.customer, self.at))]

    def expect(self, account: Account) -> None:
        payment = self.waiting.get(self.reference)
        if payment is None or payment.is_returned:
            raise Refused(NOT_NOW)
        del self.waiting[self.reference]
        account.payments[self.reference] = Received(payment.amount, payment.at, account.number, is_matched=True)
        number = account.matches(self.reference) + 1
        account.post(f"match:{self.reference}:{number}", self.at, {"receivable": -payment.amount})
        account.allocate()


@dataclass(frozen=True)
class Unmatch(Step):
    reference: str
    at: date
    waiting: dict[str, Received] = field(compare=False, repr=False)

    def calls(self) -> list[Call]:
        return [("SELECT billing.unmatch_payment(%s, %s::timestamptz, '')", (self.reference, self.at))]

    def expect(self, account: Account) -> None:
        payment = account.payments.get(self.reference)
        if payment is None or not payment.is_matched or payment.is_returned:
            raise Refused(NOT_NOW)
        account.reverse(account.money_of(self.reference) or "", self.at)
        del account.payments[self.reference]
        self.waiting[self.reference] = Received(payment.amount, payment.at, None)


@dataclass(frozen=True)
class ReturnStray(Step):
    """The bank takes back money that waits in suspense."""

    reference: str
    at: date
    waiting: dict[str, Received] = field(compare=False, repr=False)

    def calls(self) -> list[Call]:
        return ReturnPayment(self.customer, self.reference, self.at).calls()

    def expect(self, account: Account) -> None:  # noqa: ARG002  on nobody's account
        payment = self.waiting.get(self.reference)
        if payment is None or payment.is_returned:
            raise Refused(NOT_NOW)
        payment.is_returned = True
