"""What every room of the console shares: who is signed in, the templates, and the guards that stand at its doors."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Final
from uuid import UUID, uuid4

from fastapi import Path as InPath
from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from atlas.errors import NotPermitted
from atlas.identity import CorrelationId, StaffId
from atlas.principal import Principal, Role, staff
from atlas.staff.records import SignedIn
from atlas.staff.rules import SESSION_LIVES, has_two_factors, proved_ago
from console.guards import Guard
from console.live import Changes
from console.words import filters
from forge.action import Action
from forge.approvals import waiting_for
from forge.propose import Forge, propose
from forge.sign_in.caller import KNOWN_BROWSER_DAYS, Caller, browser_mark
from forge.sign_in.oidc import House
from forge.sign_in.relying_party import RelyingParty, relying_party
from forge.sign_in.sessions import Token, signed_in, used
from governance.approvers import FRESH_SIGN_IN

TEMPLATES: Final = Path(__file__).parent / "templates"
STATIC: Final = Path(__file__).parent / "static"
# What a browser keeps of us: the session, what was begun and not finished, and that it got in before.
SESSION: Final = "bedrock"
BEGUN: Final = "bedrock-begun"
KNOWN: Final = "bedrock-known"
# Who is asked by people about themselves, who answers for it, and who looks over it.
SEES_PRIVACY: Final = frozenset({Role.CUSTOMER_CARE, Role.CARE_LEAD, Role.OPERATIONS_DIRECTOR, Role.AUDITOR})
DAY_S: Final = 86_400
# A number that a row can have; any other is refused before Atlas is asked.
RowId = Annotated[int, InPath(ge=1, le=2**63 - 1)]


class NotSignedIn(Exception):
    """Nobody is signed in at this browser: it is shown the door."""


class FactorMissing(Exception):
    """Signed in with one factor where the house asks for two: only the page that adds one is open."""


class PasswordGiven(Exception):
    """Signed in with a password that somebody else chose: only the page that changes it is open."""


class ProofTooOld(Exception):
    """What is asked changes how somebody gets in, or weighs as much: they prove who they are again first."""


class ForeignForm(NotPermitted):
    """A form that was not made here."""


class AnotherRolesRoom(NotPermitted):
    """This room is for people of other roles."""


# Keeps what a member of staff typed, under the form's own key; False where that form was sent before. Raises InvalidField.
Hearing = Callable[[Principal, UUID, str], Awaitable[bool]]


@dataclass(frozen=True)
class Me:
    """The member of staff at this browser; `nonce` is what lets a script of ours run on the page they are shown."""

    principal: Principal
    signed_in: SignedIn
    token: Token
    nonce: str = ""

    @property
    def is_fresh(self) -> bool:
        return proved_ago(self.signed_in) <= FRESH_SIGN_IN

    def holds(self, roles: frozenset[Role]) -> bool:
        return not roles or bool(roles & self.principal.roles)


@dataclass(frozen=True)
class Installation:
    """How this house is known, and what it asks of whoever signs in. `elsewhere`: another house whose word counts."""

    operator: str
    currency: str
    public_url: str = ""
    asks_two_factors: bool = False
    elsewhere: House | None = None


class Room:
    """Handed to every page: Forge, the live changes, and how to render."""

    def __init__(self, forge: Forge, changes: Changes, installation: Installation, hear: Hearing) -> None:
        self.forge = forge
        self.hear = hear
        self.changes = changes
        self.installation = installation
        self.form_key = hmac.new(forge.atlas.secret, b"console forms", hashlib.sha256).digest()
        self.templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        self.templates.filters.update(filters(installation.currency, forge.timezone.key))
        self.staff = StaffOnly(self)
        self.form = OwnForm(self)
        self.fresh_form = OwnForm(self, must_be_fresh=True)
        self.strangers_form = StrangersForm(self)

    def site(self, request: Request) -> RelyingParty:
        """The one public address; where none is set, loopback by the name the browser used (the edge lets no other name in)."""
        asked = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}"
        return relying_party(self.installation.public_url or asked, self.installation.operator)

    async def me(self, request: Request) -> Me:
        """Who is signed in. A page that refreshes itself is not somebody at work. Raises NotSignedIn."""
        held = self.kept(request, SESSION)
        token = Token(held) if held else None
        look = signed_in if "x-region" in request.headers else used
        known = await look(self.forge.atlas, token) if token else None
        if token is None or known is None:
            raise NotSignedIn
        principal = staff(StaffId(known.staff_id), known.name, frozenset(known.roles))
        return Me(principal, known, token, nonce_of(request))

    def form_token(self, me: Me) -> str:
        """The same for as long as the session lasts, so that a second page of it still works after the session's token turned."""
        return self.token_of(me.signed_in.session_id)

    def token_of(self, session_id: int) -> str:
        return hmac.new(self.form_key, str(session_id).encode(), hashlib.sha256).hexdigest()

    def check_origin(self, request: Request) -> None:
        """A browser says where a form came from. Raises ForeignForm where that is not here."""
        origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        if (origin is not None and origin != self.site(request).origin) or (
            origin is None and fetched not in (None, "same-origin", "none")
        ):
            raise ForeignForm("this form came from another site")

    def caller(self, request: Request) -> Caller:
        address = request.client.host if request.client else ""
        return Caller(address, request.headers.get("user-agent", "")[:200], self.kept(request, KNOWN) or "")

    def region(self, template: str, **facts: Any) -> HTMLResponse:
        """One part of a page, without its frame."""
        return HTMLResponse(self.templates.get_template(template).render(facts))

    async def page(self, template: str, me: Me, room: str, status: int = 200, **facts: Any) -> HTMLResponse:
        """A whole page, with the mast and what waits for this person."""
        frame = {
            "operator": self.installation.operator,
            "me": me.principal,
            "room": room,
            "token": self.form_token(me),
            "waiting_count": await self.waiting_count(me),
            "nonce": me.nonce,
            "sees_privacy": me.holds(SEES_PRIVACY),
        }
        return HTMLResponse(self.templates.get_template(template).render(frame | facts), status)

    def outside(self, template: str, request: Request, status: int = 200, **facts: Any) -> HTMLResponse:
        """A page for whoever is not in: the door and its steps."""
        frame = {"operator": self.installation.operator, "me": None, "nonce": nonce_of(request)}
        return HTMLResponse(self.templates.get_template(template).render(frame | facts), status)

    async def proposed(self, me: Me, action: Action, reason: str) -> str:
        """What became of an order that was given from a page, in a sentence. Raises whatever an order raises that cannot be made."""
        made = await propose(self.forge, me.principal, action, reason=f"{reason} from the console", correlation_id=CorrelationId(uuid4()))
        return f"{made.reference} is {made.state.value}{': ' if made.failure else ''}{made.failure or ''}."

    async def waiting_count(self, me: Me) -> int:
        async with self.forge.atlas.transaction(me.principal) as conn:
            return len(await waiting_for(self.forge, conn, [role.value for role in me.principal.roles]))

    def kept(self, request: Request, name: str) -> str | None:
        return request.cookies.get(self.cookie(request, name))

    def cookie(self, request: Request, name: str) -> str:
        """Bound to this host and to TLS wherever there is TLS; on plain loopback a browser would drop such a cookie."""
        return f"__Host-{name}" if self.site(request).is_https else name

    def keep(self, request: Request, answer: Response, name: str, value: str, lives_s: int, *, comes_back: bool = False) -> None:
        """Has the browser keep it, out of reach of scripts. `comes_back`: it is needed on the way back from another house."""
        answer.set_cookie(
            self.cookie(request, name),
            value,
            max_age=lives_s,
            path="/",
            httponly=True,
            secure=self.site(request).is_https,
            samesite="lax" if comes_back else "strict",
        )

    def keep_session(self, request: Request, answer: Response, token: Token) -> None:
        self.keep(request, answer, SESSION, token.secret, int(SESSION_LIVES.total_seconds()))

    def keep_known(self, request: Request, answer: Response, staff_id: StaffId) -> None:
        self.keep(request, answer, KNOWN, browser_mark(self.forge.atlas.secret, staff_id), KNOWN_BROWSER_DAYS * DAY_S)

    def forget(self, request: Request, answer: Response, name: str) -> None:
        secure = self.site(request).is_https
        answer.delete_cookie(self.cookie(request, name), path="/", httponly=True, secure=secure, samesite="strict")


