"""The words of an invoice, and how a language writes days and amounts; from prompts/documents. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Final

import yaml

from atlas.billing.records.documents import Paper
from atlas.money import SIGNS, Money, decimals
from forge.wording import LANGUAGES

# The mark and what stands behind it.
PART: Final = re.compile(r"\W?\{cents\}")
# Thousands are set apart by three.
GROUP: Final = 3


@dataclass(frozen=True)
class InvoiceWords:
    """One language's words, by the name of what they say."""

    said: Mapping[str, str]
    currency: str

    def __getitem__(self, name: str) -> str:
        return self.said[name]

    def day(self, day: date) -> str:
        return day.strftime(self["date"])

    def money(self, amount: Money) -> str:
        """As the language writes it: £1,234.50 or 1.234,50 €, and ¥1,234 where nothing is smaller; a minus where it gives back."""
        places = decimals()
        whole, cents = divmod(abs(amount.minor), 10**places)
        form = self["money"] if places else PART.sub("", self["money"])
        sign = SIGNS.get(self.currency, self.currency)
        written = form.format(sign=sign, whole=grouped(whole, self["group"]), cents=f"{cents:0{places}}")
        return f"-{written}" if amount.minor < 0 else written

    def title(self, paper: Paper) -> str:
        """A bill in its customer's favour is issued to those alone who left: whoever stays has it carried to their next one."""
        return self["title_final"] if paper.total < Money(0) else self["title"]

    def to_pay(self, paper: Paper) -> str:
        if paper.total < Money(0):
            return self["favour"].format(amount=self.money(-paper.total))
        if not paper.total:
            return self["nothing"]
        return self["by"].format(amount=self.money(paper.total), day=self.day(paper.head.due_on), number=paper.head.number)


def grouped(whole: int, mark: str) -> str:
    return f"{whole:,}".replace(",", mark)


@cache
def invoice_words(language: str, currency: str) -> InvoiceWords:
    """English where a language was never written."""
    name = language if language in LANGUAGES else "en"
    text = resources.files("prompts.documents").joinpath(f"invoice.{name}.yaml").read_text(encoding="utf-8")
    return InvoiceWords(yaml.safe_load(text), currency)
