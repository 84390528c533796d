"""`bedrock sbom`: what this build is made of."""

import json
from pathlib import Path
from typing import Annotated

import typer

from api.bill_of_materials import of_this_build
from api.cli import console


def add_sbom(app: typer.Typer) -> None:
    app.command("sbom")(sbom)


def sbom(
    file: Annotated[Path | None, typer.Argument(help="Where it is written; standard output, without.")] = None,
) -> None:
    """The software bill of materials of this build: CycloneDX JSON, each package with its hashes."""
    bill = of_this_build()
    written = json.dumps(bill, indent=1)
    if file is None:
        typer.echo(written)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(written + "\n")
    console.print(f"{len(bill['components'])} packages in {file}.", highlight=False)
