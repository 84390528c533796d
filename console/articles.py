"""The room of articles: what the agents answer from, what nobody saw to for a year or cannot be true, and where leads write it."""

import uuid
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query
from fastapi.responses import RedirectResponse, Response

from atlas.actions.records import ActionState
from atlas.errors import AtlasError
from atlas.identity import CorrelationId
from atlas.knowledge.reads import article, article_shelf, article_versions, articles_about, retired_articles, solved_like
from atlas.knowledge.rules import LONGEST_ARTICLE, LONGEST_TITLE, checked_article
from atlas.modules import MODULES
from atlas.principal import Role
from console.room import Me, OwnForm, Room, RowId
from console.sign_in import sentence
from forge.action import Action
from forge.actions.helpdesk.articles import RetireArticle, WriteArticle
from forge.propose import Proposed, propose

LONGEST_QUESTION: Final = 200
# Who says how things are done; the database asks the same of whoever an order comes from.
MAY_WRITE: Final = frozenset({Role.CARE_LEAD, Role.BILLING_LEAD, Role.NOC_LEAD, Role.OPERATIONS_DIRECTOR})
Words = Annotated[str, Form()]
Reference = Annotated[str, Query(pattern=r"^(A-\d{1,19})?$")]
Version = Annotated[int, Form(ge=0, le=2**31 - 1)]
NEW: Final = {"module": "helpdesk", "title": "", "words": "", "is_public": False}


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    _add_reading(routes, room)
    _add_writing(routes, room)
    return routes


def _add_reading(routes: APIRouter, room: Room) -> None:
    @routes.get("/articles")
    async def standing(me: Me = Depends(room.staff), q: str = Query("", max_length=LONGEST_QUESTION)) -> Response:
        """Every article, those to be looked at first; with `q`, what answers a question and what solved the like before, by its words."""
        return await shelf_page(room, me, q)

    @routes.get("/articles/{passage_id}")
    async def one(passage_id: RowId, me: Me = Depends(room.staff), done: Reference = "", waits: Reference = "") -> Response:
        """One article as it stands, all that it ever said, and, for a lead, where it is written. `done`, `waits`: an order's reference."""
        return await article_page(room, me, passage_id, done=done, waits=waits)


def _add_writing(routes: APIRouter, room: Room) -> None:
    writers = OwnForm(room, MAY_WRITE)

    @routes.post("/articles")
    async def begin(me: Me = Depends(writers), module: Words = "", title: Words = "", words: Words = "", audience: Words = "") -> Response:
        """A new article, found from here on."""
        typed = {"module": module, "title": title, "words": words, "is_public": audience == "everybody"}
        try:
            made = await asked(room, me, written(None, 0, typed))
        except AtlasError as error:
            return await shelf_page(room, me, "", 409, problem=sentence(error), typed=typed)
        return on_its_page((made.outcome or {}).get("article", 0), made)

    @routes.post("/articles/{passage_id}")
    async def write(
        passage_id: RowId,
        me: Me = Depends(writers),
        after: Version = 0,
        module: Words = "",
        title: Words = "",
        words: Words = "",
        audience: Words = "",
    ) -> Response:
        """Another version of it. `after` is the one that was read: where somebody wrote meanwhile, nothing of theirs is lost."""
        typed = {"module": module, "title": title, "words": words, "is_public": audience == "everybody"}
        try:
            made = await asked(room, me, written(passage_id, after, typed))
        except AtlasError as error:
            return await article_page(room, me, passage_id, 409, problem=sentence(error), typed=typed)
        return on_its_page(passage_id, made)

    @routes.post("/articles/{passage_id}/retire")
    async def retire(passage_id: RowId, me: Me = Depends(writers), after: Version = 0) -> Response:
        """Nobody is told of it any more; colleagues may still read what it said."""
        try:
            made = await asked(room, me, RetireArticle(passage_id, after))
        except AtlasError as error:
            return await article_page(room, me, passage_id, 409, problem=sentence(error))
        return on_its_page(passage_id, made)


def written(passage_id: int | None, after: int, typed: dict[str, Any]) -> WriteArticle:
    """Raises InvalidField, before anybody is asked."""
    title, words = checked_article(typed["module"], typed["title"], typed["words"])
    return WriteArticle(passage_id, after, typed["module"], title, words, typed["is_public"])


class NotWritten(AtlasError):
    """What was asked for was not done, and why."""


async def asked(room: Room, me: Me, action: Action) -> Proposed:
    """Raises NotWritten where it was not done; where it waits for somebody, that is what became of it."""
    made = await propose(room.forge, me.principal, action, reason="from the room of articles", correlation_id=CorrelationId(uuid.uuid4()))
    if made.state not in (ActionState.DONE, ActionState.WAITING):
        raise NotWritten(made.failure or made.verdict_reason)
    return made


def on_its_page(passage_id: int, made: Proposed) -> Response:
    became = "done" if made.state is ActionState.DONE else "waits"
    return RedirectResponse(f"/articles/{passage_id}?{became}={made.reference}" if passage_id else "/articles", status_code=303)


async def shelf_page(room: Room, me: Me, q: str, status: int = 200, *, problem: str = "", typed: dict[str, Any] | None = None) -> Response:
    facts = await shelf_facts(room, me, q.strip())
    return await room.page("articles.html", me, "articles", status, question=q, problem=problem, form=form_of(me, typed or NEW), **facts)


async def shelf_facts(room: Room, me: Me, question: str) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        return {
            "shelf": await article_shelf(conn, room.forge.now().date()),
            "retired": await retired_articles(conn),
            "found": await articles_about(conn, question, most=5) if question else [],
            "solved": await solved_like(conn, question, most=5) if question else [],
        }


async def article_page(
    room: Room,
    me: Me,
    passage_id: int,
    status: int = 200,
    *,
    problem: str = "",
    done: str = "",
    waits: str = "",
    typed: dict[str, Any] | None = None,
) -> Response:
    """Raises NotFound. What somebody typed and was not taken stands in the form still, below what the article says now."""
    async with room.forge.atlas.transaction(me.principal) as conn:
        found = await article(conn, passage_id)
        versions = await article_versions(conn, passage_id)
    stands = {"module": found.module, "title": found.title, "words": found.words, "is_public": found.is_public}
    return await room.page(
        "article.html",
        me,
        "articles",
        status,
        article=found,
        versions=versions,
        problem=problem,
        done=done,
        waits=waits,
        form=form_of(me, typed or stands),
    )


def form_of(me: Me, typed: dict[str, Any]) -> dict[str, Any]:
    return {
        "may_write": me.holds(MAY_WRITE),
        "modules": MODULES,
        "longest_title": LONGEST_TITLE,
        "longest_words": LONGEST_ARTICLE,
        "typed": typed,
    }
