"""Whether Twilio sent it: recorded signatures, two keys, and what is missing or odd."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from api.inbound.twilio.signature import FORM, Call, Verifier, port_variants
from evals.inbound.twilio import Twilio

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "messaging" / "webhook_signatures.json"
BASE = "https://isp.example/bedrock"
KEY = b"12345"


def recorded() -> list[dict[str, Any]]:
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED} is not here: recorded signatures are not compared")
    return list(json.loads(RECORDED.read_text()))


def as_call(case: dict[str, Any]) -> tuple[Verifier, Call]:
    address = urlsplit(case["url"])
    base = f"{address.scheme}://{address.netloc}"
    is_raw = case.get("body") is not None
    body = case["body"].encode() if is_raw else urlencode([tuple(pair) for pair in case["params"] or ()]).encode()
    kind = b"application/json" if is_raw else FORM
    call = Call(address.path.encode(), address.query.encode(), kind, (case["signature"].encode(),), body)
    return Verifier(base, (case["auth_token"].encode(),)), call


def test_recorded_signatures_are_believed_where_they_are_valid_and_nowhere_else() -> None:
    wrong = []
    for case in recorded():
        verifier, call = as_call(case)
        if verifier.is_genuine(call) is not case["valid"]:
            wrong.append((case["id"], case["note"]))

    assert wrong == []


def genuine(**changed: Any) -> Call:
    call = Twilio(BASE, KEY.decode()).call(Twilio(BASE, KEY.decode()).message())
    return Call(**{**vars(call), **changed})


def test_what_twilio_signed_is_genuine() -> None:
    assert Verifier(BASE, (KEY,)).is_genuine(genuine())


def test_while_a_key_is_rotated_both_are_good_and_no_third() -> None:
    call = genuine()

    assert Verifier(BASE, (b"the next one", KEY)).is_genuine(call)
    assert Verifier(BASE, (KEY, b"the next one")).is_genuine(call)
    assert not Verifier(BASE, (b"the next one", b"another")).is_genuine(call)


def test_without_a_key_nothing_is_genuine() -> None:
    assert not Verifier(BASE, ()).is_genuine(genuine())


ODD = {
    "none": (),
    "empty": (b"",),
    "two of them": (genuine().signatures[0], genuine().signatures[0]),
    "cut short": (b"RSOYDt4T1cUTdK1PDd93",),
    "not base64": (b"\xff" * 28,),
    "of another call": (b"RSOYDt4T1cUTdK1PDd93/VVr8B8=",),
}


@pytest.mark.parametrize("signatures", ODD.values(), ids=ODD)
def test_a_missing_or_odd_signature_is_not_genuine(signatures: tuple[bytes, ...]) -> None:
    assert not Verifier(BASE, (KEY,)).is_genuine(genuine(signatures=signatures))


BODIES = {
    "no pair": b"Body",
    "a stray ampersand": b"Body=x&",
    "a control character": b"Body=x\x00",
    "raw UTF-8": "Body=ü".encode(),
    "too many fields": b"&".join(b"a=b" for _ in range(300)),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_form_that_nobody_writes_is_not_genuine(body: bytes) -> None:
    assert not Verifier(BASE, (KEY,)).is_genuine(genuine(body=body))


def test_a_field_without_a_name_that_adds_nothing_to_what_was_signed_is_not_genuine() -> None:
    call = genuine()

    assert not Verifier(BASE, (KEY,)).is_genuine(genuine(body=call.body + b"&=", signatures=call.signatures))


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"multipart/form-data", b"application/json"])
def test_a_body_whose_fields_are_not_signed_needs_its_hash_in_the_address(kind: bytes) -> None:
    assert not Verifier(BASE, (KEY,)).is_genuine(genuine(content_type=kind))


def test_a_json_body_is_believed_only_with_its_hash_in_the_signed_address() -> None:
    twilio = Twilio(BASE, KEY.decode())
    hook = twilio.message()
    call = twilio.call(type(hook)(hook.path, hook.fields, is_json=True))
    changed = call.body.replace(b"0900101", b"0900102")

    verifier = Verifier(BASE, (KEY,))
    assert verifier.is_genuine(call)
    assert not verifier.is_genuine(Call(call.path, call.query, call.content_type, call.signatures, changed))
    rehashed = b"bodySHA256=" + hashlib.sha256(changed).hexdigest().encode()
    assert not verifier.is_genuine(Call(call.path, rehashed, call.content_type, call.signatures, changed))
    assert not verifier.is_genuine(Call(call.path, call.query + b"&" + rehashed, call.content_type, call.signatures, changed))


@pytest.mark.parametrize(
    ("address", "variants"),
    [
        ("https://isp.example", ["https://isp.example", "https://isp.example:443"]),
        ("https://isp.example:8443/x", ["https://isp.example:8443/x", "https://isp.example/x"]),
        ("http://[2001:db8::1]", ["http://[2001:db8::1]", "http://[2001:db8::1]:80"]),
        ("http://[2001:db8::1]:8080", ["http://[2001:db8::1]:8080", "http://[2001:db8::1]"]),
        ("wss://isp.example:443", ["wss://isp.example"]),
    ],
)
def test_an_address_is_also_itself_with_and_without_its_port(address: str, variants: list[str]) -> None:
    assert port_variants(address) == variants
