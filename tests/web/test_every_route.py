"""Every route × everybody who may call it × their own and others' things. A route added later is in here by itself, or nothing starts."""

import asyncio
import re
from collections.abc import Iterable
from datetime import timedelta

import httpx
import pytest
from fastapi import Depends, FastAPI

from api.doors import machine_app
from api.inbound.batch import AlarmIntake
from api.settings import Settings
from atlas.connection import Atlas
from atlas.identity import StaffId
from atlas.principal import Role
from console.guards import ANYBODY, Guard, Route, Unguarded, every_route, refuse_unguarded
from forge import api_tokens
from forge.api_tokens import Scope
from forge.sign_in.caller import Caller
from forge.sign_in.sessions import begin_session, begun
from tests import given
from tests.web.browsing import HERE, PUBLIC, Site, browser, email_of, form_token, hired, signed_in, site

NAME = "Helen Brooks"
# What a path names that belongs to one person: somebody else's is never touched, nor said to be there.
OWNED = {"/account/sessions/{session_id}/end", "/account/passkeys/{passkey_id}/remove"}
# The same, only read: tests/web/test_chat.py has another's asked for.
OWNED_AND_READ = {"/chat/cards/{message_id}"}
# What a path names that is the house's, and that everybody who works here may see.
HOUSE_WIDE = {
    "/articles/{passage_id}",
    "/articles/{passage_id}/retire",
    "/bills/{bill_id}",
    "/bills/{bill_id}/pdf",
    "/catalogue/{code}",
    "/catalogue/{code}/price",
    "/catalogue/{code}/retire",
    "/doubts/jobs/{job_id}/retry",
    "/glass/{cable}",
    "/inbox/{conversation_id}",
    "/inbox/{conversation_id}/page",
    "/inbox/{conversation_id}/take",
    "/inbox/{conversation_id}/reply",
    "/inbox/{conversation_id}/back",
    "/leaks/{leak_id}/fix",
    "/orders/{order_id}",
    "/orders/{order_id}/resume",
    "/orders/{order_id}/give-up",
    "/incidents/{incident_id}",
    "/incidents/{incident_id}/{region}",
    "/customers/{customer_id}",
    "/customers/{customer_id}/page",
    "/customers/{customer_id}/add-ons",
    "/customers/{customer_id}/add-ons/end",
    "/tickets/{ticket_id}",
    "/tickets/{ticket_id}/pause",
    "/tickets/{ticket_id}/resume",
    "/approvals/{action_id}",
    "/access/emergencies/{number}/end",
    "/access/loans/{number}/end",
    "/actions/{action_id}",
    "/api/v1/incidents/{incident_id}",
    "/api/v1/actions/{action_id}",
}
# Sealed by us and opened before anything is asked: tests/web/test_unsubscribe.py has every other refused.
SEALED = {"/unsubscribe/{token}"}
# A stream never ends by itself: that it began is all there is to see.
STREAM_S = 0.3


def concrete(path: str) -> str:
    if path == "/static":
        return "/static/console.css"
    return re.sub(r"\{region\}", "top", re.sub(r"\{(\w+_id|number)\}", "1", path))


async def asked(client: httpx.AsyncClient, route: Route, **headers: str) -> httpx.Response | None:
    """What the route answers; None for a stream that goes on."""
    try:
        async with asyncio.timeout(STREAM_S if route.path.endswith("/live") else 30):
            return await client.request(
                route.method, concrete(route.path), headers=headers, content=b"" if route.method == "POST" else None
            )
    except TimeoutError:
        return None


def lets_in(answer: httpx.Response | None) -> bool:
    """Whether the guard stepped aside: what comes after may still be refused for its own reasons."""
    if answer is None:
        return True
    is_shown_the_door = answer.status_code == 303 and answer.headers["location"].startswith(("/sign-in?", "/prove?"))
    return answer.status_code not in (401, 403) and not is_shown_the_door


