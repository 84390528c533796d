"""`bedrock radius serve|add|bngs|doubts`: FreeRADIUS on Atlas, and the BNGs that may ask it."""

import ipaddress
import secrets
from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

import typer
from pydantic import SecretStr
from rich.table import Table
from rich.text import Text

from api.bootstrap import configure_logging
from api.cli import Json, console, opened, printed_json, run
from api.radius.rendering import checked_secret
from api.radius.serving import serve_radius
from api.serve import database, until_stopped
from api.settings import Settings
from atlas.cmdb.reads import device_named, nases
from atlas.cmdb.records.plant import DeviceKind
from atlas.cmdb.records.sessions import Nas
from atlas.errors import InvalidField, NotFound
from atlas.nms.reads import port_doubts
from atlas.nms.records import PortDoubt
from atlas.principal import Zone, executor
from forge.sessions import share_secret

COA_PORT = 3799
INTERIM_S = 300

radius = typer.Typer(no_args_is_help=True, help="FreeRADIUS on Atlas, and the BNGs that may ask it.")


def add_radius(app: typer.Typer) -> None:
    app.add_typer(radius, name="radius")


@radius.command()
def serve() -> None:
    """Run FreeRADIUS on Atlas alone, until Ctrl-C; `bedrock serve` does so as a part of the platform."""
    run(served)


async def served() -> None:
    settings = Settings()
    configure_logging("console")
    async with database(settings) as url, serve_radius(settings.model_copy(update={"database_url": SecretStr(url)})) as addresses:
        console.print(f"FreeRADIUS: {addresses['radius']}. Ctrl-C stops it.", highlight=False)
        await until_stopped()


@radius.command()
def add(
    name: Annotated[str, typer.Argument(help="The BNG, as the inventory names it.")],
    address: Annotated[str, typer.Option(help="Where its requests come from, and where it takes CoA.")],
    secret: Annotated[str, typer.Option(help="What you share with it; made and shown once where you give none.", prompt=False)] = "",
    coa_port: Annotated[int, typer.Option(help="Where it takes CoA and Disconnect.", min=1, max=65535)] = COA_PORT,
    interim: Annotated[int, typer.Option(help="Seconds between its reports of a session.", min=60, max=86400)] = INTERIM_S,
) -> None:
    """Let a BNG ask. FreeRADIUS knows it a second later; done again, what was known is replaced."""

    async def work() -> str:
        shared = checked_secret(secret or secrets.token_urlsafe(24))
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            device = await device_named(conn, name)
            if device is None:
                raise NotFound("device", name)
            if device.kind is not DeviceKind.BNG:
                raise InvalidField("name", f"{name} is a {device.kind.value}, not a BNG")
            await share_secret(conn, here.settings.secret, device.device_id, checked_address(address), coa_port, shared, interim)
        return shared

    shared = run(work)
    told = "" if secret else f" Its secret, shown this once: {shared}"
    console.print(f"{name} may ask from {address}.{told}", highlight=False)


@radius.command()
def bngs(as_json: Json = False) -> None:
    """The BNGs that may ask, without their secrets."""

    async def work() -> list[Nas]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await nases(conn)

    found = run(work)
    if as_json:
        printed_json([{"name": one.name, "address": one.address, "coa_port": one.coa_port, "interim_s": one.interim_s} for one in found])
        return
    table = Table("BNG", "Address", "CoA port", "Interim")
    for one in found:
        table.add_row(one.name, one.address, str(one.coa_port), f"{one.interim_s} s")
    console.print(table)


@radius.command()
def doubts(as_json: Json = False) -> None:
    """Ports at which boxes asked within a week and that do not fit: refused for want of a line or a number, or another line's box."""

    async def work() -> list[PortDoubt]:
        async with opened(Settings(), (Zone.EXECUTOR,)) as here, here.atlas.transaction(executor("cli")) as conn:
            return await port_doubts(conn, timedelta(days=7))

    found = run(work)
    if as_json:
        printed_json([asdict(one) for one in found])
        return
    table = Table("BNG", "Circuit", "Remote", "Box", "Why", "Times", "Last")
    for one in found:
        # What an access node said is no markup.
        said = (Text(one.circuit_id), Text(one.remote_id), Text(one.station))
        table.add_row(one.bng, *said, one.reason.replace("_", " "), f"{one.times:,}", f"{one.last_seen_at:%Y-%m-%d %H:%M}")
    console.print(table)


def checked_address(address: str) -> str:
    """Raises InvalidField."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise InvalidField("address", "one IPv4 or IPv6 address") from None
