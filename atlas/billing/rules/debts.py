"""Who owes what beyond its day, and who may be cut off for it."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Final

from atlas.billing.records.debts import AgedDebt, Debt, OverdueInvoice
from atlas.billing.rules.amounts import total
from atlas.errors import AtlasError
from atlas.identity import CustomerId
from atlas.money import Money

# A bill is sent at the start of a month and its reminder two weeks after its day: a debt younger than this has not been asked for twice.
SUSPEND_AFTER: Final = timedelta(days=30)


# Cutting somebody off costs more than this to undo.
LEAST_DEBT_TO_SUSPEND: Final = Money("10.00")


class PaymentArrived(AtlasError):
    """The debt for which somebody was to be cut off is no longer there."""

    def __init__(self, customer_id: CustomerId, owed: Money) -> None:
        super().__init__(f"customer {customer_id} now owes {owed} overdue: nobody is cut off for that")
        self.customer_id = customer_id


class ProtectedFromDisconnection(AtlasError):
    """A vulnerable customer, an emergency line, a disputed debt, or somebody who died: never cut off."""

    def __init__(self, customer_id: CustomerId) -> None:
        super().__init__(f"customer {customer_id} is protected from disconnection")
        self.customer_id = customer_id


def debts_of(overdue: Iterable[OverdueInvoice]) -> list[Debt]:
    """What each customer owes beyond its day, the largest first."""
    return sorted((_debt(invoices) for invoices in _by_customer(overdue)), key=lambda debt: (-debt.owed, debt.customer_id))


def aged_debts(overdue: Iterable[OverdueInvoice], today: date) -> list[AgedDebt]:
    """Each customer's open debt by its age, the largest first."""
    return sorted((_aged(invoices, today) for invoices in _by_customer(overdue)), key=lambda debt: (-debt.total, debt.customer_id))


def _by_customer(overdue: Iterable[OverdueInvoice]) -> Iterable[list[OverdueInvoice]]:
    together: dict[CustomerId, list[OverdueInvoice]] = {}
    for invoice in overdue:
        together.setdefault(invoice.customer_id, []).append(invoice)
    return together.values()


def _debt(invoices: Sequence[OverdueInvoice]) -> Debt:
    one = invoices[0]
    return Debt(
        customer_id=one.customer_id,
        owed=total(invoice.outstanding for invoice in invoices),
        oldest_due_on=min(invoice.due_on for invoice in invoices),
        subscriber_ids=one.subscriber_ids,
        is_vulnerable=one.is_vulnerable,
        has_emergency_line=one.has_emergency_line,
        is_deceased=one.is_deceased,
        is_disputed=any(invoice.is_disputed for invoice in invoices),
    )


def _aged(invoices: Sequence[OverdueInvoice], today: date) -> AgedDebt:
    def between(fewest: int, most: int | None) -> Money:
        ages = ((invoice, (today - invoice.due_on).days) for invoice in invoices)
        return total(invoice.outstanding for invoice, days in ages if days >= fewest and (most is None or days <= most))

    return AgedDebt(
        customer_id=invoices[0].customer_id,
        name=invoices[0].name,
        days_1_to_30=between(1, 30),
        days_31_to_60=between(31, 60),
        days_61_to_90=between(61, 90),
        days_over_90=between(91, None),
        total=total(invoice.outstanding for invoice in invoices),
    )


def is_due_for_suspension(debt: Debt, today: date) -> bool:
    """Old enough and large enough to cut somebody off for; whether they may be is `is_protected`."""
    return debt.owed >= LEAST_DEBT_TO_SUSPEND and today - debt.oldest_due_on >= SUSPEND_AFTER


def is_protected(debt: Debt) -> bool:
    """Somebody whom the law, or a dispute, forbids to cut off; or who died, whose line stays until the family says."""
    return debt.is_vulnerable or debt.has_emergency_line or debt.is_deceased or debt.is_disputed
