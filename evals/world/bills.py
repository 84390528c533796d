"""The last two bills of every customer, with one true reason where they differ, what was paid, and the ledger of both."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from evals.world.people import CHANGES, Customers, Flags, Lines, Numbers
from evals.world.plan import World

Days = NDArray[np.datetime64]
DUE_AFTER: Final = 14
WAS_GIVEN: Final = 500  # the welcome discount that ends, without tax
ROUTER: Final = 1500
USUAL_CALLS: Final = 375  # so that whoever calls abroad did so last month too


@dataclass(frozen=True, eq=False)
class Bills:
    """Rows of invoices: the older half first; both halves in the order of the customers."""

    customer: Numbers
    month: Days
    period_from: Days
    period_to: Days
    gross: Numbers
    tax: Numbers
    is_paid: Flags

    @property
    def due_on(self) -> Days:
        return self.period_from + np.timedelta64(DUE_AFTER, "D")


@dataclass(frozen=True, eq=False)
class BillLines:
    invoice: Numbers  # row of Bills
    label: Sequence[str]
    kind: Sequence[str]
    net: Numbers
    tax: Numbers
    line: Numbers  # row of Lines
    version_id: Sequence[int | None]
    cause: Sequence[str]


@dataclass(frozen=True, eq=False)
class Part:
    """Lines of one label and kind, on some invoices."""

    invoice: Numbers
    net: Numbers
    line: Numbers
    label: Sequence[str]
    kind: str
    version_id: Sequence[int | None]
    cause: str


def bills(world: World, lines: Lines, customers: Customers, now: datetime, rng: np.random.Generator) -> tuple[Bills, BillLines]:
    """Everybody's two latest issued bills; a bill is issued on the first day it covers."""
    count = customers.line.size
    billed = _lines_billed(world, lines, customers, rng)
    net = np.concatenate([part.net for part in billed])
    tax = taxed(net, world.tax_percent)
    invoice = np.concatenate([part.invoice for part in billed])
    gross = np.bincount(invoice, weights=net + tax, minlength=2 * count).astype(np.int64)
    taxes = np.bincount(invoice, weights=tax, minlength=2 * count).astype(np.int64)
    latest = _latest_month(customers.cycle_day, now.date())
    months = np.concatenate([latest - 1, latest])
    start = _cycle_dates(months, np.tile(customers.cycle_day, 2))
    header = Bills(
        customer=np.tile(np.arange(count), 2),
        month=months.astype("datetime64[M]").astype("datetime64[D]"),
        period_from=start,
        period_to=_cycle_dates(months + 1, np.tile(customers.cycle_day, 2)),
        gross=gross,
        tax=taxes,
        is_paid=_paid(start, customers, now.date()),
    )
    return header, BillLines(
        invoice=invoice,
        label=[label for part in billed for label in part.label],
        kind=[part.kind for part in billed for _ in part.label],
        net=net,
        tax=tax,
        line=np.concatenate([part.line for part in billed]),
        version_id=[version for part in billed for version in part.version_id],
        cause=[part.cause for part in billed for _ in part.label],
    )


def taxed(net: Numbers, percent: int) -> Numbers:
    """Tax of each line, half a minor unit away from zero."""
    tax: Numbers = np.sign(net) * ((np.abs(net) * percent + 50) // 100)
    return tax


def _lines_billed(world: World, lines: Lines, customers: Customers, rng: np.random.Generator) -> list[Part]:
    count = customers.line.size
    change = np.array(CHANGES)[customers.change]
    renews = (change == "renewal")[lines.customer]
    price, was = (np.array([getattr(each, name) for each in world.offerings])[lines.offering] for name in ("price", "was"))
    labels = [world.offerings[number].name for number in lines.offering.tolist()]
    # Version ids: two for each offering, the older first.
    newer, rows = lines.offering * 2 + 2, np.arange(lines.offering.size)
    asked = customers.change_gross * 100 // (100 + world.tax_percent)
    asked += (customers.change_gross > asked + taxed(asked, world.tax_percent)).astype(np.int64)

    def extra(who: str, half: int, label: str, kind: str, usual: Numbers) -> Part:
        chosen = np.flatnonzero(change == who)
        return Part(chosen + half * count, usual[chosen], customers.line[chosen], [label] * chosen.size, kind, [None] * chosen.size, who)

    calls_before = np.full(count, USUAL_CALLS)
    calls_after = calls_before + np.where(asked > 0, asked, rng.integers(150, 1400, count))
    sign = np.where(asked > 0, asked, WAS_GIVEN)
    return [
        Part(lines.customer, np.where(renews, was, price), rows, labels, "recurring", (newer - renews).tolist(), "subscription"),
        Part(lines.customer + count, price, rows, labels, "recurring", newer.tolist(), "subscription"),
        extra("international", 0, "International calls", "usage", calls_before),
        extra("international", 1, "International calls", "usage", calls_after),
        extra("discount_ended", 0, "Welcome discount", "discount", -sign),
        extra("one_off", 1, "Second router", "one_off", np.where(asked > 0, asked, ROUTER)),
    ]


def _latest_month(cycle_day: Numbers, today: date) -> Numbers:
    """The month of the last bill, counted from January 1970: this one where its day has come."""
    this = (today.year - 1970) * 12 + today.month - 1
    last = calendar.monthrange(today.year, today.month)[1]
    latest: Numbers = np.where(np.minimum(cycle_day, last) <= today.day, this, this - 1)
    return latest


def _cycle_dates(months: Numbers, cycle_day: Numbers) -> Days:
    """The billing day in each month: the last one where the month is too short."""
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    length = ((months + 1).astype("datetime64[M]").astype("datetime64[D]") - first).astype(np.int64)
    dates: Days = first + (np.minimum(cycle_day, length) - 1).astype("timedelta64[D]")
    return dates


def _paid(start: Days, customers: Customers, today: date) -> Flags:
    """Paid on the day it was due; who is overdue has not paid the latest that was, who is suspended neither."""
    due = start + np.timedelta64(DUE_AFTER, "D") <= np.datetime64(today)
    older_is_last_due = np.concatenate([~due[due.size // 2 :], due[due.size // 2 :]])
    overdue = np.tile(customers.is_overdue, 2) & older_is_last_due
    paid: Flags = due & ~overdue & ~np.tile(customers.is_suspended, 2)
    return paid


def paid_at(header: Bills) -> Days:
    at: NDArray[Any] = header.due_on[header.is_paid].astype("datetime64[s]") + np.timedelta64(9 * 3600, "s")
    return at
