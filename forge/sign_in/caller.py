"""Who knocks, before it is known who they are: an address, a browser, and whether that browser has got in before."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from atlas.identity import StaffId

# A browser that got in once keeps its own count of tries for a year, so that a stranger's guessing cannot lock its owner out.
KNOWN_BROWSER_DAYS: Final = 365


@dataclass(frozen=True)
class Caller:
    """`known_browser` is what this browser was given when it got in; empty for one that never did."""

    address: str = ""
    browser: str = ""
    known_browser: str = ""


def browser_mark(secret: bytes, staff_id: StaffId) -> str:
    """What a browser keeps after its owner got in at it. Worth nothing but a count of tries of its own."""
    nonce = secrets.token_hex(16)
    return f"{staff_id}.{nonce}.{_mac(secret, staff_id, nonce)}"


def marked_for(secret: bytes, mark: str, staff_id: StaffId) -> str | None:
    """The nonce of a mark that we gave this very person's browser; None for any other."""
    whose, _, rest = mark.partition(".")
    nonce, _, mac = rest.partition(".")
    is_ours = whose == str(staff_id) and hmac.compare_digest(mac.encode(), _mac(secret, staff_id, nonce).encode())
    return nonce if is_ours else None


def _mac(secret: bytes, staff_id: StaffId, nonce: str) -> str:
    return hmac.new(secret, f"known browser|{staff_id}|{nonce}".encode(), hashlib.sha256).hexdigest()
