"""A genuine call changed in one thing: its address, fields, body, header or key. What an attacker would try who saw one on its way."""

import base64
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import parse_qsl, urlencode

from api.inbound.twilio.signature import Call
from evals.inbound.twilio import Hook, Twilio

PRINTABLE: Final = (string.ascii_letters + string.digits + "+/=-_.~ ").encode()
TOKENS: Final = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Mutant:
    """`kind` is what was changed, as in `fields: boundary moved`."""

    kind: str
    call: Call


Change = Callable[[random.Random, Twilio, Hook, Call], Call]


def mutant(rng: random.Random, twilio: Twilio, hook: Hook, genuine: Call) -> Mutant:
    """One change, by chance; never one that means the same as the genuine call."""
    while True:
        kind = rng.choice(OF_JSON if hook.is_json else KINDS)
        changed = CHANGES[kind](rng, twilio, hook, genuine)
        if meaning(changed) != meaning(genuine):
            return Mutant(kind, changed)


def meaning(call: Call) -> tuple[object, ...]:
    """What a call says: a form's fields in any order and any spelling of their letters are the same fields."""
    is_form = b"form" in call.content_type
    said = tuple(sorted(parse_qsl(call.body.decode("latin-1"), keep_blank_values=True))) if is_form else call.body
    return call.path, call.query, call.content_type.partition(b";")[0].strip().lower(), call.signatures, said


def _one_octet(rng: random.Random, text: bytes) -> bytes:
    at = rng.randrange(len(text) + 1)
    return text[:at] + bytes([rng.choice(PRINTABLE)]) + text[at + rng.randint(0, 1) :]


def _fields(call: Call) -> list[tuple[str, str]]:
    return parse_qsl(call.body.decode(), keep_blank_values=True)


def _written(call: Call, fields: list[tuple[str, str]]) -> Call:
    return replace(call, body=urlencode(fields).encode())


def _value(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    fields = _fields(call)
    at = rng.randrange(len(fields))
    name, value = fields[at]
    fields[at] = (name, _one_octet(rng, value.encode()).decode(errors="replace"))
    return _written(call, fields)


def _dropped(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    fields = _fields(call)
    fields.pop(rng.randrange(len(fields)))
    return _written(call, fields)


def _added(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    name = rng.choice(("From", "Body", "MessageSid", "AccountSid", "Extra", "NumMedia"))
    return _written(call, [*_fields(call), (name, "".join(rng.choices(TOKENS, k=5)))])


def _swapped(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    fields = _fields(call)
    one, other = rng.sample(range(len(fields)), 2)
    fields[one], fields[other] = (fields[one][0], fields[other][1]), (fields[other][0], fields[one][1])
    return _written(call, fields)


def _boundary(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    """Where one field ends and the next begins is not signed: only their letters are, in order."""
    fields = sorted(_fields(call))
    at = rng.randrange(len(fields) - 1)
    (name, value), (following, rest) = fields[at], fields[at + 1]
    shift = rng.randint(1, len(following))
    merged = [(name, value + following + rest)] if rng.random() < 0.3 else [(name, value + following[:shift]), (following[shift:], rest)]
    return _written(call, [*fields[:at], *merged, *fields[at + 2 :]])


def _other_message(_: random.Random, twilio: Twilio, __: Hook, call: Call) -> Call:
    """The signature of this call under another message."""
    other = twilio.call(twilio.message())
    return replace(other, signatures=call.signatures)


def _path(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    odd = (b"/webhooks/twilio/status", call.path + b"/", call.path + b"//", b"/." + call.path, call.path.upper(), b"/x/.." + call.path)
    return replace(call, path=rng.choice((*odd, b"/" + _one_octet(rng, call.path[1:]).replace(b" ", b"+"))))


def _query(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    return replace(call, query=_one_octet(rng, call.query + b"&a=1").replace(b" ", b"+"))


def _octet_of_body(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    at = rng.randrange(len(call.body))
    return replace(call, body=call.body[:at] + bytes([rng.randrange(256)]) + call.body[at + 1 :])


def _cut_body(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    return replace(call, body=call.body[: rng.randrange(len(call.body))])


def _longer_body(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    return replace(call, body=call.body + b"&" + bytes(rng.choices(PRINTABLE, k=rng.randint(1, 40))))


def _as_json(_: random.Random, __: Twilio, hook: Hook, call: Call) -> Call:
    """The same fields as JSON, whose body the signature does not cover."""
    body = twilio_json(hook)
    return replace(call, content_type=b"application/json", body=body)


def twilio_json(hook: Hook) -> bytes:
    return Twilio("", "").call(replace(hook, is_json=True)).body


def _content_type(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    return replace(call, content_type=rng.choice((b"", b"text/plain", b"multipart/form-data; boundary=x", b"application/json")))


def _signature_octet(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    (signed,) = call.signatures
    at = rng.randrange(len(signed))
    return replace(call, signatures=(signed[:at] + bytes([rng.choice(PRINTABLE)]) + signed[at + 1 :],))


def _odd_signature(rng: random.Random, _: Twilio, __: Hook, call: Call) -> Call:
    (signed,) = call.signatures
    raw = base64.b64decode(signed)
    odd = (
        (),
        (b"",),
        (signed, signed),
        (signed[:-1],),
        (signed + b"=",),
        (signed.swapcase(),),
        (raw.hex().encode(),),
        (b"\xff\xfe" + signed[2:],),
        (signed[::-1],),
    )
    return replace(call, signatures=rng.choice(odd))


def _other_key(rng: random.Random, twilio: Twilio, hook: Hook, _: Call) -> Call:
    key = twilio.key
    others = ("", key[:-1], key + " ", key.swapcase(), key[::-1], "".join(rng.choices(TOKENS, k=32)))
    return replace(twilio, key=rng.choice(others)).call(hook)


def _other_site(rng: random.Random, twilio: Twilio, hook: Hook, _: Call) -> Call:
    """Signed with the right key, for another address than ours."""
    others = ("https://evil.example", twilio.public_url + ".evil.example", twilio.public_url + "/x", "http://127.0.0.1")
    return replace(twilio, public_url=rng.choice(others)).call(hook)


BOUNDARY: Final = "fields: boundary moved"
CHANGES: Final[dict[str, Change]] = {
    "address: path": _path,
    "address: query": _query,
    "address: another site's": _other_site,
    "fields: a value": _value,
    "fields: one left out": _dropped,
    "fields: one more": _added,
    "fields: two swapped": _swapped,
    BOUNDARY: _boundary,
    "fields: another message's": _other_message,
    "body: an octet": _octet_of_body,
    "body: cut": _cut_body,
    "body: longer": _longer_body,
    "body: as JSON": _as_json,
    "header: content type": _content_type,
    "header: signature, an octet": _signature_octet,
    "header: signature, odd": _odd_signature,
    "key: another": _other_key,
}
KINDS: Final = tuple(CHANGES)
# A JSON body has no fields to move about: every octet of it is in its hash.
OF_JSON: Final = tuple(kind for kind in KINDS if not kind.startswith("fields") and kind != "body: as JSON")
