"""`bedrock standby start|status|promote`: a second server that has every acknowledged write, and takes over."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.bootstrap import configure_logging
from api.cli import Json, console, printed_json, run
from api.serve import until_stopped
from api.settings import Settings
from atlas import embedded
from atlas.keeper import kept
from atlas.migrate import migrate
from atlas.node import Node, NodeFailed
from atlas.standby import Pair, PairRefused, fail_over, keeping, make_pair, pair_of, pair_running

commands = typer.Typer(no_args_is_help=True, help="A second server that has every acknowledged write, and takes over.")


@commands.command()
def start() -> None:
    """Give this installation's database a standby if it has none, run both, and keep them until Ctrl-C."""
    run(lambda: started(Settings()))


async def started(settings: Settings) -> None:
    configure_logging(settings.log_format)
    async with AsyncExitStack() as stack:
        if not await stack.enter_async_context(keeping(settings.home)):
            raise PairRefused("somebody keeps this pair already")
        pair = pair_of(settings.home) or await made(settings)
        pair = await stack.enter_async_context(pair_running(pair, settings.secret))
        await stack.enter_async_context(kept(pair, settings.secret))
        console.print(f"{addressed(pair.primary)} is primary, {addressed(pair.standby)} its standby.", highlight=False)
        console.print("`bedrock serve` finds both by itself. Ctrl-C stops them.")
        await until_stopped()


async def made(settings: Settings) -> Pair:
    """A pair out of the single server, which is migrated first."""
    server = embedded.start(settings.home)
    try:
        migrate(server.url, settings.secret)
    finally:
        server.stop()
    return await make_pair(settings.home, settings.secret)


def addressed(node: Node) -> str:
    return f"{node.name} ({node.host}:{node.port})"


def known_pair(home: Path) -> Pair:
    """Raises PairRefused where there is a single server."""
    pair = pair_of(home.resolve())
    if pair is None:
        raise PairRefused(f"{home} has no standby; `bedrock standby start` gives it one")
    return pair


@commands.command()
def status(as_json: Json = False) -> None:
    """Who is primary, in which term, and whether every acknowledged write is on both; exit 1 where it is not."""
    settings = Settings()
    told = run(lambda: status_of(known_pair(settings.home), settings.secret))
    if as_json:
        printed_json(told)
    else:
        for name, value in told.items():
            console.print(f"  {name.replace('_', ' '):<16} {value}", highlight=False)
    if not told["is_synchronous"]:
        raise typer.Exit(1)


async def status_of(pair: Pair, secret: bytes) -> dict[str, Any]:
    told: dict[str, Any] = {"term": pair.term, "primary": addressed(pair.primary), "standby": addressed(pair.standby)}
    told["is_synchronous"] = pair.is_synchronous
    for role, node in (("primary", pair.primary), ("standby", pair.standby)):
        try:
            state = await node.state(secret)
            told[f"{role}_is"] = "following" if state.is_standby else f"writing, {state.streaming} following"
        except NodeFailed as failed:
            told[f"{role}_is"] = str(failed)
    return told


@commands.command()
def promote(
    accept_loss: Annotated[bool, typer.Option("--accept-loss", help="Though the standby may lack acknowledged writes.")] = False,
) -> None:
    """Fence the primary and let the standby take over. The keeper of the pair takes the fenced one back as standby."""
    settings = Settings()
    turned = run(lambda: fail_over(known_pair(settings.home), settings.secret, accept_loss=accept_loss))
    console.print(f"{addressed(turned.primary)} is primary in term {turned.term}; {addressed(turned.standby)} is fenced.", highlight=False)


def add_standby(app: typer.Typer) -> None:
    app.add_typer(commands, name="standby")
