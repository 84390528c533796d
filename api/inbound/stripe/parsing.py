"""Pure: one event of Stripe's as what it means for the books. Amounts are whole minor units already, in every currency."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec

from atlas.billing.records.money_in import EventKind, MoneyEvent
from atlas.identity import CustomerId
from atlas.money import Money

PROVIDER: Final = "stripe"
# What a payment can be, in minor units; beyond it somebody mistook something.
MOST: Final = 10**12
Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Number = Annotated[int, msgspec.Meta(ge=0, le=MOST)]


class Thing(msgspec.Struct, frozen=True):
    """The object of an event: a payment intent, a charge or a dispute; of each only what the books need."""

    id: Identifier
    currency: Annotated[str, msgspec.Meta(pattern="^[a-z]{3}$")]
    amount: Number = 0
    amount_received: Number = 0
    amount_refunded: Number = 0
    payment_intent: Identifier | None = None
    charge: Identifier | None = None
    status: str = ""
    metadata: dict[str, str] = {}


class Contents(msgspec.Struct, frozen=True):
    object: msgspec.Raw


class Event(msgspec.Struct, frozen=True):
    id: Identifier
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    created: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    data: Contents


EVENT: Final = msgspec.json.Decoder(Event)
THING: Final = msgspec.json.Decoder(Thing)

# The field of the object that says how much, by type of event.
KINDS: Final[Mapping[str, tuple[EventKind, str]]] = {
    "payment_intent.succeeded": (EventKind.RECEIVED, "amount_received"),
    "payment_intent.payment_failed": (EventKind.FAILED, "amount"),
    "charge.refunded": (EventKind.REFUNDED, "amount_refunded"),
    "charge.dispute.created": (EventKind.CHARGED_BACK, "amount"),
    "charge.dispute.closed": (EventKind.OTHER, "amount"),
}
CLOSED: Final = {"won": EventKind.CHARGEBACK_WON, "lost": EventKind.CHARGEBACK_LOST}


def money_event(body: bytes) -> MoneyEvent | None:
    """None for an event that is none of ours. Raises msgspec.ValidationError or DecodeError, which names the field."""
    event = EVENT.decode(body)
    if event.type not in KINDS:
        return None
    thing = THING.decode(event.data.object)
    kind, amount = KINDS[event.type]
    return MoneyEvent(
        provider=PROVIDER,
        event_id=event.id,
        kind=CLOSED.get(thing.status, kind) if event.type == "charge.dispute.closed" else kind,
        reference=thing.id if event.type.startswith("payment_intent.") else thing.payment_intent or thing.charge or thing.id,
        amount=Money.of_minor(getattr(thing, amount)),
        currency=thing.currency.upper(),
        occurred_at=datetime.fromtimestamp(event.created, UTC),
        customer_id=_as(CustomerId, thing.metadata.get("customer_id")),
        request_id=_as(int, thing.metadata.get("request_id")),
    )


def _as(kind: Any, written: str | None) -> Any:
    """The number that we gave along ourselves; None where there is none, or somebody wrote something else there."""
    return kind(int(written)) if written and written.isascii() and written.isdigit() and len(written) < 19 else None
