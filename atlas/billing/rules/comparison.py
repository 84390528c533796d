"""What changed between two bills."""

from collections.abc import Iterable, Sequence
from datetime import date

from atlas.billing.records.bills import BillComparison, InvoiceLine, LineChange
from atlas.billing.rules.amounts import total, total_by_label
from atlas.errors import AtlasError
from atlas.money import ZERO


class NothingToCompare(AtlasError):
    """Fewer than two bills were issued."""

    def __init__(self, bills: int) -> None:
        super().__init__(f"two bills are needed to compare, and {bills} were issued")
        self.bills = bills


def bill_changes(before: Iterable[InvoiceLine], after: Iterable[InvoiceLine]) -> list[LineChange]:
    """What moved between two bills, largest rise first; unchanged labels are left out."""
    was, now = total_by_label(before), total_by_label(after)
    changes = (LineChange(label, now.get(label, ZERO) - was.get(label, ZERO)) for label in was.keys() | now.keys())
    return sorted((change for change in changes if change.amount), key=lambda change: (-change.amount, change.label))


def compared(before: date, was: Sequence[InvoiceLine], after: date, now: Sequence[InvoiceLine]) -> BillComparison:
    """The bill of month `after` beside the one of `before`."""
    total_before, total_after = total(line.amount for line in was), total(line.amount for line in now)
    return BillComparison(before, after, total_before, total_after, total_after - total_before, tuple(bill_changes(was, now)))
