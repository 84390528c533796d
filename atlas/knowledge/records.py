"""Text with vectors: sentences people say, and articles to answer from."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from atlas.identity import ActionId, IncidentId, JobId


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
class Article:
    """What the operator's people wrote down. `reviewed_on` None: nobody ever said that it is true.

    `version` counts what was written in the console; 0 is as a file says it.
    """

    passage_id: int
    module: str
    title: str
    words: str
    is_public: bool
    reviewed_on: date | None
    version: int = 0
    is_retired: bool = False


@dataclass(frozen=True)
class ArticleVersion:
    """What an article said from `written_at` on, until the next; `written_by` is nobody for what a file said."""

    version: int
    module: str
    title: str
    words: str
    is_public: bool
    is_retired: bool
    written_at: datetime
    written_by: str
    action_id: ActionId


@dataclass(frozen=True)
class UnlearnedArticle:
    """An article that cannot be found by meaning yet."""

    passage_id: int
    version: int
    title: str
    words: str


@dataclass(frozen=True)
class Alike:
    """Two articles about the same, by meaning."""

    passage_id: int
    other_id: int


@dataclass(frozen=True)
class ShelvedArticle:
    """An article as whoever keeps the shelf sees it. `contradicts`: titles of articles about the same that give other figures for it."""

    article: Article
    is_stale: bool
    contradicts: tuple[str, ...]


@dataclass(frozen=True)
class UnlearnedJob:
    """A job that was done, whose findings cannot be found by meaning yet."""

    job_id: JobId
    kind: str
    findings: str


@dataclass(frozen=True)
class SolvedBefore:
    """What somebody found and did; `score` as of FoundArticle. `cause` is of the incident that it was done for."""

    job_id: JobId
    kind: str
    incident_id: IncidentId | None
    cause: str | None
    device: str | None
    findings: str
    completed_at: datetime
    score: float


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
    version: int = 0


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
