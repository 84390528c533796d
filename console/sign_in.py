"""In and out: a password and a second factor, a passkey alone, or another house's word."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from atlas.errors import AtlasError
from atlas.staff.rules import PROOF_LIVES
from console.guards import ANYBODY
from console.room import BEGUN, SESSION, Me, Room
from forge.sign_in import oidc
from forge.sign_in.limits import TriedTooOften
from forge.sign_in.passkeys import Asked, ask_again, ask_anybody
from forge.sign_in.passwords import GivenPasswordLapsed, SignInRefused
from forge.sign_in.sessions import Token, sign_out
from forge.sign_in.steps import (
    Halfway,
    In,
    finish_with_code,
    finish_with_passkey,
    halfway,
    knock,
    sign_in,
    sign_in_by_house,
    sign_in_by_passkey,
)

Password = Annotated[str, Form(max_length=256)]
Code = Annotated[str, Form(max_length=64)]
Answer = Annotated[str, Form(max_length=8192)]
To = Annotated[str, Query(max_length=500)]
Next = Annotated[str, Form(alias="next", max_length=500)]
PROOF_S = int(PROOF_LIVES / timedelta(seconds=1))
REFUSED = "That e-mail and password do not belong together."


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    _with_a_password(room, routes)
    _with_a_passkey(room, routes)
    if room.installation.elsewhere is not None:
        _by_way_of(room, room.installation.elsewhere, routes)

    @routes.post("/sign-out")
    async def leave(request: Request, me: Me = Depends(room.form)) -> Response:
        """Ends the session of this browser, and has it forget what it was shown."""
        await sign_out(room.forge.atlas, me.token)
        answer = RedirectResponse("/sign-in", status_code=303, headers={"Clear-Site-Data": '"cache", "storage"'})
        room.forget(request, answer, SESSION)
        return answer

    return routes


def _with_a_password(room: Room, routes: APIRouter) -> None:
    @routes.get("/sign-in", dependencies=[Depends(ANYBODY)])
    async def door(request: Request, to: To = "/incidents") -> Response:
        """The door."""
        return door_of(room, request, to=to)

    @routes.post("/sign-in", dependencies=[Depends(room.strangers_form)])
    async def enter(request: Request, email: Annotated[str, Form(max_length=254)], password: Password, to: Next = "/incidents") -> Response:
        """The first step: in, or on to the second."""
        return await entered(room, request, email, password, to)

    @routes.get("/sign-in/second", dependencies=[Depends(ANYBODY)])
    async def second(request: Request, to: To = "/incidents") -> Response:
        """The second step, for whoever did the first."""
        return await at_second(room, request, to)

    @routes.post("/sign-in/second", dependencies=[Depends(room.strangers_form)])
    async def code(request: Request, code: Code, to: Next = "/incidents") -> Response:
        """A code of the app, or a recovery code."""
        return await coded(room, request, code, to)


async def entered(room: Room, request: Request, email: str, password: str, to: str) -> Response:
    try:
        step = await sign_in(room.forge.atlas, email, password, room.caller(request), before(room, request))
    except GivenPasswordLapsed as error:
        return door_of(room, request, 401, problem=sentence(error), email=email, to=to)
    except SignInRefused:
        return door_of(room, request, 401, problem=REFUSED, email=email, to=to)
    except TriedTooOften as error:
        return too_often(door_of(room, request, 429, problem=sentence(error), email=email, to=to), error)
    return on(room, request, step, to)


async def at_second(room: Room, request: Request, to: str) -> Response:
    try:
        here = await halfway(room.forge.atlas, begun(room, request))
    except SignInRefused as error:
        return door_of(room, request, 401, problem=sentence(error), to=to)
    return second_of(room, request, here, to=to)


async def coded(room: Room, request: Request, code: str, to: str) -> Response:
    atlas = room.forge.atlas
    try:
        here = await halfway(atlas, begun(room, request))
    except SignInRefused as error:
        return door_of(room, request, 401, problem=sentence(error), to=to)
    try:
        step = await finish_with_code(atlas, here, code, room.forge.now(), room.caller(request), before(room, request))
    except SignInRefused as error:
        return second_of(room, request, here, 401, problem=sentence(error), to=to)
    except TriedTooOften as error:
        return too_often(second_of(room, request, here, 429, problem=sentence(error), to=to), error)
    return on(room, request, step, to)


def _with_a_passkey(room: Room, routes: APIRouter) -> None:
    atlas = room.forge.atlas

    @routes.post("/sign-in/passkey/ask", dependencies=[Depends(room.strangers_form)], response_class=JSONResponse)
    async def ask(request: Request) -> Response:
        """What the browser's passkey is to sign; no name is asked for."""

        async def work() -> Response:
            await knock(atlas, room.caller(request))
            return asked(await ask_anybody(atlas, room.site(request)))

        return await for_a_script(work)

    @routes.post("/sign-in/passkey", dependencies=[Depends(room.strangers_form)], response_class=JSONResponse)
    async def shown(request: Request, asked: Code, answer: Answer, to: Next = "/incidents") -> Response:
        """The passkey's signature: in, with nothing else."""

        async def work() -> Response:
            caller, was = room.caller(request), before(room, request)
            step = await sign_in_by_passkey(atlas, room.site(request), Token(asked), answer, caller, was)
            return in_by_script(room, request, step, to)

        return await for_a_script(work)

    _second_with_a_passkey(room, routes)


