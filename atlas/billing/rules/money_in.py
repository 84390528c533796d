"""What may be given back, and what may be asked for. Pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from atlas.billing.records.money_in import RefundNotMade
from atlas.errors import AtlasError, InvalidField, NotFound
from atlas.money import ZERO, Money

# A card payment below this costs more than it brings.
LEAST_ASKED: Final = Money("1.00")


# How money comes in that no provider tells us of.
OVER_THE_COUNTER: Final = ("cheque", "cash", "bank_transfer")
LONGEST_REFERENCE: Final = 60


class RefundExceedsPayment(AtlasError):
    """More would be given back than a payment brought and no debt used."""

    def __init__(self, reference: str, asked: Money, why: str) -> None:
        super().__init__(f"amount: {asked} of payment {reference} cannot be given back: {why}")
        self.reference = reference


class NothingToPay(AtlasError):
    """Nothing is owed, so no link to pay is made."""

    def __init__(self) -> None:
        super().__init__("nothing is owed at the moment")


def refundable(reference: str, asked: Money, unused: Money) -> Money:
    """`asked`, if so much of the payment is unused. Raises RefundExceedsPayment, or InvalidField for nothing."""
    if asked <= ZERO:
        raise InvalidField("amount", "more than nothing can be given back")
    if asked > unused:
        raise RefundExceedsPayment(reference, asked, f"only {unused} of it is not used")
    return asked


def amount_to_ask(owed: Money) -> Money:
    """What a link to pay is made out for: all that is owed. Raises NothingToPay."""
    if owed < LEAST_ASKED:
        raise NothingToPay
    return owed


def refund_named(found: Sequence[RefundNotMade], refund_id: int) -> RefundNotMade:
    """Raises NotFound: it went, it is not known, or somebody transferred it."""
    for one in found:
        if one.refund_id == refund_id:
            return one
    raise NotFound("refund that was not made", refund_id)


def checked_transfer(reference: str, paid_on: date, today: date) -> None:
    """Raises InvalidField for what is no transfer that somebody can have made."""
    if not reference.strip() or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise InvalidField("reference", f"what the transfer is found by, in at most {LONGEST_REFERENCE} letters")
    if paid_on > today:
        raise InvalidField("paid_on", f"{paid_on} has not come yet")


def checked_counter_payment(amount: Money, method: str, reference: str, received_on: date, today: date) -> None:
    """Raises InvalidField for what is no payment that somebody can have been handed."""
    if amount <= ZERO:
        raise InvalidField("amount", "a payment is more than nothing")
    if method not in OVER_THE_COUNTER:
        raise InvalidField("method", f"one of {', '.join(OVER_THE_COUNTER)}")
    if not reference.strip() or len(reference) > LONGEST_REFERENCE or not reference.isprintable():
        raise InvalidField("reference", f"what stands on it, as a cheque's number, in at most {LONGEST_REFERENCE} letters")
    if received_on > today:
        raise InvalidField("received_on", f"{received_on} has not come yet")
