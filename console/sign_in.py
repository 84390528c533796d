"""In and out."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from atlas.staff.rules import SESSION_LIVES
from console.room import Room, check_origin, cookie_name
from forge.sign_in import SignInRefused, sign_in, sign_out


def router(room: Room) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/sign-in")
    async def door(to: str = "/incidents") -> Response:
        return room.door(to=local(to))

    @routes.post("/sign-in")
    async def enter(
        request: Request,
        email: Annotated[str, Form(max_length=254)],
        password: Annotated[str, Form(max_length=256)],
        to: Annotated[str, Form(alias="next")] = "/incidents",
    ) -> Response:
        check_origin(request)
        try:
            token = await sign_in(room.forge.atlas, email, password)
        except SignInRefused:
            return room.door(problem="That e-mail and password do not belong together.", email=email, to=local(to), status=401)
        answer = RedirectResponse(local(to), status_code=303)
        answer.set_cookie(
            cookie_name(request),
            token.secret,
            max_age=int(SESSION_LIVES.total_seconds()),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return answer

    @routes.post("/sign-out")
    async def leave(request: Request, token: Annotated[str, Form()]) -> Response:
        me = await room.me(request)
        room.check_form(request, me, token)
        await sign_out(room.forge.atlas, me.token)
        answer = RedirectResponse("/sign-in", status_code=303)
        answer.delete_cookie(cookie_name(request), path="/")
        return answer

    return routes


def local(path: str) -> str:
    """Only ever a page of ours: `//elsewhere` and whole addresses lead nowhere."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) else "/incidents"
