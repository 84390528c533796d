"""Amounts divided and taxed such that the parts add up to the whole."""

from collections.abc import Sequence
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal

from atlas.billing.rules.amounts import total
from atlas.errors import InvalidField
from atlas.money import ZERO, Money


def shared_out(amount: Money, weights: Sequence[Decimal]) -> list[Money]:
    """`amount` divided in proportion to `weights`, to the penny and with nothing lost: the largest remainders get the odd pennies.

    Raises InvalidField where the weights add up to nothing.
    """
    whole = sum(weights, Decimal(0))
    if not whole:
        raise InvalidField("weights", "add up to nothing")
    exact = [amount.minor * weight / whole for weight in weights]
    floors = [int(share.to_integral_value(ROUND_FLOOR)) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda place: (floors[place] - exact[place], place))
    lifted = set(by_remainder[: amount.minor - sum(floors)])
    return [Money.of_minor(floor + (place in lifted)) for place, floor in enumerate(floors)]


def line_taxes(net: Sequence[Money], rate: Decimal) -> list[Money]:
    """The tax of each line, such that the lines add up to the tax of the invoice, rounded once.

    A credit note per line then gives back exactly what was charged. `rate` is a fraction, as 0.20.
    """
    charged = total(net)
    tax = Money.of_minor(int((charged.minor * rate).quantize(Decimal(1), rounding=ROUND_HALF_UP)))
    if not charged:
        return [ZERO for _ in net]
    return shared_out(tax, [Decimal(amount.minor) for amount in net])
