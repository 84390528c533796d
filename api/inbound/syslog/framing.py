"""Messages out of a TCP stream (RFC 6587): counted octets or lines, whichever the sender uses, and both in one stream."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

LONGEST_MESSAGE: Final = 65_535
# "65535 " is the longest honest count.
LONGEST_COUNT: Final = 6
DIGITS: Final = frozenset(b"0123456789")


class StreamBroken(ValueError):
    """What follows in this stream cannot be told apart any more; the connection is closed and the rest set aside."""


@dataclass(slots=True)
class Frames:
    """Cuts one stream into messages as it arrives; keeps at most one message that is not complete."""

    held: bytearray = field(default_factory=bytearray)

    def feed(self, octets: bytes) -> Iterator[bytes]:
        """The messages that are complete now. Raises StreamBroken where what follows them is no message."""
        self.held += octets
        while self.held:
            message = self._counted() if self.held[0] in DIGITS else self._line()
            if message is None:
                return
            if message:
                yield message

    def rest(self) -> bytes:
        """What the sender left without an end, when it hung up."""
        left, self.held = bytes(self.held), bytearray()
        return left

    def _counted(self) -> bytes | None:
        space = self.held.find(b" ", 0, LONGEST_COUNT)
        if space < 0:
            if len(self.held) >= LONGEST_COUNT:
                raise StreamBroken("an octet count that is no count")
            return None
        count = self.held[:space]
        if not count.isdigit() or int(count) > LONGEST_MESSAGE:
            raise StreamBroken("an octet count that is no count")
        end = space + 1 + int(count)
        return self._cut(space + 1, end, end) if len(self.held) >= end else None

    def _line(self) -> bytes | None:
        end = self.held.find(b"\n")
        if end < 0:
            if len(self.held) > LONGEST_MESSAGE:
                raise StreamBroken(f"a line of more than {LONGEST_MESSAGE} octets")
            return None
        return self._cut(0, end, end + 1)

    def _cut(self, start: int, end: int, after: int) -> bytes:
        message = bytes(self.held[start:end]).strip(b"\r\n\x00")
        del self.held[:after]
        return message