def of(routes: Iterable[Route], who: str) -> list[Route]:
    return [route for route in routes if route.guard is not None and route.guard.who == who]


async def walked(here: Site, staff_id: StaffId, routes: Iterable[Route]) -> set[str]:
    """The routes that let this person in, each asked from a session of its own."""
    entered = set()
    async with browser(here.app) as client:
        for route in routes:
            client.cookies.set("bedrock", (await begun(here.atlas, staff_id)).secret)
            token = await form_token(client)
            if lets_in(await asked(client, route, **{"X-Form-Token": token, "Origin": HERE})):
                entered.add(route.name)
    return entered


def test_a_route_of_the_web_without_a_guard_does_not_come_up() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/forgotten", lambda: None)

    with pytest.raises(Unguarded, match="GET /forgotten"):
        refuse_unguarded(app)


def test_a_write_that_a_foreign_page_could_call_does_not_come_up() -> None:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_api_route("/open", lambda: None, methods=["POST"], dependencies=[Depends(ANYBODY)])

    with pytest.raises(Unguarded, match="POST /open"):
        refuse_unguarded(app)


async def test_nobody_gets_past_a_guard_of_staff_or_machines(here: Site, client: httpx.AsyncClient) -> None:
    guarded = [route for route in every_route(here.app) if route.guard is not None and route.guard.who != "anybody" and not route.is_socket]

    let_in = [route.name for route in guarded if lets_in(await asked(client, route, Origin=HERE))]

    assert (let_in, len(guarded) > 35) == ([], True)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "no role")
async def test_each_role_enters_exactly_what_its_guard_says(here: Site, owner: given.Owner, role: Role | None) -> None:
    staff_id = StaffId(await given.member(owner, NAME, *([role.value] if role else [])))
    routes = of(every_route(here.app), "staff")

    entered = await walked(here, staff_id, routes)

    assert entered == {route.name for route in routes if route.guard and (not route.guard.roles or role in route.guard.roles)}


