"""Bill runs, what speaks against a bill, and how each line came about. Amounts are in the books' one currency."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from atlas.identity import CustomerId, InvoiceId, SubscriberId
from atlas.money import Money


@dataclass(frozen=True)
class BillRun:
    """One run over everybody whose billing day came after `since`, until `billed_on`; `state` drafting, drafted, issuing or done."""

    id: int
    run_type: str
    since: date
    billed_on: date
    state: str
    accounts: int
    batches: int
    drafted: int
    issued: int


@dataclass(frozen=True)
class RunTotals:
    """What would be issued of a run; `largest` is the dearest bill. `held` wait for a person, `carried` are nothing or a credit."""

    bills: int
    total: Money
    largest: Money
    held: int
    held_total: Money
    carried: int


@dataclass(frozen=True)
class BatchTotals:
    """What would be issued of one batch."""

    bills: int
    total: Money
    largest: Money


@dataclass(frozen=True)
class HeldBill:
    """A bill that somebody should look at, and why: rise, fall, duplicate, missing_charge, zero or negative. `last` is the bill before."""

    invoice_id: InvoiceId
    customer_id: CustomerId
    name: str
    anomalies: tuple[str, ...]
    total: Money
    last: Money | None


@dataclass(frozen=True)
class SuspendedDays:
    """What a run makes of days on which lines were suspended, by why they were: how many are charged, and how many are spared."""

    reason: str
    lines: int
    charged: int
    spared: int


@dataclass(frozen=True)
class SuspensionRule:
    """Whether days of suspension for this reason are charged; from that day on, or (none) until the first that has a rule of its own."""

    reason: str
    valid_from: date | None
    is_charged: bool


@dataclass(frozen=True)
class LineDerived:
    """One line of a bill with everything that it was made of. Days run from `period_from` until before `period_to`.

    `suspended_days`: on so many days of the bill's period its line was suspended, for these reasons; `suspended_charged`: so many of
    them are charged.
    """

    line_id: int
    label: str
    kind: str
    net: Money
    tax: Money
    tax_percent: Decimal | None
    period_from: date | None
    period_to: date | None
    days: int | None
    of_days: int | None
    price: Money | None
    units: int | None
    unit: str
    allowance_units: int | None
    usage_records: int
    catalogue_code: str
    catalogue_version_from: date | None
    order_id: int | None
    cause: str
    formula: str
    subscriber_id: SubscriberId | None
    suspended_days: int = 0
    suspended_charged: int = 0
    suspended_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class CreditableLine:
    """A line of an issued bill, and what no credit note has given back of it yet, without tax and with."""

    line_id: int
    label: str
    net_left: Money
    gross_left: Money
