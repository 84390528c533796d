"""The room of articles: what the agents answer from, what nobody looked at for a year, and what cannot both be true."""

from typing import Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from atlas.knowledge.reads import article_shelf, articles_about, solved_like
from console.room import Me, Room

LONGEST_QUESTION = 200


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])

    @routes.get("/articles")
    async def standing(me: Me = Depends(room.staff), q: str = Query("", max_length=LONGEST_QUESTION)) -> Response:
        """Every article, those to be looked at first; with `q`, what answers a question and what solved the like before, by its words."""
        return await room.page("articles.html", me, "articles", question=q, **await shelf_facts(room, me, q.strip()))

    return routes


async def shelf_facts(room: Room, me: Me, question: str) -> dict[str, Any]:
    async with room.forge.atlas.transaction(me.principal) as conn:
        return {
            "shelf": await article_shelf(conn, room.forge.now().date()),
            "found": await articles_about(conn, question, most=5) if question else [],
            "solved": await solved_like(conn, question, most=5) if question else [],
        }
