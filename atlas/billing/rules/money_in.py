"""What may be given back, and what may be asked for. Pure."""

from typing import Final

from atlas.errors import AtlasError, InvalidField
from atlas.money import ZERO, Money

# A card payment below this costs more than it brings.
LEAST_ASKED: Final = Money("1.00")


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
