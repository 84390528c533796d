"""`bedrock keys`: a key of its own for each trust zone, so that a process needs no more than it is."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli import console, run
from api.settings import Settings
from atlas.principal import Zone
from atlas.zone_keys import for_zone

keys = typer.Typer(no_args_is_help=True, help="Keys of the trust zones.")


@keys.callback()
def group() -> None:
    """Keys of the trust zones."""


def add_keys(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command("write")
def write(
    zone: Annotated[Zone, typer.Argument(help="Which zone's.")],
    file: Annotated[Path, typer.Option("--to", help="A new file that only its owner reads; name it in BEDROCK_ZONE_KEY of that process.")],
) -> None:
    """Write the key of one zone. A process that has it, and not the installation's secret, can be that zone and no other."""

    async def work() -> None:
        for_zone(zone, Settings().secret).written(file)

    run(work)
    console.print(f"{file} holds the key of the zone {zone.value}: whoever reads it can be that zone and no other.")
