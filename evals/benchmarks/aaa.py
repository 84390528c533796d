"""`aaa`: logins and accounting reports a second through real FreeRADIUS on Atlas, beside the same server with no Atlas."""

import asyncio
import re
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from psycopg import AsyncConnection

from api.radius.rendering import TEMPLATE, Listening
from api.radius.serving import RadiusMissing, Server, program, radius_running
from api.serve import database
from api.settings import Settings
from atlas.connection import Atlas, zone_url
from atlas.errors import AtlasError
from atlas.principal import Zone
from evals.bench import Conditions, Row
from evals.world.seed import seed
from forge.sign_in.sealing import seal

LINES: Final = 4000
SHARED: Final = "a-secret-of-the-bench-bng"
AT_ONCE: Final = 64
ROUNDS: Final = 3
THREADS: Final = 8


class Unanswered(AtlasError):
    """Some requests of a measurement had no answer, or another than they should have: the figure would say nothing."""


async def run(conditions: Conditions) -> Sequence[Row]:
    """Raises RadiusMissing where FreeRADIUS or radclient is not installed."""
    if program() is None or shutil.which("radclient") is None:
        raise RadiusMissing
    settings = Settings(home=conditions.home / "aaa")
    async with database(settings) as url:
        await _arranged(url, settings)
        async with Atlas.open(url, settings.secret, (Zone.EXECUTOR,), most=2) as atlas:
            listening = Listening("127.0.0.1", 0, 0, zone_url(url, Zone.RADIUS, settings.secret), threads=THREADS)
            conditions.home.mkdir(parents=True, exist_ok=True)
            bare = conditions.home / "answers_in_a_file.conf"
            bare.write_text(without_atlas(TEMPLATE.read_text()))
            floor = await _measured(atlas, Listening(**{**vars(listening), "template": bare}), conditions.home)
            figures = await _measured(atlas, listening, conditions.home)
    floor_is = "the same server, its answers in its configuration"
    return [
        Row("aaa", name, "per s", sorted(took)[ROUNDS // 2], None, sorted(floor[name])[ROUNDS // 2], floor_is, "")
        for name, took in figures.items()
    ]


def without_atlas(template: str) -> str:
    """The configuration that accepts every login and acknowledges every report by itself."""
    known = '\t\tupdate control {\n\t\t\t&Cleartext-Password := "bedrock-demo"\n\t\t}\n\t\tpap\n'
    text = template.replace("\t\tsql\n\t\tpap\n", known).replace("\t\tsql\n\t\tif (noop", "\t\tok\n\t\tif (noop")
    text = text.replace("modules {\n", "modules {\n\talways ok {\n\t\trcode = ok\n\t}\n", 1)
    return re.sub(r'"%\{sql:SELECT radius\.standing.*?\}"\n', '"welcome"\n', text)


async def _arranged(url: str, settings: Settings) -> None:
    await asyncio.to_thread(lambda: seed(url, subscribers=LINES, now=datetime.now(UTC)))
    async with await AsyncConnection.connect(url, autocommit=True) as owner:
        await owner.execute("UPDATE cmdb.credential SET secret = 'bedrock-demo', simultaneous_use = 100")
        found = await (await owner.execute("SELECT min(id) FROM cmdb.device WHERE kind = 'bng'")).fetchone()
        device = found[0] if found else 0
        sealed = seal(settings.secret, f"nas:{device}", SHARED.encode())
        await owner.execute(
            "INSERT INTO cmdb.nas (device_id, address, sealed_secret) VALUES (%s, '127.0.0.1', %s) ON CONFLICT (device_id) DO UPDATE"
            " SET sealed_secret = excluded.sealed_secret",
            (device, sealed),
        )


async def _measured(atlas: Atlas, listening: Listening, home: Path) -> dict[str, list[float]]:
    """Each kind of request, some rounds by turns: requests a second."""
    figures: dict[str, list[float]] = {"logins (PAP)": [], "interim reports": []}
    async with radius_running(atlas, listening) as server:
        for turn in range(ROUNDS):
            logins = [
                f'User-Name = "line{line}@harbour.invalid"\nUser-Password = "bedrock-demo"\nMessage-Authenticator = 0x00\n'
                for line in _live()
            ]
            figures["logins (PAP)"].append(await _rate(server, "auth", logins, home))
            reports = [_interim(line, turn) for line in _live()]
            figures["interim reports"].append(await _rate(server, "acct", reports, home))
    return figures


def _live() -> range:
    return range(1, LINES + 1)


def _interim(line: int, turn: int) -> str:
    said = {"Acct-Status-Type": "Interim-Update", "User-Name": f'"line{line}@harbour.invalid"', "Acct-Session-Id": f'"{line:08X}"'}
    counted = {"Acct-Input-Octets": 1000 * turn, "Acct-Output-Octets": 9000 * turn, "Acct-Session-Time": 300 * turn}
    return "".join(f"{name} = {value}\n" for name, value in {**said, **counted}.items())


async def _rate(server: Server, kind: str, requests: list[str], home: Path) -> float:
    """Requests a second, `AT_ONCE` of them under way. Raises Unanswered unless every one was answered."""
    file = home / f"{kind}.txt"
    file.write_text("\n".join(requests))
    port = server.listening.auth_port if kind == "auth" else server.listening.acct_port
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        "radclient", "-q", "-s", "-f", str(file), "-p", str(AT_ONCE), "-r", "2", "-t", "5", f"127.0.0.1:{port}", kind, SHARED,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    seconds = time.perf_counter() - began
    lost = re.search(rb"Lost\s*:\s*(\d+)", said)
    if lost is None or int(lost[1]):
        raise Unanswered(f"{kind}: {said.decode(errors='replace')[-200:]}")
    return len(requests) / seconds
