"""One's own account: password, authenticator app, passkeys, recovery codes, and the browsers that are signed in."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import JSONResponse, Response

from atlas.errors import InvalidField, NotFound
from console.room import Me, OwnForm, Room, RowId, StaffOnly
from console.sign_in import Answer, Code, Password, asked, for_a_script, sentence, too_often
from forge.sign_in import passkeys, totp
from forge.sign_in.limits import TriedTooOften
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.sessions import Token, end_other_sessions, end_session, proved_again, sessions_of
from forge.sign_in.steps import change_password, factors_of


def router(room: Room) -> APIRouter:
    routes = APIRouter(tags=["console"])
    looking = StaffOnly(room, lets_enrol=True, lets_change_password=True)

    @routes.get("/account")
    async def account(me: Me = Depends(looking)) -> Response:
        """How this person gets in, and where they are in."""
        return await account_page(room, me)

    _password(room, routes)
    _app(room, routes)
    _passkeys(room, routes)
    _sessions(room, routes)
    return routes


def _password(room: Room, routes: APIRouter) -> None:
    # A new password makes the sign-in fresh: whoever has an app or a passkey proves with that first.
    form = OwnForm(room, lets_enrol=True, lets_change_password=True, must_be_fresh=True)

    @routes.post("/account/password")
    async def changed(request: Request, old: Password, new: Password, me: Me = Depends(form)) -> Response:
        """A new password; every other browser is signed out."""
        atlas, operator = room.forge.atlas, room.installation.operator
        try:
            token = await change_password(atlas, me.token, me.signed_in, old, new, operator.split(), room.caller(request))
        except SignInRefused:
            return await account_page(room, me, 401, problem="That is not your present password.")
        except InvalidField as error:
            return await account_page(room, me, 422, problem=sentence(error))
        except TriedTooOften as error:
            return too_often(await account_page(room, me, 429, problem=sentence(error)), error)
        answer = await account_page(room, me, done="Your password is changed, and every other browser of yours is signed out.", here=token)
        room.keep_session(request, answer, token)
        return answer


def _app(room: Room, routes: APIRouter) -> None:
    atlas, operator = room.forge.atlas, room.installation.operator
    form = OwnForm(room, lets_enrol=True, must_be_fresh=True)

    @routes.post("/account/app")
    async def begin(me: Me = Depends(form)) -> Response:
        """A new secret, to be scanned."""
        begun = await totp.begin_enrolment(atlas, me.signed_in.staff_id, me.signed_in.email, operator)
        return await room.page("account_app.html", me, "account", begun=begun, problem="")

    @routes.post("/account/app/finish")
    async def finish(request: Request, begun: Code, code: Code, me: Me = Depends(form)) -> Response:
        """The first code proves that the app has the secret."""
        here = await totp.enrolment(atlas, me.signed_in.staff_id, Token(begun), me.signed_in.email, operator)
        try:
            codes = await totp.finish_enrolment(atlas, me.signed_in.staff_id, here, code, room.forge.now())
        except SignInRefused as error:
            return await room.page("account_app.html", me, "account", 401, begun=here, problem=sentence(error))
        except TriedTooOften as error:
            return too_often(await room.page("account_app.html", me, "account", 429, begun=here, problem=sentence(error)), error)
        return await _rotated(room, request, me, "totp", await room.page("account_codes.html", me, "account", codes=codes))

    @routes.post("/account/app/remove")
    async def removed(me: Me = Depends(form)) -> Response:
        """The app opens nothing any more."""
        await totp.remove_totp(atlas, me.signed_in.staff_id)
        return await account_page(room, me, done="The authenticator app and its recovery codes open nothing any more.")

    @routes.post("/account/codes")
    async def renewed(me: Me = Depends(form)) -> Response:
        """Ten new recovery codes; those before open nothing any more."""
        if not (await factors_of(atlas, me.signed_in.staff_id)).has_totp:
            raise NotFound("authenticator app", "of yours; add one first")
        return await room.page("account_codes.html", me, "account", codes=await totp.renew_recovery_codes(atlas, me.signed_in.staff_id))


def _passkeys(room: Room, routes: APIRouter) -> None:
    atlas = room.forge.atlas
    form = OwnForm(room, lets_enrol=True, must_be_fresh=True)

    @routes.post("/account/passkeys/ask", response_class=JSONResponse)
    async def ask(request: Request, me: Me = Depends(form)) -> Response:
        """What the device is to make."""
        return asked(await passkeys.ask_for_new(atlas, room.site(request), me.signed_in))

    @routes.post("/account/passkeys", response_class=JSONResponse)
    async def added(
        request: Request, asked: Code, answer: Answer, name: Annotated[str, Form(max_length=60)] = "", me: Me = Depends(form)
    ) -> Response:
        """The device's new key."""

        async def work() -> Response:
            await passkeys.add(atlas, room.site(request), me.signed_in, Token(asked), answer, name)
            return await _rotated(room, request, me, "passkey", JSONResponse({"to": "/account"}))

        return await for_a_script(work)

    @routes.post("/account/passkeys/{passkey_id}/remove")
    async def removed(passkey_id: RowId, me: Me = Depends(form)) -> Response:
        """That key opens nothing any more."""
        await passkeys.remove(atlas, me.signed_in.staff_id, passkey_id)
        return await account_page(room, me, done="That passkey opens nothing any more.")


def _sessions(room: Room, routes: APIRouter) -> None:
    atlas = room.forge.atlas
    form = OwnForm(room, lets_enrol=True, must_be_fresh=True)

    @routes.post("/account/sessions/{session_id}/end")
    async def ended(session_id: RowId, me: Me = Depends(form)) -> Response:
        """Signs one other browser out."""
        await end_session(atlas, me.signed_in.staff_id, session_id)
        return await account_page(room, me, done="That browser is signed out.")

    @routes.post("/account/sessions/end")
    async def all_ended(me: Me = Depends(form)) -> Response:
        """Signs every other browser out."""
        count = await end_other_sessions(atlas, me.signed_in.staff_id, me.token)
        return await account_page(room, me, done=f"Signed out everywhere else: {count} browser{'' if count == 1 else 's'}.")


async def _rotated(room: Room, request: Request, me: Me, kind: str, answer: Response) -> Response:
    """With one more factor proved, the session goes on under a new token."""
    proved_by = [*(by for by in me.signed_in.proved_by if by != kind), kind]
    room.keep_session(request, answer, await proved_again(room.forge.atlas, me.token, me.signed_in.staff_id, proved_by))
    return answer


async def account_page(room: Room, me: Me, status: int = 200, *, problem: str = "", done: str = "", here: Token | None = None) -> Response:
    atlas, staff_id = room.forge.atlas, me.signed_in.staff_id
    facts: dict[str, Any] = {
        "problem": problem,
        "done": done,
        "email": me.signed_in.email,
        "factors": await factors_of(atlas, staff_id),
        "passkeys": await passkeys.passkeys_of(atlas, staff_id),
        "sessions": await sessions_of(atlas, staff_id),
        "this_session": me.signed_in.session_id,
        "asks_two_factors": room.installation.asks_two_factors,
        "must_change_password": me.signed_in.has_given_password and not done,
        "is_fresh": me.is_fresh or here is not None,
    }
    return await room.page("account.html", me, "account", status, **facts)
