"""What we owe to those who left, and how it can go back."""

from dataclasses import dataclass
from datetime import date

from atlas.identity import CustomerId, InvoiceId
from atlas.money import Money


@dataclass(frozen=True)
class FinalStatement:
    """The last bill of somebody who left: nothing, or in their favour (`net` and `tax` below zero). `anomalies`: what else speaks of it."""

    invoice_id: InvoiceId
    customer_id: CustomerId
    name: str
    anomalies: tuple[str, ...]
    net: Money
    tax: Money


@dataclass(frozen=True)
class WayBack:
    """A payment by whose way money can go back to whoever made it, and how much of it at the most."""

    reference: str
    left: Money


@dataclass(frozen=True)
class PartBack:
    """So much of what somebody has to come, by the way of this payment, of which so much was `left` before."""

    reference: str
    amount: Money
    left: Money


@dataclass(frozen=True)
class OwedToLeaver:
    """Somebody with no line, no charge and no order to whom we owe money, or whose final statement is not issued yet.

    `owed`: by the books, when all is netted; `statement`: what their final statement will add; `statement_id` is none once it is issued.
    `left_on`: the first day that is no longer charged. `can_go_back`: how much by the way of their own payments. `paid_by_hand` and
    `taken_back`: whether there are payments that came over the counter, and some that their bank took back. `action_id`: a payment back
    that waits for somebody.
    """

    customer_id: CustomerId
    name: str
    is_deceased: bool
    left_on: date | None
    owed: Money
    statement: Money
    statement_id: InvoiceId | None
    anomalies: tuple[str, ...]
    can_go_back: Money
    paid_by_hand: bool
    taken_back: bool
    action_id: int | None
