"""What our house says of how things are done: articles that a lead writes, changes and takes away; every version is kept."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from atlas.knowledge.rules import checked_article
from atlas.knowledge.writes import retire_article, write_article
from atlas.statements import Connection
from forge.action import Action
from governance.facts import Facts


@dataclass(frozen=True)
class WriteArticle(Action):
    """Have an article say this from now on. `passage_id` None: a new one; `after` is the version that whoever writes has read.

    The same words again say that somebody has seen to it that they are true.
    """

    name: ClassVar[str] = "write_article"

    passage_id: int | None
    after: int
    module: str
    title: str
    words: str
    is_public: bool

    @property
    def operation_key(self) -> str:
        said = hashlib.sha256(f"{self.module}\n{self.title}\n{self.words}\n{self.is_public}".encode()).hexdigest()[:16]
        return f"{self.name}:{self.passage_id or 'new'}:{self.after}:{said}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises InvalidField, ArticleMoved, ArticleTwice."""
        title, words = checked_article(self.module, self.title, self.words)
        article, version = await write_article(
            conn, self.passage_id, self.after, self.module, title, words, is_public=self.is_public, today=now.date()
        )
        return {"article": article, "version": version}


@dataclass(frozen=True)
class RetireArticle(Action):
    """Have nobody told of an article any more. What it said stays to be read by colleagues; written again it is back."""

    name: ClassVar[str] = "retire_article"

    passage_id: int
    after: int

    @property
    def operation_key(self) -> str:
        return f"{self.name}:{self.passage_id}:{self.after}"

    def facts(self) -> Facts:
        return Facts(self.name)

    async def carry_out(self, conn: Connection, now: datetime) -> dict[str, Any]:
        """Raises ArticleMoved."""
        return {"article": self.passage_id, "version": await retire_article(conn, self.passage_id, self.after, now.date())}


ACTIONS: tuple[type[Action], ...] = (WriteArticle, RetireArticle)
