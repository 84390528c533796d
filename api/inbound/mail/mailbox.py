"""The operator's mailbox over IMAP: what is unseen is kept, then marked as seen, in that order. A letter that we kept and could not mark is
kept again, which changes nothing.

`imaplib` waits: each call runs in a thread of its own.
"""

import asyncio
import hashlib
import imaplib
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import psycopg
import structlog

from api.inbound.mail.keeping import keep_letter, keep_unreadable
from api.inbound.mail.parsing import MOST_OCTETS, Letter, Mailbox, Returned, read
from atlas.connection import Atlas
from atlas.errors import AtlasError, InvalidField

log = structlog.get_logger()

ANSWERS_WITHIN_S: Final = 20.0
# Of one look; the rest waits for the next, which follows at once.
MOST_AT_ONCE: Final = 50


class MailboxAway(AtlasError):
    """The mailbox does not answer, or not as IMAP does: its letters wait there, unseen."""


@dataclass(frozen=True)
class Access:
    """Where the mailbox is and who opens it. `is_tls` False is for a server on this very machine."""

    host: str
    port: int
    user: str
    password: str
    folder: str = "INBOX"
    is_tls: bool = True


@dataclass(frozen=True)
class Found:
    """A letter as it lies there: its number in the mailbox, and what it says, or why nobody can tell."""

    number: bytes
    said: Letter | Returned | None
    digest: str = ""
    why: str = ""


@dataclass(frozen=True)
class Fetching:
    """Fetches the operator's mail into Atlas."""

    atlas: Atlas
    access: Access
    ours: Mailbox
    now: Callable[[], datetime]

    @asynccontextmanager
    async def running(self, every_s: float) -> AsyncIterator[None]:
        """Looks now and then while the block runs; a look that is under way is finished at the end."""
        stopping = asyncio.Event()
        looking = asyncio.create_task(self._until(stopping, every_s))
        try:
            yield
        finally:
            stopping.set()
            await asyncio.wait({looking}, timeout=ANSWERS_WITHIN_S)
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    async def _until(self, stopping: asyncio.Event, every_s: float) -> None:
        while not stopping.is_set():
            found = 0
            try:
                found = await self.look()
            except (AtlasError, psycopg.Error, TimeoutError) as error:
                log.warning("mailbox_not_read", error=type(error).__name__)
            if found < MOST_AT_ONCE:
                with suppress(TimeoutError):
                    async with asyncio.timeout(every_s):
                        await stopping.wait()

    async def look(self) -> int:
        """Keeps what is unseen; how many were there. Raises MailboxAway."""
        found = await asyncio.to_thread(self._unseen)
        kept: list[bytes] = []
        try:
            for one in found:
                await self._keep(one)
                kept.append(one.number)
        finally:
            if kept:
                await asyncio.to_thread(self._mark, kept)
        if found:
            log.info("mail_fetched", letters=len(found), unreadable=sum(one.said is None for one in found))
        return len(found)

    async def _keep(self, one: Found) -> None:
        if one.said is None:
            await keep_unreadable(self.atlas, one.digest, one.why)
        else:
            await keep_letter(self.atlas, one.said, self.now())

    def _unseen(self) -> list[Found]:
        with _opened(self.access) as box:
            numbers = _answered(box.uid("SEARCH", "UNSEEN"))[0].split()[:MOST_AT_ONCE]
            return [self._found(number, _octets(box, number)) for number in numbers]

    def _found(self, number: bytes, octets: bytes) -> Found:
        digest = "sha256:" + hashlib.sha256(octets).hexdigest()
        try:
            return Found(number, read(octets, self.ours), digest)
        except InvalidField as error:
            return Found(number, None, digest, error.field)
        except Exception as error:  # whatever octets somebody sends us, the letters behind them are read
            log.warning("letter_unreadable", error=type(error).__name__, octets=len(octets))
            return Found(number, None, digest, type(error).__name__)

    def _mark(self, numbers: Sequence[bytes]) -> None:
        with _opened(self.access) as box:
            _answered(box.uid("STORE", b",".join(numbers).decode("ascii"), "+FLAGS.SILENT", r"(\Seen)"))


@contextmanager
def _opened(access: Access) -> Iterator[imaplib.IMAP4]:
    """One session. Raises MailboxAway for whatever goes wrong in it."""
    try:
        box = _connected(access)
        try:
            box.login(access.user, access.password)
            _answered(box.select(_quoted(access.folder)))
            yield box
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                box.logout()
    except (imaplib.IMAP4.error, OSError, ssl.SSLError, UnicodeError) as error:
        raise MailboxAway(f"the mailbox at {access.host} does not do as asked: {type(error).__name__}") from error


def _connected(access: Access) -> imaplib.IMAP4:
    if access.is_tls:
        return imaplib.IMAP4_SSL(access.host, access.port, ssl_context=ssl.create_default_context(), timeout=ANSWERS_WITHIN_S)
    return imaplib.IMAP4(access.host, access.port, timeout=ANSWERS_WITHIN_S)


def _quoted(folder: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", folder) + '"'


def _answered(answer: tuple[str, list[Any]]) -> list[bytes]:
    """What came back. Raises imaplib.IMAP4.error where it was no."""
    state, found = answer
    if state != "OK":
        raise imaplib.IMAP4.error(state)
    return [one for one in found if isinstance(one, bytes)] or [b""]


def _octets(box: imaplib.IMAP4, number: bytes) -> bytes:
    """The letter, or as much of its beginning as is read. PEEK leaves it unseen until it is kept."""
    state, found = box.uid("FETCH", number.decode("ascii"), f"(BODY.PEEK[]<0.{MOST_OCTETS}>)")
    octets = next((one[1] for one in found if isinstance(one, tuple) and len(one) > 1), None) if state == "OK" else None
    return octets if isinstance(octets, bytes) else b""
