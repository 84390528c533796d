"""`bedrock import configs`: what devices are configured as, out of a folder that Oxidized or RANCID fills."""

import asyncio
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from api.cli import Json, console, imports, opened, printed_json, run
from api.inbound.configs import ConfigTaken, configs_read, import_configs
from api.settings import Settings
from atlas.principal import Zone


def add_configs() -> None:
    imports.command("configs")(configs)


def configs(
    folder: Annotated[Path, typer.Argument(help="A file for each device, named as the device is.", exists=True, file_okay=False)],
    as_json: Json = False,
) -> None:
    """Keep what each device is configured as, where it is another than before. Exit 1 where a file was not taken."""

    async def work() -> list[ConfigTaken]:
        files = await asyncio.to_thread(configs_read, folder)
        async with opened(Settings(), (Zone.EXECUTOR,)) as here:
            return await import_configs(here.atlas, files, here.forge.now())

    taken = run(work)
    wrong = [one for one in taken if one.became == "wrong"]
    if as_json:
        printed_json([asdict(one) for one in taken])
    else:
        console.print(", ".join(f"{count:,} {became}" for became, count in Counter(one.became for one in taken).items()) or "No file.")
        if wrong:
            table = Table("Device", "Why")
            for one in wrong:
                table.add_row(one.device, one.why)
            console.print(table)
    if wrong:
        raise typer.Exit(1)
