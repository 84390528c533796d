"""Money: an exact amount in the operator's one currency; whole minor units inside Atlas, `Decimal` at the edges."""

from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

MINOR_UNITS: Final = 100
CENT: Final = Decimal("0.01")
DEFAULT_CURRENCY: Final = "GBP"
# How people write it before the number; a currency that is not here is written by its three letters.
SIGNS: Final = {"GBP": "£", "EUR": "€", "USD": "$", "INR": "₹"}


@total_ordering
class Money:
    """An exact amount. `minor` is the count of minor units (pence, cents); arithmetic never rounds by itself."""

    __slots__ = ("minor",)
    minor: int

    def __init__(self, amount: Decimal | str | int) -> None:
        scaled = Decimal(amount) * MINOR_UNITS
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more than two decimals; round it with Money.rounded")
        object.__setattr__(self, "minor", int(scaled))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError("Money does not change; make a new one")

    @classmethod
    def of_minor(cls, minor: int) -> Self:
        money = cls.__new__(cls)
        object.__setattr__(money, "minor", int(minor))
        return money

    @classmethod
    def rounded(cls, amount: Decimal) -> Self:
        """Half a minor unit rounds away from zero: the rule customers expect on a bill."""
        return cls(amount.quantize(CENT, rounding=ROUND_HALF_UP))

    @property
    def amount(self) -> Decimal:
        return (Decimal(self.minor) / MINOR_UNITS).quantize(CENT)

    def __add__(self, other: "Money") -> "Money":
        return Money.of_minor(self.minor + other.minor)

    def __sub__(self, other: "Money") -> "Money":
        return Money.of_minor(self.minor - other.minor)

    def __neg__(self) -> "Money":
        return Money.of_minor(-self.minor)

    def __mul__(self, count: int) -> "Money":
        return Money.of_minor(self.minor * count)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and self.minor == other.minor

    def __lt__(self, other: "Money") -> bool:
        return self.minor < other.minor

    def __hash__(self) -> int:
        return hash(("Money", self.minor))

    def __bool__(self) -> bool:
        return self.minor != 0

    def __str__(self) -> str:
        return f"{self.amount:,.2f}"

    def __repr__(self) -> str:
        return f"Money('{self.amount}')"

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Money, (str(self.amount),)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: str(value.amount)),
        )


ZERO: Final = Money(0)


def written(amount: Money, currency: str) -> str:
    """An amount as people read it: £6.20, -£6.20, or CHF 6.20."""
    return f"{'-' if amount < ZERO else ''}{SIGNS.get(currency, currency + ' ')}{Money.of_minor(abs(amount.minor))}"
