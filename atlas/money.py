"""Money: an exact amount in the operator's one currency; whole minor units inside Atlas, `Decimal` at the edges.

How many minor units make one is the currency's own matter: a hundred pence, one yen, a thousand fils.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Final, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

DEFAULT_CURRENCY: Final = "GBP"
# How people write it before the number; a currency that is not here is written by its three letters.
SIGNS: Final = {"GBP": "£", "EUR": "€", "USD": "$", "INR": "₹", "JPY": "¥"}
# ISO 4217: what has not two decimals.
WITHOUT: Final = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF")
)
OF_THREE: Final = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def decimals_of(currency: str) -> int:
    """How many decimals an amount in this currency has."""
    return 0 if currency in WITHOUT else 3 if currency in OF_THREE else 2


@dataclass
class _Books:
    decimals: int = 2


# A house has one currency for good (`billing.set_currency`), so a process says once which: an amount without it is no amount.
_BOOKS: Final = _Books()


def count_in(currency: str) -> None:
    """From here on amounts are read and written in this currency's decimals; said once, before any amount of the operator's is read."""
    _BOOKS.decimals = decimals_of(currency)


def decimals() -> int:
    """How many decimals an amount of the house has."""
    return _BOOKS.decimals


@total_ordering
class Money:
    """An exact amount. `minor` is the count of minor units (pence, cents); arithmetic never rounds by itself."""

    __slots__ = ("minor",)
    minor: int

    def __init__(self, amount: Decimal | str | int) -> None:
        scaled = Decimal(amount).scaleb(_BOOKS.decimals)
        if scaled != scaled.to_integral_value():
            raise ValueError(f"{amount} has more than {_BOOKS.decimals} decimals; round it with Money.rounded")
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
        return cls(amount.quantize(_smallest(), rounding=ROUND_HALF_UP))

    @property
    def amount(self) -> Decimal:
        return Decimal(self.minor).scaleb(-_BOOKS.decimals).quantize(_smallest())

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
        return f"{self.amount:,.{_BOOKS.decimals}f}"

    def __repr__(self) -> str:
        return f"Money('{self.amount}')"

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return Money.of_minor, (self.minor,)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            lambda value: value if isinstance(value, cls) else cls(value),
            serialization=core_schema.plain_serializer_function_ser_schema(lambda value: str(value.amount)),
        )


def _smallest() -> Decimal:
    return Decimal(1).scaleb(-_BOOKS.decimals)


ZERO: Final = Money(0)


def written(amount: Money, currency: str) -> str:
    """An amount as people read it: £6.20, -£6.20, or CHF 6.20."""
    return f"{'-' if amount < ZERO else ''}{SIGNS.get(currency, currency + ' ')}{Money.of_minor(abs(amount.minor))}"
