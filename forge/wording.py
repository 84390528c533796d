"""Fills a notice from prompts/notices/, so that Atlas keeps the exact words sent. A word that is missing is an error, never a gap."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from importlib import resources
from typing import Final
from zoneinfo import ZoneInfo

from atlas.errors import AtlasError

LANGUAGES: Final = ("en", "es", "de", "fr", "hi")
SLOT: Final = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
NEEDS: Final = re.compile(r"^needs:\s*\[([a-z_,\s]*)\]\s*$", re.MULTILINE)
# Three parts of a concatenated SMS in the plain alphabet: what is longer is not read.
LONGEST: Final = 459


class NoticeUnfillable(AtlasError):
    """A notice that cannot be worded: which template, and what is wrong with it or with what it was given."""

    def __init__(self, template: str, wrong: str) -> None:
        super().__init__(f"notice {template}: {wrong}")
        self.template = template


@dataclass(frozen=True)
class Template:
    """One purpose in one language. `needs` are the words it must be given, no more and no fewer."""

    name: str
    needs: frozenset[str]
    words: str

    def filled(self, given: Mapping[str, str]) -> str:
        """The exact words to send. Raises NoticeUnfillable where a word is missing, empty or unknown, or the whole is too long."""
        missing = sorted(name for name in self.needs if not given.get(name, "").strip())
        unknown = sorted(given.keys() - self.needs)
        if missing or unknown:
            raise NoticeUnfillable(self.name, f"missing {missing}, unknown {unknown}")
        words = SLOT.sub(lambda slot: _plain(given[slot.group(1)]), self.words)
        if len(words) > LONGEST:
            raise NoticeUnfillable(self.name, f"{len(words)} characters are more than {LONGEST}")
        return words

    def read_back(self, words: str) -> tuple[str, ...]:
        """What the slots were filled with, in their order. Raises NoticeUnfillable where the words are not this template's."""
        pieces = SLOT.split(self.words)
        pattern = "".join(re.escape(piece) if nth % 2 == 0 else "(.+?)" for nth, piece in enumerate(pieces))
        found = re.fullmatch(pattern, words)
        if found is None:
            raise NoticeUnfillable(self.name, "these words are not its words")
        return found.groups()


def template_named(name: str) -> Template:
    """The template of a name such as `outage.en`. Raises NoticeUnfillable."""
    purpose, _, language = name.rpartition(".")
    return template(purpose, language)


def worded(purpose: str, language: str, given: Mapping[str, str]) -> str:
    """The notice of this purpose in the customer's language, or in English where it was never written in theirs."""
    return template(purpose, language if language in LANGUAGES else "en").filled(given)


def cause_in_words(cause: str, language: str) -> str:
    """A cause class in words that a customer knows: never a device's name. One that has no words yet is "still looking into"."""
    words = _causes(language if language in LANGUAGES else "en")
    return words.get(cause, words["unknown"])


def request_in_words(action: str, language: str) -> str:
    """What somebody asked for, as they would say it; an action that has no words yet is "as you asked"."""
    words = _words("requests", language if language in LANGUAGES else "en")
    return words.get(action, words["other"])


def subject_in_words(purpose: str, language: str) -> str:
    """What a letter of this purpose is about, in a few words."""
    words = _words("subjects", language if language in LANGUAGES else "en")
    return words.get(purpose, words["other"])


def _causes(language: str) -> dict[str, str]:
    return _words("causes", language)


@cache
def _words(of: str, language: str) -> dict[str, str]:
    text = resources.files("prompts.notices").joinpath(f"{of}.{language}.txt").read_text(encoding="utf-8")
    return {name.strip(): words.strip() for name, _, words in (line.partition(":") for line in text.splitlines() if line.strip())}


def local_clock(at: datetime, timezone: str) -> str:
    """The time of day where the customer lives, as in 10:42."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%H:%M")


def local_day(at: datetime, timezone: str, language: str) -> str:
    """The day where the customer lives, in numbers as their language writes them: day first in all five."""
    return day_in_numbers(at.astimezone(ZoneInfo(timezone)).date(), language)


def day_in_numbers(day: date, language: str) -> str:
    return day.strftime("%d.%m.%Y" if language == "de" else "%d/%m/%Y")


@cache
def template(purpose: str, language: str) -> Template:
    """Read once; its declared words and those it uses are the same. Raises NoticeUnfillable."""
    name = f"{purpose}.{language}"
    file = resources.files("prompts.notices").joinpath(f"{name}.txt")
    if not file.is_file():
        raise NoticeUnfillable(name, "there is no such file in prompts/notices")
    return parsed(name, file.read_text(encoding="utf-8"))


def parsed(name: str, text: str) -> Template:
    """A template from its file's text: a head that declares what it needs, then the words."""
    parts = text.split("---", 2)
    declared = NEEDS.search(parts[1]) if len(parts) == 3 and not parts[0].strip() else None
    if declared is None:
        raise NoticeUnfillable(name, "it does not begin with --- needs: [...] ---")
    needs = frozenset(word.strip() for word in declared.group(1).split(",") if word.strip())
    words = " ".join(parts[2].split())
    if used := needs ^ set(SLOT.findall(words)):
        raise NoticeUnfillable(name, f"declared and used words differ: {sorted(used)}")
    return Template(name, needs, words)


def _plain(value: str) -> str:
    """One line, without control characters: an area or a name is a word in our sentence and never a sentence of its own."""
    return " ".join("".join(letter for letter in value if letter.isprintable() or letter.isspace()).split())[:60]