def _second_with_a_passkey(room: Room, routes: APIRouter) -> None:
    atlas = room.forge.atlas

    @routes.post("/sign-in/second/passkey/ask", dependencies=[Depends(room.strangers_form)], response_class=JSONResponse)
    async def ask_second(request: Request) -> Response:
        """What a passkey of whoever is halfway is to sign."""

        async def work() -> Response:
            await knock(atlas, room.caller(request))
            here = await halfway(atlas, begun(room, request))
            return asked(await ask_again(atlas, room.site(request), here.staff_id))

        return await for_a_script(work)

    @routes.post("/sign-in/second/passkey", dependencies=[Depends(room.strangers_form)], response_class=JSONResponse)
    async def second_shown(request: Request, asked: Code, answer: Answer, to: Next = "/incidents") -> Response:
        """The passkey's signature as the second step."""

        async def work() -> Response:
            caller, was, here = room.caller(request), before(room, request), await halfway(atlas, begun(room, request))
            step = await finish_with_passkey(atlas, room.site(request), here, Token(asked), answer, caller, was)
            return in_by_script(room, request, step, to)

        return await for_a_script(work)


def _by_way_of(room: Room, house: oidc.House, routes: APIRouter) -> None:
    atlas = room.forge.atlas

    @routes.post("/sign-in/elsewhere", dependencies=[Depends(room.strangers_form)])
    async def away(request: Request, to: Next = "/incidents") -> Response:
        """To the other house."""
        try:
            await knock(atlas, room.caller(request))
            sent = await oidc.send(atlas, room.site(request), house, local(to))
        except TriedTooOften as error:
            return too_often(door_of(room, request, 429, problem=sentence(error), to=to), error)
        except oidc.HouseUnreachable:
            return door_of(room, request, 502, problem=f"{house.name} does not answer. Sign in another way.", to=to)
        # Our policy lets no form of ours end elsewhere, redirects included: the page itself goes on.
        answer = room.outside("onward.html", request, to=sent.url, name=house.name)
        room.keep(request, answer, BEGUN, sent.token.secret, PROOF_S, comes_back=True)
        return answer

    @routes.get(oidc.CALLBACK, dependencies=[Depends(ANYBODY)])
    async def back(request: Request) -> Response:
        """Back from the other house, with a code that only we can redeem and a state that only this browser was given."""
        caller = room.caller(request)
        try:
            vouched, to = await oidc.back(atlas, room.site(request), house, begun(room, request), dict(request.query_params))
            step = await sign_in_by_house(atlas, vouched, caller, before(room, request))
        except SignInRefused as error:
            return door_of(room, request, 401, problem=sentence(error))
        except oidc.HouseUnreachable:
            return door_of(room, request, 502, problem=f"{house.name} does not answer. Sign in another way.")
        # A redirect would still count as the other house's, and strict cookies would stay behind: the page itself goes on.
        onward = f"/sign-in/second?to={to}" if isinstance(step, Halfway) else to
        answer = room.outside("onward.html", request, to=onward, name="")
        kept(room, request, answer, step)
        return answer


def door_of(room: Room, request: Request, status: int = 200, *, problem: str = "", email: str = "", to: str = "/incidents") -> Response:
    elsewhere = room.installation.elsewhere
    facts: dict[str, Any] = {"problem": problem, "email": email, "next": local(to), "elsewhere": elsewhere.name if elsewhere else ""}
    return room.outside("sign_in.html", request, status, **facts)


def second_of(room: Room, request: Request, here: Halfway, status: int = 200, *, problem: str = "", to: str) -> Response:
    return room.outside("sign_in_second.html", request, status, problem=problem, factors=here.factors, next=local(to))


def on(room: Room, request: Request, step: In | Halfway, to: str) -> Response:
    """To the second step, or in."""
    onward = f"/sign-in/second?to={local(to)}" if isinstance(step, Halfway) else local(to)
    answer = RedirectResponse(onward, status_code=303)
    kept(room, request, answer, step)
    return answer


def kept(room: Room, request: Request, answer: Response, step: In | Halfway) -> None:
    """What the browser keeps after this step."""
    if isinstance(step, Halfway):
        room.keep(request, answer, BEGUN, step.token.secret, PROOF_S)
        return
    room.keep_session(request, answer, step.token)
    room.keep_known(request, answer, step.staff_id)
    room.forget(request, answer, BEGUN)


def in_by_script(room: Room, request: Request, step: In, to: str) -> Response:
    answer = JSONResponse({"to": local(to)})
    kept(room, request, answer, step)
    return answer


def asked(question: Asked) -> Response:
    return JSONResponse({"asked": question.token.secret, "options": question.options})


async def for_a_script(work: Callable[[], Awaitable[Response]]) -> Response:
    """What came of it, or the refusal, in the words that a page's script shows."""
    try:
        return await work()
    except SignInRefused as error:
        return told(sentence(error), 401)
    except TriedTooOften as error:
        return too_often(told(sentence(error), 429), error)


def told(words: str, status: int) -> Response:
    return JSONResponse({"problem": words}, status)


def too_often(answer: Response, error: TriedTooOften) -> Response:
    answer.headers["Retry-After"] = str(error.wait_s)
    return answer


def begun(room: Room, request: Request) -> Token:
    return Token(room.kept(request, BEGUN) or "")


def before(room: Room, request: Request) -> Token | None:
    """The session that this browser came with, which ends when the new one begins."""
    held = room.kept(request, SESSION)
    return Token(held) if held else None


def sentence(error: AtlasError) -> str:
    words = str(error)
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") else ".")


def local(path: str) -> str:
    """Only ever a page of ours: `//elsewhere` and whole addresses lead nowhere, nor does what a header cannot carry."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and path.isascii()
    return path if is_ours and "\\" not in path else "/incidents"
