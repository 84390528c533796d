"""What every room of the console shares: who is signed in, the templates, and the check that a form came from here."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from atlas.errors import NotPermitted
from atlas.identity import StaffId
from atlas.principal import Principal, staff
from atlas.staff.records import SignedIn
from console.live import Changes
from console.words import filters
from forge.approvals import waiting_for
from forge.propose import Forge
from forge.sign_in import Token, signed_in

TEMPLATES: Final = Path(__file__).parent / "templates"
STATIC: Final = Path(__file__).parent / "static"
# What a page may load and where it may be framed: from here only, and nowhere. Styles in attributes set widths; scripts never are inline.
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class NotSignedIn(Exception):
    """Nobody is signed in at this browser: it is shown the door."""


class ForeignForm(NotPermitted):
    """A form that was not made here."""


@dataclass(frozen=True)
class Me:
    """The member of staff at this browser."""

    principal: Principal
    signed_in: SignedIn
    token: Token


class Room:
    """Handed to every page: Forge, the live changes, and how to render."""

    def __init__(self, forge: Forge, changes: Changes, operator: str, currency: str, secret: bytes) -> None:
        self.forge = forge
        self.changes = changes
        self.operator = operator
        self.form_key = hmac.new(secret, b"console forms", hashlib.sha256).digest()
        self.templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self.templates.filters.update(filters(currency, forge.timezone.key))

    async def me(self, request: Request) -> Me:
        """Who is signed in. Raises NotSignedIn."""
        held = request.cookies.get(cookie_name(request))
        token = Token(held) if held else None
        known = await signed_in(self.forge.atlas, token) if token else None
        if token is None or known is None:
            raise NotSignedIn
        return Me(staff(StaffId(known.staff_id), known.name, frozenset(known.roles)), known, token)

    def form_token(self, token: Token) -> str:
        return hmac.new(self.form_key, token.secret.encode(), hashlib.sha256).hexdigest()

    def check_form(self, request: Request, me: Me, form_token: str) -> None:
        """The form was rendered for this very session, and sent from a page of ours. Raises ForeignForm."""
        check_origin(request)
        if not hmac.compare_digest(form_token, self.form_token(me.token)):
            raise ForeignForm("this form is from another session; open the page again")

    def region(self, template: str, **facts: Any) -> HTMLResponse:
        """One part of a page, without its frame."""
        return HTMLResponse(self.templates.get_template(template).render(facts), headers=HEADERS)

    async def page(self, template: str, me: Me, room: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """A whole page, with the mast and what waits for this person."""
        waiting = await self.waiting_count(me)
        frame = {"operator": self.operator, "me": me.principal, "room": room, "token": self.form_token(me.token), "waiting_count": waiting}
        return HTMLResponse(self.templates.get_template(template).render(frame | facts), status, headers=HEADERS)

    def door(self, *, problem: str = "", email: str = "", to: str = "/", status: int = 200) -> HTMLResponse:
        facts = {"operator": self.operator, "me": None, "problem": problem, "email": email, "next": to}
        return HTMLResponse(self.templates.get_template("sign_in.html").render(facts), status, headers=HEADERS)

    async def waiting_count(self, me: Me) -> int:
        async with self.forge.atlas.transaction(me.principal) as conn:
            return len(await waiting_for(self.forge, conn, [role.value for role in me.principal.roles]))


HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def cookie_name(request: Request) -> str:
    """Bound to this host and to TLS wherever there is TLS; on plain loopback a browser would drop such a cookie."""
    return "__Host-bedrock" if request.url.scheme == "https" else "bedrock"


def check_origin(request: Request) -> None:
    """A browser says where a form came from. Raises ForeignForm where that is not here."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise ForeignForm("this form came from another site")
