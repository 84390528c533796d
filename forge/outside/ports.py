"""What Forge asks of the world outside: to carry a message, to look at a device, to set a line up, to take a payment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol, runtime_checkable

from atlas.errors import AtlasError
from atlas.money import Money


class NotDone(AtlasError):
    """The world outside said no, and nothing happened there."""


class NotNow(NotDone):
    """Refused for the moment (too many at once, closed for a minute): the same will do later. `after` where the other side says when."""

    def __init__(self, why: str, after: timedelta | None = None) -> None:
        super().__init__(why)
        self.after = after


class Never(NotDone):
    """Refused for good: no such address, or nobody there wishes to hear from us."""


class NoAnswer(AtlasError):
    """It may or may not have happened: nobody answered. Ask by key before trying again."""


@dataclass(frozen=True)
class Message:
    """Exact words to one address. `key` is the same at every attempt; `since` is when the first of them may have been.

    `template`: where only approved words may go, the name of theirs, as in `outage.en`. `others`: the carrier's references of other
    messages with these very words at this address, which are not this one.
    """

    key: str
    channel: str
    address: str
    words: str
    since: datetime
    template: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True)
class Probe:
    """What a look at one device found. `round_trip` is None where it did not answer; `detail` says what was read."""

    is_reachable: bool
    round_trip: timedelta | None
    detail: dict[str, Any]


class Messenger(Protocol):
    """Carries messages. Raises NotNow, Never or NoAnswer."""

    async def send(self, message: Message) -> str:
        """Hands the message over; the carrier's own reference for it."""

    async def find(self, message: Message) -> str | None:
        """The reference of this very message if the carrier has it already, from whichever attempt; None if it surely has not."""


class Prober(Protocol):
    """Looks at devices and changes nothing. An unreachable device is an answer, not an error."""

    async def probe(self, key: str, device: str, address: str | None) -> Probe: ...


# Orders about a session at a BNG, which a real Provisioner may take on while others are still recorded.
DISCONNECT: Final = "disconnect_session"
CHANGE: Final = "refresh_session"


class Provisioner(Protocol):
    """Changes what the network does for a line. Raises NotNow, Never or NoAnswer."""

    async def provision(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any]: ...

    async def find(self, key: str, operation: str, arguments: dict[str, Any]) -> dict[str, Any] | None:
        """What came of this very order, from whichever attempt; None if it surely never came. Raises NoAnswer where nobody can tell."""


@dataclass(frozen=True)
class Receipt:
    """One payment as the provider has it."""

    reference: str
    amount: Money
    at: datetime


@dataclass(frozen=True)
class PaymentWanted:
    """What a customer is to be asked for; `currency` in three letters, `title` is what the payer reads."""

    customer_id: int
    request_id: int
    amount: Money
    currency: str
    title: str


@dataclass(frozen=True)
class PaymentLink:
    """A page of the provider's where one amount can be paid, and its name for it."""

    reference: str
    url: str


class Payments(Protocol):
    """Moves money by key: the same key moves it once. Raises NotNow, Never or NoAnswer."""

    async def refund(self, key: str, reference: str, amount: Money) -> Receipt: ...

    async def find(self, key: str) -> Sequence[Receipt]: ...

    async def ask(self, key: str, wanted: PaymentWanted) -> PaymentLink: ...

    async def asked(self, key: str) -> PaymentLink | None: ...


@runtime_checkable
class Statement(Protocol):
    """What the provider says it received and gave back: Payments, as far as it only reads."""

    async def receipts(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Every payment the provider holds for us from `since` until before `until`; what it gave back again is left out."""

    async def refunds(self, since: datetime, until: datetime) -> Sequence[Receipt]:
        """Everything the provider gave back for us then, each under its own name for the refund; what failed is left out."""
