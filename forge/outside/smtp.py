"""Carries messages as letters, over a mail server of the operator's.

SMTP has no key and no list to ask. So a row says, before a letter is handed over, that it may be on its way, and it goes only where the
server surely refused it. An attempt beyond the first finds the row: accepted, it is not sent again; neither accepted nor refused, nobody
can tell, and after three silences a person decides. `smtplib` waits, so each letter is handed over in a thread: a few at once are as many
as a server likes.
"""

import asyncio
import re
import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Final, Literal

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import InvoiceId
from atlas.principal import executor
from atlas.statements import Statements
from forge.invoices.documents import document_of
from forge.outside.letters import Occasion, Sender, letter, reference_of
from forge.outside.ports import Message, Never, NoAnswer, NotNow
from forge.outside.stop_links import StopLinks

SQL = Statements(__file__)

POST: Final = executor("post")
# Below what the outbox holds a carrier to: past it we would not know what became of the letter.
ANSWERS_WITHIN_S: Final = 10.0
AT_ONCE: Final = 4
# Our own account is the trouble: somebody sees to it, and the letters wait.
UNTIL_SEEN_TO: Final = timedelta(minutes=10)
# A server that knows this address but not now (greylisting, a full mailbox) says so with these.
LATER: Final = timedelta(minutes=5)
GONE: Final = 500
WAY: Final = re.compile(r"/way-\d+$")


class SurelyRefused(Exception):
    """The server said no, and has nothing of ours: what that means for the message."""

    def __init__(self, meaning: AtlasError) -> None:
        super().__init__(str(meaning))
        self.meaning = meaning


@dataclass(frozen=True)
class MailServer:
    """Where our letters are handed in. Without `user` it knows us by our address. `none` is for a server on this very machine."""

    host: str
    port: int = 587
    user: str = ""
    password: str = field(default="", repr=False)
    security: Literal["starttls", "tls", "none"] = "starttls"
    trusted: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)


@dataclass(frozen=True)
class SmtpMessenger:
    """A Messenger for the channel email."""

    atlas: Atlas
    server: MailServer
    sender: Sender
    now: Callable[[], datetime]
    links: StopLinks = field(default_factory=lambda: StopLinks(b""))
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def send(self, message: Message) -> str:
        reference = reference_of(message.key, self.sender)
        async with self.room:
            async with self.atlas.transaction(POST) as conn:
                occasion = await SQL.first(conn, Occasion, "occasion", key=WAY.sub("", message.key)) or Occasion("", "en")
            printed = None if occasion.bill_id is None else await self._printed(occasion.bill_id)
            async with self.atlas.transaction(POST) as conn:
                if await SQL.value(conn, "begin_letter", key=message.key):
                    return reference
            stop_link = self.links.link(occasion.purpose, occasion.customer_id, message.address)
            made = letter(message, self.sender, occasion, self.now(), stop_link, printed)
            try:
                await asyncio.to_thread(handed_over, self.server, made)
            except SurelyRefused as refusal:
                async with self.atlas.transaction(POST) as conn:
                    await SQL.run(conn, "surely_refused", key=message.key)
                raise refusal.meaning from refusal
        async with self.atlas.transaction(POST) as conn:
            await SQL.run(conn, "accepted", key=message.key)
        return reference

    async def _printed(self, bill: InvoiceId) -> bytes:
        """Before the letter may have left: a bill that cannot be printed waits, and is no letter whose fate nobody knows."""
        try:
            return await document_of(self.atlas, bill, self.sender.name)
        except Exception as error:  # whatever a printer or its font breaks with: nothing has left
            raise NotNow(f"the bill could not be printed: {type(error).__name__}", UNTIL_SEEN_TO) from error

    async def find(self, message: Message) -> str | None:
        async with self.atlas.transaction(POST) as conn:
            is_accepted = await SQL.value(conn, "handed", key=message.key)
        if is_accepted is False:
            raise NoAnswer("a mail server keeps no list: nobody can tell whether it left")
        return reference_of(message.key, self.sender) if is_accepted else None


def handed_over(server: MailServer, made: EmailMessage) -> None:
    """One letter in one session. Raises SurelyRefused, or NoAnswer where it may have left."""
    octets = made.as_bytes()
    with _session(server, made["From"].addresses[0].addr_spec) as session:
        try:
            _answered(session.rcpt(made["To"].addresses[0].addr_spec))
        except (smtplib.SMTPResponseException, UnicodeError) as refusal:
            raise SurelyRefused(meaning(refusal)) from refusal
        except (smtplib.SMTPException, OSError) as trouble:
            raise SurelyRefused(_unreached(trouble)) from trouble
        try:
            _answered(session.data(octets))
        except smtplib.SMTPResponseException as refusal:
            raise SurelyRefused(meaning(refusal)) from refusal
        except (smtplib.SMTPException, OSError) as trouble:
            raise NoAnswer(f"the mail server did not answer: {type(trouble).__name__}") from trouble


@contextmanager
def _session(server: MailServer, sender: str) -> Iterator[smtplib.SMTP]:
    """A session in which our account may send. Raises SurelyRefused. How it ends says nothing of the letter."""
    try:
        session = _opened(server)
        session.ehlo_or_helo_if_needed()
        _answered(session.mail(sender))
    except smtplib.SMTPResponseException as refusal:
        # Whoever refuses us before a recipient is named refuses our account: no other way to reach the customer is tried for that.
        raise SurelyRefused(NotNow(f"the mail server refuses our account ({refusal.smtp_code})", UNTIL_SEEN_TO)) from refusal
    except (smtplib.SMTPException, OSError) as trouble:
        raise SurelyRefused(_unreached(trouble)) from trouble
    try:
        yield session
    finally:
        with suppress(smtplib.SMTPException, OSError):
            session.quit()
        session.close()


def _opened(server: MailServer) -> smtplib.SMTP:
    """A session that is encrypted where it is to be, or none. A server that will not encrypt gets neither password nor letter."""
    if server.security == "tls":
        session: smtplib.SMTP = smtplib.SMTP_SSL(server.host, server.port, timeout=ANSWERS_WITHIN_S, context=server.trusted)
    else:
        session = smtplib.SMTP(server.host, server.port, timeout=ANSWERS_WITHIN_S)
    try:
        if server.security == "starttls":
            session.starttls(context=server.trusted)
        if server.user:
            session.login(server.user, server.password)
    except BaseException:
        session.close()
        raise
    return session


def _answered(answer: tuple[int, bytes]) -> None:
    code, said = answer
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, said)


def meaning(refusal: smtplib.SMTPResponseException | UnicodeError) -> AtlasError:
    """What a refusal means for the letter: later, or never. The server's own words may name people: only its code is kept."""
    if isinstance(refusal, UnicodeError):
        return Never("no mail server of ours takes this address")
    if refusal.smtp_code < GONE:
        return NotNow(f"the mail server asks us to come again ({refusal.smtp_code})", LATER)
    return Never(f"the mail server refused it ({refusal.smtp_code})")


def _unreached(trouble: Exception) -> AtlasError:
    if isinstance(trouble, smtplib.SMTPNotSupportedError | ssl.SSLError):
        return NotNow("the mail server does not encrypt as it should", UNTIL_SEEN_TO)
    return NotNow(f"the mail server cannot be reached: {type(trouble).__name__}")
