"""Signing in by another house (OpenID Connect): authorization code with PKCE, state and nonce; the account is found by its subject."""

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from authlib.oidc.discovery import get_well_known_url
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from atlas.connection import Atlas
from atlas.errors import AtlasError
from atlas.identity import StaffId
from atlas.staff import reads, writes
from atlas.staff.records import Purpose
from forge.sign_in.limits import DOOR
from forge.sign_in.passwords import SignInRefused
from forge.sign_in.relying_party import RelyingParty
from forge.sign_in.sealing import opened, seal
from forge.sign_in.sessions import Token

CALLBACK: Final = "/sign-in/elsewhere/back"
# Only signatures with a public key: with a shared secret our own client secret would forge them, and `none` is nobody's.
ALGORITHMS: Final = ["RS256", "PS256", "ES256", "EdDSA"]
# The other house answers soon or the person signs in another way.
DEADLINE_S: Final = 10.0
CLOCKS_APART_S: Final = 60
SEALED_FOR: Final = "another house"
# RFC 8176: what the other house may have asked for beside a password.
BESIDE_A_PASSWORD: Final = frozenset({"otp", "hwk", "swk", "fpt", "face", "pin"})


def asked_more_than_one(methods: Iterable[str]) -> bool:
    """Whether `amr` says that several factors were asked for: `mfa`, or a password and something beside it."""
    named = set(methods)
    return "mfa" in named or ("pwd" in named and bool(BESIDE_A_PASSWORD & named))


class HouseUnreachable(AtlasError):
    """The other house does not answer, or not in the way of OpenID Connect; another way in is still open."""

    def __init__(self, issuer: str, why: str) -> None:
        super().__init__(f"{issuer} cannot be asked who you are: {why}")
        self.issuer = issuer


class NotLinked(SignInRefused):
    """The other house knows who this is; here nobody said whose account that would be."""

    def __init__(self) -> None:
        super().__init__("that account is not linked to anybody who works here; an administrator links it")


@dataclass(frozen=True)
class House:
    """Another house that says who somebody is. `transport`: another way to it than the network, for one that runs in this process."""

    issuer: str
    client_id: str
    client_secret: str
    name: str
    transport: httpx2.AsyncBaseTransport | None = None

    def client(self, here: RelyingParty) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client_id,
            self.client_secret,
            scope="openid",
            redirect_uri=here.origin + CALLBACK,
            code_challenge_method="S256",
            transport=self.transport,
            timeout=DEADLINE_S,
            follow_redirects=False,
        )


@dataclass(frozen=True)
class Sent:
    """Where the browser goes, and the token that recognises it when it comes back."""

    token: Token
    url: str


@dataclass(frozen=True)
class Vouched:
    """Who the other house says this is, and whether it asked for more than a password."""

    staff_id: StaffId
    has_many_factors: bool


async def send(atlas: Atlas, here: RelyingParty, house: House, to: str) -> Sent:
    """Raises HouseUnreachable."""
    token, verifier, nonce = Token.new(), secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    async with house.client(here) as client:
        known = await _metadata(client, house)
        url, state = client.create_authorization_url(known["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    kept = json.dumps({"verifier": verifier, "nonce": nonce, "state": state, "to": to}).encode()
    async with atlas.transaction(DOOR) as conn:
        await writes.begin_proof(conn, token.fingerprint, Purpose.OIDC, None, seal(atlas.secret, SEALED_FOR, kept))
    return Sent(token, url)


async def back(atlas: Atlas, here: RelyingParty, house: House, token: Token, answer: Mapping[str, str]) -> tuple[Vouched, str]:
    """Who came back, and where they wanted to go. Raises SignInRefused, NotLinked and HouseUnreachable."""
    async with atlas.transaction(DOOR) as conn:
        begun = await writes.take_proof(conn, token.fingerprint, Purpose.OIDC)
    if begun is None:
        raise SignInRefused("that way back has lapsed; begin again")
    kept = json.loads(opened(atlas.secret, SEALED_FOR, begun.sealed))
    is_ours = secrets.compare_digest(answer.get("state", "").encode(), kept["state"].encode())
    # RFC 9207: a code of one house is never redeemed at another's.
    if not is_ours or "code" not in answer or answer.get("iss", house.issuer) != house.issuer:
        raise SignInRefused("the other house did not let you in")
    claims = await _claims(here, house, answer["code"], kept["verifier"], kept["nonce"])
    async with atlas.transaction(DOOR) as conn:
        staff_id = await reads.staff_of_outside_account(conn, house.issuer, claims["sub"])
    if staff_id is None:
        raise NotLinked
    return Vouched(staff_id, asked_more_than_one(claims.get("amr") or ())), kept["to"]


async def _claims(here: RelyingParty, house: House, code: str, verifier: str, nonce: str) -> dict[str, Any]:
    """What the other house's signed word says of whoever owns the code."""
    async with house.client(here) as client:
        known = await _metadata(client, house)
        try:
            answered = await client.fetch_token(known["token_endpoint"], grant_type="authorization_code", code=code, code_verifier=verifier)
            keys = KeySet.import_key_set(await _fetched(client, known["jwks_uri"]))
            token = jwt.decode(answered["id_token"], keys, algorithms=ALGORITHMS)
            options = {"iss": {"essential": True, "value": house.issuer}, "aud": {"essential": True, "value": house.client_id}}
            claims = CodeIDToken(
                token.claims,
                token.header,
                options,
                {"nonce": nonce, "client_id": house.client_id, "access_token": answered["access_token"]},
            )
            claims.validate(leeway=CLOCKS_APART_S)
        except httpx2.HTTPError as error:
            raise HouseUnreachable(house.issuer, type(error).__name__) from None
        except (OAuthError, JoseError, KeyError, ValueError, TypeError):
            raise SignInRefused("the other house did not let you in") from None
    return dict(token.claims)


async def _metadata(client: AsyncOAuth2Client, house: House) -> dict[str, str]:
    """Where the other house does what, by its own word, under its own name. Raises HouseUnreachable."""
    try:
        found = await _fetched(client, get_well_known_url(house.issuer, external=True))
    except (httpx2.HTTPError, ValueError) as error:
        raise HouseUnreachable(house.issuer, type(error).__name__) from None
    if not isinstance(found, dict) or found.get("issuer") != house.issuer:
        raise HouseUnreachable(house.issuer, "it gives another name")
    ends = {name: str(found.get(name, "")) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    if not all(is_safe(end) for end in ends.values()):
        raise HouseUnreachable(house.issuer, "it does not say where it does what")
    return ends


def is_safe(url: str) -> bool:
    """Whether a code or a key may travel there: over TLS, or on this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


async def _fetched(client: AsyncOAuth2Client, url: str) -> Any:
    return (await client.request("GET", url, withhold_token=True)).raise_for_status().json()
