"""Text with vectors: sentences people say, and articles to answer from."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class PassageKind(StrEnum):
    EXAMPLE = "example"  # a sentence that people say to a module
    ARTICLE = "article"  # something to answer from


@dataclass(frozen=True)
class Passage:
    """A piece of text to be kept. `vector` is of unit length, as `model` made it; vectors of different models are never compared."""

    kind: PassageKind
    module: str
    title: str
    words: str
    language: str
    model: str
    vector: tuple[float, ...]
    is_public: bool = True
    reviewed_on: date | None = None


@dataclass(frozen=True)
class FoundArticle:
    """An article that answers a question: `score` is its reciprocal ranks by words and by meaning, added up."""

    passage_id: int
    module: str
    title: str
    words: str
    is_public: bool
    reviewed_on: date | None
    score: float


@dataclass(frozen=True)
class NearPassage:
    """A piece of text near to what was asked; `nearness` is the cosine, 1 for the same."""

    passage_id: int
    module: str
    title: str
    words: str
    language: str
    nearness: float


@dataclass(frozen=True)
class KnownVector:
    """A sentence and what a model made of it."""

    words: str
    vector: tuple[float, ...]
