"""Who may speak at a door, by what name we know them, and how far their clocks and their text can be trusted."""

import hmac
import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network

LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
# Longer texts come from broken senders; nobody reads further, and PostgreSQL must index what it keeps.
LONGEST_TEXT: Final = 2000
LONGEST_NAME: Final = 255
# No honest datagram is longer on its way, an inform's repeats included; more than that, and a clock was set or the sender restarted.
LONGEST_DELAY: Final = timedelta(seconds=30)
COPY_COMES_WITHIN: Final = timedelta(seconds=2)
MOST_CLOCKS: Final = 50_000

# Control characters but tab and newline, and halves of surrogate pairs: none is text, and NUL is refused by PostgreSQL.
NOT_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TrustedForwarders:
    """Relays that may speak for others (RFC 3584 snmpTrapAddress, syslog HOSTNAME is believed from anyone)."""

    networks: tuple[Network, ...]

    @classmethod
    def of(cls, networks: Iterable[str] = LOOPBACK) -> "TrustedForwarders":
        return cls(tuple(ip_network(network) for network in networks))

    def trust(self, address: str) -> bool:
        try:
            source = ip_address(address)
        except ValueError:
            return False
        return any(source in network for network in self.networks if network.version == source.version)


def plain_address(address: str) -> str:
    """An address as one spelling: an IPv4 address that came through an IPv6 socket is IPv4, a zone index is left out."""
    parsed = ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if parsed.version == 6 else None
    return str(mapped or parsed)


def readable(raw: bytes | str, longest: int = LONGEST_TEXT) -> str:
    """Text from outside, safe to keep: invalid UTF-8 and control characters replaced, cut at `longest` characters. Data, never obeyed."""
    text = raw.decode("utf-8", errors="replace") if isinstance(raw, bytes) else raw
    if NOT_TEXT.search(text):
        text = NOT_TEXT.sub("\ufffd", text)
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def bearer_is_valid(authorization: str | None, token: str) -> bool:
    """Compares in constant time; an empty configured token lets nobody in."""
    scheme, _, given = (authorization or "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), token.encode())


@dataclass(slots=True)
class SenderClock:
    """What is known of one sender's clock: how far ours is ahead of it, and what it showed last, when."""

    offset: timedelta
    reading: datetime
    received_at: datetime

    def stands_still(self, reading: datetime, received_at: datetime) -> bool:
        """Some agents send the same uptime for ever; a copy of one datagram comes sooner than this."""
        return reading == self.reading and received_at - self.received_at > COPY_COMES_WITHIN


@dataclass(slots=True)
class SenderClocks:
    """Each sender's clock against ours, so that its events keep its order though its clock is wrong and datagrams overtake one another.

    The first reading fixes the offset, and it stays as long as no event contradicts it by more than `slack`: an offset that moved a little
    with every event would put an early event after a late one. A clock that stands still is not asked. Holds at `most` senders.
    """

    slack: timedelta = LONGEST_DELAY
    resolution: timedelta = timedelta(0)
    most: int = MOST_CLOCKS
    clocks: OrderedDict[str, SenderClock] = field(default_factory=OrderedDict)

    def happened_at(self, sender: str, reading: datetime, received_at: datetime) -> datetime:
        """When it happened by our clock, within `slack` of `received_at`. Within the clock's resolution the order of arrival counts."""
        seen = received_at - reading
        clock = self.clocks.get(sender)
        if clock is None or abs(seen - clock.offset) > self.slack:
            self._remember(sender, SenderClock(seen, reading, received_at))
            return received_at
        if clock.stands_still(reading, received_at):
            return received_at
        if reading > clock.reading:
            clock.reading, clock.received_at = reading, received_at
        return received_at if abs(seen - clock.offset) < self.resolution else reading + clock.offset

    def _remember(self, sender: str, clock: SenderClock) -> None:
        self.clocks[sender] = clock
        self.clocks.move_to_end(sender)
        if len(self.clocks) > self.most:
            self.clocks.popitem(last=False)