def nonce_of(request: Request) -> str:
    """The edge makes one for each answer, and says in the answer's policy that only what carries it runs."""
    nonce: str = request.scope.get("state", {}).get("nonce", "")
    return nonce


@dataclass(frozen=True, eq=False)
class StaffOnly(Guard):
    """Somebody who works here and is signed in whole; with `needs`, of one of these roles.

    Raises NotSignedIn, PasswordGiven, FactorMissing, AnotherRolesRoom and ProofTooOld.
    """

    who: ClassVar[str] = "staff"
    room: Room
    needs: frozenset[Role] = frozenset()
    lets_enrol: bool = False
    lets_change_password: bool = False
    must_be_fresh: bool = False

    @property
    def roles(self) -> frozenset[Role]:
        return self.needs

    async def __call__(self, request: Request) -> Me:
        me = await self.room.me(request)
        if me.signed_in.has_given_password and not self.lets_change_password:
            raise PasswordGiven
        if self.room.installation.asks_two_factors and not self.lets_enrol and not has_two_factors(me.signed_in.proved_by):
            raise FactorMissing
        if not me.holds(self.needs):
            raise AnotherRolesRoom(f"this room is for {', '.join(sorted(role.value.replace('_', ' ') for role in self.needs))}")
        if self.must_be_fresh and not me.is_fresh:
            raise ProofTooOld
        return me


@dataclass(frozen=True, eq=False)
class OwnForm(StaffOnly):
    """The same, by a form that was rendered for this very session and sent from a page of ours. Raises ForeignForm too."""

    withstands_foreign_pages: ClassVar[bool] = True

    async def __call__(self, request: Request) -> Me:
        me = await super().__call__(request)
        self.room.check_origin(request)
        given = request.headers.get("x-form-token") or str((await request.form()).get("token", ""))
        if not hmac.compare_digest(given.encode(), self.room.form_token(me).encode()):
            raise ForeignForm("this form is from another session; open the page again")
        return me


@dataclass(frozen=True, eq=False)
class StrangersForm(Guard):
    """Anybody's form, from a page of ours: the way in. Raises ForeignForm."""

    who: ClassVar[str] = "anybody"
    withstands_foreign_pages: ClassVar[bool] = True
    room: Room

    async def __call__(self, request: Request) -> None:
        self.room.check_origin(request)
