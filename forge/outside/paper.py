"""Carries messages as letters on paper: each is printed once into the spool, from which whoever posts for the operator takes them.

Nothing is asked of anybody outside, so there is no doubt: a key is in the spool or it is not.
"""

import asyncio
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from atlas.connection import Atlas
from atlas.principal import executor
from atlas.statements import Statements
from forge.outside.ports import Message
from forge.wording import subject_in_words

SQL = Statements(__file__)

LETTERS: Final = executor("letters")
LETTER: Final = "letter"
WAY: Final = re.compile(r"/way-\d+$")


@dataclass(frozen=True)
class About:
    """What a letter is about, and of whom."""

    purpose: str
    language: str
    customer_id: int


@dataclass(frozen=True)
class PaperPost:
    """A Messenger for the channel letter."""

    atlas: Atlas
    operator: str

    async def send(self, message: Message) -> str:
        kept = await self.find(message)
        if kept is not None:
            return kept
        notice = WAY.sub("", message.key)
        async with self.atlas.transaction(LETTERS) as conn:
            about = await SQL.one(conn, About, "about", key=notice)
        pdf, pages = await asyncio.to_thread(self._printed, message, about)
        async with self.atlas.transaction(LETTERS) as conn:
            printed = {"key": message.key, "notice_key": notice, "address": message.address, "pages": pages, "pdf": pdf}
            await SQL.run(conn, "print_letter", **printed)
            # Whoever printed at the same moment may have been first: theirs is the letter.
            return str(await SQL.value(conn, "reference", key=message.key))

    async def find(self, message: Message) -> str | None:
        async with self.atlas.transaction(LETTERS) as conn:
            reference: str | None = await SQL.value(conn, "reference", key=message.key)
            return reference

    def _printed(self, message: Message, about: About) -> tuple[bytes, int]:
        # Loaded with the first letter: the library and its font are megabytes that most processes never need.
        paper = importlib.import_module("forge.invoices.letter")
        sheet = paper.Sheet(
            tuple(message.address.splitlines()),
            about.language,
            subject_in_words(about.purpose, about.language),
            message.words,
            f"C-{about.customer_id}",
            message.since.date(),
        )
        made: Callable[..., tuple[bytes, int]] = paper.letter_pdf
        return made(sheet, self.operator)
