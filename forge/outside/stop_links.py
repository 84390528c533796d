"""Pure: the link in a letter by which whoever reads it hears no more of its kind (RFC 8058), with one press and without signing in.

What the link says is sealed: nobody reads from it whose it is, and nobody makes one or alters one. It names the address by a MAC, so
that it stops letters to where it was sent, and to nowhere else.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from atlas.crm.records import Purpose
from atlas.errors import NotPermitted
from atlas.identity import CustomerId
from atlas.zone_keys import secret_of_codes
from forge.may_send import ALARM, COPY, PURPOSE_OF, REPLY

PATH: Final = "/unsubscribe"
# What a contract obliges us to say, or they asked for: money owed and given back, an order under way, a line that is cut off or back.
# Whoever reads it is told nothing of how to stop it in one press; STOP in an answer to it still does.
OF_THE_CONTRACT: Final = frozenset(
    {
        REPLY,
        ALARM,
        COPY,
        "ruling",
        "credit",
        "credit_days",
        "compensation",
        "billing",
        "reminder",
        "reminder_payer",
        "bill",
        "bill_payer",
        "bill_covered",
        "bill_gives_back",
        "restricted",
        "suspension_notice",
        "service_back",
        "order_done",
        "add_on_begun",
        "add_on_ended",
        "order_failed",
        "order_late",
        "order_ended",
        "order_visit",
    }
)
# Written down in links that lie in mailboxes for years: never renumbered.
NUMBER_OF: Final = {Purpose.SERVICE: 1, Purpose.BILLING: 2, Purpose.MARKETING: 3}
MAC_OCTETS: Final = 16
ID_OCTETS: Final = 8
ABOUT: Final = [b"bedrock unsubscribe link"]


class LinkForged(NotPermitted):
    """A link that we did not make, or that was altered."""

    def __init__(self) -> None:
        super().__init__("this link is not one of ours, or a part of it is missing")


@dataclass(frozen=True)
class Stop:
    """What one link stops: letters of one purpose to one customer at one address."""

    customer_id: CustomerId
    purpose: Purpose
    address_mac: bytes


@dataclass(frozen=True)
class StopLinks:
    """Makes the links and reads them. `site` is where they lead, as https://care.isp.example; empty: no link is made."""

    key: bytes = field(repr=False)
    site: str = ""

    @classmethod
    def of(cls, secret: bytes, site: str = "") -> Self:
        """A process that was given the key of one zone makes and reads the same links as one with the installation's secret."""
        return cls(HKDF(SHA256(), 64, None, ABOUT[0]).derive(secret_of_codes(secret)), site.rstrip("/"))

    def link(self, purpose: str, customer_id: int | None, address: str) -> str:
        """Where a letter of this purpose to this customer is stopped; nothing where it may not be, or there is nowhere to lead to."""
        if purpose in OF_THE_CONTRACT or purpose not in PURPOSE_OF or customer_id is None or not self.site.startswith("https://"):
            return ""
        return f"{self.site}{PATH}/{self.sealed(Stop(CustomerId(customer_id), PURPOSE_OF[purpose], self.mac(address)))}"

    def mac(self, address: str) -> bytes:
        return hmac.new(self.key, address.strip().casefold().encode(), hashlib.sha256).digest()[:MAC_OCTETS]

    def sealed(self, stop: Stop) -> str:
        """The same stop is the same text: a letter that is tried again carries the same link."""
        said = bytes([NUMBER_OF[stop.purpose]]) + stop.customer_id.to_bytes(ID_OCTETS) + stop.address_mac
        return base64.urlsafe_b64encode(AESSIV(self.key).encrypt(said, ABOUT)).rstrip(b"=").decode()

    def opened(self, text: str) -> Stop:
        """Raises LinkForged."""
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            said = AESSIV(self.key).decrypt(sealed, ABOUT)
        except (InvalidTag, ValueError) as error:
            raise LinkForged from error
        # Whatever opens was sealed here: only its spelling may be another's.
        purpose = next(one for one, number in NUMBER_OF.items() if number == said[0])
        stop = Stop(CustomerId(int.from_bytes(said[1 : 1 + ID_OCTETS])), purpose, said[1 + ID_OCTETS :])
        if self.sealed(stop) != text:
            raise LinkForged
        return stop
