"""Puts the edge around a web app, in order: from the outside in, headers, last resort, names, pace, patience."""

from collections.abc import Collection

from fastapi import FastAPI

from api.edge.answers import Answers
from api.edge.gatehouse import LastResort, Names, Pace
from api.edge.patience import LONGEST_FORM, Patience
from console.guards import refuse_unguarded


def fronted(
    app: FastAPI, names: Collection[str] | None, *, is_https: bool = False, longest: int = LONGEST_FORM, framed_by: Collection[str] = ()
) -> FastAPI:
    """The app behind its edge. `names`: those it answers to (None: any, at a door whose callers prove themselves).

    `framed_by`: the sites that may hold our chat in a frame. Raises Unguarded.
    """
    refuse_unguarded(app)
    app.add_middleware(Patience, longest=longest)
    if names is not None:
        app.add_middleware(Pace)
        app.add_middleware(Names, names=names)
    app.add_middleware(LastResort)
    app.add_middleware(Answers, is_https=is_https, framed_by=framed_by)
    return app
