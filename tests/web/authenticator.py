"""A security key in software, to the letter of WebAuthn level 2: makes keys and signs challenges, as honestly or oddly as a test wants."""

import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

PRESENT, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """`origin` is where its browser believes to be; `unlocks`: its owner shows finger, face or PIN."""

    origin: str
    unlocks: bool = True
    sign_count: int = 0
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def made(self, options: dict[str, Any]) -> str:
        """The answer to `navigator.credentials.create`."""
        client = self._client("webauthn.create", options["challenge"])
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._authenticator(options["rp"]["id"], with_key=True)}
        return self._answer(client, attestationObject=bytes_to_base64url(cbor2.dumps(attestation)))

    def shown(self, options: dict[str, Any], rp_id: str | None = None) -> str:
        """The answer to `navigator.credentials.get`."""
        self.sign_count += 1
        client = self._client("webauthn.get", options["challenge"])
        authenticator = self._authenticator(rp_id or options["rpId"], with_key=False)
        signature = self.key.sign(authenticator + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer(client, authenticatorData=bytes_to_base64url(authenticator), signature=bytes_to_base64url(signature))

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _authenticator(self, rp_id: str, *, with_key: bool) -> bytes:
        flags = PRESENT | (VERIFIED if self.unlocks else 0) | (HAS_KEY if with_key else 0)
        head = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")
        return head + (self._attested() if with_key else b"")

    def _attested(self) -> bytes:
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        return bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose

    def _answer(self, client: bytes, **response: str) -> str:
        named = bytes_to_base64url(self.credential_id)
        return json.dumps(
            {"id": named, "rawId": named, "type": "public-key", "response": {"clientDataJSON": bytes_to_base64url(client), **response}}
        )


def challenge_of(options: dict[str, Any]) -> bytes:
    return base64url_to_bytes(options["challenge"])
