"""FreeRADIUS' configuration, written from ours into a folder of its own, where nobody else can read it."""

import grp
import os
import pwd
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from psycopg import conninfo

from atlas.cmdb.records.sessions import Nas
from atlas.errors import InvalidField
from forge.sign_in.sealing import opened

HERE: Final = Path(__file__).parent
TEMPLATE: Final = HERE / "radiusd.conf"
PLACE: Final = re.compile(r"@([a-z_]+)@")
# What stands between quotes in clients.conf as it is; FreeRADIUS would expand or unescape anything else.
SECRET: Final = re.compile(r"[A-Za-z0-9._~+/=-]{16,128}", re.ASCII)
# Debian's packages make this login; without it the server stays who we are.
LOGIN: Final = "freerad"


@dataclass(frozen=True)
class Listening:
    """Where and how FreeRADIUS is to run. `database`: of the login bedrock_radius; `threads` are also its connections to Atlas."""

    host: str
    auth_port: int
    acct_port: int
    database: str
    threads: int = 8
    reject_delay_s: float = 1.0
    template: Path = TEMPLATE


def checked_secret(secret: str) -> str:
    """A secret that a BNG and we share, as both can be told it. Raises InvalidField."""
    if not SECRET.fullmatch(secret):
        raise InvalidField("secret", "16 to 128 letters, digits and . _ ~ + / = -")
    return secret


def rendered(folder: Path, listening: Listening, clients: Sequence[Nas], installation: bytes) -> None:
    """Writes the whole configuration into `folder`, readable by the server's own login alone. Raises SealBroken."""
    database = conninfo.conninfo_to_dict(listening.database)
    login = server_login(str(database.get("host") or ""))
    words = {
        "libdir": libdir(),
        "folder": str(folder),
        "user": f"user = {login.pw_name}\n\tgroup = {grp.getgrgid(login.pw_gid).gr_name}" if login else "",
        "host": listening.host,
        "auth_port": str(listening.auth_port),
        "acct_port": str(listening.acct_port),
        "database": reached(database, folder),
        "threads": str(listening.threads),
        "reject_delay": str(listening.reject_delay_s),
    }
    files = {
        "radiusd.conf": filled(listening.template.read_text(), words),
        "access_reject": (HERE / "access_reject.conf").read_text(),
        "clients.conf": "".join(client(one, installation) for one in clients),
        "dictionary": "",
        "password": f"*:*:*:*:{database['password']}\n",
    }
    for name, text in files.items():
        _written(folder / name, text, login)
    if login:
        os.chown(folder, login.pw_uid, login.pw_gid)


def reached(database: Mapping[str, Any], folder: Path) -> str:
    """The way to Atlas without the password, which FreeRADIUS would write into its log: that lies in a file beside."""
    rest = {name: value for name, value in database.items() if name != "password"}
    return conninfo.make_conninfo(
        **{**rest, "passfile": str(folder / "password"), "application_name": "bedrock-radius", "connect_timeout": 5}
    )


def filled(template: str, words: Mapping[str, str]) -> str:
    """Every `@word@` of the template replaced; a word that is not given is an error of ours."""
    return PLACE.sub(lambda found: words[found[1]], template)


def client(nas: Nas, installation: bytes) -> str:
    """One BNG, named by its number in the inventory. Without Message-Authenticator its requests could be forged (CVE-2024-3596)."""
    secret = checked_secret(opened(installation, nas.seal_purpose, nas.sealed_secret).decode())
    return (
        f"client nas_{nas.device_id} {{\n\tipaddr = {nas.address}\n\tsecret = '{secret}'\n\tshortname = {nas.device_id}\n"
        "\trequire_message_authenticator = yes\n}\n"
    )


def server_login(database_host: str) -> pwd.struct_passwd | None:
    """Who the server becomes where we are root; None where it stays who we are.

    The embedded PostgreSQL has its socket in its own folder, which only its user may enter: then it must be that one.
    """
    if os.geteuid() != 0:
        return None
    sockets = Path(database_host)
    if database_host.startswith("/") and sockets.is_dir() and not sockets.stat().st_mode & 0o001:
        return pwd.getpwuid(sockets.stat().st_uid)
    try:
        return pwd.getpwnam(LOGIN)
    except KeyError:
        return None


def libdir() -> str:
    """Where the distribution keeps the server's modules."""
    usual = (Path("/usr/lib/freeradius"), Path("/usr/lib64/freeradius"), Path("/usr/local/lib/freeradius"))
    return str(next((folder for folder in usual if folder.is_dir()), usual[0]))


def _written(path: Path, text: str, login: pwd.struct_passwd | None) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
    if login:
        os.chown(path, login.pw_uid, login.pw_gid)
