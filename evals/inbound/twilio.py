"""Twilio's side of the wire: the calls it makes to us, signed as it signs them."""

import base64
import hashlib
import hmac
import random
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlencode

from api.inbound.twilio.signature import FORM, Call

ACCOUNT: Final = "AC" + "0" * 32
HEX: Final = "0123456789abcdef"
SAID: Final = (
    "Hi",
    "My internet is dead",
    "Why is my bill higher this month?",
    "¿Por qué mi factura es más alta?",
    "मेरा बिल ज़्यादा क्यों है?",
    "A + B = 100% & more; /path?x=1#y",
    "😀👍🏽 emoji",
    "line one\nline two\r\nline three",
    "From mum: To you, Body language",
    "",
    "STOP",
)


@dataclass(frozen=True)
class Hook:
    """A call of Twilio's before it is signed. `fields` in the order in which they are written."""

    path: str
    fields: tuple[tuple[str, str], ...]
    query: str = ""
    is_json: bool = False

    @property
    def provider_id(self) -> str:
        return dict(self.fields)["MessageSid"]

    def with_field(self, name: str, value: str) -> "Hook":
        """The same with one field of another value, or one more."""
        kept = [(one, value if one == name else was) for one, was in self.fields]
        return replace(self, fields=tuple(kept if name in dict(self.fields) else [*kept, (name, value)]))


@dataclass(frozen=True)
class Twilio:
    """An account with its key, which was told to call `public_url`."""

    public_url: str
    key: str
    rng: random.Random = field(default_factory=random.Random)

    def new_id(self, kind: str = "SM") -> str:
        return kind + "".join(self.rng.choices(HEX, k=32))

    def call(self, hook: Hook) -> Call:
        """The signed call, as it leaves Twilio. Of JSON the address carries the body's hash."""
        if hook.is_json:
            body = ("{" + ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in hook.fields) + "}").encode()
            query = "&".join(part for part in (hook.query, "bodySHA256=" + hashlib.sha256(body).hexdigest()) if part)
            signed = ""
        else:
            body = urlencode(hook.fields).encode()
            query = hook.query
            signed = "".join(name + value for name, value in sorted(hook.fields))
        address = self.public_url + hook.path + (f"?{query}" if query else "")
        mac = hmac.new(self.key.encode(), (address + signed).encode(), hashlib.sha1).digest()
        kind = b"application/json" if hook.is_json else FORM + b"; charset=UTF-8"
        return Call(hook.path.encode(), query.encode(), kind, (base64.b64encode(mac),), body)

    def message(self, sender: str = "+447700900101", words: str | None = None, path: str = "/webhooks/twilio/messages") -> Hook:
        """What Twilio posts when somebody wrote; over WhatsApp with the name they gave themselves there, now and then with a picture."""
        rng = self.rng
        is_whatsapp = sender.startswith("whatsapp:")
        provider_id = self.new_id("MM" if rng.random() < 0.1 else "SM")
        pictures = rng.randint(1, 2) if rng.random() < 0.1 else 0
        fields = {
            "ToCountry": "GB",
            "SmsMessageSid": provider_id,
            "NumMedia": str(pictures),
            "SmsSid": provider_id,
            "SmsStatus": "received",
            "Body": rng.choice(SAID) if words is None else words,
            "To": ("whatsapp:" if is_whatsapp else "") + "+447700900000",
            "NumSegments": "1",
            "MessageSid": provider_id,
            "AccountSid": ACCOUNT,
            "From": sender,
            "ApiVersion": "2010-04-01",
        }
        if is_whatsapp:
            fields |= {"ProfileName": "Maya <b>T.</b> & Co", "WaId": sender.removeprefix("whatsapp:+")}
        for at in range(pictures):
            fields |= {f"MediaUrl{at}": f"https://api.twilio.com/Media/ME{at}", f"MediaContentType{at}": "image/jpeg"}
        return Hook(path, tuple(fields.items()))

    def status(self, provider_id: str, status: str, error: str = "", path: str = "/webhooks/twilio/status") -> Hook:
        """What Twilio posts when one of our messages has come further."""
        fields = {"SmsSid": provider_id, "SmsStatus": status, "MessageStatus": status, "To": "+447700900101", "MessageSid": provider_id}
        fields |= {"AccountSid": ACCOUNT, "From": "+447700900000", "ApiVersion": "2010-04-01"}
        if error:
            fields["ErrorCode"] = error
        return Hook(path, tuple(fields.items()))


def quoted(text: str) -> str:
    """A JSON string."""
    escapes = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}
    return '"' + "".join(escapes.get(letter, letter) for letter in text) + '"'
