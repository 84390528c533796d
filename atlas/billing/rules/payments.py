"""Payments beside the provider's list of them."""

from collections.abc import Iterable, Mapping

from atlas.billing.records.books import PaymentDifference, PaymentKept
from atlas.money import Money


def payment_differences(kept: Iterable[PaymentKept], reported: Mapping[str, Money]) -> list[PaymentDifference]:
    """Where Atlas and the provider's list of the same days disagree, by reference; `reported` leaves out what was returned."""
    ours = {payment.reference: payment.amount for payment in kept if not payment.is_returned}
    pairs = ((reference, ours.get(reference), reported.get(reference)) for reference in sorted(ours.keys() | reported.keys()))
    return [PaymentDifference(reference, have, said) for reference, have, said in pairs if have != said]
