"""A BNG as FreeRADIUS sees it: radclient for what it asks and reports, and a port of its own for CoA and Disconnect."""

import asyncio
from dataclasses import dataclass
from typing import Final

from api.radius.serving import Server

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
        "3",
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
