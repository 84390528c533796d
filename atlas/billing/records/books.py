"""What must hold of the books, and what a check of them found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from atlas.money import Money

# What must hold of the books at every moment; atlas/billing/reads.sql `broken_invariants` asks each by this name.
INVARIANTS: Final = (
    "a journal balances",
    "a journal has postings",
    "a journal is about one customer",
    "a balance is the sum of its postings",
    "an open item is a posting to receivable",
    "what is open is the posting less its allocations",
    "allocations stay within both sides",
    "money settles a debt of the same customer",
    "an allocation is undone whole",
    "a reversal mirrors what it reverses",
    "a journal is reversed once",
    "a bill is posted with its lines",
    "a payment is posted as it came",
    "a matched payment is on its customer's account",
    "a credit is posted as it was given",
    "a journal has the business fact it is made of",
    "a bill's state says what is open of it",
    "no money lies idle beside a debt",
    "suspense is the payments that wait in it",
    "numbers are without gaps",
    "a line is of its charge",
    "a line is worth its formula",
    "a credit note is posted with its lines",
    "a credit note gives back no more than was charged",
    "the books add up to nothing",
)
# Asked of the provider's list and not of the books alone.
RECONCILED: Final = "the provider has the payments that we have"
GIVEN_BACK: Final = "the provider gave back what we had it give back"


@dataclass(frozen=True)
class BrokenInvariant:
    """One row of the books of which something does not hold. `expected` and `found` are minor units, numbers or counts, as it says."""

    invariant: str
    subject: str
    expected: int | None
    found: int | None


@dataclass(frozen=True)
class InvariantResult:
    """What the latest check of one invariant found."""

    checked_at: datetime
    invariant: str
    broken: int


@dataclass(frozen=True)
class PaymentKept:
    """A payment as Atlas has it; `is_returned` where the bank took it back."""

    reference: str
    amount: Money
    received_at: datetime
    is_returned: bool


@dataclass(frozen=True)
class PaymentDifference:
    """A payment, or a refund, of which the provider's list and Atlas say different things; None where one of them has none."""

    reference: str
    kept: Money | None
    reported: Money | None
