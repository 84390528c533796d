"""Pure: did Stripe send this? https://docs.stripe.com/webhooks#verify-manually: HMAC-SHA-256 over `t.payload`, in hexadecimal, as v1.

Decided on the raw octets, before anything of them is read. Two secrets while one is rolled; Stripe, too, then signs with both.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

SCHEME: Final = "v1"
# Stripe's own tolerance: an older call is a replay, and a younger one than our clock cannot be.
TOLERANCE: Final = timedelta(minutes=5)
# What a header of Stripe's can hold: a time and a handful of signatures of 64 digits.
MOST_HEADER: Final = 1024


@dataclass(frozen=True)
class Signed:
    """A Stripe-Signature header taken apart."""

    at: int
    signatures: tuple[bytes, ...]


def read_header(header: str) -> Signed | None:
    """None for anything that is no header of Stripe's."""
    pairs = [part.strip().partition("=") for part in header[:MOST_HEADER].split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    signatures = tuple(value.encode("ascii", "replace") for name, _, value in pairs if name == SCHEME)
    if (
        len(header) > MOST_HEADER
        or len(times) != 1
        or not (times[0].isascii() and times[0].isdigit())
        or len(times[0]) > 12
        or not signatures
    ):
        return None
    return Signed(int(times[0]), signatures)


def signature(secret: str, at: int, payload: bytes) -> bytes:
    return hmac.new(secret.encode(), str(at).encode() + b"." + payload, hashlib.sha256).hexdigest().encode()


def is_genuine(header: str | None, payload: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Whether one of the secrets signed exactly this, within the tolerance. What is missing or odd is not genuine, and never an error."""
    signed = read_header(header or "")
    if signed is None or abs(now.timestamp() - signed.at) > TOLERANCE.total_seconds():
        return False
    # All are tried, so that the time taken says nothing of which one it was.
    wanted = [signature(secret, signed.at, payload) for secret in secrets]
    matches = [hmac.compare_digest(one, given) for one in wanted for given in signed.signatures]
    return any(matches)
