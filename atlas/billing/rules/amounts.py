"""Sums of money."""

from collections.abc import Iterable

from atlas.billing.records.bills import InvoiceLine
from atlas.money import ZERO, Money


def total_by_label(lines: Iterable[InvoiceLine]) -> dict[str, Money]:
    totals: dict[str, Money] = {}
    for line in lines:
        totals[line.label] = totals.get(line.label, ZERO) + line.amount
    return totals


def total(amounts: Iterable[Money]) -> Money:
    return sum(amounts, ZERO)