async def test_with_one_factor_where_two_are_asked_for_only_ones_own_account_opens(
    here: Site, owner: given.Owner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    strict = await site(here.atlas, tmp_path_factory.mktemp("home"), second_factor="always")
    staff_id = StaffId(await given.member(owner, NAME, *[role.value for role in Role]))
    routes = [route for route in of(every_route(strict.app), "staff") if route.method == "GET"]

    async with browser(strict.app) as client:
        client.cookies.set("bedrock", (await begin_session(strict.atlas, staff_id, ["password"], Caller())).secret)
        opened = {route.path for route in routes if (answer := await asked(client, route)) is not None and answer.status_code == 200}

    assert opened == {"/account", "/prove"}


async def test_no_write_is_called_by_a_foreign_page(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    await signed_in(client, owner, NAME, *[role.value for role in Role])
    token = await form_token(client)
    writes = [
        route for route in every_route(here.app) if route.method == "POST" and route.guard and route.guard.who in ("staff", "anybody")
    ]

    foreign = [await asked(client, route, Origin="https://evil.test", **{"X-Form-Token": token}) for route in writes]
    fetched = [await asked(client, route, **{"Sec-Fetch-Site": "cross-site", "X-Form-Token": token}) for route in writes]

    assert {answer.status_code for answer in [*foreign, *fetched] if answer} == {403}


async def test_no_write_of_staff_is_called_without_the_token_of_this_very_session(
    here: Site, client: httpx.AsyncClient, owner: given.Owner
) -> None:
    await signed_in(client, owner, NAME, *[role.value for role in Role])
    writes = [route for route in of(every_route(here.app), "staff") if route.method == "POST"]

    without = [await asked(client, route, Origin=HERE) for route in writes]
    anothers = [await asked(client, route, Origin=HERE, **{"X-Form-Token": "0" * 64}) for route in writes]

    assert {answer.status_code for answer in [*without, *anothers] if answer} == {403}


def test_whatever_a_path_names_is_known_to_be_somebodys_or_the_houses(here: Site) -> None:
    named = {route.path for route in every_route(here.app) if "{" in route.path}

    assert named == OWNED | OWNED_AND_READ | HOUSE_WIDE | SEALED


async def test_what_is_one_persons_is_not_there_for_another(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    helen = await hired(owner, NAME, "billing_lead")
    await begun(here.atlas, StaffId(helen))
    await given.row(owner, "staff.passkey", credential_id=b"k", staff_id=helen, public_key=b"p", sign_count=0, name="x", is_backed_up=False)
    await signed_in(client, owner, "Mallory Moss", *[role.value for role in Role])
    held = {"session_id": "staff.session", "passkey_id": "staff.passkey"}

    answers = []
    for path in sorted(OWNED):
        (name,) = re.findall(r"\{(\w+)\}", path)
        (number,) = await (await owner.execute(f"SELECT min(id) FROM {held[name]} WHERE staff_id = %s", (helen,))).fetchone() or (0,)  # noqa: S608
        answers.append(await client.post(path.replace(f"{{{name}}}", str(number)), data={"token": await form_token(client)}))

    left = await (
        await owner.execute(
            "SELECT (SELECT count(*) FROM staff.session WHERE staff_id = %(h)s), (SELECT count(*) FROM staff.passkey)", {"h": helen}
        )
    ).fetchone()
    assert ([answer.status_code for answer in answers], left) == ([404, 404], (1, 1))


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_machines_key_opens_exactly_what_its_scope_says(
    here: Site, client: httpx.AsyncClient, owner: given.Owner, scope: Scope
) -> None:
    await hired(owner, NAME)
    made = await api_tokens.create(here.atlas, "a program", email_of(NAME), [scope], timedelta(days=1))
    routes = of(every_route(here.app), "machine")

    entered = {route.path for route in routes if lets_in(await asked(client, route, Authorization=f"Bearer {made.secret}"))}

    assert entered == {route.path for route in routes if getattr(route.guard, "scope", None) is scope}


async def test_a_machines_key_opens_no_page_of_the_console(here: Site, client: httpx.AsyncClient, owner: given.Owner) -> None:
    await hired(owner, NAME, *[role.value for role in Role])
    made = await api_tokens.create(here.atlas, "a program", email_of(NAME), list(Scope), timedelta(days=1))

    let_in = [
        route.name
        for route in of(every_route(here.app), "staff")
        if lets_in(await asked(client, route, Authorization=f"Bearer {made.secret}"))
    ]

    assert let_in == []


async def test_every_door_for_machines_proves_its_caller_itself(atlas: Atlas, tmp_path: object) -> None:
    app = machine_app(atlas, AlarmIntake(atlas), Settings(intake_token="the operator's token"))
    doors = every_route(app)

    async with browser(app) as client:
        answers = [await client.request(door.method, door.path, content=b"{}", headers={"Authorization": "Bearer guess"}) for door in doors]

    assert {door.guard.who for door in doors if isinstance(door.guard, Guard)} == {"signature"}
    assert {answer.status_code for answer in answers} <= {401, 403}


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_no_route_answers_to_a_method_it_was_not_made_for(here: Site, client: httpx.AsyncClient, method: str) -> None:
    paths = {concrete(route.path) for route in every_route(here.app)}

    answers = {(await client.request(method, path)).status_code for path in paths}

    assert answers <= {404, 405}


async def test_the_public_house_is_walked_under_its_public_name(here: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    public = await site(here.atlas, tmp_path_factory.mktemp("home"), public_url=PUBLIC)

    async with browser(public.app, PUBLIC) as ours, browser(public.app, "https://rebound.evil.test") as rebound:
        answers = [(await client.get("/sign-in")).status_code for client in (ours, rebound)]

    assert answers == [200, 421]
