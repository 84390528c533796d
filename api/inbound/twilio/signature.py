"""Pure: did Twilio send this? Decided on the fixed public address and the raw octets, before anything of them is believed.

https://www.twilio.com/docs/usage/security: HMAC-SHA-1 under the account's key of the address called, followed by each form field's name and
value, sorted. Of any other body only the address is signed, and in it the body's SHA-256.
"""

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit, urlunsplit

FORM: Final = b"application/x-www-form-urlencoded"
JSON: Final = b"application/json"
HASH_FIELD: Final = b"bodySHA256"
# Base64 of the twenty octets of SHA-1.
SIGNATURE_LENGTH: Final = 28
MOST_FIELDS: Final = 256
DEFAULT_PORT: Final = {"https": 443, "http": 80}

Fields = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Call:
    """One call as it came over the wire: nothing decoded. `signatures` holds every header of that name, for one more is one too many."""

    path: bytes
    query: bytes
    content_type: bytes
    signatures: tuple[bytes, ...]
    body: bytes


class Unreadable(ValueError):
    """A form that no browser and no Twilio writes."""


@dataclass(frozen=True)
class Verifier:
    """`public_url` is what Twilio was told to call, up to where our own path begins; `keys` are the account's, two while one is rotated."""

    public_url: str
    keys: tuple[bytes, ...]

    def is_genuine(self, call: Call) -> bool:
        """Whether one of the keys signed exactly this. What is missing or odd is not genuine, and never an error."""
        signed = signed_part(call)
        if signed is None or len(call.signatures) != 1 or len(call.signatures[0]) != SIGNATURE_LENGTH:
            return False
        given = call.signatures[0]
        # All are tried, so that the time taken says nothing of which one it was.
        matches = [hmac.compare_digest(signature(key, address + signed), given) for key in self.keys for address in self._addresses(call)]
        return any(matches)

    def _addresses(self, call: Call) -> list[bytes]:
        """The address called, with and without its port: Twilio is not consistent in which of the two it signs."""
        rest = call.path + (b"?" + call.query if call.query else b"")
        return [base.encode() + rest for base in port_variants(self.public_url.rstrip("/"))]


def signature(key: bytes, text: bytes) -> bytes:
    return base64.b64encode(hmac.new(key, text, hashlib.sha1).digest())


def signed_part(call: Call) -> bytes | None:
    """What is signed of the body: a form's fields, or nothing where the address carries the hash of JSON; None where neither holds."""
    kind = media_type(call.content_type)
    claimed = [value for name, _, value in (part.partition(b"=") for part in call.query.split(b"&")) if name == HASH_FIELD]
    if claimed:
        body_hash = hashlib.sha256(call.body).hexdigest().encode()
        is_whole = kind == JSON and len(claimed) == 1 and hmac.compare_digest(body_hash, claimed[0])
        return b"" if is_whole else None
    if kind != FORM:
        return None
    try:
        fields = form_fields(call.body)
    except Unreadable:
        return None
    return b"".join(name + value for name, value in sorted(set(fields)))


def media_type(content_type: bytes) -> bytes:
    return content_type.partition(b";")[0].strip().lower()


def form_fields(body: bytes) -> Fields:
    """The fields of a form, decoded, in its order. Raises Unreadable."""
    if not body:
        return ()
    parts = body.split(b"&")
    # A field without a name would add nothing to what is signed.
    if len(parts) > MOST_FIELDS or any(part.find(b"=") < 1 for part in parts):
        raise Unreadable
    return tuple((_decoded(name), _decoded(value)) for name, _, value in (part.partition(b"=") for part in parts))


def _decoded(text: bytes) -> bytes:
    if any(octet <= 32 or octet >= 127 for octet in text):
        raise Unreadable
    return unquote_to_bytes(text.replace(b"+", b" "))


def port_variants(address: str) -> list[str]:
    """An address as it was given, without its port, and with it: `https://[::1]/x` is also `https://[::1]:443/x`."""
    parts = urlsplit(address)
    host = parts.netloc
    bare = host if parts.port is None else host[: host.rindex(":")]
    port = parts.port or DEFAULT_PORT.get(parts.scheme)
    # Of a web socket's address Twilio never signs a port.
    hosts = [bare] if parts.scheme in ("ws", "wss") else [host, bare, f"{bare}:{port}"]
    return [urlunsplit(parts._replace(netloc=one)) for one in dict.fromkeys(hosts)]
