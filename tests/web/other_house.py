"""Another house that says who somebody is (OpenID Connect Core, discovery, PKCE): a small honest server that tests can bend."""

import base64
import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

ISSUER = "https://id.elsewhere.test"
CLIENT, SECRET = "bedrock", "a secret between the two houses"


@dataclass
class OtherHouse:
    """`claims` are put over the honest ones; `signs_with` is another key than the published one where a test bends that."""

    subject: str = "sub-7"
    claims: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, parameters={"kid": "k1", "use": "sig", "alg": "RS256"}))
    signs_with: Any = None
    algorithm: str = "RS256"
    name: str = ISSUER
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def transport(self) -> httpx2.ASGITransport:
        return httpx2.ASGITransport(self.app())

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/keys", self.keys),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
            ]
        )

    async def discovery(self, _: Request) -> Response:
        ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return JSONResponse({"issuer": self.name, **{end: ISSUER + path for end, path in ends.items()}})

    async def keys(self, _: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def authorize(self, request: Request) -> Response:
        """Signs the person in without asking, and sends the browser back with a code."""
        return RedirectResponse(self.authorized(str(request.url)), 302)

    def authorized(self, url: str) -> str:
        """Where a browser that came to `url` is sent back to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return asked["redirect_uri"] + "?" + urlencode({"code": code, "state": asked["state"], "iss": ISSUER})

    async def token(self, request: Request) -> Response:
        form = await request.form()
        asked = self.codes.pop(str(form.get("code")), None)
        if asked is None or not self._is_client(request) or not self._proves(str(form.get("code_verifier")), asked):
            return JSONResponse({"error": "invalid_grant"}, 400)
        if form.get("redirect_uri", asked["redirect_uri"]) != asked["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "unused", "token_type": "Bearer", "expires_in": 60, "id_token": self._id_token(asked)})

    def _is_client(self, request: Request) -> bool:
        given = base64.b64encode(f"{CLIENT}:{SECRET}".replace(" ", "%20").encode()).decode()
        plain = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        return request.headers.get("authorization") in (f"Basic {given}", f"Basic {plain}")

    def _proves(self, verifier: str, asked: dict[str, str]) -> bool:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return secrets.compare_digest(challenge, asked["code_challenge"])

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        honest = {"iss": ISSUER, "sub": self.subject, "aud": CLIENT, "exp": now + 60, "iat": now, "nonce": asked["nonce"]}
        claims = {name: value for name, value in {**honest, **self.claims}.items() if value is not None}
        header = {"alg": self.algorithm, "kid": "k1"}
        return jwt.encode(header, claims, self.signs_with or self.key, algorithms=[self.algorithm])
