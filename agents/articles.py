"""Reads prompts/articles/*.md: what the operator's people wrote down for customers and for one another."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import yaml

from agents.briefs import PROMPTS, PromptMalformed
from atlas.modules import MODULES

ARTICLES: Final = PROMPTS / "articles"
# Longer than this is two articles.
MOST_WORDS: Final = 1_200


@dataclass(frozen=True)
class Article:
    """One file. `module` is what it is about; not `is_public`: for colleagues only."""

    module: str
    title: str
    words: str
    is_public: bool
    reviewed_on: date


def articles(folder: Path = ARTICLES) -> list[Article]:
    """All of them, by file name. Raises PromptMalformed, naming the file and what is wrong with it."""
    found = [_article(path) for path in sorted(folder.glob("*.md"))]
    titles = [one.title.casefold() for one in found]
    for one in found:
        if titles.count(one.title.casefold()) > 1:
            raise PromptMalformed(f"two articles are called {one.title!r}: which is true?")
    return found


def _article(path: Path) -> Article:
    parts = path.read_text().split("---\n", 2)
    front = yaml.safe_load(parts[1]) if len(parts) == 3 and not parts[0] else None
    if not isinstance(front, dict) or set(front) != {"title", "about", "for", "reviewed"}:
        raise PromptMalformed(f"{path.name}: its head says title, about, for and reviewed")
    words = parts[2].strip()
    wrong = {
        "title": not str(front["title"]).strip(),
        "about": front["about"] not in MODULES,
        "for": front["for"] not in ("everybody", "staff"),
        "reviewed": not isinstance(front["reviewed"], date),
        "words": not 0 < len(words) <= MOST_WORDS,
    }
    if any(wrong.values()):
        raise PromptMalformed(f"{path.name}: {', '.join(name for name, is_wrong in wrong.items() if is_wrong)} will not do")
    return Article(front["about"], str(front["title"]).strip(), words, front["for"] == "everybody", front["reviewed"])
