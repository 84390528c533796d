"""A caller, and Twilio between them and us: rings, opens the relay's socket as Twilio does, speaks, presses keys, breaks in, and hears."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from xml.etree import ElementTree  # what is read was written by us

import httpx
from websockets.asyncio.client import ClientConnection, connect

from evals.inbound.twilio import ACCOUNT, Hook, Twilio

VOICE: Final = "/webhooks/twilio/voice"
# As long as Twilio waits for an answer of ours.
PATIENCE_S: Final = 15.0
# Between two frames of one answer; longer is silence.
SILENCE_S: Final = 1.0


@dataclass
class Telephone:
    """`base` is where the house listens on this machine; `twilio` signs for the address it is known by."""

    base: str
    twilio: Twilio
    number: str = "+447700900101"
    call_id: str = field(init=False)

    def __post_init__(self) -> None:
        self.call_id = self.twilio.new_id("CA")

    async def posts(self, path: str = "", query: str = "", **fields: str) -> httpx.Response:
        """What Twilio posts about this call."""
        known = {"CallSid": self.call_id, "AccountSid": ACCOUNT, "From": self.number, "To": "+447700900000", "Direction": "inbound"}
        call = self.twilio.call(Hook(VOICE + path, tuple({**known, **fields}.items()), query))
        headers = {"content-type": call.content_type.decode(), "x-twilio-signature": call.signatures[0].decode()}
        async with httpx.AsyncClient(base_url=self.base, timeout=PATIENCE_S) as client:
            return await client.post(VOICE + path + (f"?{query}" if query else ""), content=call.body, headers=headers)

    async def rings(self) -> ElementTree.Element:
        """What we tell Twilio to do with the call."""
        answered = await self.posts(CallStatus="ringing")
        answered.raise_for_status()
        return ElementTree.fromstring(answered.text)  # noqa: S314 - see above

    @asynccontextmanager
    async def relayed(self, **changed: str) -> AsyncIterator["Line"]:
        """The socket, set up. `changed`: what of the set-up another would write."""
        path = f"{VOICE}/relay"
        address = "ws" + self.twilio.public_url.removeprefix("http") + path
        mac = hmac.new(self.twilio.key.encode(), address.encode(), hashlib.sha1).digest()
        headers = {"x-twilio-signature": base64.b64encode(mac).decode()}
        async with connect("ws" + self.base.removeprefix("http") + path, additional_headers=headers) as socket:
            line = Line(socket)
            known = {"sessionId": self.twilio.new_id("VX"), "accountSid": ACCOUNT, "callSid": self.call_id, "from": self.number}
            await line.sends("setup", **{**known, "direction": "inbound", "callType": "PSTN", "customParameters": {}, **changed})
            yield line


@dataclass
class Line:
    """An open relay. `frames` keeps everything that we sent on it."""

    socket: ClientConnection
    frames: list[dict[str, Any]] = field(default_factory=list)

    async def sends(self, kind: str, **fields: Any) -> None:
        await self.socket.send(json.dumps({"type": kind, **fields}))

    async def says(self, words: str, language: str = "en-GB") -> str:
        """What is heard after these words."""
        await self.sends("prompt", voicePrompt=words, lang=language, last=True)
        return await self.hears()

    async def presses(self, keys: str) -> None:
        for key in keys:
            await self.sends("dtmf", digit=key)

    async def breaks_in(self, heard: str) -> None:
        await self.sends("interrupt", utteranceUntilInterrupt=heard, durationUntilInterruptMs=460)

    async def next(self, within_s: float = 20.0) -> dict[str, Any]:
        """Raises TimeoutError; ConnectionClosed where we hung up."""
        async with asyncio.timeout(within_s):
            frame: dict[str, Any] = json.loads(await self.socket.recv())
        self.frames.append(frame)
        return frame

    async def hears(self, within_s: float = 20.0) -> str:
        """The next whole answer: from its first token to the last of it."""
        said: list[str] = []
        while True:
            frame = await self.next(within_s)
            if frame["type"] != "text":
                if frame["type"] == "end":
                    return " ".join(said)
                continue
            said.append(frame["token"])
            if frame["last"]:
                return " ".join(said)
