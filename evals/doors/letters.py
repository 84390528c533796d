"""Letters in and out: written as mail programs write them, fetched over IMAP, answered, and read where our mail server took them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Final

from api.inbound.mail.mailbox import Access, Fetching
from api.inbound.mail.parsing import Mailbox
from evals.doors.hall import CHECKED_BY, OUR_MAIL, Hall, Heard
from evals.scenario import Speaker, Turn

# What stands under every letter of ours, below the words.
SIGNATURE: Final = "\n-- \n"


@dataclass
class Letters:
    hall: Hall
    _answer: str = field(default="", init=False)
    _count: int = field(default=0, init=False)

    async def plays(self, speaker: Speaker, turn: Turn, words: str) -> Heard:
        """The letter lies in our mailbox, is fetched, and answered or not; what came back is what our mail server has for its sender."""
        hall = self.hall
        sender = turn.letter.sender or await hall.address(speaker, "email")
        made = self._written(sender, turn, words)
        await hall.sent()
        after, before = await hall.newest(), len(hall.outgoing.letters)
        hall.box.deliver(made.as_bytes())
        await self._fetched()
        await hall.settle()
        await hall.sent()
        replies = [one for one in hall.outgoing.read[before:] if sender in str(one["To"])]
        self._answer = "\n\n".join(one.get_content().replace("\r\n", "\n").partition(SIGNATURE)[0].strip() for one in replies)
        return await hall.heard_since(after, self._answer)

    async def _fetched(self) -> None:
        access = Access("127.0.0.1", self.hall.box.port, OUR_MAIL, "a password", is_tls=False)
        await Fetching(self.hall.here.atlas, access, Mailbox(OUR_MAIL, CHECKED_BY), lambda: datetime.now(UTC)).look()

    def _written(self, sender: str, turn: Turn, words: str) -> EmailMessage:
        letter = turn.letter
        self._count += 1
        made = EmailMessage()
        made["From"] = sender
        made["To"] = OUR_MAIL
        made["Subject"] = letter.subject or ("Re: our letter" if self._count > 1 else "A question")
        made["Message-ID"] = f"<{self.hall.twilio.new_id('')}@home.example>"
        if letter.is_proven:
            made["Authentication-Results"] = f"{CHECKED_BY}; dmarc=pass (p=reject) header.from={sender.rpartition('@')[2]}"
        for name, value in letter.headers.items():
            made[name] = value
        quoted = "\n".join(f"> {line}" for line in self._answer.split("\n"))
        made.set_content(f"{words}\n\nOn Monday Harbour Broadband <{OUR_MAIL}> wrote:\n{quoted}\n" if letter.quotes else words)
        if letter.html:
            made.add_alternative(letter.html, subtype="html")
        for name in letter.attached:
            made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename=name)
        return made
