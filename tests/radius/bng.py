"""A BNG as FreeRADIUS sees it: radclient for what it asks and reports, and a port of its own for CoA and Disconnect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, cast

from pyrad.packet import CoANAK, CoAPacket, DisconnectNAK, DisconnectRequest

from api.radius.serving import Server
from forge.outside.radius import dictionary

SHARED: Final = "a-secret-of-bng-1-and-us"


@dataclass(frozen=True)
class Answered:
    """`kind`: Access-Accept, Access-Reject, Accounting-Response, or nothing where none came."""

    kind: str
    attributes: dict[str, str]


async def ask(server: Server, kind: str, secret: str = SHARED, **attributes: str) -> Answered:
    """One packet by radclient: `auth` or `acct`; underscores in names stand for hyphens."""
    port = server.listening.auth_port if kind == "auth" else server.listening.acct_port
    lines = "\n".join(f'{name.replace("_", "-")} = "{value}"' for name, value in attributes.items())
    process = await asyncio.create_subprocess_exec(
        "radclient",
        "-x",
        "-r",
        "1",
        "-t",
        "1",
        f"{server.listening.host}:{port}",
        kind,
        secret,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate(lines.encode())
    return parsed(said.decode())


def parsed(said: str) -> Answered:
    """What radclient -x printed after `Received`."""
    _, received, after = said.partition("Received ")
    kind, *rest = after.splitlines() if received else [""]
    pairs = (line.strip().partition(" = ") for line in rest if " = " in line)
    return Answered(kind.partition(" ")[0], {name: value.strip('"') for name, _, value in pairs})


async def sign_in(server: Server, username: str, password: str, method: str = "User_Password", **more: str) -> Answered:
    """A PPPoE login by PAP (User_Password), CHAP (CHAP_Password) or MS-CHAP (MS_CHAP_Password)."""
    asked = {"User_Name": username, method: password, "Framed_Protocol": "PPP", "Message_Authenticator": "0x00", **more}
    return await ask(server, "auth", **asked)


async def report(server: Server, status: str, session: str = "", **more: str) -> Answered:
    named = {"Acct_Session_Id": session} if session else {}
    return await ask(server, "acct", Acct_Status_Type=status, **named, **more)


@dataclass
class CoaPort(asyncio.DatagramProtocol):
    """Where a BNG takes CoA and Disconnect: answers as told (`ack`, `silent`, or the number of an Error-Cause)."""

    answer: str = "ack"
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    @property
    def port(self) -> int:
        assert self.transport is not None, "asked for once open"
        return int(self.transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        request = CoAPacket(packet=data, secret=SHARED.encode(), dict=dictionary())
        if not request.VerifyCoARequest() or not request.verify_message_authenticator():
            return
        kind = "disconnect" if request.code == DisconnectRequest else "coa"
        self.asked.append((kind, {str(name): request[name][0] for name in request.keys() if name != "Message-Authenticator"}))  # noqa: SIM118 - a packet iterates over numbers
        if self.answer == "silent":
            return
        reply = request.CreateReply()
        if self.answer != "ack":
            reply.code = DisconnectNAK if kind == "disconnect" else CoANAK
            reply["Error-Cause"] = int(self.answer)
        assert self.transport is not None, "it received something"
        self.transport.sendto(reply.ReplyPacket(), addr)


@asynccontextmanager
async def coa_port(answer: str = "ack") -> AsyncIterator[CoaPort]:
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(lambda: CoaPort(answer), local_addr=("127.0.0.1", 0))
    try:
        yield protocol
    finally:
        transport.close()
