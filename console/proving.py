"""Proving oneself again, in place: before money, a disconnection, or a change in how somebody gets in."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from console.room import Me, OwnForm, Room, StaffOnly
from console.sign_in import Answer, Code, Next, Password, To, asked, for_a_script, local, sentence, too_often
from forge.sign_in.limits import TriedTooOften
from forge.sign_in.passkeys import ask_again
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import Token
from forge.sign_in.steps import factors_of, knock, prove_again, prove_again_by_passkey


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    looking, form = StaffOnly(room, lets_enrol=True), OwnForm(room, lets_enrol=True)
    atlas = room.forge.atlas

    @routes.get("/prove")
    async def again(to: To = "/account", me: Me = Depends(looking)) -> Response:
        """Asks who they are, then goes on to where they were going."""
        return await proof_asked(room, me, "/prove", {"next": local(to)})

    @routes.post("/prove")
    async def proved(request: Request, password: Password, code: Code = "", to: Next = "/account", me: Me = Depends(form)) -> Response:
        """The password again, and a code where there is an app."""
        carried = {"next": local(to)}
        try:
            token = await prove_again(atlas, me.token, me.signed_in, password, code, room.forge.now(), room.caller(request))
        except SignInRefused as error:
            return await proof_asked(room, me, "/prove", carried, 401, problem=sentence(error))
        except TriedTooOften as error:
            return too_often(await proof_asked(room, me, "/prove", carried, 429, problem=sentence(error)), error)
        answer = RedirectResponse(local(to), status_code=303)
        room.keep_session(request, answer, token)
        return answer

    _by_passkey(room, routes, form)
    return routes


def _by_passkey(room: Room, routes: APIRouter, form: OwnForm) -> None:
    atlas = room.forge.atlas

    @routes.post("/prove/passkey/ask", response_class=JSONResponse)
    async def ask(request: Request, me: Me = Depends(form)) -> Response:
        """What one of their passkeys is to sign."""

        async def work() -> Response:
            await knock(atlas, room.caller(request))
            return asked(await ask_again(atlas, room.site(request), me.signed_in.staff_id))

        return await for_a_script(work)

    @routes.post("/prove/passkey", response_class=JSONResponse)
    async def shown(request: Request, asked: Code, answer: Answer, to: Next = "/account", me: Me = Depends(form)) -> Response:
        """The passkey's signature: the session is fresh."""

        async def work() -> Response:
            token = await prove_again_by_passkey(atlas, room.site(request), me.token, me.signed_in, Token(asked), answer)
            fresh = JSONResponse({"to": local(to)})
            room.keep_session(request, fresh, token)
            return fresh

        return await for_a_script(work)


async def proof_asked(
    room: Room, me: Me, action: str, carried: dict[str, str], status: int = 200, *, problem: str = "", about: str = ""
) -> Response:
    """The page that asks; `carried` goes on with the answer to `action`, so that what was begun is finished."""
    factors = await factors_of(room.forge.atlas, me.signed_in.staff_id)
    facts: dict[str, Any] = {"action": action, "carried": carried, "problem": problem, "about": about, "factors": factors}
    return await room.page("prove.html", me, "account", status, **facts)
