"""Pure: a message as a letter: from whom, about what, in answer to which, and marked so that no program answers it."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from atlas.identity import InvoiceId
from forge.may_send import PURPOSE_OF, REPLY
from forge.outside.ports import Message, Never
from forge.outside.stop_links import OF_THE_CONTRACT
from forge.wording import subject_in_words

# No line of a letter may be longer (RFC 5322). Python breaks at 78 and makes encoded words of what it cannot break: no link survives that.
WHOLE_LINES: Final = SMTP.clone(max_line_length=998)
LONGEST_SUBJECT: Final = 120
# What a subject of ours begins with where it answers one of theirs; programs file by it.
ANSWERS: Final = "Re: "
# Their own id for their letter, as far as it is one; a letter that had none is known to us by its octets.
ONE_ID: Final = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
ANSWER_MARK: Final = re.compile(r"^(?:re|aw|sv|rv)\s*:\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Sender:
    """Whom our letters are from: the operator's name, and the address that is also read."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


@dataclass(frozen=True)
class Occasion:
    """Why a letter is written: the notice's purpose and language, and the letter of theirs that it answers, if there is one.

    `customer_id` None: it is to nobody whom we know, or to a colleague. `bill_id`, `bill`: the bill that it comes with, and its number.
    """

    purpose: str
    language: str
    subject: str = ""
    answers: str = ""
    customer_id: int | None = None
    bill_id: InvoiceId | None = None
    bill: int | None = None


def reference_of(key: str, sender: Sender) -> str:
    """The outbox' key as a Message-ID: the same at every attempt, and told to nobody. Without its angle brackets."""
    return f"{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.domain}"


def letter(
    message: Message, sender: Sender, occasion: Occasion, at: datetime, stop_link: str = "", document: bytes | None = None
) -> EmailMessage:
    """The whole letter, in plain text. `stop_link`: where one press ends letters of its kind; `document`: the PDF of its bill.

    Raises Never for what is no mail address.
    """
    made = EmailMessage(policy=WHOLE_LINES)
    made["From"] = _address(sender.address, sender.name)
    made["To"] = _address(message.address)
    made["Subject"] = subject_of(occasion)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = f"<{reference_of(message.key, sender)}>"
    # Whoever answers letters by program must not answer this one (RFC 3834): so two of us never write to one another without end.
    made["Auto-Submitted"] = "auto-replied" if occasion.purpose == REPLY else "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    if ONE_ID.fullmatch(occasion.answers):
        made["In-Reply-To"] = made["References"] = f"<{occasion.answers}>"
    if occasion.purpose in PURPOSE_OF and occasion.purpose not in OF_THE_CONTRACT:
        # Our own mailbox understands the second, as every channel does.
        made["List-Unsubscribe"] = ", ".join([*([f"<{stop_link}>"] if stop_link else []), f"<mailto:{sender.address}?subject=STOP>"])
        if stop_link:
            made["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    made.set_content(f"{message.words}\n\n-- \n{sender.name}\n")
    if document is not None:
        made.add_attachment(document, maintype="application", subtype="pdf", filename=f"{occasion.bill}.pdf")
    return made


def _address(address: str, name: str = "") -> Address:
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError) as error:
        raise Never("this is not a mail address") from error


def subject_of(occasion: Occasion) -> str:
    """Theirs where we answer them, else what the notice is about. One line: what they wrote goes into a header."""
    if occasion.purpose == REPLY and occasion.subject:
        theirs = ANSWER_MARK.sub("", " ".join("".join(mark if mark.isprintable() else " " for mark in occasion.subject).split()))
        return (ANSWERS + theirs)[:LONGEST_SUBJECT]
    return subject_in_words(occasion.purpose, occasion.language)
